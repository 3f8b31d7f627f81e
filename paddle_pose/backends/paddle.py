"""A live Paddle network as a backend, and the choice of its device.

The GPU path follows Paddle's documented API; it has not been measured by this project.
"""

from __future__ import annotations

import numpy as np
import paddle


def set_device(name: str) -> str:
    """Chooses where Paddle computes.

    Args:
        name: "cpu", "gpu", "gpu:1", or "auto": the GPU where there is one.

    Returns:
        The device and Paddle's version, to show.

    Raises:
        ValueError: If the device is not there.
    """
    if name == "auto":
        gpus = paddle.device.is_compiled_with_cuda() and paddle.device.cuda.device_count() > 0
        name = "gpu" if gpus else "cpu"
    if name.startswith("gpu") and not paddle.device.is_compiled_with_cuda():
        raise ValueError(
            f"--device {name}, but the installed Paddle computes on the CPU only; the README says how to "
            "install paddlepaddle-gpu, or use --device cpu"
        )
    paddle.device.set_device(name)
    return f"{name}, Paddle {paddle.__version__}"


def available() -> tuple[str, tuple[str, ...]]:
    """Returns Paddle's version and the names of the GPUs that it can use."""
    count = paddle.device.cuda.device_count() if paddle.device.is_compiled_with_cuda() else 0
    return paddle.__version__, tuple(paddle.device.cuda.get_device_name(index) for index in range(count))


class PaddleBackend:
    """Looks at images with a Paddle network in inference mode."""

    def __init__(self, model: paddle.nn.Layer) -> None:
        """Takes a network that answers a dict of maps; its mode is restored after every call."""
        self._model = model

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the maps of uint8 images [N, H, W, 3]."""
        training = self._model.training
        self._model.eval()
        try:
            with paddle.no_grad():
                outputs = self._model(paddle.to_tensor(images))
        finally:
            if training:
                self._model.train()
        return {name: maps.numpy() for name, maps in outputs.items()}
