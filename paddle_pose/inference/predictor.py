"""Predicts the poses in an image with any backend."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

import numpy as np

from paddle_pose import geometry
from paddle_pose.backends.base import Backend
from paddle_pose.codecs.base import Codec, Maps
from paddle_pose.errors import InputError
from paddle_pose.geometry import Window, box_window, whole_image_window
from paddle_pose.structures import Box, Poses, joints_box

CropMaps = tuple[np.ndarray, Maps]  # a window's crop, uint8 [H, W, 3], and its own maps
T = TypeVar("T")


@dataclass
class _Image(Generic[T]):
    """An image in progress: the windows that are still to be predicted, and the people found in the others."""

    label: T
    image: np.ndarray
    windows: deque[tuple[Window, Box | None]]
    left: int
    found: list[tuple[Poses, Window, Box | None]] = field(default_factory=list)


class Predictor:
    """Predicts the poses in an image: one window for each box, or one for the whole image.

    Args:
        backend: Network that turns images into maps.
        codec: Codec that reads the maps.
        context: How many times a given box its window is.
        batch_size: Number of windows that are predicted together.
        fit: How a whole image becomes the input, see `geometry.whole_image_window`.

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
        self.codec = codec
        self._backend = backend
        self._context = context
        self._batch_size = batch_size
        self._fit = fit

    def predict_window(self, image: np.ndarray, window: Window) -> Poses:
        """Returns the people in one window.

        Args:
            image: uint8 RGB [h, w, 3].
            window: Window in image px; it may leave the image, and is stretched to the input's shape.

        Returns:
            Poses in image px, without boxes.
        """
        size, alignment = self.codec.input_size, self.codec.alignment
        crop = geometry.warp(image, window.to_input(size, alignment), size)
        (poses,) = self.codec.decode(self._backend(crop[None]))
        return poses.moved(window.to_image(size, alignment))

    def __call__(
        self,
        image: np.ndarray,
        boxes: Sequence[Box] | None = None,
        see: Callable[[CropMaps], None] = lambda maps: None,
    ) -> Poses:
        """Returns the poses in an image.

        Args:
            image: uint8 RGB [h, w, 3].
            boxes: (x, y, width, height) in image px, one per person; None takes the whole image as the window.
            see: Receives every window's crop, uint8 [H, W, 3], and its own maps.

        Returns:
            Poses in image px with their boxes and windows; in the order of the boxes.

        Raises:
            InputError: If the image is not uint8 [h, w, 3], or a box is empty.
        """
        ((_, poses),) = self.stream([(None, image, boxes)], lambda _, maps: see(maps))
        return poses

    def stream(
        self,
        images: Iterable[tuple[T, np.ndarray, Sequence[Box] | None]],
        see: Callable[[T, CropMaps], None] = lambda label, maps: None,
        batch_size: int | None = None,
    ) -> Iterator[tuple[T, Poses]]:
        """Yields the poses of one image after another; windows of several images are predicted together.

        Args:
            images: A label of any kind for each image, with the image and boxes of `__call__`. At most `batch_size` images
                are in memory.
            see: Receives each label with the crop and maps of a window.
            batch_size: Number of windows that are predicted together; None as the constructor says. 1 waits for no other image.

        Yields:
            The label of the image, and its poses; in the order of the images.

        Raises:
            InputError: As `__call__`.
        """
        most = self._batch_size if batch_size is None else batch_size
        if most < 1:
            raise InputError(f"batch_size {most}: expected at least 1")
        waiting: deque[_Image[T]] = deque()
        for label, image, boxes in images:
            windows = self._windows(image, boxes)
            waiting.append(_Image(label, image, windows, len(windows)))
            while sum(len(entry.windows) for entry in waiting) >= most or len(waiting) >= most:
                self._predict(waiting, most, see)
                yield from self._finished(waiting)
        while waiting:
            self._predict(waiting, most, see)
            yield from self._finished(waiting)

    def _windows(
        self, image: np.ndarray, boxes: Sequence[Box] | None
    ) -> deque[tuple[Window, Box | None]]:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise InputError(f"expected uint8 [h, w, 3], got {image.dtype} {list(image.shape)}")
        size = self.codec.input_size
        if boxes is None:
            width, height = float(image.shape[1]), float(image.shape[0])
            return deque([(whole_image_window((width, height), size, self._fit), None)])
        if any(not (box[2] > 0 and box[3] > 0) for box in boxes):
            raise InputError(f"a box needs a positive width and height, got {list(boxes)}")
        return deque((box_window(box, size, self._context), box) for box in boxes)

    def _predict(
        self, waiting: deque[_Image[T]], most: int, see: Callable[[T, CropMaps], None]
    ) -> None:
        """Predicts the next windows of the images, at most so many."""
        size, alignment = self.codec.input_size, self.codec.alignment
        group: list[tuple[_Image[T], Window, Box | None]] = []
        for image in waiting:
            while image.windows and len(group) < most:
                group.append((image, *image.windows.popleft()))
        if not group:
            return
        crops = [
            geometry.warp(image.image, w.to_input(size, alignment), size) for image, w, _ in group
        ]
        maps = self._backend(np.stack(crops))
        decoded = self.codec.decode(maps)
        for n, ((image, window, box), poses) in enumerate(zip(group, decoded, strict=True)):
            see(image.label, (crops[n], {name: values[n] for name, values in maps.items()}))
            image.found.append((poses.moved(window.to_image(size, alignment)), window, box))
            image.left -= 1

    def _finished(self, waiting: deque[_Image[T]]) -> Iterator[tuple[T, Poses]]:
        """Takes the images that are done from the front."""
        joints = self.codec.skeleton.num_joints
        while waiting and not waiting[0].left:
            image = waiting.popleft()
            found = image.found
            image_size = (image.image.shape[1], image.image.shape[0])
            boxes = [
                joints_box(keypoints, scores, image_size) if box is None else box
                for poses, _, box in found
                for keypoints, scores in zip(poses.keypoints, poses.scores, strict=True)
            ]
            windows = [window.box for poses, window, _ in found for _ in poses.scores]
            yield (
                image.label,
                Poses(
                    np.concatenate(
                        [np.zeros((0, joints, 2)), *(poses.keypoints for poses, _, _ in found)]
                    ),
                    np.concatenate(
                        [np.zeros((0, joints)), *(poses.scores for poses, _, _ in found)]
                    ),
                    np.concatenate([np.zeros(0), *(poses.person_scores for poses, _, _ in found)]),
                    boxes=np.array(boxes, np.float64).reshape(-1, 4),
                    windows=np.array(windows, np.float64).reshape(-1, 4),
                ),
            )
