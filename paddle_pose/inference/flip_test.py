"""Flip test: the mean of the maps of an image and of its mirror image, with any backend.

Source: Newell et al. (ECCV 2016); SimpleBaseline (Xiao et al., ECCV 2018) for the shift by a cell.
"""

from __future__ import annotations

import numpy as np

from paddle_pose.backends.base import Backend
from paddle_pose.codecs.base import Codec


class FlipAverage:
    """Backend that averages the maps of another backend with those of the mirrored images.

    Args:
        backend: Network that is run twice, on the images and on the mirrored images.
        codec: Codec of the maps; its `mirror` brings the maps of mirrored images back.
        shift: Whether the maps of mirrored images are shifted by one cell, see `Codec.mirror`.
    """

    def __init__(self, backend: Backend, codec: Codec, shift: bool = True) -> None:
        self._backend = backend
        self._codec = codec
        self._shift = shift

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the averaged maps by name, see `averaged`.

        Args:
            images: uint8 RGB [N, H, W, 3].
        """
        maps = self._backend(images)
        mirrored = self._backend(np.ascontiguousarray(images[:, :, ::-1]))
        return averaged(maps, mirrored, self._codec, shift=self._shift)


def averaged(
    maps: dict[str, np.ndarray], mirrored: dict[str, np.ndarray], codec: Codec, shift: bool
) -> dict[str, np.ndarray]:
    """Returns the mean of the maps of images and of their mirror images.

    Args:
        maps: Maps of the images by name, [N, ...].
        mirrored: Maps of the mirrored images (x -> W-1-x), as the network predicted them, in the
            same shapes.
        codec: Codec of the maps; the maps that its `mirror` returns are averaged.
        shift: Whether the maps of mirrored images are shifted by one cell, see `Codec.mirror`.

    Returns:
        Averaged maps by name, [N, ...]; maps that `Codec.mirror` does not return are left out.
    """
    mirrored_back = codec.mirror(mirrored, shift)
    return {name: (maps[name] + values) / 2 for name, values in mirrored_back.items()}
