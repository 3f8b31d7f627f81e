"""Poses in anybody's image, through any backend."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np

from paddle_pose import geometry
from paddle_pose.backends.base import Backend
from paddle_pose.codecs.base import Codec, Maps
from paddle_pose.errors import InputError
from paddle_pose.geometry import Window, box_window, whole_image_window
from paddle_pose.structures import Poses

Box = tuple[float, float, float, float]  # (x, y, width, height) in image px
CropMaps = tuple[np.ndarray, Maps]  # a window's crop, uint8 [H, W, 3], and its own maps
T = TypeVar("T")


@dataclass
class _Image:
    """An image under way: the windows that are not looked at yet, and who was found through the others."""

    label: Any
    image: np.ndarray
    windows: deque[tuple[Window, Box]]
    left: int
    found: list[tuple[Poses, Box]] = field(default_factory=list)


class Predictor:
    """Looks at an image through a window per box.

    Example:
        `poses = Predictor(backend, codec)(image)` for the whole image, or with `boxes=[(x, y, width, height)]`.
    """

    def __init__(
        self,
        backend: Backend,
        codec: Codec,
        context: float = 1.25,
        batch_size: int = 16,
        fit: Literal["letterbox", "stretch"] = "letterbox",
    ) -> None:
        """Takes what looks and what reads.

        Args:
            backend: turns images into maps.
            codec: reads the maps.
            context: how many times a given box its window is.
            batch_size: windows looked at together.
            fit: of a whole image, see `geometry.whole_image_window`.
        """
        self.codec = codec
        self._backend, self._context, self._batch_size, self._fit = backend, context, batch_size, fit

    def through(self, image: np.ndarray, window: Window) -> Poses:
        """Finds the people in one window.

        Args:
            image: uint8 RGB [h, w, 3].
            window: in image px; it may leave the image, and is stretched to the input's shape.

        Returns:
            Poses in image px, without boxes.
        """
        size, alignment = self.codec.input_size, self.codec.alignment
        crop = geometry.warp(image, window.to_input(size, alignment), size)
        (poses,) = self.codec.decode(self._backend(crop[None]))
        return poses.moved(window.to_image(size, alignment))

    def __call__(
        self, image: np.ndarray, boxes: Sequence[Box] | None = None, see: Callable[[CropMaps], None] = lambda look: None
    ) -> Poses:
        """Finds poses.

        Args:
            image: uint8 RGB [h, w, 3].
            boxes: (x, y, width, height) in image px, a person each; None looks at the whole image once.
            see: told of every window's crop, uint8 [H, W, 3], and its own maps, to look at them.

        Returns:
            Poses in image px with their boxes; in the order of the boxes.

        Raises:
            InputError: If the image is not uint8 [h, w, 3], or a box is empty.
        """
        ((_, poses),) = self.stream([(None, image, boxes)], lambda _, look: see(look))
        return poses

    def stream(
        self,
        images: Iterable[tuple[T, np.ndarray, Sequence[Box] | None]],
        see: Callable[[T, CropMaps], None] = lambda label, look: None,
        batch_size: int | None = None,
    ) -> Iterator[tuple[T, Poses]]:
        """Finds poses in one image after another, looking through windows of several images together.

        Args:
            images: whatever tells an image from others, with the image and boxes of `__call__`. At most `batch_size` of
                them are in memory.
            see: told of every window, with what tells its image.
            batch_size: windows looked at together; None as the constructor says. 1 waits for no other image.

        Yields:
            What tells the image, and its poses; in the order of the images.

        Raises:
            InputError: As `__call__`.
        """
        most = self._batch_size if batch_size is None else batch_size
        if most < 1:
            raise InputError(f"batch_size {most}: expected at least 1")
        waiting: deque[_Image] = deque()
        for label, image, boxes in images:
            windows = self._windows(image, boxes)
            waiting.append(_Image(label, image, windows, len(windows)))
            while sum(len(picture.windows) for picture in waiting) >= most or len(waiting) >= most:
                self._look(waiting, most, see)
                yield from self._finished(waiting)
        while waiting:
            self._look(waiting, most, see)
            yield from self._finished(waiting)

    def _windows(self, image: np.ndarray, boxes: Sequence[Box] | None) -> deque[tuple[Window, Box]]:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise InputError(f"expected uint8 [h, w, 3], got {image.dtype} {list(image.shape)}")
        size = self.codec.input_size
        if boxes is None:
            width, height = float(image.shape[1]), float(image.shape[0])
            return deque([(whole_image_window((width, height), size, self._fit), (0.0, 0.0, width, height))])
        if any(not (box[2] > 0 and box[3] > 0) for box in boxes):
            raise InputError(f"a box needs a positive width and height, got {list(boxes)}")
        return deque((box_window(box, size, self._context), box) for box in boxes)

    def _look(self, waiting: deque[_Image], most: int, see: Callable[[Any, CropMaps], None]) -> None:
        """Looks through the next windows of the images, at most so many."""
        size, alignment = self.codec.input_size, self.codec.alignment
        group: list[tuple[_Image, Window, Box]] = []
        for image in waiting:
            while image.windows and len(group) < most:
                group.append((image, *image.windows.popleft()))
        if not group:
            return
        crops = [geometry.warp(image.image, w.to_input(size, alignment), size) for image, w, _ in group]
        maps = self._backend(np.stack(crops))
        decoded = self.codec.decode(maps)
        for n, ((image, window, box), poses) in enumerate(zip(group, decoded, strict=True)):
            see(image.label, (crops[n], {name: values[n] for name, values in maps.items()}))
            image.found.append((poses.moved(window.to_image(size, alignment)), box))
            image.left -= 1

    def _finished(self, waiting: deque[_Image]) -> Iterator[tuple[Any, Poses]]:
        """Takes the images that are done from the front."""
        joints = self.codec.skeleton.num_joints
        while waiting and not waiting[0].left:
            image = waiting.popleft()
            found = image.found
            yield (
                image.label,
                Poses(
                    np.concatenate([np.zeros((0, joints, 2)), *(poses.keypoints for poses, _ in found)]),
                    np.concatenate([np.zeros((0, joints)), *(poses.scores for poses, _ in found)]),
                    np.concatenate([np.zeros(0), *(poses.person_scores for poses, _ in found)]),
                    np.array([box for poses, box in found for _ in poses.person_scores]).reshape(-1, 4),
                ),
            )
