"""Backend for OpenVINO files (.xml with a .bin), which can open ONNX files too."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.backends.base import check_device, check_input
from paddle_pose.environment import argument, needed, threads_to_use
from paddle_pose.errors import InputError


class OpenVinoBackend:
    """Runs an exported file with OpenVINO.

    Args:
        path: Path of the .xml file, with its .bin file in the same folder; or of an .onnx file.
        device: Device: "cpu", "gpu" or "gpu:1" (Intel's GPUs), or "auto" for the CPU.
        threads: Number of threads on the CPU; None for `environment.threads_to_use`.

    Attributes:
        outputs: Names of the maps, in the file's order.
        device: Text for messages that names the device, OpenVINO's version and the threads.

    Raises:
        MissingDependencyError: If OpenVINO is not installed.
        InputError: If a file is missing, is not a network whose first input is uint8 [N, H, W, 3],
            or the device is not available.
    """

    def __init__(self, path: Path, device: str = "auto", threads: int | None = None) -> None:
        check_device(device, threads)
        openvino = needed("openvino", "openvino>=2024.0", "export")
        core = openvino.Core()
        name = {"auto": "CPU"}.get(device, device.upper().replace(":", "."))
        if name.split(".")[0] not in {other.split(".")[0] for other in core.available_devices}:
            raise InputError(
                f"{argument('--device')} {device}, but OpenVINO finds only"
                f" {', '.join(core.available_devices)}"
            )
        threads = threads or threads_to_use()
        # Without f32, processors with bfloat16 would use it: keypoints would differ by up to half a
        # pixel, and between machines.
        settings: dict[str, object] = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        if name == "CPU":
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            model = core.read_model(str(path))
            # Names that are not UTF-8 raise an error when they are read.
            self.outputs = [output.any_name for output in model.outputs]
        except (RuntimeError, UnicodeDecodeError) as problem:
            raise InputError(f"{path}: OpenVINO cannot open it ({problem})") from problem
        if not model.inputs or not model.outputs:
            raise InputError(f"{path}: a network without inputs or outputs; export it again")
        shape = [
            size.get_length() if size.is_static else None for size in model.inputs[0].partial_shape
        ]
        check_input(path, shape, model.inputs[0].element_type.to_string().replace("u8", "uint8"))

        # A graph for exactly one image is up to 50 % faster than one for any number of images. Each
        # is compiled when it is first used.
        @cache
        def compiled(single: bool) -> Any:
            graph = model.clone()
            if single:
                graph.reshape([1, *shape[1:]])
            try:
                return core.compile_model(graph, name, settings)
            except RuntimeError as problem:
                raise InputError(f"{path}: OpenVINO cannot compile it ({problem})") from problem

        self._path = path
        self._compiled = compiled
        self.device = (
            f"{name.lower()}, OpenVINO {openvino.__version__.split('-')[0]}, threads {threads}"
        )

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the maps of images by name, each [N, ...], in the order of `outputs`.

        Args:
            images: uint8 RGB [N, H, W, 3]; H and W are those of the file's input.

        Raises:
            InputError: If OpenVINO cannot run the network, or cannot compile it, which the first
                call does.
        """
        try:
            results = self._compiled(len(images) == 1)([images])
        except (RuntimeError, UnicodeDecodeError) as problem:
            raise InputError(f"{self._path}: OpenVINO cannot run it ({problem})") from problem
        # Copied, because OpenVINO reuses the memory of its results.
        return {name: np.array(results[name]) for name in self.outputs}
