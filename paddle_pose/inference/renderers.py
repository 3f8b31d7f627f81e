"""Drawings of predicted poses: images, videos, maps, and a window on the screen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import cv2
import numpy as np

from paddle_pose import visualize
from paddle_pose.codecs.base import Maps
from paddle_pose.errors import InputError, Interrupted
from paddle_pose.inference.predictor import CropMaps
from paddle_pose.io import atomic, images
from paddle_pose.io.frames import Frame, Source
from paddle_pose.io.outputs import Outputs
from paddle_pose.io.videos import VideoWriter
from paddle_pose.structures import Poses

Replacing = Callable[[Path], AbstractContextManager[Path]]


def drawing_places(folder: Path, sources: Iterable[Source], outputs: Outputs) -> dict[Source, Path]:
    """Returns the path of each source's drawing.

    A drawing has the source's own name in the folder, with a number where another drawing has that name, or where it would
    replace what is not an earlier drawing.

    Args:
        folder: Folder of the drawings.
        sources: Images, videos and cameras to draw.
        outputs: What is the command's own in the folder.

    Raises:
        InputError: If a folder in it is a link or a file.
    """
    suffixes = {"image": ".png"}
    return {
        source: outputs.claim(
            folder / f"{source.name.as_posix()}{suffixes.get(source.kind, '.mp4')}"
        )
        for source in sources
    }


class Drawings:
    """Writes a PNG of each image and an MP4 of each video or camera.

    A video's drawing has its times, mean rate and sound; a camera's lasts as long as it took.

    Args:
        places: Path of each source's drawing, see `drawing_places`.
        replacing: Puts a complete file in its place, as `atomic.replacing` does.
    """

    def __init__(
        self, places: Mapping[Source, Path], replacing: Replacing = atomic.replacing
    ) -> None:
        self._places = places
        self._replacing = replacing
        self._open = ExitStack()
        self._source: Source | None = None
        self._writer: VideoWriter | None = None

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Writes an image, or adds a frame to the video of its source."""
        place = self._places[frame.source]
        if frame.source.kind == "image":
            with self._replacing(place) as draft:
                images.write(draft, drawing)
            return
        if self._writer is None or frame.source != self._source:
            self.close()
            self._source = frame.source
            with ExitStack() as stack:
                draft = stack.enter_context(self._replacing(place))
                sound = frame.source.path if frame.source.kind == "video" else None
                self._writer = VideoWriter(draft, frame.size, frame.rate, sound)
                stack.callback(self._writer.close)
                self._open = stack.pop_all()
        if frame.source.kind == "video":
            self._writer.write(drawing, frame.seconds)
            return
        # A camera goes on while the network processes a frame: its last one stays.
        late = int(frame.seconds * frame.rate) - self._writer.written
        for _ in range(max(1, late)):
            self._writer.write(drawing)

    def close(self) -> None:
        """Finishes the video."""
        self._writer = None
        self._open.close()


class MapImages:
    """Writes the network's maps: a PNG for each window, beside the drawing of its source.

    Args:
        places: Path of each source's drawing, see `drawing_places`.
        to_images: `Codec.visualize`, which returns images [h, w] of maps by title.
        outputs: What is the command's own in the folder.
    """

    def __init__(
        self,
        places: Mapping[Source, Path],
        to_images: Callable[[Maps], Mapping[str, np.ndarray]],
        outputs: Outputs,
    ) -> None:
        self._places = places
        self._outputs = outputs
        self._to_images = to_images
        self._kept: dict[int, list[CropMaps]] = {}

    def see(self, frame: Frame, look: CropMaps) -> None:
        """Keeps a window's crop and maps until its frame is written."""
        self._kept.setdefault(id(frame), []).append(look)

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Writes the maps of the frame's windows."""
        place = self._places[frame.source]
        stem = place.stem if frame.source.kind == "image" else f"{place.stem}_{frame.index}"
        for number, (crop, maps) in enumerate(self._kept.pop(id(frame), ()), start=1):
            path = self._outputs.claim(place.with_name(f"{stem}_maps_{number}.png"))
            with self._outputs.replacing(path) as draft:
                images.write(draft, visualize.draw_maps(crop, self._to_images(maps)))

    def close(self) -> None:
        """Does nothing: every image is written at once."""


class ScreenRenderer:
    """Shows frames in a window on the screen. An image stays until a key is pressed; q or Esc ends the run.

    Raises:
        InputError: If OpenCV or the machine cannot open a window.
    """

    def __init__(self) -> None:
        # A library without a screen may end the process instead of raising: another process tries.
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
        cv2.imshow("poses", drawing[..., ::-1])
        if cv2.waitKey(0 if frame.source.kind == "image" else 1) & 0xFF in (ord("q"), 27):
            raise Interrupted(0, "the window's key")

    def close(self) -> None:
        """Closes the window."""
        cv2.destroyAllWindows()
