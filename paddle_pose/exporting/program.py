"""Writes a network as a program of Paddle's: what runs without this package, and what ONNX is made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import paddle
from paddle import Tensor, nn
from paddle.static import InputSpec

INPUT = "image"


class InOrder(nn.Layer):  # type: ignore[misc]  # mypy sees Paddle as Any
    """A network whose named maps come back as a tuple: a program sorts a dict by its names.

    Args:
        network: Answers a dict of maps.
        names: Their order.
    """

    def __init__(self, network: nn.Layer, names: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.names = tuple(names)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Returns the maps of images [N, H, W, 3]."""
        outputs = self.network(image)
        return tuple([outputs[name] for name in self.names])


def save_program(
    network: nn.Layer, names: Sequence[str], input_size: tuple[int, int], path: Path
) -> None:
    """Writes `<name>.json` and `<name>.pdiparams` for batches of any size.

    Args:
        network: in inference mode.
        names: of its outputs, in the order of the program's.
        input_size: (width, height) in px.
        path: of the .json file.
    """
    width, height = input_size
    spec = InputSpec([None, height, width, 3], "uint8", INPUT)
    paddle.jit.save(InOrder(network, names), str(path.with_suffix("")), input_spec=[spec])
