"""Turns a config into objects: the only file that reads one. Imports that need Paddle sit inside the functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from paddle_pose.backends.base import Backend
from paddle_pose.backends.open import OPENERS, open_exported, open_live
from paddle_pose.configs.contract import check_fits
from paddle_pose.configs.fields import (
    Config,
    HourglassModel,
    HRNetModel,
    SimpleBaselineModel,
    StackedHourglassModel,
)
from paddle_pose.configs.schema import read_beside
from paddle_pose.datasets import coco, framing, images, movenet_crops, mpii, pose_dataset
from paddle_pose.datasets.augment import HALVED_ABOVE, has_halves
from paddle_pose.datasets.pose_dataset import PoseDataset
from paddle_pose.datasets.window_readers import CropCache, Reader, ReducedReader, read_whole
from paddle_pose.metrics.base import Metric
from paddle_pose.metrics.coco_ap import CocoAP
from paddle_pose.metrics.original_accuracy import OriginalAccuracy
from paddle_pose.metrics.pck import PCK
from paddle_pose.metrics.pckh import PCKh
from paddle_pose.structures import AnnotatedImage, Sample
from paddle_pose.weights.names import family_of, has_inters, is_mmpose
from paddle_pose.weights.read import read_weights

if TYPE_CHECKING:
    from paddle_pose.training.loader import EpochLoader
    from paddle_pose.training.trainer import Trainer

READERS = {"mpii": mpii.read_mpii, "coco": coco.read_coco, "movenet_crops": movenet_crops.read_movenet_crops}
METRICS: dict[str, Callable[[Config, str | Path], Metric]] = {
    "pckh": lambda config, root: PCKh(),
    "ap": lambda config, root: CocoAP(coco.annotation_file(root, config.data.val_split), config.codec.skeleton.sigmas),
    "pck": lambda config, root: PCK(config.codec.skeleton),
    "original_accuracy": lambda config, root: OriginalAccuracy(config.codec.skeleton),
}
USUAL_METRIC = {"mpii": "pckh", "coco": "ap", "movenet_crops": "original_accuracy"}


def model(config: Config) -> Any:
    """Returns the untrained network, a `paddle.nn.Layer`; the same one for the same `train.seed`."""
    import paddle

    from paddle_pose.models.hourglass import Hourglass
    from paddle_pose.models.hrnet import HRNet
    from paddle_pose.models.simple_baseline import SimpleBaseline
    from paddle_pose.models.stacked_hourglass import StackedHourglass

    factories: dict[type, Callable[..., Any]] = {
        HourglassModel: Hourglass,
        StackedHourglassModel: StackedHourglass,
        HRNetModel: HRNet,
        SimpleBaselineModel: SimpleBaseline,
    }
    factory = factories[type(config.model)]
    paddle.seed(config.train.seed)
    return factory(num_joints=config.codec.skeleton.num_joints, **asdict(config.model))


def loss(config: Config) -> Any:
    """Returns the training loss."""
    from paddle_pose.losses import JointsMSELoss

    joint_weights = config.codec.skeleton.weights if config.loss.joint_weights else ()
    return JointsMSELoss(scale=config.loss.scale, joint_weights=joint_weights)


def samples(config: Config, root: str | Path, split: str, detections: Path | None = None) -> list[Sample]:
    """Reads a split and frames its people, or those that a detector found; prints the counts.

    Args:
        config: names the data set and the framing.
        root: `--dataset_root`.
        split: a split of the data set.
        detections: a file of detected boxes in COCO's format; None takes the annotated ones.

    Raises:
        FileNotFoundError: If an annotation file or a picture is missing.
        ValueError: If a record is not as expected, or the people have other joints than the config's skeleton.
    """
    annotated: list[AnnotatedImage] = READERS[config.data.dataset](root, split)
    images.check_present(image.path for image in annotated)
    joints = {len(person.visible) for image in annotated for person in image.persons}
    skeleton = config.codec.skeleton
    if joints - {skeleton.num_joints}:
        raise ValueError(
            f"{root}: data set {config.data.dataset!r} has people of {max(joints)} joints, but codec.skeleton "
            f"{skeleton.name} has {skeleton.num_joints}"
        )
    if detections is not None:
        return coco.read_detections(detections, annotated, config.codec.input_size, config.data.context)
    return framing.one_per_person(annotated, config.codec.input_size, config.data.context)


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
            f"{', '.join(dict.fromkeys((usual, 'pck', 'original_accuracy')))}"
        )
    return name


def metric(config: Config, root: str | Path) -> Metric:
    """Returns the metric of the config for the validation split.

    Args:
        config: names the data set and the metric.
        root: `--dataset_root`, for metrics that own their ground truth.

    Raises:
        FileNotFoundError: If an annotation file is missing.
        ValueError: If it could only give wrong numbers.
    """
    return METRICS[metric_name(config)](config, root)


def loader(config: Config, training_samples: list[Sample]) -> EpochLoader:
    """Returns the training batches; prints which augmentation the skeleton makes impossible."""
    from paddle_pose.training.loader import EpochLoader

    train, data, size = config.train, config.data, config.codec.input_size
    skeleton, half_body = config.codec.skeleton, config.augment.half_body if config.augment else 0.0
    if half_body > 0 and not has_halves(skeleton):
        print(
            f"Half-body windows (augment.half_body={half_body}) are off: skeleton {skeleton.name} has "
            f"{skeleton.num_joints} joints and names {len(skeleton.upper)} of them in `upper`; they need more than "
            f"{HALVED_ABOVE} joints, and an upper body."
        )
    reader: Reader = ReducedReader(size) if data.reduced else read_whole
    if data.cache is not None:
        reader = CropCache(Path(data.cache), size, data.cache_gb * 1e9)
    dataset = PoseDataset(training_samples, config.codec, config.augment, train.seed, reader)
    return EpochLoader(dataset, train.batch_size, train.num_workers, train.seed)


def batches(config: Config, samples: Sequence[Sample]) -> Iterator[tuple[np.ndarray, Sequence[Sample]]]:
    """Returns what evaluation looks at: uint8 images [N, H, W, 3] and their samples, in order."""
    reader: Reader = ReducedReader(config.codec.input_size) if config.val.reduced else read_whole
    return pose_dataset.batches(samples, config.codec, config.val.batch_size, reader=reader)


def trainer(config: Config, network: Any, run_dir: Path, steps_per_epoch: int, config_json: str) -> Trainer:
    """Returns the trainer of the recipe.

    Args:
        config: states the recipe.
        network: to train.
        run_dir: of the run.
        steps_per_epoch: turns the recipe's epochs into steps.
        config_json: kept beside every checkpoint.
    """
    from paddle_pose.losses import acc_pose
    from paddle_pose.training.optimizers import CosineSchedule, StepSchedule, adam
    from paddle_pose.training.trainer import Trainer

    train = config.train
    schedule: Callable[[int], float]
    if train.schedule == "cosine":
        total = train.epochs * steps_per_epoch
        schedule = CosineSchedule(train.learning_rate, total, train.warmup, train.warmup_start)
    else:
        milestones = [epoch * steps_per_epoch for epoch in train.milestones]
        schedule = StepSchedule(train.learning_rate, milestones, train.gamma, train.warmup, train.warmup_start)
    return Trainer(
        network,
        loss(config),
        adam(network),
        schedule,
        run_dir=run_dir,
        config_json=config_json,
        measures={"acc_pose": acc_pose},
        log_every=train.log_every,
    )


def fitted(config: Config, names: Iterable[str]) -> Config:
    """Returns the config with what a weights file decides by itself.

    That is whether an Hourglass has `inters`, and the order of the channels that MMPose's SimpleBaseline sees.

    Args:
        config: states the network.
        names: of the file's tensors.
    """
    names = list(names)
    if isinstance(config.model, HourglassModel):
        return replace(config, model=replace(config.model, inters=has_inters(names)))
    if isinstance(config.model, SimpleBaselineModel) and is_mmpose(names):
        return replace(config, model=replace(config.model, order="rgb"))
    return config


def trained(config: Config, weights: Path, say: Callable[[str], None] = lambda line: None) -> Any:
    """Returns the network with weights from any file that `weights.read` reads, in inference mode; see `loaded`."""
    return loaded(config, weights, say)[1]


def loaded(config: Config, weights: Path, say: Callable[[str], None] = lambda line: None) -> tuple[Config, Any]:
    """Returns a config as a weights file `fitted` it, and its network with those weights, in inference mode.

    Args:
        config: states the network.
        weights: the file.
        say: told which file is read, how many of its tensors are used, and what it changes.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a tensor is missing, left over or misshapen, or the file is not a weights file.
    """
    from paddle_pose.training import checkpoint

    say(f"Loading pretrained model from {weights}")
    tensors = read_weights(weights)
    given, config = config, fitted(config, tensors)
    network = model(config)
    checkpoint.put(network, tensors, weights)
    network.eval()
    state = network.state_dict()
    left_out = len(tensors) - len(state)
    line = f"There are {len(state)}/{len(tensors)} variables loaded, named as in {family_of(tensors, state).name}"
    say(line + (f"; {left_out} num_batches_tracked left out." if left_out else "."))
    if isinstance(config.model, SimpleBaselineModel):
        why = ", as all of MMPose's do, where the config says bgr" if config != given else ""
        say(f"It sees {config.model.order.upper()} pictures (model.order){why}.")
    return config, network


def backend(
    config: Config,
    weights: Path,
    device: str,
    threads: int | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[Backend, str]:
    """Returns what looks at images through an exported file or any file that `loaded` reads, and where it computes.

    Args:
        config: of the network.
        weights: the file; its suffix decides, see `backends.open`, which names the other arguments and the errors.
        device: "auto", "cpu" or "gpu".
        threads: to compute with on the CPU; None for the usual number.
        say: told which file is read.
    """
    if weights.suffix not in OPENERS:
        return open_live(lambda: trained(config, weights, say), device, threads)
    say(f"Loading exported model from {weights}")
    exported = open_exported(weights, device, threads)
    check_fits(config, weights, exported.outputs)
    return exported, exported.place


def predictor(weights: str | Path, device: str = "auto", flip: bool | None = None) -> Any:
    """Returns a predictor for a weights file with its config beside it, or for an exported file.

    Args:
        weights: a file that `train.py` or `export.py` wrote.
        device: "auto", "cpu" or "gpu".
        flip: average with the mirrored picture; None as the config says.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no config beside it, or it does not fit.

    Example:
        `poses = build.predictor("output/demo/best_model/model.pdparams")(image)`
    """
    config = read_beside(Path(weights))
    if config is None:
        raise ValueError(f"{weights}: there is no config.json beside it that says which network it is for")
    return predictor_for(config, Path(weights), device, flip)


def predictor_for(config: Config, weights: Path, device: str, flip: bool | None, threads: int | None = None) -> Any:
    """Returns a predictor of a config's network; see `predictor` and `backend`."""
    from paddle_pose.inference.flip_average import FlipAverage
    from paddle_pose.inference.predictor import Predictor

    looks, _ = backend(config, weights, device, threads)
    if config.val.flip if flip is None else flip:
        looks = FlipAverage(looks, config.codec, config.val.shift)
    return Predictor(looks, config.codec, config.data.context)
