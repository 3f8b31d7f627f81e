"""Makes objects from a config: samples, batches, metric, network, loss, trainer, backend."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from paddle_pose import kinds
from paddle_pose.backends.base import Backend, Network
from paddle_pose.backends.metadata import OutputMetadata, read_metadata
from paddle_pose.backends.open import is_exported, open_exported, open_live
from paddle_pose.codecs.base import Codec
from paddle_pose.configs.overrides import identity, values
from paddle_pose.configs.registry import read_beside, stored_identity, to_json
from paddle_pose.configs.specs import Config
from paddle_pose.data import coco, dataset, framing, movenet_crops, mpii
from paddle_pose.data.augment import HALF_BODY_ABOVE_JOINTS, supports_half_body
from paddle_pose.data.crop_cache import CropCache, Reader, ReducedReader, read_whole
from paddle_pose.data.dataset import PoseDataset
from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.io import images
from paddle_pose.metrics.base import Metric
from paddle_pose.metrics.coco_ap import CocoAP
from paddle_pose.metrics.fire717_accuracy import Fire717Accuracy
from paddle_pose.metrics.pck import PCK
from paddle_pose.metrics.pckh import PCKh
from paddle_pose.structures import AnnotatedImage, Sample
from paddle_pose.weights.names import family_of
from paddle_pose.weights.read import read_weights

if TYPE_CHECKING:
    from paddle_pose.interruption import Interruption
    from paddle_pose.training.loader import EpochLoader
    from paddle_pose.training.process_group import ProcessGroup
    from paddle_pose.training.step import DrawTargets
    from paddle_pose.training.trainer import Trainer, TrainingLoss


_log = logging.getLogger("paddle_pose")

FIXED_BY_EXPORT = ("model", "codec.input_size", "codec.skeleton")
READERS: dict[str, Callable[[Config, str | Path | None, str], list[AnnotatedImage]]] = {
    "mpii": lambda config, root, split: mpii.read_mpii(_given(root), split, config.codec.skeleton),
    "coco": lambda config, root, split: coco.read_annotations(
        *_files(config, root, split), config.codec.skeleton
    ),
    "movenet_crops": lambda config, root, split: movenet_crops.read_movenet_crops(
        _given(root), split
    ),
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
        raise InputError(f"{argument('--dataset_root D', 'data')} is missing: where the data are")
    return root


def truth_files(config: Config, root: str | Path | None) -> tuple[Path, Path]:
    """Returns the file of the validation split's truth, and the folder of its images; for data sets that have both."""
    if config.data.dataset == "mpii":
        return mpii.truth_files(_given(root))
    return _files(config, root, config.data.val_split)


def _files(config: Config, root: str | Path | None, split: str) -> tuple[Path, Path]:
    own = (
        config.data.val_annotations
        if split == config.data.val_split
        else config.data.train_annotations
    )
    return coco.split_files(root, split, own, config.data.images)


def samples(
    config: Config, root: str | Path | None, split: str, detections: Path | None = None
) -> list[Sample]:
    """Reads a split and frames its people, or those that a detector found; prints the counts.

    Args:
        config: names the data set, the framing, and the skeleton that the people's joints are matched with by name.
        root: `--dataset_root`; None where the config names annotation files.
        split: a split of the data set.
        detections: a file of detected boxes in COCO's format; None takes the annotated ones.

    Raises:
        FileNotFoundError: If an annotation file or an image is missing.
        InputError: If a record is not as expected, or the people have no joint of the config's skeleton.
    """
    annotated = READERS[config.data.dataset](config, root, split)
    images.check_present(image.path for image in annotated)
    joints = {len(person.visible) for image in annotated for person in image.persons}
    skeleton = config.codec.skeleton
    if joints - {skeleton.num_joints}:
        raise InputError(
            f"{root}: data set {config.data.dataset!r} has people of {max(joints)} joints, but codec.skeleton "
            f"{skeleton.name} has {skeleton.num_joints}"
        )
    if detections is not None:
        category = (
            coco.PERSON if root is not None else None
        )  # one's own files name their own things
        return coco.read_detections(
            detections, annotated, config.codec.input_size, config.data.context, category
        )
    framed = FRAMINGS[config.data.framing](annotated, config.codec.input_size, config.data.context)
    if split != config.data.train_split:
        return framed
    taught = [sample for sample in framed if any(map(framing.is_target, sample.persons))]
    if len(taught) < len(framed):
        _log.info(
            f"=> left out of training: {len(framed) - len(taught)} images without anybody labelled"
        )
    return taught


def metric_name(config: Config) -> str:
    """Returns which of `METRICS` a config is evaluated with.

    Raises:
        InputError: If its data set lacks what the metric measures in.
    """
    dataset, usual = config.data.dataset, USUAL_METRIC[config.data.dataset]
    name = usual if config.val.metric == "auto" else config.val.metric
    if name in ("pckh", "ap") and name != usual:
        needed = {"pckh": "MPII's head boxes", "ap": "COCO's annotation file"}[name]
        raise InputError(
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
        InputError: If it could only give wrong numbers.
    """
    return METRICS[metric_name(config)](config, root)


def batches(
    config: Config, samples: Sequence[Sample], shard: dataset.Shard = list
) -> Iterator[tuple[np.ndarray, Sequence[Sample]]]:
    """Returns what evaluation looks at: uint8 images [N, H, W, 3] and their samples, in order; see `pose_dataset.batches`."""
    reader: Reader = ReducedReader(config.codec.input_size) if config.val.reduced else read_whole
    timeout = config.train.read_timeout
    return dataset.batches(samples, config.codec, config.val.batch_size, 1, reader, shard, timeout)


def model(config: Config) -> Network:
    """Returns the untrained network, a `paddle.nn.Layer`; the same one for the same `train.seed`."""
    import paddle

    network_class = kinds.load(config.model.target)
    paddle.seed(config.train.seed)
    network: Network = network_class(**config.model.arguments(config.codec))
    return network


def loss(config: Config) -> TrainingLoss:
    """Returns the training loss."""
    made: TrainingLoss = kinds.load(config.loss.target)(**config.loss.arguments(config.codec))
    return made


def device_targets(config: Config) -> DrawTargets | None:
    """Returns what draws targets on the device, where `train.device_targets` asks for it; else None.

    Raises:
        InputError: If it is asked for and the codec names nothing that does.
    """
    if not config.train.device_targets:
        return None
    target = config.codec.device_targets
    if target is None:
        raise InputError(
            f"key 'train.device_targets': got True, but {type(config.codec).__name__} draws its targets in the loading "
            "threads only; set train.device_targets=false"
        )
    draw: DrawTargets = kinds.load(target)(config.codec)
    return draw


def loader(
    config: Config, training_samples: list[Sample], process_group: ProcessGroup | None = None
) -> EpochLoader:
    """Returns the training batches, or one process's share; logs which augmentation is impossible or never used.

    Raises:
        InputError: If there are no samples, or targets cannot be drawn as the config says.
    """
    from paddle_pose.training.loader import EpochLoader

    train, data, size = config.train, config.data, config.codec.input_size
    stages = [config.augment, *([config.final_augment] if train.final_augment_epoch else [])]
    skeleton, half_body = (
        config.codec.skeleton,
        max(stage.half_body if stage else 0.0 for stage in stages),
    )
    if config.final_augment and not 0 < train.final_augment_epoch < train.epochs:
        _log.info(
            f"final_augment is never used: train.final_augment_epoch={train.final_augment_epoch}, train.epochs={train.epochs}"
        )
    if train.final_augment_epoch and not config.final_augment:
        _log.info(
            f"Training samples do not vary from epoch {train.final_augment_epoch} on: final_augment is none"
        )
    if half_body > 0 and not supports_half_body(skeleton):
        _log.info(
            f"Half-body windows (augment.half_body={half_body}) are off: skeleton {skeleton.name} has "
            f"{skeleton.num_joints} joints and names {len(skeleton.upper)} of them in `upper`; they need more than "
            f"{HALF_BODY_ABOVE_JOINTS} joints, and an upper body."
        )
    reader: Reader = read_whole
    if data.cache is not None:
        reader = CropCache(Path(data.cache), size, data.cache_gb * 1e9)
    elif data.reduced:
        reader = ReducedReader(size)
    dataset = PoseDataset(
        training_samples,
        config.codec,
        config.augment,
        train.seed,
        reader,
        final_augment=config.final_augment,
        final_augment_epoch=train.final_augment_epoch,
        encodes=device_targets(config) is None,
    )
    at_once, replace_bad = train.batch_size * train.accumulate, train.on_bad_image == "replace"
    return EpochLoader(
        dataset,
        at_once,
        train.num_workers,
        train.seed,
        process_group,
        replace_bad,
        train.read_timeout,
    )


def trainer(
    config: Config,
    network: Network,
    run_dir: Path,
    training: EpochLoader,
    data: Mapping[str, Sequence[Sample]],
    interruption: Interruption | None = None,
    process_group: ProcessGroup | None = None,
) -> Trainer:
    """Returns the trainer of the recipe.

    Args:
        config: states the recipe.
        network: to train.
        run_dir: of the run.
        training: the batches that it will see.
        data: Samples by "training" and "validation", which have to be the same when the run is resumed.
        interruption: What may end the run early; None for nothing.
        process_group: the processes that train together.
    """
    from paddle_pose.training.checkpoint_policy import CheckpointPolicy
    from paddle_pose.training.optimizers import gradient_clip
    from paddle_pose.training.precision import Precision
    from paddle_pose.training.process_group import ProcessGroup
    from paddle_pose.training.trainer import Trainer

    train, process_group, minimised = config.train, process_group or ProcessGroup(), loss(config)
    rate = train.learning_rate * (
        process_group.size * train.accumulate if train.scale_learning_rate else 1
    )
    optimizer = kinds.load(train.optimizer.target)
    schedule = kinds.load(train.schedule.target)
    return Trainer(
        network,
        minimised,
        optimizer(
            network,
            grad_clip=gradient_clip(train.clip_norm, train.clip_value),
            **train.optimizer.arguments(),
        ),
        schedule(**train.schedule.arguments(rate, len(training), train.epochs)),
        run_dir=run_dir,
        config_json=to_json(config),
        identity={**identity(config), "processes": process_group.size}
        | {f"{split} data": dataset.fingerprint(chosen) for split, chosen in data.items()},
        upgrade_identity=stored_identity,
        measures=minimised.measures,
        log_every=train.log_every,
        seed=train.seed,
        ema=train.ema,
        max_bad_steps=train.max_bad_steps,
        precision=Precision(train.amp, train.amp_dtype),
        policy=CheckpointPolicy(train.keep, train.checkpoint_steps, train.checkpoint_minutes),
        interruption=interruption,
        accumulate=train.accumulate,
        process_group=process_group,
        draw_targets=device_targets(config),
    )


def fitted(config: Config, names: Collection[str]) -> Config:
    """Returns the config with what a weights file decides by itself, see `ModelSpec.fitted`.

    Args:
        config: states the network.
        names: Names of the file's tensors.
    """
    return replace(config, model=config.model.fitted(names))


def trained(
    config: Config, weights: Path, say: Callable[[str], None] = lambda line: None
) -> Network:
    """Returns the network with weights from any file that `weights.read` reads, in inference mode; see `loaded`."""
    return loaded(config, weights, say)[1]


def loaded(
    config: Config, weights: Path, say: Callable[[str], None] = lambda line: None
) -> tuple[Config, Network]:
    """Returns a config as a weights file `fitted` it, and its network with those weights, in inference mode.

    Args:
        config: states the network.
        weights: the file.
        say: told which file is read, how many of its tensors are used, and what it changes.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If a tensor is missing, left over or misshapen, or the file is not a weights file.
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
    if remark := config.model.remark(given.model):
        say(remark)
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
        weights: the file; see `backends.open`, which names the other arguments and the errors.
        device: "auto", "cpu" or "gpu".
        threads: to compute with on the CPU; None for the usual number.
        say: told which file is read.
    """
    if not is_exported(weights):
        return open_live(lambda: trained(config, weights, say), device, threads)
    say(f"Loading exported model from {weights}")
    exported = open_exported(weights, device, threads)
    check_fits(config, weights, exported.outputs)
    return exported, exported.device


def check_fits(config: Config, weights: Path, outputs: Sequence[str]) -> None:
    """Refuses an exported file that is not the config's network.

    Args:
        config: to be run with it.
        weights: the file.
        outputs: names of what it answers.

    Raises:
        InputError: If the codec reads maps that it does not answer, or a flag changes what the export has fixed.
    """
    missing = [name for name in config.codec.outputs if name not in outputs]
    if missing:
        raise InputError(
            f"{weights}: answers {', '.join(outputs)}, but {', '.join(missing)} is read here: "
            f"export it without {argument('--decode')}, or name the right {argument('--config')}"
        )
    exported, metadata = read_beside(weights), read_metadata(weights)
    if exported is None:
        return
    given = values(config)
    changed = {key: value for key, value in values(exported).items() if given.get(key) != value}
    fixed = [key for key in changed if key.startswith(FIXED_BY_EXPORT)]
    if (
        not fixed
        and metadata
        and not _read_alike(config.codec, exported.codec, metadata["outputs"])
    ):
        fixed = [key for key in changed if key.startswith("codec")]
    if fixed:
        had = ", ".join(f"{key} {changed[key]}" for key in fixed)
        wanted = ", ".join(str(given.get(key)) for key in fixed)
        raise InputError(f"{weights}: was exported with {had}; that cannot be changed to {wanted}")


def _read_alike(codec: Codec, exported: Codec, outputs: Sequence[OutputMetadata]) -> bool:
    """Returns whether the outputs of an exported file mean the same to two codecs.

    Args:
        codec: Codec that is to decode the outputs.
        exported: Codec that the file was exported with.
        outputs: The file's metadata of each output.
    """
    shapes = {output["name"]: (1, *map(int, output["shape"][1:])) for output in outputs}
    try:
        return codec.output_spec(shapes) == exported.output_spec(shapes)
    except InputError:  # one of them cannot decode such outputs
        return False
