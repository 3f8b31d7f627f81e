"""Images that an exported network is compared on, or that INT8 is calibrated with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from paddle_pose import geometry
from paddle_pose.codecs.base import Codec
from paddle_pose.data.synthetic.scene import draw_scene
from paddle_pose.io import frames, images

NUM_SYNTHETIC = 16
_BATCH_SIZE = 8


def read_inputs(folder: Path, codec: Codec) -> np.ndarray:
    """Returns the images of a folder, each one whole in the network's input: uint8 [M, H, W, 3].

    Args:
        folder: Folder of images.
        codec: Codec of the network, for the size and the alignment of the input.

    Raises:
        FileNotFoundError: If there is no image in the folder.
        InputError: If an image cannot be decoded.
    """
    size = codec.input_size
    sources = [source for source in frames.find([str(folder)]) if source.kind == "image"]
    if not sources:
        raise FileNotFoundError(f"{folder}: no image there ({', '.join(images.suffixes())})")
    inputs = []
    for source in sources:
        pixels = next(frames.read(source)).pixels
        whole = (0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0]))
        window = geometry.box_window(whole, size, context=1.0)
        inputs.append(geometry.warp(pixels, window.to_input(size, codec.alignment), size))
    return np.stack(inputs)


def synthetic_inputs(codec: Codec) -> np.ndarray:
    """Returns images of synthetic people in the network's input size: uint8 [16, H, W, 3]."""
    size = codec.input_size
    return np.stack(
        [draw_scene(np.random.default_rng(seed), size).image for seed in range(NUM_SYNTHETIC)]
    )


def in_batches(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yields images [N, H, W, 3]: one first, then several at once, since a file may fail with either."""
    yield images[:1]
    for start in range(1, len(images), _BATCH_SIZE):
        yield images[start : start + _BATCH_SIZE]
