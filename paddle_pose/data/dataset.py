"""Arrays from samples: the training data set, and batches of images for evaluation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose import geometry
from paddle_pose.codecs.base import Codec
from paddle_pose.data.augment import Augment
from paddle_pose.data.crop_cache import Reader, read_whole
from paddle_pose.data.prefetch import loading_threads, prefetch
from paddle_pose.errors import InputError
from paddle_pose.geometry import Window
from paddle_pose.structures import Sample

_NO_BOX = (-1e6, -1e6, 0.0, 0.0)  # (x, y, width, height) in input px where there is no person
Shard = Callable[[list[Sequence[Sample]]], Sequence[Sequence[Sample]]]
"""Function from the list of all batches to those of this process."""


def fingerprint(samples: Sequence[Sample]) -> str:
    """Returns a line that identifies a data set: the number of samples and a SHA-256 hash.

    The hash covers the samples' windows, scores and annotated people, and the names and sizes in
    bytes of the image files. It does not cover the folder of the images, so that a data set may be
    moved.

    Args:
        samples: Samples of the data set; their order counts.

    Example:
        >>> fingerprint([])[:25]
        '0 samples, sha256 e3b0c44'
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


def crop(
    sample: Sample,
    window: Window,
    codec: Codec,
    reader: Reader = read_whole,
    image_to_input: np.ndarray | None = None,
) -> np.ndarray:
    """Returns the part of a sample's image that a window shows, warped once.

    Args:
        sample: Sample whose image is read.
        window: Window to show, in image px; it may differ from the sample's own.
        codec: Codec of the network; it gives the input size and the pixel alignment.
        reader: Function that reads the image; see `crop_cache.Reader`.
        image_to_input: Matrix [2, 3] that maps (x, y, 1) in image px to input px, if the caller has
            it; None computes it from the window.

    Returns:
        uint8 RGB [H, W, 3] of the size that the codec states for the window; the codec's border
        grey level outside the image.

    Raises:
        FileNotFoundError: If the image is missing.
        InputError: If the image cannot be decoded.
    """
    pixels, image_to_pixels = reader(sample, window)
    size = codec.size_of(window)
    if image_to_input is None:
        image_to_input = window.to_input(size, codec.alignment)
    matrix = geometry.compose(image_to_input, geometry.invert(image_to_pixels))
    return geometry.warp(pixels, matrix, size, codec.border, by_area=codec.by_area)


def input_keypoints(
    sample: Sample, window: Window, codec: Codec, image_to_input: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Returns keypoints in input px and visibilities of a sample's people for a window.

    The rows are in the order of `sample.persons`. A keypoint outside the window keeps its
    visibility.

    Args:
        sample: Sample with P people and crowds.
        window: Window that becomes the input, in image px. If it mirrors, left and right joints
            are swapped.
        codec: Codec of the network; it gives skeleton, input size and pixel alignment.
        image_to_input: `window.to_input`, [2, 3], if the caller has it, mirroring included; None
            computes it.

    Returns:
        keypoints: [P, K, 2] float64 (x, y) in input px; P counts people and crowds.
        visible: [P, K], 0 not labelled, 1 labelled, 2 labelled and visible, as in `Person`; 0 for
            all joints of a crowd.
    """
    joints = codec.skeleton.num_joints
    keypoints = np.array([person.keypoints for person in sample.persons]).reshape(-1, joints, 2)
    visible = np.array([person.visible * (not person.crowd) for person in sample.persons])
    visible = visible.reshape(-1, joints)
    if window.flip:
        order = list(codec.skeleton.flip)
        keypoints, visible = keypoints[:, order], visible[:, order]
    if image_to_input is None:
        image_to_input = window.to_input(codec.input_size, codec.alignment)
    return geometry.move(keypoints, image_to_input), visible


def input_boxes(
    sample: Sample, window: Window, codec: Codec, image_to_input: np.ndarray | None = None
) -> np.ndarray:
    """Returns the boxes of a sample's people in input px, as seen through a window.

    Args:
        sample: Sample with P people and crowds.
        window: Window that becomes the input, in image px.
        codec: Codec of the network; it gives input size and pixel alignment.
        image_to_input: Matrix [2, 3] from image px to input px, if the caller has it; None computes
            it from the window.

    Returns:
        [P, 4] (x, y, width, height) in input px; (x, y) is the upper left corner. In a rotated
        window they are the upright boxes around the rotated corners. Boxes are not clipped to the
        input.
    """
    boxes = np.array([person.box for person in sample.persons], np.float64).reshape(-1, 4)
    if image_to_input is None:
        image_to_input = window.to_input(codec.input_size, codec.alignment)
    return geometry.move_boxes(boxes, image_to_input)


def black_out(image: np.ndarray, rectangle: tuple[int, int, int, int]) -> np.ndarray:
    """Returns a copy of an image with a rectangle filled with black.

    Args:
        image: uint8 [H, W, 3].
        rectangle: (x, y, width, height) in whole px of `image`; (x, y) is the upper left pixel.
    """
    x, y, width, height = rectangle
    result = image.copy()
    result[y : y + height, x : x + width] = 0
    return result


def inside_rectangle(points: np.ndarray, rectangle: tuple[int, int, int, int]) -> np.ndarray:
    """Returns which points lie on the pixels of a rectangle; pixel centres have whole coordinates.

    A rectangle from pixel x on covers points from x - 0.5 on.

    Args:
        points: [..., 2] as (x, y) in px.
        rectangle: (x, y, width, height) in whole px; (x, y) is the upper left pixel.

    Returns:
        Bool [...].

    Example:
        >>> inside_rectangle(np.array([[1.6, 2.4], [1.4, 2.0], [3.0, 3.6]]), (2, 2, 2, 2))
        array([ True, False, False])
    """
    corner = np.array(rectangle[:2]) - 0.5
    inside: np.ndarray = np.all((points >= corner) & (points < corner + rectangle[2:]), axis=-1)
    return inside


def labelled_in(
    keypoints: np.ndarray, visible: np.ndarray, input_size: tuple[int, int]
) -> np.ndarray:
    """Returns the labelled joints, inside the input, of the first person who has such joints.

    The result is [M, 2] (x, y) in input px; [0, 2] if nobody has any.

    Args:
        keypoints: [P, K, 2] (x, y) in input px.
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
    """A training sample before its targets are encoded.

    Attributes:
        image: uint8 RGB [H, W, 3] of the network's input size.
        people: The arguments of `Codec.encode`: keypoints [P, K, 2] (x, y) in input px, visible
            [P, K] (0 where not labelled), and boxes [P, 4] (x, y, width, height) in input px.
        index: Index of the sample in the data set.
    """

    image: np.ndarray
    people: tuple[np.ndarray, np.ndarray, np.ndarray]
    index: int


def padded(
    people: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Returns the people of N samples as arrays with the same number of people P for each.

    P is the largest number of people in a sample, at least 1.

    Args:
        people: For each of the N samples (keypoints [p, K, 2] in input px, visible [p, K], boxes
            [p, 4] in input px), see `TrainingExample.people`; p may differ.

    Returns:
        "keypoints" [N, P, K, 2] float64, "visible" [N, P, K] and "boxes" [N, P, 4] float64. Entries
        without a person have keypoints 0, visible 0 and an empty box outside of every input.

    Example:
        >>> one, two = ((np.ones((p, 3, 2)), np.ones((p, 3)), np.ones((p, 4))) for p in (1, 2))
        >>> arrays = padded([one, two])
        >>> arrays["keypoints"].shape, arrays["visible"].sum(axis=-1).tolist()
        ((2, 2, 3, 2), [[3.0, 0.0], [3.0, 3.0]])
    """
    count = max(1, *(len(visible) for _, visible, _ in people))
    joints = people[0][1].shape[1]
    keypoints = np.zeros((len(people), count, joints, 2))
    visible = np.zeros((len(people), count, joints), people[0][1].dtype)
    boxes = np.full((len(people), count, 4), _NO_BOX)
    for n, (own_keypoints, own_visible, own_boxes) in enumerate(people):
        keypoints[n, : len(own_keypoints)] = own_keypoints
        visible[n, : len(own_visible)] = own_visible
        boxes[n, : len(own_boxes)] = own_boxes
    return {"keypoints": keypoints, "visible": visible, "boxes": boxes}


class PoseDataset:
    """Augmented training samples, indexed by (epoch, index).

    The random numbers of a sample depend on the seed, the epoch and the index only. Images
    therefore do not depend on the number of workers, and each of them can be reproduced.

    Args:
        samples: Samples to train on.
        codec: Codec that encodes their targets.
        augment: Augmentation of the samples; None uses each sample's own window unchanged.
        seed: Seed of the augmentation.
        reader: Function that reads images; see `crop_cache.Reader`.
        final_augment: Augmentation that replaces `augment` from `final_augment_epoch` on; None
            switches augmentation off from then on.
        final_augment_epoch: First epoch that uses `final_augment`, counted from 0; 0 never uses it.
        encodes: Whether batches contain the codec's targets. False makes batches contain keypoints
            and boxes instead, from which the targets are computed on the device.

    Attributes:
        samples: Samples in the order of the annotations. The loader passes only their indices to
            its workers.
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
        self._codec = codec
        self._augment = augment
        self._seed = seed
        self._reader = reader
        self._final_augment = final_augment
        self._final_augment_epoch = final_augment_epoch
        self._encodes = encodes

    def __len__(self) -> int:
        """Returns the number of samples."""
        return len(self.samples)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:
        """Returns one training sample with its targets.

        Args:
            key: (epoch, index), or an index in epoch 0.

        Returns:
            "image", uint8 RGB [H, W, 3]; "targets", the codec's targets by name; "index", the
            sample's index.
        """
        example = self.example(key)
        return {
            "image": example.image,
            "targets": self._codec.encode(*example.people),
            "index": example.index,
        }

    def batch(self, examples: Sequence[TrainingExample]) -> dict[str, Any]:
        """Returns samples as a batch; the targets are encoded together, which is faster.

        Args:
            examples: N samples from `example`.

        Returns:
            "image", uint8 RGB [N, H, W, 3], and "index" [N]; with `encodes` also "targets", the
            codec's targets by name, each [N, ...]; without it "keypoints" [N, P, K, 2] float64 and
            "boxes" [N, P, 4] in input px, and "visible" [N, P, K], where P is the largest number of
            people in a sample. Further entries of a sample have visible 0 and a box far outside.

        Raises:
            InputError: If the codec encodes exactly one person per sample, and a sample contains
                another number of people.
        """
        batch: dict[str, Any] = {
            "image": np.stack([example.image for example in examples]),
            "index": np.array([example.index for example in examples]),
        }
        people = [example.people for example in examples]
        if self._encodes:
            keypoints, visible, boxes = zip(*people, strict=True)
            return {**batch, "targets": self._codec.encode_batch(keypoints, visible, boxes)}
        counts = [len(example.people[0]) for example in examples]
        wrong = [n for n, count in enumerate(counts) if count != 1]
        if wrong and self._codec.max_persons is None:
            raise InputError(
                f"sample {examples[wrong[0]].index} contains {counts[wrong[0]]} people; the codec "
                f"{self._codec.kind} encodes exactly one person per sample: choose another "
                "data.framing"
            )
        return {**batch, **padded(people)}

    def example(self, key: int | tuple[int, int]) -> TrainingExample:
        """Returns the augmented image and people of one training sample.

        Args:
            key: (0-based epoch, index of the sample), or an index alone for epoch 0.

        Raises:
            FileNotFoundError: If the image is missing.
            InputError: If the image cannot be decoded.
        """
        epoch, index = (0, key) if isinstance(key, int) else key
        sample = self.samples[index]
        augment = self._final_augment if 0 < self._final_augment_epoch <= epoch else self._augment
        window = sample.window
        hidden = None
        rng = np.random.default_rng((self._seed, epoch, index))
        if augment is not None:
            window = augment.window(sample, self._codec.skeleton, rng)
            hidden = augment.hidden(self._codec.input_size, rng)
        codec = self._codec
        image_to_input = window.to_input(codec.input_size, codec.alignment)
        keypoints, visible = input_keypoints(sample, window, codec, image_to_input)
        boxes = input_boxes(sample, window, codec, image_to_input)
        image = crop(sample, window, codec, self._reader, image_to_input)
        if augment is not None:
            image = augment.pixels(image, rng, labelled_in(keypoints, visible, codec.input_size))
            if hidden is not None:
                image = black_out(image, hidden)
                if augment.occlusion_hides_joints:
                    visible = np.where(inside_rectangle(keypoints, hidden), 0, visible)
        return TrainingExample(image, (keypoints, visible, boxes), index)


def batches(
    samples: Sequence[Sample],
    codec: Codec,
    batch_size: int,
    num_workers: int = 1,
    reader: Reader = read_whole,
    shard: Shard = list,
    timeout: float | None = None,
) -> Iterator[tuple[np.ndarray, Sequence[Sample]]]:
    """Yields the windows of samples as batches of images, in order; threads read ahead.

    Args:
        samples: Samples to read, each through its own window.
        codec: Codec of the network; it gives the input size and the pixel alignment.
        batch_size: Number of samples in a batch; the last batch may be smaller, as may batches
            before a sample whose input has another size.
        num_workers: Number of reading threads, see `loading_threads`; 0 reads in the calling thread
            when a batch is requested.
        reader: Function that reads images; see `crop_cache.Reader`.
        shard: Function from the list of all batches to those of this process, such as
            `ProcessGroup.shard`; several processes then evaluate the same batches as one.
        timeout: Seconds to wait for an image; None waits for ever.

    Yields:
        Images uint8 RGB [N, H, W, 3] and their N samples.

    Raises:
        FileNotFoundError: If an image is missing.
        InputError: If an image cannot be decoded.
        TimeoutError: If an image is not read in time.
    """
    all_batches: list[Sequence[Sample]] = [
        run[start : start + batch_size]
        for run in _of_equal_size(samples, codec)
        for start in range(0, len(run), batch_size)
    ]
    groups = shard(all_batches)
    own_samples = (sample for group in groups for sample in group)

    def read(sample: Sample) -> np.ndarray:
        return crop(sample, sample.window, codec, reader)

    crops = prefetch(
        read,
        own_samples,
        num_workers=loading_threads(num_workers),
        ahead=batch_size,
        timeout=timeout,
        name=lambda sample: sample.image_path,
    )
    for group in groups:
        yield np.stack([next(crops) for _ in group]), group


def _of_equal_size(samples: Sequence[Sample], codec: Codec) -> list[Sequence[Sample]]:
    """Returns the samples in their order, divided where the size of the network's input changes."""
    if not codec.sizes_vary:
        return [samples]
    return [list(run) for _, run in groupby(samples, lambda sample: codec.size_of(sample.window))]
