"""Input images for comparing an exported network and for calibrating INT8."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from paddle_pose import geometry
from paddle_pose.codecs.base import Codec
from paddle_pose.data.synthetic.scene import draw_scene
from paddle_pose.io import frames, images

NUM_SYNTHETIC = 16
"""Number of images that `synthetic_inputs` returns."""
_BATCH_SIZE = 8


def read_inputs(folder: Path, codec: Codec) -> np.ndarray:
    """Returns the images of a folder, each scaled to fit completely into the network's input.

    Aspect ratios are kept; see `Codec.image_window` for the place of an image, with black around.

    Args:
        folder: Folder of images; those in folders below it are included.
        codec: Codec of the network, with one size of the input.

    Returns:
        uint8 RGB [M, H, W, 3], sorted by path.

    Raises:
        FileNotFoundError: If there is no such folder, or no image in it.
        InputError: If an image cannot be decoded.
    """
    size = codec.input_size
    sources = [source for source in frames.find([str(folder)]) if source.kind == "image"]
    if not sources:
        raise FileNotFoundError(
            f"{folder}: contains no image; expected files with {', '.join(images.suffixes())}"
        )
    inputs = []
    for source in sources:
        pixels = next(frames.read(source)).pixels
        window = codec.image_window((float(pixels.shape[1]), float(pixels.shape[0])))
        matrix = window.to_input(size, codec.alignment)
        inputs.append(geometry.warp(pixels, matrix, size, by_area=codec.by_area))
    return np.stack(inputs)


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
