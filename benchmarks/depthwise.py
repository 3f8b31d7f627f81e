"""Ways to compute a depthwise 3x3 convolution with Paddle, timed: `depthwise.py`; nothing beats Paddle's own on a CPU.

The shapes are MoveNet Lightning's at strides 4, 8 and 16 with 8 images. `OMP_NUM_THREADS` sets the threads.
"""

import argparse
import time
from collections.abc import Callable

import paddle
import paddle.nn.functional as F
from paddle import Tensor

SHAPES = ((8, 96, 48, 48), (8, 192, 24, 24), (8, 576, 12, 12))
ROUNDS = 5
GROUP = 8  # channels that `blocks` computes at once


def paddles_own(x: Tensor, weight: Tensor) -> Tensor:
    """As the models have it."""
    return F.conv2d(x, weight, padding=1, groups=x.shape[1])


def nine_shifts(x: Tensor, weight: Tensor) -> Tensor:
    """A sum of nine moved copies, each times its weight."""
    _, _, height, width = x.shape
    padded = F.pad(x, [1, 1, 1, 1])
    places = ((row, column) for row in range(3) for column in range(3))
    return sum(
        padded[:, :, row : row + height, column : column + width]
        * weight[:, 0, row, column].reshape([1, -1, 1, 1])
        for row, column in places
    )


def unfolded(x: Tensor, weight: Tensor) -> Tensor:
    """Nine columns for every cell, and a matrix product for every channel."""
    count, channels, height, width = x.shape
    columns = F.unfold(x, 3, paddings=1).reshape([count, channels, 9, height * width])
    return paddle.matmul(weight.reshape([1, channels, 1, 9]), columns).reshape(x.shape)


def blocks(x: Tensor, weight: Tensor) -> Tensor:
    """Dense convolutions of eight channels each, whose other weights are 0."""
    channels, eye = x.shape[1], paddle.eye(GROUP).reshape([1, GROUP, GROUP, 1, 1])
    dense = (weight.reshape([channels // GROUP, 1, GROUP, 3, 3]) * eye).reshape(
        [channels, GROUP, 3, 3]
    )
    return F.conv2d(x, dense, padding=1, groups=channels // GROUP)


def milliseconds(
    way: Callable[[Tensor, Tensor], Tensor], x: Tensor, weight: Tensor, backward: bool
) -> float:
    """Returns the shortest of some runs, after one that warms up."""
    times = []
    for _ in range(1 + ROUNDS):
        begun = time.perf_counter()
        with paddle.set_grad_enabled(backward):
            answer = way(x, weight)
        if backward:
            answer.sum().backward()
        times.append(1000 * (time.perf_counter() - begun))
    return min(times[1:])


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    return argparse.ArgumentParser(description=__doc__)


def main() -> None:
    """Prints a row for each way and shape: milliseconds forward, and forward with backward."""
    build_parser().parse_args()
    print(f"{'shape':20} {'way':14} {'forward':>9} {'+ backward':>11}  largest difference")
    for shape in SHAPES:
        x, weight = paddle.rand(shape), paddle.rand([shape[1], 1, 3, 3])
        x.stop_gradient = weight.stop_gradient = False
        expected = paddles_own(x, weight)
        for way in (paddles_own, nine_shifts, unfolded, blocks):
            forward, both = (milliseconds(way, x, weight, backward) for backward in (False, True))
            difference = float((way(x, weight) - expected).abs().max())
            print(
                f"{shape!s:20} {way.__name__:14} {forward:6.1f} ms {both:8.1f} ms  {difference:.0e}"
            )


if __name__ == "__main__":
    main()
