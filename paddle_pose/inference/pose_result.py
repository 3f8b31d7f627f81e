"""The poses in one image, as the Python API returns them."""

from __future__ import annotations

import numbers
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import PIL.Image

from paddle_pose import geometry, visualize
from paddle_pose.errors import InputError
from paddle_pose.inference import writers
from paddle_pose.io.frames import Frame
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Poses
from paddle_pose.visualize import ColorBy

MIN_DRAWN_SCORE = 0.2
"""Lowest score of a joint that is drawn; this project's choice."""


@dataclass(frozen=True, eq=False)
class PoseResult:
    """The people in one image or frame: P people with K joints each, best first.

    People in given boxes are in the order of the boxes. A notebook displays a result as the image
    with skeletons, see `draw`. `len(result)` is the number of people P.

    Attributes:
        image: uint8 RGB [h, w, 3], upright as EXIF asks.
        skeleton: Joints and limbs of the poses.
        path: File of the image or video; None for an array.
        frame: Number of the frame in its video, or of the page in its file, from 0.
        seconds: Time in s of the frame since the beginning of the video; 0 for an image.
        poses: The arrays of the properties below in one object, as other functions of the package
            take them.

    Example:
        >>> poses = Poses(np.full((1, 17, 2), 8.0), np.full((1, 17), 0.9), np.ones(1))
        >>> from paddle_pose.skeletons import COCO_17
        >>> image = np.zeros((16, 16, 3), np.uint8)
        >>> result = PoseResult(image=image, skeleton=COCO_17, poses=poses)
        >>> len(result), result.keypoints.shape, result.joints[:2]
        (1, (1, 17, 2), ('nose', 'left_eye'))
    """

    image: np.ndarray = field(repr=False)
    skeleton: Skeleton = field(repr=False)
    poses: Poses = field(repr=False)
    path: Path | None = None
    frame: int = 0
    seconds: float = 0.0

    @classmethod
    def of_frame(cls, frame: Frame, poses: Poses, skeleton: Skeleton) -> PoseResult:
        """Returns the result of a frame of any source.

        Args:
            frame: Frame with its pixels and source.
            poses: People in the frame, in image px.
            skeleton: Skeleton of the poses.
        """
        path = frame.source.path if str(frame.source.path) not in ("", ".") else None
        return cls(
            frame.pixels, skeleton, poses, path=path, frame=frame.index, seconds=frame.seconds
        )

    @property
    def keypoints(self) -> np.ndarray:
        """float64 [P, K, 2]: (x, y) of every joint in image px."""
        return self.poses.keypoints

    @property
    def scores(self) -> np.ndarray:
        """float64 [P, K]: score of every joint, usually between 0 and 1."""
        return self.poses.scores

    @property
    def person_scores(self) -> np.ndarray:
        """float64 [P]: score of every person.

        For detected people it is the score of the box times the mean score of the joints above 0.2;
        for people in given boxes the mean score of the joints; for a MoveNet that sees the whole
        image the score of the person's centre times the mean score of the joints. Do not compare
        the scores of different networks.
        """
        return self.poses.person_scores

    @property
    def boxes(self) -> np.ndarray:
        """float64 [P, 4]: box of every person, (x, y, width, height) in image px.

        The given or detected box; without boxes the box around the joints, enlarged on every side
        by a tenth of its longer side and clipped to the image.
        """
        return self.poses.boxes

    @property
    def windows(self) -> np.ndarray:
        """float64 [P, 4]: part of the image that became the network's input for every person.

        (x, y, width, height) in image px; it may extend beyond the image.
        """
        return self.poses.windows

    @property
    def ids(self) -> np.ndarray:
        """int64 [P]: track id of every person, from 1.

        -1 is a person who was not found in three frames running. Empty, [0], without tracking.
        """
        return self.poses.ids

    @property
    def joints(self) -> tuple[str, ...]:
        """Names of the K joints, in the order of axis K."""
        return self.skeleton.joints

    def __len__(self) -> int:
        return len(self.poses.scores)

    def __repr__(self) -> str:
        where = f", path={str(self.path)!r}" if self.path is not None else ""
        frame = f", frame={self.frame}" if self.frame or self.seconds else ""
        height, width = self.image.shape[:2]
        return f"PoseResult({len(self)} people, {width}x{height} px{where}{frame})"

    def draw(
        self,
        min_score: float = MIN_DRAWN_SCORE,
        joint_names: bool = False,
        *,
        color: ColorBy = "person",
        boxes: bool = False,
        scores: bool = False,
        windows: bool = False,
        width: int | None = None,
    ) -> PIL.Image.Image:
        """Returns the image with skeletons, and ids of tracked people above their heads.

        Args:
            min_score: Lowest score of a joint that is drawn; joints with a score below 0.5 are
                fainter.
            joint_names: Whether the joints' names are written beside them.
            color: "person": one colour per person, the left side light, the right side dark; a
                tracked person keeps the colour. "side": left blue, right orange, middle yellow.
            boxes: Whether each person's box is drawn.
            scores: Whether each person's score is written above the head.
            windows: Whether `windows` are outlined in white.
            width: Width of the drawing in px; lines and text are drawn in this size. None takes the
                width of `image`.

        Returns:
            A PIL image of the size of `image`, or of the given width; `.save("poses.png")` writes
            it to a file.

        Raises:
            InputError: If `min_score` is no number, `color` has another value, or `width` is not
                positive.
        """
        if isinstance(min_score, bool) or not isinstance(min_score, numbers.Real):
            raise InputError(
                f"min_score {min_score!r}: expected a number, the lowest score of a joint that is drawn"
            )
        if color not in ("person", "side"):
            raise InputError(f'color {color!r}: expected "person" or "side"')
        pixels, poses = self.image, self.poses
        if width is not None:
            pixels, poses = _resized(pixels, poses, width)
        if windows:
            pixels = visualize.draw_windows(pixels, poses.windows)
        drawing = visualize.draw_poses(
            pixels,
            poses,
            self.skeleton,
            threshold=min_score,
            names=joint_names,
            color=color,
            boxes=boxes,
            scores=scores,
        )
        return PIL.Image.fromarray(drawing)

    def to_dict(self) -> dict[str, object]:
        """Returns the people as a dict of JSON's types, similar to a record of `predictions.json`.

        Returns:
            "image" (path, or None for an array), "width" and "height" in px, "frame", "seconds",
            "joints" (K names), and "persons": for each person "id" if people are tracked, "score",
            "box" and "window" [x, y, width, height], "keypoints" (K lists [x, y]) and "scores" (K
            numbers). All coordinates are in image px.
        """
        height, width = self.image.shape[:2]
        return {
            "image": None if self.path is None else str(self.path),
            "width": width,
            "height": height,
            "frame": self.frame,
            "seconds": round(self.seconds, 4),
            "joints": list(self.joints),
            "persons": writers.persons(self.poses),
        }

    def to_coco(self, image_id: int) -> list[dict[str, object]]:
        """Returns the people as results in COCO's format, which `score_file` and pycocotools read.

        AP counts all candidates by their scores: predict with `person_threshold=0` for it.

        Args:
            image_id: Id of the image in the annotations.

        Returns:
            One dict per person: "image_id", "category_id" (1), "keypoints" (one list of 3K numbers:
            x and y in image px and the score of each joint) and "score".

        Raises:
            InputError: If `image_id` is no whole number.
        """
        if isinstance(image_id, bool) or not isinstance(image_id, numbers.Integral):
            raise InputError(
                f"image_id {image_id!r}: expected a whole number, the image's id in the annotations"
            )
        return [dict(record) for record in writers.coco_results(self.poses, int(image_id))]

    @cached_property
    def _jpeg(self) -> bytes:
        return visualize.jpeg(np.asarray(self.draw()))

    def _repr_jpeg_(self) -> bytes:
        """Returns the drawing for a notebook."""
        return self._jpeg


def _resized(pixels: np.ndarray, poses: Poses, width: int) -> tuple[np.ndarray, Poses]:
    """Returns an image of another width with its people; their windows are resized, too.

    Raises:
        InputError: If the width is not a positive whole number.
    """
    if isinstance(width, bool) or not isinstance(width, numbers.Integral) or width < 1:
        raise InputError(f"width {width!r}: expected a positive whole number of px")
    factor = int(width) / pixels.shape[1]
    size = int(width), max(1, round(factor * pixels.shape[0]))
    shift = (factor - 1) / 2  # a pixel's centre is at integers
    matrix = np.array([[factor, 0, shift], [0, factor, shift]])
    moved = replace(poses.moved(matrix), windows=geometry.move_boxes(poses.windows, matrix))
    return visualize.resized(pixels, size), moved
