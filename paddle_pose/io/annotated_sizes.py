"""Decides by the sizes in an annotation file whether the EXIF rotation of an image counts.

Some tools annotate the pixels of the file as it is stored, others the image as viewers show it. The
width and height that the annotation file states tell them apart where rotation exchanges the sides.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from paddle_pose.io import images

_NUM_THREADS = 8
FIRST_THAT_SWAPS = 5
"""EXIF orientations from this one on exchange width and height."""
_log = logging.getLogger("paddle_pose")


def decided_by_sides(
    annotated: tuple[float, float] | None, stored: tuple[float, float], orientation: int
) -> bool | None:
    """Returns whether annotations refer to the rotated image; None if the sides do not tell.

    Args:
        annotated: (width, height) in px that the annotation file states; None if it states none.
        stored: (width, height) in px of the stored image.
        orientation: EXIF orientation of the file, 1 to 8.

    Example:
        >>> decided_by_sides((480, 640), (640, 480), 6), decided_by_sides((640, 640), (640, 640), 6)
        (True, None)
    """
    if annotated is None or orientation < FIRST_THAT_SWAPS:
        return None
    if annotated[0] == annotated[1] or stored[0] == stored[1]:
        return None
    return (annotated[0] > annotated[1]) != (stored[0] > stored[1])


def majority(decisions: Iterable[bool | None]) -> tuple[bool, int, int]:
    """Returns whether most images whose sides tell are annotated as rotated; False for a tie.

    Args:
        decisions: Result of `decided_by_sides` of each rotated image.

    Returns:
        is_upright: The majority.
        agreeing: Number of images that are annotated so.
        number: Number of images whose sides tell.
    """
    known = [one for one in decisions if one is not None]
    upright = sum(known)
    is_upright = 2 * upright > len(known)
    return is_upright, upright if is_upright else len(known) - upright, len(known)


class AnnotatedSizes:
    """Sizes of the images of an annotation file, as a rule for `images.read`.

    An image is rotated if width and height in the annotation file are those of the rotated image.
    Where they do not tell, since the sides are equal or the rotation is a half turn or a
    reflection, the majority of the file's other rotated images decides, otherwise it is read as it
    is stored. The other files are opened only if such an image is read. What is decided is logged
    once.

    Args:
        sizes: (width, height) in px that the file states, by the path of the image.
        source: Path of the annotation file, for the log.
    """

    def __init__(self, sizes: Mapping[Path, tuple[float, float]], source: str | Path) -> None:
        self._sizes = sizes
        self._source = source
        self._lock = threading.Lock()
        self._majority: bool | None = None
        self._logged: set[bool] = set()

    def __call__(self, path: Path, stored: tuple[int, int], orientation: int) -> bool:
        """Returns whether the annotations of an image refer to the rotated image.

        Args:
            path: Path of the image.
            stored: (width, height) in px of the stored image.
            orientation: EXIF orientation of the file, 2 to 8.
        """
        decision = decided_by_sides(self.annotated_size(path), stored, orientation)
        with self._lock:
            if decision is None:
                if self._majority is None:
                    self._majority = self._find_majority(path, orientation)
                return self._majority
            if decision not in self._logged:
                self._logged.add(decision)
                _log.info(
                    "=> %s: images with an EXIF rotation are read %s, by width and height there"
                    " (the first one is %s)",
                    self._source,
                    "upright" if decision else "as stored",
                    path.name,
                )
        return decision

    def annotated_size(self, path: Path) -> tuple[float, float] | None:
        """Returns (width, height) in px that the annotation file states; None if it states none.

        Args:
            path: Path of the image.
        """
        return self._sizes.get(path)

    def _find_majority(self, path: Path, orientation: int) -> bool:
        """Opens all images, and returns whether most rotated ones are annotated upright."""
        with ThreadPoolExecutor(_NUM_THREADS) as pool:
            is_upright, agreeing, number = majority(pool.map(self._decision, self._sizes))
        _log.warning(
            "%s: width and height do not tell whether the EXIF rotation of %s (orientation %d)"
            " counts; such images are read %s, as %d of %d others that tell. If people lie on"
            " their side or are mirrored, rotate the file and remove its EXIF data",
            self._source,
            path.name,
            orientation,
            "upright" if is_upright else "as stored",
            agreeing,
            number,
        )
        return is_upright

    def _decision(self, path: Path) -> bool | None:
        """Returns what the sides of an image tell; None also where it cannot be opened."""
        try:
            stored, orientation = images.stored_form(path)
        except (OSError, ValueError):
            return None  # reading it says what is wrong
        return decided_by_sides(self._sizes[path], stored, orientation)
