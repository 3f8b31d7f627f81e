"""Turns a config's words on data into objects: samples, batches to evaluate, the metric. A part of `build`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from paddle_pose.configs.specs import Config
from paddle_pose.data import coco, dataset, framing, movenet_crops, mpii
from paddle_pose.data.crop_cache import Reader, ReducedReader, read_whole
from paddle_pose.io import images
from paddle_pose.metrics.base import Metric
from paddle_pose.metrics.coco_ap import CocoAP
from paddle_pose.metrics.fire717_accuracy import Fire717Accuracy
from paddle_pose.metrics.pck import PCK
from paddle_pose.metrics.pckh import PCKh
from paddle_pose.structures import AnnotatedImage, Sample

READERS: dict[str, Callable[[Config, str | Path | None, str], list[AnnotatedImage]]] = {
    "mpii": lambda config, root, split: mpii.read_mpii(_given(root), split, config.codec.skeleton),
    "coco": lambda config, root, split: coco.read_annotations(*_files(config, root, split), config.codec.skeleton),
    "movenet_crops": lambda config, root, split: movenet_crops.read_movenet_crops(_given(root), split),
}
METRICS: dict[str, Callable[[Config, str | Path | None], Metric]] = {
    "pckh": lambda config, root: PCKh(config.codec.skeleton),
    "ap": lambda config, root: CocoAP(
        *(_files(config, root, config.data.val_split)[0], config.codec.skeleton),
        whole_images=config.data.framing == "image",
    ),
    "pck": lambda config, root: PCK(config.codec.skeleton),
    "fire717_accuracy": lambda config, root: Fire717Accuracy(config.codec.skeleton),
}
FRAMINGS = {
    "person": framing.one_per_person,
    "central_person": framing.one_per_central_person,
    "image": framing.one_per_image,
}
USUAL_METRIC = {"mpii": "pckh", "coco": "ap", "movenet_crops": "fire717_accuracy"}


def _given(root: str | Path | None) -> str | Path:
    if root is None:
        raise ValueError("--dataset_root D is missing: where the data are")
    return root


def truth_files(config: Config, root: str | Path | None) -> tuple[Path, Path]:
    """Returns the file of the validation split's truth, and the folder of its images; for data sets that have both."""
    if config.data.dataset == "mpii":
        return mpii.truth_files(_given(root))
    return _files(config, root, config.data.val_split)


def _files(config: Config, root: str | Path | None, split: str) -> tuple[Path, Path]:
    own = config.data.val_annotations if split == config.data.val_split else config.data.train_annotations
    return coco.split_files(root, split, own, config.data.images)


def samples(config: Config, root: str | Path | None, split: str, detections: Path | None = None) -> list[Sample]:
    """Reads a split and frames its people, or those that a detector found; prints the counts.

    Args:
        config: names the data set, the framing, and the skeleton that the people's joints are matched with by name.
        root: `--dataset_root`; None where the config names annotation files.
        split: a split of the data set.
        detections: a file of detected boxes in COCO's format; None takes the annotated ones.

    Raises:
        FileNotFoundError: If an annotation file or an image is missing.
        ValueError: If a record is not as expected, or the people have no joint of the config's skeleton.
    """
    annotated = READERS[config.data.dataset](config, root, split)
    images.check_present(image.path for image in annotated)
    joints = {len(person.visible) for image in annotated for person in image.persons}
    skeleton = config.codec.skeleton
    if joints - {skeleton.num_joints}:
        raise ValueError(
            f"{root}: data set {config.data.dataset!r} has people of {max(joints)} joints, but codec.skeleton "
            f"{skeleton.name} has {skeleton.num_joints}"
        )
    if detections is not None:
        category = coco.PERSON if root is not None else None  # one's own files name their own things
        return coco.read_detections(detections, annotated, config.codec.input_size, config.data.context, category)
    framed = FRAMINGS[config.data.framing](annotated, config.codec.input_size, config.data.context)
    if split != config.data.train_split:
        return framed
    taught = [sample for sample in framed if any(map(framing.is_target, sample.persons))]
    if len(taught) < len(framed):
        print(f"=> left out of training: {len(framed) - len(taught)} images without anybody labelled", flush=True)
    return taught


def metric_name(config: Config) -> str:
    """Returns which of `METRICS` a config is evaluated with.

    Raises:
        ValueError: If its data set lacks what the metric measures in.
    """
    dataset, usual = config.data.dataset, USUAL_METRIC[config.data.dataset]
    name = usual if config.val.metric == "auto" else config.val.metric
    if name in ("pckh", "ap") and name != usual:
        needed = {"pckh": "MPII's head boxes", "ap": "COCO's annotation file"}[name]
        raise ValueError(
            f"metric {name!r} needs {needed}, which data set {dataset!r} has not; expected "
            f"{', '.join(dict.fromkeys((usual, 'pck', 'fire717_accuracy')))}"
        )
    return name


def metric(config: Config, root: str | Path | None) -> Metric:
    """Returns the metric of the config for the validation split.

    Args:
        config: names the data set, the metric, and the skeleton of the poses.
        root: `--dataset_root`, for metrics that own their ground truth; None where the config names annotation files.

    Raises:
        FileNotFoundError: If an annotation file is missing.
        ValueError: If it could only give wrong numbers.
    """
    return METRICS[metric_name(config)](config, root)


def batches(
    config: Config, samples: Sequence[Sample], share: dataset.Share = list
) -> Iterator[tuple[np.ndarray, Sequence[Sample]]]:
    """Returns what evaluation looks at: uint8 images [N, H, W, 3] and their samples, in order; see `pose_dataset.batches`."""
    reader: Reader = ReducedReader(config.codec.input_size) if config.val.reduced else read_whole
    timeout = config.train.read_timeout
    return dataset.batches(samples, config.codec, config.val.batch_size, 1, reader, share, timeout)
