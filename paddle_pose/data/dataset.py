"""Samples become arrays: the training data set, and plain batches for evaluation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose import geometry
from paddle_pose.codecs.base import Codec
from paddle_pose.data.augment import Augment
from paddle_pose.data.crop_cache import Reader, read_whole
from paddle_pose.data.prefetch import prefetch
from paddle_pose.errors import InputError
from paddle_pose.geometry import Window
from paddle_pose.structures import Sample

_OUTSIDE = -1e6  # input px
Share = Callable[[list[Sequence[Sample]]], Sequence[Sequence[Sample]]]
"""All batches -> those of this process."""


def fingerprint(samples: Sequence[Sample]) -> str:
    """Returns a line that tells these data from others: how many samples, and a hash of what is known about them.

    That is the samples' windows, the people in them, and the names and sizes in bytes of the image files; where they lie
    does not matter, so that data may move.
    """
    digest = hashlib.sha256()
    sizes: dict[Path, int | None] = {}
    for sample in samples:
        path = sample.image_path
        if path not in sizes:
            sizes[path] = path.stat().st_size if path.is_file() else None
        digest.update(
            repr(
                (path.name, sizes[path], sample.window, float(sample.score), sample.central)
            ).encode()
        )
        for person in sample.persons:
            digest.update(person.keypoints.tobytes() + person.visible.tobytes())
            values = (
                *person.box,
                person.annotation_id,
                person.area,
                person.head_size,
                person.crowd,
            )
            digest.update(repr([float(value) for value in values]).encode())
    return f"{len(samples)} samples, sha256 {digest.hexdigest()}"


def crop(sample: Sample, window: Window, codec: Codec, reader: Reader = read_whole) -> np.ndarray:
    """Reads what a window shows of a sample's image, in one warp.

    Returns:
        uint8 RGB [H, W, 3] in input px.
    """
    pixels, image_to_pixels = reader(sample, window)
    image_to_input = window.to_input(codec.input_size, codec.alignment)
    matrix = geometry.compose(image_to_input, geometry.invert(image_to_pixels))
    return geometry.warp(pixels, matrix, codec.input_size)


def input_keypoints(sample: Sample, window: Window, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
    """Returns everybody's keypoints [P, K, 2] in the window's input px and visible [P, K], mirrored if it mirrors.

    In a crowd nothing is visible: it is no person.
    """
    joints = codec.skeleton.num_joints
    keypoints = np.array([person.keypoints for person in sample.persons]).reshape(-1, joints, 2)
    visible = np.array([person.visible * (not person.crowd) for person in sample.persons]).reshape(
        -1, joints
    )
    if window.flip:
        order = list(codec.skeleton.flip)
        keypoints, visible = keypoints[:, order], visible[:, order]
    return geometry.move(keypoints, window.to_input(codec.input_size, codec.alignment)), visible


def input_boxes(sample: Sample, window: Window, codec: Codec) -> np.ndarray:
    """Returns everybody's boxes [P, 4] (x, y, width, height) in the window's input px; round the corners if it is turned."""
    boxes = np.array([person.box for person in sample.persons], np.float64).reshape(-1, 1, 4)
    corners = boxes[..., :2] + boxes[..., 2:] * np.array(
        [(0, 0), (1, 0), (0, 1), (1, 1)]
    )  # [P, 4, 2]
    corners = geometry.move(corners, window.to_input(codec.input_size, codec.alignment))
    return np.hstack([corners.min(axis=1), np.ptp(corners, axis=1)])


def without(image: np.ndarray, rectangle: tuple[int, int, int, int]) -> np.ndarray:
    """Returns an image [H, W, 3] with a rectangle (x, y, width, height) of it black, as is what lies outside an image."""
    x, y, width, height = rectangle
    shown = image.copy()
    shown[y : y + height, x : x + width] = 0
    return shown


def within(points: np.ndarray, rectangle: tuple[int, int, int, int]) -> np.ndarray:
    """Returns which points [..., 2] lie on the pixels of a rectangle (x, y, width, height), whose centres are integers.

    Example:
        >>> within(np.array([[1.6, 2.4], [1.4, 2.0], [3.0, 3.6]]), (2, 2, 2, 2))
        array([ True, False, False])
    """
    corner = np.array(rectangle[:2]) - 0.5
    inside: np.ndarray = np.all((points >= corner) & (points < corner + rectangle[2:]), axis=-1)
    return inside


def labelled_in(
    keypoints: np.ndarray, visible: np.ndarray, input_size: tuple[int, int]
) -> np.ndarray:
    """Returns the labelled joints [M, 2] of the first person with any, inside the network's input.

    Args:
        keypoints: [P, K, 2] in input px.
        visible: [P, K], 0 where not labelled.
        input_size: (width, height) of the network's input in px.
    """
    for points, flags in zip(keypoints, visible, strict=True):
        shown = points[flags > 0]
        shown = shown[np.all((shown >= 0) & (shown < input_size), axis=-1)]
        if len(shown):
            return np.asarray(shown)
    return np.zeros((0, 2))


@dataclass(frozen=True, eq=False)
class TrainingExample:
    """A training sample whose targets are not drawn yet.

    Attributes:
        image: uint8 RGB [H, W, 3].
        people: keypoints [P, K, 2] in input px, visible [P, K] and boxes [P, 4], as `Codec.encode` takes them.
        index: of the sample.
    """

    image: np.ndarray
    people: tuple[np.ndarray, np.ndarray, np.ndarray]
    index: int


class PoseDataset:
    """Training samples by (epoch, index).

    Its chance depends on the seed, the epoch and the index alone, so the images are the same for any number of workers and
    every one of them can be drawn again.

    Args:
        samples: Samples to learn from.
        codec: Codec that draws their targets.
        augment: How samples are varied; None shows every sample's own window.
        seed: Seed of the variations.
        reader: Reader of images.
        final_augment: What takes the place of `augment` from `final_augment_epoch` on.
        final_augment_epoch: First epoch of `final_augment`, counted from 0; 0 never uses it.
        encodes: Whether a batch holds the codec's targets; False gives keypoints, for targets that the device draws.

    Attributes:
        samples: in the annotation's order; only their numbers cross the loader.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        codec: Codec,
        augment: Augment | None = None,
        seed: int = 0,
        reader: Reader = read_whole,
        *,
        final_augment: Augment | None = None,
        final_augment_epoch: int = 0,
        encodes: bool = True,
    ) -> None:
        self.samples = samples
        self._codec, self._seed, self._reader = codec, seed, reader
        self._augment, self._final_augment = augment, final_augment
        self._final_augment_epoch, self._encodes = final_augment_epoch, encodes

    def __len__(self) -> int:
        """Returns the number of samples."""
        return len(self.samples)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:
        """Returns a sample.

        Args:
            key: an index, or (epoch, index).

        Returns:
            "image" uint8 [H, W, 3], "targets" as the codec encodes them, "index" of the sample.
        """
        example = self.example(key)
        return {
            "image": example.image,
            "targets": self._codec.encode(*example.people),
            "index": example.index,
        }

    def batch(self, examples: Sequence[TrainingExample]) -> dict[str, Any]:
        """Returns samples [N, ...] with their targets drawn at once: an array for the batch costs less than one for each.

        Returns:
            "image" uint8 [N, H, W, 3], "index" [N], and "targets" as the codec encodes them, or, for targets that the device
            draws, "keypoints" [N, K, 2] float64 in input px and "visible" [N, K]; where it draws several people,
            "keypoints" [N, P, K, 2], "visible" [N, P, K] and "boxes" [N, P, 4] of the largest number P of people, see
            `padded`.

        Raises:
            InputError: If the codec or the device draws one person in each sample, and there is another number of people.
        """
        batch: dict[str, Any] = {
            "image": np.stack([example.image for example in examples]),
            "index": np.array([example.index for example in examples]),
        }
        keypoints, visible, boxes = zip(*(example.people for example in examples), strict=True)
        if self._encodes:
            return {**batch, "targets": self._codec.encode_batch(keypoints, visible, boxes)}
        if self._codec.draws_several:
            return batch | padded([example.people for example in examples])
        if several := [one.index for one in examples if len(one.people[0]) != 1]:
            raise InputError(
                f"sample {several[0]}: {len(self.samples[several[0]].persons)} people; targets that the device draws are of "
                "one person in each sample. Set train.device_targets=false, or another data.framing"
            )
        return {**batch, "keypoints": np.concatenate(keypoints), "visible": np.concatenate(visible)}

    def example(self, key: int | tuple[int, int]) -> TrainingExample:
        """Returns what a sample shows, before targets are drawn.

        Args:
            key: an index, or (epoch, index).
        """
        epoch, index = (0, key) if isinstance(key, int) else key
        sample = self.samples[index]
        augment = self._final_augment if 0 < self._final_augment_epoch <= epoch else self._augment
        window, hidden = sample.window, None
        codec = self._codec
        rng = np.random.default_rng((self._seed, epoch, index))
        if augment is not None:
            window = augment.window(sample, codec.skeleton, rng)
            hidden = augment.hidden(codec.input_size, rng)
        keypoints, visible = input_keypoints(sample, window, codec)
        image = crop(sample, window, codec, self._reader)
        if augment is not None:
            image = augment.pixels(image, rng, labelled_in(keypoints, visible, codec.input_size))
            if hidden is not None:
                image = without(image, hidden)
                if augment.occlusion_hides_joints:
                    visible = np.where(within(keypoints, hidden), 0, visible)
        people = (keypoints, visible, input_boxes(sample, window, codec))
        return TrainingExample(image, people, index)


def padded(
    people: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Returns the people of N samples as arrays, padded to P people, the largest number (at least 1).

    A padded person has no visible joint, and a box far outside the input.

    Args:
        people: Keypoints [P, K, 2] in input px, visible [P, K] and boxes [P, 4] of each sample.

    Returns:
        "keypoints" [N, P, K, 2], "visible" [N, P, K] and "boxes" [N, P, 4], float64.

    Example:
        >>> one, two = ((np.ones((n, 3, 2)), np.ones((n, 3)), np.ones((n, 4))) for n in (1, 2))
        >>> padded([one, two])["visible"].sum(axis=-1)
        array([[3., 0.],
               [3., 3.]])
    """
    most = max(1, *(len(keypoints) for keypoints, _, _ in people))
    joints = people[0][0].shape[1]
    arrays = {
        "keypoints": np.zeros((len(people), most, joints, 2)),
        "visible": np.zeros((len(people), most, joints)),
        "boxes": np.full((len(people), most, 4), (_OUTSIDE, _OUTSIDE, 0.0, 0.0)),
    }
    for n, parts in enumerate(people):
        for array, part in zip(arrays.values(), parts, strict=True):
            array[n, : len(part)] = part
    return arrays


def batches(
    samples: Sequence[Sample],
    codec: Codec,
    batch_size: int,
    num_workers: int = 1,
    reader: Reader = read_whole,
    share: Share = list,
    timeout: float | None = None,
) -> Iterator[tuple[np.ndarray, Sequence[Sample]]]:
    """Reads samples ahead and yields them in order.

    Args:
        samples: to look at, each through its own window.
        codec: gives the input's size.
        batch_size: the last batch may be smaller.
        num_workers: threads that read; 0 reads when asked.
        reader: of images.
        share: which of the batches to yield, so that several processes see the batches that one would.
        timeout: seconds to wait for an image; None waits for ever.

    Yields:
        uint8 images [N, H, W, 3] and their N samples.
    """
    groups = share(
        [samples[start : start + batch_size] for start in range(0, len(samples), batch_size)]
    )
    own = (sample for group in groups for sample in group)

    def read(sample: Sample) -> np.ndarray:
        return crop(sample, sample.window, codec, reader)

    crops = prefetch(read, own, num_workers, batch_size, timeout, lambda sample: sample.image_path)
    for group in groups:
        yield np.stack([next(crops) for _ in group]), group
