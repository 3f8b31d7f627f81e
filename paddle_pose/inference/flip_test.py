"""The flip test: look twice, once in a mirror, through any backend.

Source: Newell et al. (ECCV 2016); the one-cell shift is SimpleBaseline's (Xiao et al., ECCV 2018).
"""

from __future__ import annotations

import numpy as np

from paddle_pose.backends.base import Backend
from paddle_pose.codecs.base import Codec


class FlipAverage:
    """A backend that averages another one's maps with those of the mirrored image."""

    def __init__(self, backend: Backend, codec: Codec, shift: bool = True) -> None:
        """Takes the backend to look through.

        Args:
            backend: looked through twice.
            codec: says how its maps mirror.
            shift: as in `Codec.mirror`.
        """
        self._backend, self._codec, self._shift = backend, codec, shift

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the averaged maps of uint8 images [N, H, W, 3]."""
        maps = self._backend(images)
        mirrored = self._backend(np.ascontiguousarray(images[:, :, ::-1]))
        return averaged(maps, mirrored, self._codec, self._shift)


def averaged(
    maps: dict[str, np.ndarray], mirrored: dict[str, np.ndarray], codec: Codec, shift: bool
) -> dict[str, np.ndarray]:
    """Returns the mean of an image's maps and those of its mirror image, for all maps that the codec mirrors.

    Args:
        maps: of the images.
        mirrored: of the mirrored images, as the network gave them.
        codec: says how its maps mirror.
        shift: as in `Codec.mirror`.
    """
    back = codec.mirror(mirrored, shift)
    return {name: (maps[name] + values) / 2 for name, values in back.items()}
