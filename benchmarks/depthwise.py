"""Times ways to compute a depthwise 3x3 convolution with Paddle: `depthwise.py`.

On a CPU none is faster than Paddle's own. The shapes are those of MoveNet Lightning at strides 4, 8
and 16 with 8 images. `OMP_NUM_THREADS` sets the number of threads.
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
    """Returns Paddle's grouped convolution, which the models use."""
    return F.conv2d(x, weight, padding=1, groups=x.shape[1])


def nine_shifts(x: Tensor, weight: Tensor) -> Tensor:
    """Returns the sum of nine shifted copies, each multiplied by its weight."""
    _, _, height, width = x.shape
    padded = F.pad(x, [1, 1, 1, 1])
    places = ((row, column) for row in range(3) for column in range(3))
    return sum(
        padded[:, :, row : row + height, column : column + width]
        * weight[:, 0, row, column].reshape([1, -1, 1, 1])
        for row, column in places
    )


def unfolded(x: Tensor, weight: Tensor) -> Tensor:
    """Returns a matrix product for each channel, with the nine neighbours of every cell as rows."""
    count, channels, height, width = x.shape
    columns = F.unfold(x, 3, paddings=1).reshape([count, channels, 9, height * width])
    return paddle.matmul(weight.reshape([1, channels, 1, 9]), columns).reshape(x.shape)


def blocks(x: Tensor, weight: Tensor) -> Tensor:
    """Returns dense convolutions of eight channels each, whose weights between channels are 0."""
    channels = x.shape[1]
    eye = paddle.eye(GROUP).reshape([1, GROUP, GROUP, 1, 1])
    dense = (weight.reshape([channels // GROUP, 1, GROUP, 3, 3]) * eye).reshape(
        [channels, GROUP, 3, 3]
    )
    return F.conv2d(x, dense, padding=1, groups=channels // GROUP)


def milliseconds(
    way: Callable[[Tensor, Tensor], Tensor], x: Tensor, weight: Tensor, backward: bool
) -> float:
    """Returns the shortest time of `ROUNDS` runs in ms, after a first run that is not counted.

    Args:
        way: Function that computes the convolution.
        x: Input [N, C, h, w].
        weight: Weights [C, 1, 3, 3].
        backward: Whether the gradients are computed, too.
    """
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
    """Returns the parser of the flags."""
    return argparse.ArgumentParser(description=__doc__)


def main() -> None:
    """Prints a row for each way and shape: ms of the forward pass, and of forward and backward."""
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
