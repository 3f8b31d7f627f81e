"""Backends that run a network object or an exported program with Paddle, and Paddle's device.

The code for GPUs follows Paddle's documented API; this project has not measured it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import paddle
from paddle import inference

from paddle_pose.backends.base import check_device, check_input
from paddle_pose.backends.metadata import has_checked_files, metadata_path, read_metadata
from paddle_pose.environment import argument, command, threads_to_use
from paddle_pose.errors import InputError
from paddle_pose.io import isolated

_MEMORY_FACTOR = 8  # memory that a program may need, in multiples of its parameters,
_MEMORY_SPARE = 2 * 10**9  # and bytes in addition
_SECONDS = 300.0
_SIDE = 256  # px of an input side whose length is not fixed


def set_device(name: str, threads: int | None = None) -> str:
    """Sets the device of Paddle and its number of threads.

    Args:
        name: Device: "cpu", "gpu", "gpu:1", or "auto" for the GPU if there is one, else the CPU.
        threads: Number of threads on the CPU; None does not change it.

    Returns:
        The device and Paddle's version, for messages.

    Raises:
        InputError: If the device is not available.
    """
    check_device(name, threads)
    if name == "auto":
        gpus = paddle.device.is_compiled_with_cuda() and paddle.device.cuda.device_count() > 0
        name = "gpu" if gpus else "cpu"
    if name.startswith("gpu") and not paddle.device.is_compiled_with_cuda():
        flag = argument("--device")
        raise InputError(
            f"{flag} {name}, but the installed Paddle computes on the CPU only; install"
            f" paddlepaddle-gpu as described in docs/install.md, or use {flag} cpu"
        )
    paddle.device.set_device(name)
    if threads is not None:
        paddle.base.core.set_num_threads(threads)
    return f"{name}, Paddle {paddle.__version__}"


def available() -> tuple[str, tuple[str, ...]]:
    """Returns Paddle's version and the names of the GPUs that it can use."""
    count = paddle.device.cuda.device_count() if paddle.device.is_compiled_with_cuda() else 0
    return paddle.__version__, tuple(
        paddle.device.cuda.get_device_name(index) for index in range(count)
    )


Run = Callable[[paddle.nn.Layer, paddle.Tensor], Mapping[str, paddle.Tensor]]
"""Function (network, uint8 RGB images [N, H, W, 3]) -> {name: outputs [N, ...]}."""


class PaddleBackend:
    """Runs a Paddle network in inference mode, and restores its mode after every call.

    Args:
        model: Network that returns {name: outputs [N, ...]} for uint8 RGB images [N, H, W, 3].
        run: Function (model, images) -> outputs, such as `Precision.run` for a network that is
            being trained in mixed precision; None calls `model` itself.
    """

    def __init__(self, model: paddle.nn.Layer, run: Run | None = None) -> None:
        self._model = model
        self._run = run or _call

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns {name: array [N, ...] float32} with the names that `outputs` lists.

        Args:
            images: uint8 RGB [N, H, W, 3]; N is free, H and W are those of the export.
        """
        training = self._model.training
        self._model.eval()
        try:
            with paddle.no_grad():
                outputs = self._run(self._model, paddle.to_tensor(images))
        finally:
            if training:
                self._model.train()
        return {name: maps.numpy() for name, maps in outputs.items()}


def _call(model: paddle.nn.Layer, images: paddle.Tensor) -> Mapping[str, paddle.Tensor]:
    """Returns the maps of a network in the precision of its weights."""
    maps: Mapping[str, paddle.Tensor] = model(images)
    return maps


def run_once(path: Path, limit: int, shape: list[int]) -> isolated.Result:
    """Runs a program for one black image, so that a damaged one ends the child process only.

    Args:
        path: Path of the .json file.
        limit: Bytes that may be allocated.
        shape: Axes of the input without N: [H, W, 3].
    """
    isolated.limit_memory(limit)
    config = inference.Config(str(path), str(path.with_suffix(".pdiparams")))
    config.disable_glog_info()
    config.disable_gpu()
    predictor = inference.create_predictor(config)
    handle = predictor.get_input_handle(predictor.get_input_names()[0])
    handle.copy_from_cpu(np.zeros((1, *shape), np.uint8))
    predictor.run()
    return predictor.get_output_names(), {}


class PaddleProgram:
    """Runs an exported program, which is two files: `<name>.json` and `<name>.pdiparams`.

    Neither file contains Python code that would be executed. Files whose checksums the metadata do
    not state are first run in a child process, since a damaged program can crash Paddle.

    Args:
        path: Path of the .json file; the .pdiparams file must be in the same folder.
        device: Device, see `set_device`.
        threads: Number of threads on the CPU; None for `environment.threads_to_use`.

    Attributes:
        outputs: Names of the outputs, in the program's order. They are read from the metadata file
            beside the program, as Paddle does not save them.
        device: Device, Paddle's version and number of threads, for messages.

    Raises:
        FileNotFoundError: If the .pdiparams file does not exist.
        InputError: If the program has no metadata, its input is not uint8 [N, H, W, 3], or the
            device is not available.
    """

    def __init__(self, path: Path, device: str = "auto", threads: int | None = None) -> None:
        metadata = read_metadata(path)
        if metadata is None:
            raise InputError(
                f"{path}: no {metadata_path(path).name} beside it, so "
                f"{argument(command('export'), 'export_model')} did not write it"
            )
        parameters = path.with_suffix(".pdiparams")
        if not parameters.is_file():
            raise FileNotFoundError(f"{parameters}: not found; it belongs to {path}")
        shape = metadata["input"]["shape"]
        check_input(path, shape, metadata["input"]["dtype"])
        check_device(device, threads)
        description = set_device(device)
        threads = threads or threads_to_use()
        if not has_checked_files((path, parameters), metadata):
            isolated.call(
                f"{__name__}:run_once",
                path,
                {"shape": [n if isinstance(n, int) else _SIDE for n in shape[1:]]},
                memory=_MEMORY_FACTOR * parameters.stat().st_size + _MEMORY_SPARE,
                seconds=_SECONDS,
                fix="export it again",
                packages={"paddle": "paddlepaddle>=3"},
            )
        config = inference.Config(str(path), str(parameters))
        config.disable_glog_info()
        if description.startswith("gpu"):
            config.enable_use_gpu(256, int(description.split(",")[0].partition(":")[2] or 0))
        else:
            config.disable_gpu()
            config.set_cpu_math_library_num_threads(threads)
        try:
            self._predictor = inference.create_predictor(config)
        except Exception as problem:  # Paddle raises various classes for a damaged file
            raise InputError(f"{path}: Paddle cannot open it ({problem})") from problem
        self._path = path
        self.outputs = [output["name"] for output in metadata["outputs"]]
        self.device = f"{description} inference, threads {threads}"

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns {name: outputs [N, ...]} for uint8 RGB images [N, H, W, 3].

        Args:
            images: uint8 RGB [N, H, W, 3]; H and W are those of the export.

        Raises:
            InputError: If Paddle cannot run the program.
        """
        predictor = self._predictor
        try:
            predictor.get_input_handle(predictor.get_input_names()[0]).copy_from_cpu(
                np.ascontiguousarray(images)
            )
            predictor.run()
            handles = map(predictor.get_output_handle, predictor.get_output_names())
            maps = [handle.copy_to_cpu() for handle in handles]
        except Exception as problem:  # Paddle raises various classes for a damaged file
            raise InputError(f"{self._path}: Paddle cannot run it ({problem})") from problem
        if len(maps) != len(self.outputs):
            raise InputError(
                f"{self._path}: returns {len(maps)} outputs, but its metadata list"
                f" {', '.join(self.outputs)}; export it again"
            )
        return dict(zip(self.outputs, maps, strict=True))
