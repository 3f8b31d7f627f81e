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
"""Function from the final path of a file to a context that yields a path to write to.

The file takes its final path at the end of the context, unless that raises; see `atomic.replacing`.
"""


def drawing_places(folder: Path, sources: Iterable[Source], outputs: Outputs) -> dict[Source, Path]:
    """Returns the path of each source's drawing: .png for an image, .mp4 for a video or camera.

    A drawing is at `Source.name` below the folder. A number is appended to the name where another
    drawing has it, or where the drawing would replace a file that is not an earlier drawing.

    Args:
        folder: Folder of the drawings.
        sources: Images, videos and cameras to draw.
        outputs: Record of the files that the command wrote into the folder, which may be replaced.

    Raises:
        InputError: If a folder between `folder` and a drawing is a link or a file.
    """
    suffixes = {"image": ".png"}
    return {
        source: outputs.claim(
            folder / f"{source.name.as_posix()}{suffixes.get(source.kind, '.mp4')}"
        )
        for source in sources
    }


class Drawings:
    """Writes a PNG of each image and an MP4 of each video or camera; a `writers.Sink`.

    An MP4 has the times, mean rate and sound of its video; that of a camera lasts as long as the
    recording. Call `close` after the last frame.

    Args:
        places: Path of each source's drawing, see `drawing_places`.
        replacing: Function that puts a complete file in its place, see `Replacing`.
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
        """Writes the drawing of an image, or adds it to the video of the frame's source.

        Args:
            frame: Frame whose source has an entry in `places`; the frames of a source come one
                after another.
            poses: Not used.
            drawing: Frame with the poses drawn into it, uint8 RGB [h, w, 3].

        Raises:
            OSError: If a file cannot be written.
        """
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
        """Completes the video of the last source, which then takes its final path."""
        self._writer = None
        self._open.close()


class MapImages:
    """Writes images of the maps that the network predicted: one PNG per window; a `writers.Sink`.

    A PNG is a grid with one tile per map, laid over the window's crop. It is beside the drawing of
    its source: `<drawing>_maps_<number>.png`, for videos `<drawing>_<frame>_maps_<number>.png`,
    with windows numbered from 1. Call `see` for all windows of a frame before `write`.

    Args:
        places: Path of each source's drawing, see `drawing_places`.
        to_images: `Codec.visualize`: function from the maps of one window by name, without axis N,
            to greyscale images [h, w] by title with values 0..1.
        outputs: Record of the files that the command wrote into the folder, which may be replaced.
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
        """Keeps a window's crop and maps until `write` is called for the same frame.

        Args:
            frame: Frame that the window is in; it is recognised by identity.
            look: Crop and maps of the window, as `Predictor.stream` passes them to `on_maps`.
        """
        self._kept.setdefault(id(frame), []).append(look)

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Writes a PNG of the maps of each window that `see` received for this frame.

        Args:
            frame: Frame whose source has an entry in `places`.
            poses: Not used.
            drawing: Not used.

        Raises:
            InputError: If a folder on the way to a PNG is a link or a file.
            OSError: If a file cannot be written.
        """
        place = self._places[frame.source]
        stem = place.stem if frame.source.kind == "image" else f"{place.stem}_{frame.index}"
        for number, (crop, maps) in enumerate(self._kept.pop(id(frame), ()), start=1):
            path = self._outputs.claim(place.with_name(f"{stem}_maps_{number}.png"))
            with self._outputs.replacing(path) as draft:
                images.write(draft, visualize.draw_maps(crop, self._to_images(maps)))

    def close(self) -> None:
        """Does nothing: every image is written at once."""


class ScreenRenderer:
    """Shows frames in a window on the screen; a `writers.Sink`.

    An image stays until a key is pressed; q or Esc ends the run.

    Raises:
        InputError: If OpenCV or the machine cannot open a window.
    """

    def __init__(self) -> None:
        # A library without a screen may end the process instead of raising: another process tries.
        attempt = "import cv2; cv2.namedWindow('poses'); cv2.waitKey(1)"
        done = subprocess.run([sys.executable, "-c", attempt], capture_output=True, text=True)
        if done.returncode:
            raise InputError(
                "--show needs a screen, and the package opencv-python: opencv-python-headless "
                "cannot open windows (pip uninstall opencv-python-headless, then pip install "
                "opencv-python). Drawings are written without --show"
            )

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Shows a frame; for an image, waits for a key.

        Args:
            frame: Frame of any source.
            poses: Not used.
            drawing: Frame with the poses drawn into it, uint8 RGB [h, w, 3].

        Raises:
            Interrupted: If q or Esc is pressed.
        """
        cv2.imshow("poses", drawing[..., ::-1])
        if cv2.waitKey(0 if frame.source.kind == "image" else 1) & 0xFF in (ord("q"), 27):
            raise Interrupted(0, "the window's key")

    def close(self) -> None:
        """Closes the window."""
        cv2.destroyAllWindows()
