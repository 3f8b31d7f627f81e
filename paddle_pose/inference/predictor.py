"""Poses in anybody's picture, through any backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from paddle_pose import geometry
from paddle_pose.backends.base import Backend
from paddle_pose.codecs.base import Codec, Maps
from paddle_pose.geometry import Window, box_window
from paddle_pose.structures import Poses


class Predictor:
    """Looks at a picture through a window per box.

    Example:
        `poses = Predictor(backend, codec)(image)` for the whole picture, or with `boxes=[(x, y, width, height)]`.
    """

    def __init__(self, backend: Backend, codec: Codec, context: float = 1.25, batch_size: int = 16) -> None:
        """Takes what looks and what reads.

        Args:
            backend: turns images into maps.
            codec: reads the maps.
            context: how many times a given box its window is.
            batch_size: windows looked at together.
        """
        self.codec = codec
        self._backend, self._context, self._batch_size = backend, context, batch_size

    def through(self, image: np.ndarray, window: Window) -> Poses:
        """Finds the people in one window.

        Args:
            image: uint8 RGB [h, w, 3].
            window: in image px; it may leave the picture, and is stretched to the input's shape.

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
        boxes: Sequence[tuple[float, float, float, float]] | None = None,
        see: Callable[[tuple[np.ndarray, Maps]], None] = lambda look: None,
    ) -> Poses:
        """Finds poses.

        Args:
            image: uint8 RGB [h, w, 3].
            boxes: (x, y, width, height) in image px, a person each; None looks at the whole picture once.
            see: told of every window's crop, uint8 [H, W, 3], and its own maps, to look at them.

        Returns:
            Poses in image px with their boxes; in the order of the boxes.

        Raises:
            ValueError: If the image is not uint8 [h, w, 3], or a box is empty.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"expected uint8 [h, w, 3], got {image.dtype} {list(image.shape)}")
        context = self._context
        if boxes is None:
            boxes, context = [(0.0, 0.0, float(image.shape[1]), float(image.shape[0]))], 1.0
        if any(not (box[2] > 0 and box[3] > 0) for box in boxes):
            raise ValueError(f"a box needs a positive width and height, got {list(boxes)}")
        size, alignment = self.codec.input_size, self.codec.alignment
        windows = [box_window(box, size, context) for box in boxes]
        found: list[tuple[Poses, tuple[float, float, float, float]]] = []
        for start in range(0, len(windows), self._batch_size):
            group = windows[start : start + self._batch_size]
            crops = [geometry.warp(image, w.to_input(size, alignment), size) for w in group]
            maps = self._backend(np.stack(crops))
            for n, crop in enumerate(crops):
                see((crop, {name: values[n] for name, values in maps.items()}))
            decoded = self.codec.decode(maps)
            for window, poses, box in zip(group, decoded, boxes[start:], strict=False):
                found.append((poses.moved(window.to_image(size, alignment)), box))
        joints = self.codec.skeleton.num_joints
        return Poses(
            np.concatenate([np.zeros((0, joints, 2)), *(poses.keypoints for poses, _ in found)]),
            np.concatenate([np.zeros((0, joints)), *(poses.scores for poses, _ in found)]),
            np.concatenate([np.zeros(0), *(poses.person_scores for poses, _ in found)]),
            np.array([box for poses, box in found for _ in poses.person_scores]).reshape(-1, 4),
        )
