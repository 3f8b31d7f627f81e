"""Input images for comparing an exported network and for calibrating INT8."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from paddle_pose import geometry
from paddle_pose.codecs.base import Codec
from paddle_pose.data.synthetic.scene import draw_scene
from paddle_pose.geometry import Window
from paddle_pose.io import frames, images

NUM_SYNTHETIC = 16
"""Number of images that `synthetic_inputs` returns."""
_BATCH_SIZE = 8


def read_inputs(
    folder: Path,
    codec: Codec,
    windows_of: Callable[[np.ndarray], Sequence[Window]] | None = None,
    *,
    most: int | None = None,
) -> np.ndarray:
    """Returns windows of the images in a folder, in the size of the network's input.

    Args:
        folder: Folder of images; those in folders below it are included.
        codec: Codec of the network, with one size of the input.
        windows_of: Function from an image, uint8 RGB [h, w, 3], to its windows in image px; None
            takes the whole image, scaled to fit completely, see `Codec.image_window`.
        most: Largest number of windows; they are then those of images drawn at random, always the
            same ones. None takes those of all images, sorted by path.

    Returns:
        uint8 RGB [M, H, W, 3].

    Raises:
        FileNotFoundError: If there is no such folder, or no image in it.
        InputError: If an image cannot be decoded.
    """
    sources = [source for source in frames.find([str(folder)]) if source.kind == "image"]
    if not sources:
        raise FileNotFoundError(
            f"{folder}: contains no image; expected files with {', '.join(images.suffixes())}"
        )
    if most is not None:
        sources = [sources[index] for index in drawn(len(sources), len(sources))]
    size = codec.input_size
    inputs: list[np.ndarray] = []
    for source in sources:
        if len(inputs) == most:
            break
        pixels = next(frames.read(source)).pixels
        image_size = (float(pixels.shape[1]), float(pixels.shape[0]))
        windows = windows_of(pixels) if windows_of else [codec.image_window(image_size)]
        for window in windows[: None if most is None else most - len(inputs)]:
            matrix = window.to_input(size, codec.alignment)
            inputs.append(geometry.warp(pixels, matrix, size, codec.border, by_area=codec.by_area))
    return np.stack(inputs) if inputs else np.zeros((0, size[1], size[0], 3), np.uint8)


def drawn(count: int, most: int) -> list[int]:
    """Returns at most `most` indices below `count` in random order, always the same ones.

    Args:
        count: Number of objects to draw from.
        most: Largest number of indices.

    Example:
        >>> sorted(drawn(3, 8)), drawn(100, 4) == drawn(100, 4)
        ([0, 1, 2], True)
    """
    order: list[int] = np.random.default_rng(0).permutation(count)[:most].tolist()
    return order


def synthetic_inputs(codec: Codec) -> np.ndarray:
    """Returns images of synthetic people in the size of the network's input; always the same ones.

    Args:
        codec: Codec of the network.

    Returns:
        uint8 RGB [16, H, W, 3].
    """
    size = codec.input_size
    return np.stack(
        [draw_scene(np.random.default_rng(seed), size).image for seed in range(NUM_SYNTHETIC)]
    )


def in_batches(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yields a batch of one image, then batches of up to 8: an exported file may fail with either.

    Args:
        images: uint8 RGB [M, H, W, 3].

    Yields:
        uint8 RGB [N, H, W, 3], a view of the images in their order.
    """
    yield images[:1]
    for start in range(1, len(images), _BATCH_SIZE):
        yield images[start : start + _BATCH_SIZE]
