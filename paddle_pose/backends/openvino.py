"""An OpenVINO file (.xml with its .bin) as a backend; ONNX files open here as well."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.backends.base import check_device, check_input
from paddle_pose.environment import argument, needed, threads_to_use
from paddle_pose.errors import InputError


class OpenVinoBackend:
    """Looks at images with OpenVINO.

    Attributes:
        outputs: names of the maps, in the file's order.
        place: where it computes, to show.
    """

    def __init__(self, path: Path, device: str = "auto", threads: int | None = None) -> None:
        """Opens a file.

        Args:
            path: the .xml file; its .bin is beside it.
            device: "cpu", "gpu" (Intel's), or "auto": the CPU.
            threads: to compute with on the CPU; None as `environment.threads_to_use`.

        Raises:
            MissingDependencyError: If OpenVINO is not installed.
            InputError: If the file is not a network with one uint8 [N, H, W, 3] input, or the device is not there.
        """
        check_device(device, threads)
        openvino = needed("openvino", "openvino>=2024.0", "export")
        core = openvino.Core()
        name = {"auto": "CPU"}.get(device, device.upper().replace(":", "."))
        if name.split(".")[0] not in {there.split(".")[0] for there in core.available_devices}:
            raise InputError(
                f"{argument('--device')} {device}, but OpenVINO finds {', '.join(core.available_devices)} here"
            )
        threads = threads or threads_to_use()
        # Processors with bfloat16 would otherwise compute in it: half a pixel, and other numbers on every machine.
        settings: dict[str, object] = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        if name == "CPU":
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            model = core.read_model(str(path))
        except RuntimeError as problem:
            raise InputError(f"{path}: OpenVINO cannot open it ({problem})") from problem
        shape = [
            size.get_length() if size.is_static else None for size in model.inputs[0].partial_shape
        ]
        check_input(path, shape, model.inputs[0].element_type.to_string().replace("u8", "uint8"))

        @cache  # compiled for one image it is up to a half faster than for any number, and either may be all that is needed
        def compiled(single: bool) -> Any:
            graph = model.clone()
            if single:
                graph.reshape([1, *shape[1:]])
            try:
                return core.compile_model(graph, name, settings)
            except RuntimeError as problem:
                raise InputError(f"{path}: OpenVINO cannot compile it ({problem})") from problem

        self._compiled = compiled
        self.outputs = [output.any_name for output in model.outputs]
        self.device = (
            f"{name.lower()}, OpenVINO {openvino.__version__.split('-')[0]}, threads {threads}"
        )

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the maps of uint8 images [N, H, W, 3]."""
        answers = self._compiled(len(images) == 1)([images])
        return {
            name: np.array(answers[name]) for name in self.outputs
        }  # OpenVINO uses its memory again
