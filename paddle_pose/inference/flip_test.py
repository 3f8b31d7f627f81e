"""Flip test: the mean of the maps of an image and of its mirror image, with any backend.

Source: Newell et al. (ECCV 2016); SimpleBaseline (Xiao et al., ECCV 2018) for the shift by a cell.
"""

from __future__ import annotations

import numpy as np

from paddle_pose.backends.base import Backend
from paddle_pose.codecs.base import Codec


class FlipAverage:
    """Backend that averages the maps of another one with those of the mirrored images.

    Args:
        backend: Network that is run twice, on the images and on the mirrored ones.
        codec: Codec of the maps, which mirrors them.
        shift: Whether mirrored maps are shifted by one cell, see `Codec.mirror`.
    """

    def __init__(self, backend: Backend, codec: Codec, shift: bool = True) -> None:
        self._backend = backend
        self._codec = codec
        self._shift = shift

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the averaged maps by name.

        Args:
            images: uint8 RGB [N, H, W, 3].
        """
        maps = self._backend(images)
        mirrored = self._backend(np.ascontiguousarray(images[:, :, ::-1]))
        return averaged(maps, mirrored, self._codec, shift=self._shift)


def averaged(
    maps: dict[str, np.ndarray], mirrored: dict[str, np.ndarray], codec: Codec, shift: bool
) -> dict[str, np.ndarray]:
    """Returns the mean of the maps of images and of their mirror images, for all that are mirrored.

    Args:
        maps: Maps of the images by name.
        mirrored: Maps of the mirrored images, as the network predicted them.
        codec: Codec of the maps; those that its `mirror` returns are averaged.
        shift: Whether mirrored maps are shifted by one cell, see `Codec.mirror`.
    """
    mirrored_back = codec.mirror(mirrored, shift)
    return {name: (maps[name] + values) / 2 for name, values in mirrored_back.items()}
