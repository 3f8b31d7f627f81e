"""Writes a network as a Paddle program, which runs without this package or is converted to ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import paddle
from paddle import Tensor, nn
from paddle.static import InputSpec

INPUT = "image"
"""Name of the input of exported files."""


class InOrder(nn.Layer):  # type: ignore[misc]  # mypy sees Paddle as Any
    """A network that returns its maps as a tuple, since a program would sort a dict by name.

    Args:
        network: Network that returns {name: map [N, ...]} for uint8 RGB [N, H, W, 3].
        names: Names of the maps in the order of the tuple; other maps are left out.
    """

    def __init__(self, network: nn.Layer, names: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.names = tuple(names)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Returns the maps of images, each [N, ...], in the order of `names`.

        Args:
            image: uint8 RGB [N, H, W, 3].
        """
        outputs = self.network(image)
        return tuple([outputs[name] for name in self.names])


def save_program(
    network: nn.Layer, names: Sequence[str], input_size: tuple[int, int], path: Path
) -> None:
    """Writes a network as a Paddle program for batches of any size.

    Args:
        network: Network in inference mode that returns {name: [N, ...]} for uint8 RGB [N, H, W, 3].
        names: Names of the outputs that the program returns, in this order.
        input_size: (width, height) of the input in px.
        path: Path of the .json file with the operations; the weights are in the .pdiparams file of
            the same name beside it. Existing files are replaced.
    """
    width, height = input_size
    spec = InputSpec([None, height, width, 3], "uint8", INPUT)
    paddle.jit.save(InOrder(network, names), str(path.with_suffix("")), input_spec=[spec])
