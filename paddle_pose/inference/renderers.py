"""What `predict.py` draws: images, videos, maps, and a window on the screen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from paddle_pose.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from paddle_pose.codecs.base import Maps
    from paddle_pose.io.frames import Frame, Source
    from paddle_pose.io.videos import VideoWriter
    from paddle_pose.structures import Poses


def drawing_places(output: Path, sources: Iterable[Source]) -> dict[Path, Path]:
    """Returns where each source's drawing goes, by the source's path.

    It has the source's own name below `output`, with a number where another has it, or where it would replace a source.
    """
    sources = list(sources)
    taken = {source.path.resolve() for source in sources}
    places = {}
    for source in sources:
        suffix = ".png" if source.kind == "image" else ".mp4"
        stem, number = source.name.as_posix(), 1
        place = output / f"{stem}{suffix}"
        while place.resolve() in taken:
            number += 1
            place = output / f"{stem}_{number}{suffix}"
        taken.add(place.resolve())
        places[source.path] = place
    return places


class Drawings:
    """A PNG of each image, an MP4 of each video, at its mean rate; of a camera, in the time that it took."""

    def __init__(self, places: Mapping[Path, Path]) -> None:
        """Takes where each source's drawing goes."""
        self._places = places
        self._source: Source | None = None
        self._writer: VideoWriter | None = None

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Writes an image, or adds to the video of its source."""
        from paddle_pose.io import images
        from paddle_pose.io.videos import VideoWriter

        place = self._places[frame.source.path]
        if frame.source.kind == "image":
            images.write(place, drawing)
            return
        if self._writer is None or frame.source != self._source:
            self.close()
            self._source, self._writer = frame.source, VideoWriter(place, frame.size, frame.rate)
        # A camera goes on while the network looks at a frame: its last one stays.
        late = frame.source.kind == "camera" and int(frame.seconds * frame.rate) - self._writer.written
        for _ in range(max(1, late)):
            self._writer.write(drawing)

    def close(self) -> None:
        """Finishes the video."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None


class MapImages:
    """What the network saw: a PNG for each window, beside the drawing of its source."""

    def __init__(self, places: Mapping[Path, Path], shown: Callable[[Maps], Mapping[str, np.ndarray]]) -> None:
        """Takes where each source's drawing goes, and `Codec.shown`."""
        self._places, self._shown = places, shown
        self._seen: dict[int, list[tuple[np.ndarray, Maps]]] = {}

    def see(self, frame: Frame, look: tuple[np.ndarray, Maps]) -> None:
        """Keeps a window's crop and maps until its frame is written."""
        self._seen.setdefault(id(frame), []).append(look)

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Writes what was seen of the frame."""
        from paddle_pose import visualize
        from paddle_pose.io import images

        place = self._places[frame.source.path]
        stem = place.stem if frame.source.kind == "image" else f"{place.stem}_{frame.index}"
        for number, (crop, maps) in enumerate(self._seen.pop(id(frame), ()), start=1):
            images.write(place.with_name(f"{stem}_maps_{number}.png"), visualize.draw_maps(crop, self._shown(maps)))

    def close(self) -> None:
        """Has nothing to finish."""


class ScreenRenderer:
    """A window on the screen. An image stays until a key is pressed; q or Esc ends the run."""

    def __init__(self) -> None:
        """Makes sure that there can be a window.

        Raises:
            InputError: If OpenCV or the machine has none.
        """
        # A library without a screen may end the process instead of raising: another one tries.
        attempt = "import cv2; cv2.namedWindow('poses'); cv2.waitKey(1)"
        done = subprocess.run([sys.executable, "-c", attempt], capture_output=True, text=True)
        if done.returncode:
            raise InputError(
                "--show needs a screen, and the package opencv-python: opencv-python-headless cannot open windows (pip "
                "uninstall opencv-python-headless, then pip install opencv-python). Drawings are written without --show"
            )

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Shows a frame.

        Raises:
            Interrupted: If q or Esc is pressed.
        """
        import cv2

        from paddle_pose.interruption import Interrupted

        cv2.imshow("poses", drawing[..., ::-1])
        if cv2.waitKey(0 if frame.source.kind == "image" else 1) & 0xFF in (ord("q"), 27):
            raise Interrupted(0, "the window's key")

    def close(self) -> None:
        """Closes the window."""
        import cv2

        cv2.destroyAllWindows()
