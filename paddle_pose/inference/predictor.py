"""Prediction of the poses in an image with any backend."""

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
from paddle_pose.geometry import Window, box_window, clipped_box
from paddle_pose.structures import Box, Poses, joints_box

CropMaps = tuple[np.ndarray, Maps]
"""The network's input for one window, uint8 RGB [H, W, 3], and its maps by name without axis N."""
T = TypeVar("T")


@dataclass
class _Image(Generic[T]):
    """An image in progress.

    Attributes:
        label: Label of the image.
        image: uint8 RGB [h, w, 3].
        windows: Windows that are not predicted yet, with their boxes.
        left: Number of windows without poses so far.
        found: Poses in image px of the other windows, with window and box.
    """

    label: T
    image: np.ndarray
    windows: deque[tuple[Window, Box | None]]
    left: int
    found: list[tuple[Poses, Window, Box | None]] = field(default_factory=list)


class Predictor:
    """Predicts the poses in an image: one window for each box, or one for the whole image.

    Args:
        backend: Network that predicts maps of images, see `Backend`.
        codec: Codec that decodes the maps; it is an attribute, too.
        context: Ratio of a window's sides to those of its box, after the box was extended on one
            side to the input's aspect ratio around its centre.
        batch_size: Number of windows that are predicted together, 1 or more.
        fit: Way a whole image becomes the input: "letterbox" keeps the aspect ratio and pads with
            black, "stretch" fills the input; see `Codec.image_window`.

    Example:
        `poses = Predictor(backend, codec)(image)` for the whole image, or with
        `boxes=[(x, y, width, height)]`.
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
        """Returns the people in one window, best first.

        Args:
            image: uint8 RGB [h, w, 3]; this is not checked.
            window: Window in image px; it may extend beyond the image, where it is black, and is
                stretched to the input's aspect ratio.

        Returns:
            Poses in image px, with boxes only if the network predicts them.
        """
        size = self.codec.size_of(window)
        alignment = self.codec.alignment
        crop = self._crop(image, window, size)
        (poses,) = self.codec.decode(self._backend(crop[None]))
        return poses.moved(window.to_image(size, alignment))

    def __call__(
        self,
        image: np.ndarray,
        boxes: Sequence[Box] | None = None,
        on_maps: Callable[[CropMaps], None] = lambda maps: None,
    ) -> Poses:
        """Returns the poses in an image.

        Args:
            image: uint8 RGB [h, w, 3].
            boxes: (x, y, width, height) in image px, one per person; an empty list gives no poses,
                None takes the whole image as the window.
            on_maps: Function that is called once per window with its `CropMaps`; its result is
                ignored.

        Returns:
            Poses in image px with their boxes and windows, in the order of the boxes, best first
            within a window. Without boxes, a person's box is the one that the network predicted,
            clipped to the image, or that of `structures.joints_box`.

        Raises:
            InputError: If the image is not uint8 [h, w, 3], or a box is empty.
        """
        ((_, poses),) = self.stream([(None, image, boxes)], lambda _, maps: on_maps(maps))
        return poses

    def stream(
        self,
        images: Iterable[tuple[T, np.ndarray, Sequence[Box] | None]],
        on_maps: Callable[[T, CropMaps], None] = lambda label, maps: None,
        batch_size: int | None = None,
    ) -> Iterator[tuple[T, Poses]]:
        """Yields the poses of one image after another; windows of several are predicted together.

        Args:
            images: (label, image, boxes) of each image: a label of any type, which is returned, and
                the other two as in `__call__`. At most `batch_size` images are in memory.
            on_maps: Function that is called once per window, before its image is yielded, with the
                image's label and the window's `CropMaps`; its result is ignored.
            batch_size: Number of windows that are predicted together; None for that of the
                predictor. With 1 no image waits for another one.

        Yields:
            The label of each image with its poses, in the order of the images.

        Raises:
            InputError: If `batch_size` is below 1, an image is not uint8 [h, w, 3], or a box is
                empty.
        """
        limit = self._batch_size if batch_size is None else batch_size
        if limit < 1:
            raise InputError(f"batch_size {limit}: expected at least 1")
        waiting: deque[_Image[T]] = deque()
        for label, image, boxes in images:
            windows = self._windows(image, boxes)
            waiting.append(_Image(label, image, windows, left=len(windows)))
            while sum(len(entry.windows) for entry in waiting) >= limit or len(waiting) >= limit:
                self._predict_batch(waiting, limit, on_maps)
                yield from self._take_finished(waiting)
        while waiting:
            self._predict_batch(waiting, limit, on_maps)
            yield from self._take_finished(waiting)

    def crop(self, image: np.ndarray, box: Box | None = None) -> np.ndarray:
        """Returns the input of the network for a person or a whole image, uint8 RGB [H, W, 3].

        Args:
            image: uint8 RGB [h, w, 3].
            box: Box (x, y, width, height) of the person in image px; None takes the whole image.

        Raises:
            InputError: If the image is not uint8 [h, w, 3], or the box is empty.
        """
        ((window, _),) = self._windows(image, None if box is None else [box])
        return self._crop(image, window, self.codec.size_of(window))

    def _windows(
        self, image: np.ndarray, boxes: Sequence[Box] | None
    ) -> deque[tuple[Window, Box | None]]:
        """Returns the windows of an image with their boxes; None is the whole image's."""
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise InputError(f"expected uint8 [h, w, 3], got {image.dtype} {list(image.shape)}")
        if boxes is None:
            width, height = float(image.shape[1]), float(image.shape[0])
            return deque([(self.codec.image_window((width, height), self._fit), None)])
        if any(not (box[2] > 0 and box[3] > 0) for box in boxes):
            raise InputError(f"a box needs a positive width and height, got {list(boxes)}")
        size = self.codec.input_size
        return deque((box_window(box, size, self._context), box) for box in boxes)

    def _predict_batch(
        self, waiting: deque[_Image[T]], limit: int, on_maps: Callable[[T, CropMaps], None]
    ) -> None:
        """Predicts the next windows of the images, up to a limit, those of equal size together."""
        alignment = self.codec.alignment
        batches: dict[tuple[int, int], list[tuple[_Image[T], Window, Box | None]]] = {}
        left = limit
        for image in waiting:
            while image.windows and left:
                window, box = image.windows.popleft()
                batches.setdefault(self.codec.size_of(window), []).append((image, window, box))
                left -= 1
        for size, batch in batches.items():
            crops = [self._crop(image.image, window, size) for image, window, _ in batch]
            maps = self._backend(np.stack(crops))
            decoded = self.codec.decode(maps)
            for n, ((image, window, box), poses) in enumerate(zip(batch, decoded, strict=True)):
                on_maps(image.label, (crops[n], {name: values[n] for name, values in maps.items()}))
                image.found.append((poses.moved(window.to_image(size, alignment)), window, box))
                image.left -= 1

    def _crop(self, image: np.ndarray, window: Window, size: tuple[int, int]) -> np.ndarray:
        """Returns the window of an image as an input of a (width, height) in px."""
        codec = self.codec
        matrix = window.to_input(size, codec.alignment)
        return geometry.warp(image, matrix, size, codec.border, by_area=codec.by_area)

    def _take_finished(self, waiting: deque[_Image[T]]) -> Iterator[tuple[T, Poses]]:
        """Removes images from the front while all their windows are predicted; yields them."""
        while waiting and not waiting[0].left:
            image = waiting.popleft()
            yield image.label, self._joined(image)

    def _joined(self, image: _Image[T]) -> Poses:
        """Returns the poses of all windows of an image, with boxes and windows."""
        joints = self.codec.skeleton.num_joints
        image_size = (image.image.shape[1], image.image.shape[0])
        boxes: list[Box] = []
        windows: list[Box] = []
        for poses, window, box in image.found:
            for person, (keypoints, scores) in enumerate(
                zip(poses.keypoints, poses.scores, strict=True)
            ):
                if box is not None:
                    boxes.append(box)
                elif len(poses.boxes):
                    boxes.append(clipped_box(poses.boxes[person], image_size))
                else:
                    boxes.append(joints_box(keypoints, scores, image_size))
                windows.append(window.box)
        found = [poses for poses, _, _ in image.found]
        # The empty arrays give the shapes if there is no window.
        return Poses(
            np.concatenate([np.zeros((0, joints, 2)), *(poses.keypoints for poses in found)]),
            np.concatenate([np.zeros((0, joints)), *(poses.scores for poses in found)]),
            np.concatenate([np.zeros(0), *(poses.person_scores for poses in found)]),
            boxes=np.array(boxes, np.float64).reshape(-1, 4),
            windows=np.array(windows, np.float64).reshape(-1, 4),
        )
