"""Creates objects from a config: samples, batches, metric, network, loss, trainer and backend."""

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
from paddle_pose.configs.foreign import ForeignModel, open_foreign
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
from paddle_pose.metrics.pck import usual_pck
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

# Prefixes of the keys that cannot be changed after an export.
FIXED_BY_EXPORT = ("model", "codec.input_size", "codec.skeleton")
READERS: dict[str, Callable[[Config, str | Path | None, str], list[AnnotatedImage]]] = {
    "mpii": lambda config, root, split: mpii.read_mpii(
        _required(root), split, config.codec.skeleton
    ),
    "coco": lambda config, root, split: coco.read_annotations(
        *_files(config, root, split),
        config.codec.skeleton,
        boxes_from_keypoints=config.data.boxes_from_keypoints,
    ),
    "movenet_crops": lambda config, root, split: movenet_crops.read_movenet_crops(
        _required(root), split
    ),
}
METRICS: dict[str, Callable[[Config, str | Path | None], Metric]] = {
    "pckh": lambda config, root: PCKh(config.codec.skeleton),
    "ap": lambda config, root: CocoAP(
        _files(config, root, config.data.val_split)[0],
        config.codec.skeleton,
        boxes_from_keypoints=config.data.boxes_from_keypoints,
        whole_images=config.data.framing == "image",
    ),
    "pck": lambda config, root: usual_pck(config.codec.skeleton),
    "fire717_accuracy": lambda config, root: Fire717Accuracy(config.codec.skeleton),
}
FRAMINGS = {
    "person": framing.one_per_person,
    "central_person": framing.one_per_central_person,
}
USUAL_METRIC = {"mpii": "pckh", "coco": "ap", "movenet_crops": "fire717_accuracy"}


def _required(root: str | Path | None) -> str | Path:
    """Returns the folder of the data set.

    Raises:
        InputError: If it is None.
    """
    if root is None:
        raise InputError(
            f"{argument('--dataset_root D', 'data')} is missing: the folder of the data set"
        )
    return root


def truth_files(config: Config, root: str | Path | None) -> tuple[Path, Path]:
    """Returns the path of the ground truth of the validation split, and the folder of its images.

    Args:
        config: Config whose data set is "mpii" or "coco".
        root: Folder of the data set; None if the config specifies annotation files.

    Raises:
        FileNotFoundError: If the annotation file or the folder of the images that the config
            specifies does not exist.
        InputError: If there is neither `root` nor a file in the config, or `root` lacks the split.
    """
    if config.data.dataset == "mpii":
        return mpii.truth_files(_required(root))
    return _files(config, root, config.data.val_split)


def _files(config: Config, root: str | Path | None, split: str) -> tuple[Path, Path]:
    """Returns the annotation file of a split in COCO format and the folder of its images."""
    own = (
        config.data.val_annotations
        if split == config.data.val_split
        else config.data.train_annotations
    )
    return coco.split_files(root, split, own, config.data.images)


def samples(
    config: Config, root: str | Path | None, split: str, detections: Path | None = None
) -> list[Sample]:
    """Returns the samples of a split: windows around annotated or detected boxes.

    The numbers of images and samples are logged. Images without labelled people are removed from
    the training split.

    Args:
        config: Config that specifies the data set, the framing and the skeleton; the joints of the
            annotations are matched with the skeleton by name.
        root: Folder of the data set; None if the config specifies annotation files.
        split: Name of the split: "train", "trainval" or "val", see `specs.Data`.
        detections: Path of detected boxes in COCO's format, (x, y, width, height) in image px; None
            uses the annotated boxes.

    Raises:
        FileNotFoundError: If an annotation file or an image is missing.
        InputError: If a record is invalid, or the annotations have no joint of the skeleton.
    """
    annotated = READERS[config.data.dataset](config, root, split)
    images.check_present(image.path for image in annotated)
    joints = {len(person.visible) for image in annotated for person in image.persons}
    skeleton = config.codec.skeleton
    if joints - {skeleton.num_joints}:
        raise InputError(
            f"{root}: data set {config.data.dataset!r} has people with {max(joints)} joints, but "
            f"codec.skeleton {skeleton.name} has {skeleton.num_joints}"
        )
    if detections is not None:
        # Annotation files given by the user may have any categories.
        category = coco.PERSON if root is not None else None
        return coco.read_detections(
            detections, annotated, config.codec.input_size, config.data.context, category
        )
    size, context = config.codec.input_size, config.data.context
    if config.data.framing == "image":
        framed = framing.one_per_image(annotated, size, context, config.codec.image_window)
    else:
        framed = FRAMINGS[config.data.framing](annotated, size, context)
    if split != config.data.train_split:
        return framed
    with_targets = [sample for sample in framed if any(map(framing.is_target, sample.persons))]
    if len(with_targets) < len(framed):
        removed = len(framed) - len(with_targets)
        _log.info(f"=> left out of training: {removed} images without labelled people")
    return with_targets


def check_learned(config: Config, root: str | Path | None, training: Sequence[Sample]) -> None:
    """Raises an error if nobody in the training split has labelled a joint of the network.

    Only data sets in COCO's format are checked, unless `data.unlabelled_joints` is "allow".

    Args:
        config: Config that specifies the data set and the skeleton.
        root: Folder of the data set; None if the config specifies annotation files.
        training: Samples of the training split.

    Raises:
        InputError: If a joint is not labelled; the message names it, and the most similar name in
            the annotation file if this has no such joint.
    """
    if config.data.dataset == "coco" and config.data.unlabelled_joints == "error":
        path, _ = _files(config, root, config.data.train_split)
        people = (person for sample in training for person in sample.persons)
        coco.check_learned(path, people, config.codec.skeleton)


def metric_name(config: Config) -> str:
    """Returns the name in `METRICS` of the metric that a config is evaluated with.

    Args:
        config: Config that specifies the metric and the data set.

    Raises:
        InputError: If the data set lacks annotations that the metric needs.
    """
    dataset = config.data.dataset
    usual = USUAL_METRIC[dataset]
    name = usual if config.val.metric == "auto" else config.val.metric
    if name in ("pckh", "ap") and name != usual:
        needed = {"pckh": "MPII's head boxes", "ap": "COCO's annotation file"}[name]
        raise InputError(
            f"metric {name!r} needs {needed}, which data set {dataset!r} does not have; expected "
            f"{', '.join(dict.fromkeys((usual, 'pck', 'fire717_accuracy')))}"
        )
    return name


def metric(config: Config, root: str | Path | None) -> Metric:
    """Returns the metric of a config for the validation split; it scores poses in image px.

    Args:
        config: Config that specifies the data set, the metric and the skeleton.
        root: Folder of the data set, for metrics that read the ground truth themselves; None if the
            config specifies annotation files.

    Raises:
        FileNotFoundError: If an annotation file is missing.
        InputError: If the data set lacks annotations that the metric needs.
    """
    return METRICS[metric_name(config)](config, root)


def batches(
    config: Config, samples: Sequence[Sample], shard: dataset.Shard = list
) -> Iterator[tuple[np.ndarray, Sequence[Sample]]]:
    """Returns an iterator over evaluation batches (images, samples), see `data.dataset.batches`.

    Images are uint8 RGB [N, H, W, 3] in input px.

    Args:
        config: Config that specifies the codec, the batch size and how images are decoded.
        samples: Samples to evaluate; batches keep their order.
        shard: Function that receives the list of all batches and returns those of this process,
            such as `ProcessGroup.shard`; `list` returns all.
    """
    reader: Reader = ReducedReader(config.codec.input_size) if config.val.reduced else read_whole
    return dataset.batches(
        samples,
        config.codec,
        config.val.batch_size,
        num_workers=config.train.num_workers,
        reader=reader,
        shard=shard,
        timeout=config.train.read_timeout,
    )


def model(config: Config) -> Network:
    """Returns the untrained network, a `paddle.nn.Layer`.

    Its initial weights are determined by `train.seed`.

    Args:
        config: Config that specifies the network, the codec and the seed.
    """
    import paddle

    network_class = kinds.load(config.model.target)
    paddle.seed(config.train.seed)
    network: Network = network_class(**config.model.arguments(config.codec))
    return network


def loss(config: Config) -> TrainingLoss:
    """Returns the training loss of a config, see `training.trainer.TrainingLoss`.

    Args:
        config: Config that specifies the loss and the codec.
    """
    loss_class = kinds.load(config.loss.target)
    training_loss: TrainingLoss = loss_class(**config.loss.arguments(config.codec))
    return training_loss


def loss_terms(
    config: Config, outputs: Mapping[str, np.ndarray], targets: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Returns the terms of the training loss of one image by name.

    Args:
        config: Config that specifies the loss and the codec.
        outputs: Outputs of the network by name, as `PoseModel.maps` returns them, without the batch
            axis.
        targets: Targets by name, as `Codec.encode` returns them.
    """
    import paddle

    batches = [
        {name: paddle.to_tensor(np.asarray(values)[None]) for name, values in maps.items()}
        for maps in (outputs, targets)
    ]
    terms = loss(config)(*batches)
    return {name: float(term.item()) for name, term in terms.items()}


def device_targets(config: Config) -> DrawTargets | None:
    """Returns the function that draws targets on the device; None if `device_targets` is false.

    Args:
        config: Config that specifies the codec.

    Raises:
        InputError: If `train.device_targets` is true and the codec has no such function.
    """
    if not config.train.device_targets:
        return None
    target = config.codec.device_targets
    if target is None:
        raise InputError(
            f"key 'train.device_targets': got True, but {type(config.codec).__name__} draws its "
            "targets in the loading threads only; set train.device_targets=false"
        )
    draw: DrawTargets = kinds.load(target)(config.codec)
    return draw


def loader(
    config: Config, training_samples: list[Sample], process_group: ProcessGroup | None = None
) -> EpochLoader:
    """Returns the loader of the training batches; logs which augmentation is impossible or unused.

    Args:
        config: Config that specifies augmentation, codec and loading.
        training_samples: Samples to train on.
        process_group: Processes that train together, of which each loads its part of the batches;
            None for a single process.

    Raises:
        InputError: If there are no samples, or `train.device_targets` is not available for the
            codec.
    """
    from paddle_pose.training.loader import EpochLoader

    train = config.train
    data = config.data
    skeleton = config.codec.skeleton
    stages = [config.augment, *([config.final_augment] if train.final_augment_epoch else [])]
    half_body = max(stage.half_body if stage else 0.0 for stage in stages)
    if config.final_augment and not 0 < train.final_augment_epoch < train.epochs:
        _log.info(
            f"final_augment is never used: train.final_augment_epoch={train.final_augment_epoch}, "
            f"train.epochs={train.epochs}"
        )
    if train.final_augment_epoch and not config.final_augment:
        _log.info(
            f"Training samples are not augmented from epoch {train.final_augment_epoch} on: "
            "final_augment is none"
        )
    if half_body > 0 and not supports_half_body(skeleton):
        _log.info(
            f"Half-body windows (augment.half_body={half_body}) are off: skeleton {skeleton.name} "
            f"has {skeleton.num_joints} joints and names {len(skeleton.upper)} of them in `upper`; "
            f"they need more than {HALF_BODY_ABOVE_JOINTS} joints, and an upper body."
        )
    reader: Reader = read_whole
    if data.cache is not None:
        reader = CropCache(Path(data.cache), config.codec.input_size, data.cache_gb * 1e9)
    elif data.reduced:
        reader = ReducedReader(config.codec.input_size)
    dataset = PoseDataset(
        training_samples,
        config.codec,
        augment=config.augment,
        seed=train.seed,
        reader=reader,
        final_augment=config.final_augment,
        final_augment_epoch=train.final_augment_epoch,
        encodes=device_targets(config) is None,
    )
    return EpochLoader(
        dataset,
        batch_size=train.batch_size * train.accumulate,
        num_workers=train.num_workers,
        seed=train.seed,
        process_group=process_group,
        replace_bad=train.on_bad_image == "replace",
        timeout=train.read_timeout,
        pin_memory=train.pin_memory,
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
    """Returns the trainer of a run, with loss, optimizer and schedule of a config.

    It starts at the first epoch; to continue a run, call `Trainer.resume` before `Trainer.fit`.

    Args:
        config: Config that specifies the loss and the training recipe.
        network: Network to train, on the device that trains; the trainer wraps it for parallel
            training.
        run_dir: Folder of the run.
        training: Loader of the training batches, see `loader`.
        data: {"training": samples, "validation": samples}. Only their hashes are used, see
            `data.dataset.fingerprint`: `Trainer.resume` raises an error if they differ from those
            of the checkpoint.
        interruption: Interruption that may end the run early; None for none.
        process_group: Processes that train together; None for a single process.
    """
    from paddle_pose.training.checkpoint_policy import CheckpointPolicy
    from paddle_pose.training.optimizers import gradient_clip
    from paddle_pose.training.precision import Precision
    from paddle_pose.training.process_group import ProcessGroup
    from paddle_pose.training.trainer import Trainer

    train = config.train
    training_loss = loss(config)
    process_group = process_group or ProcessGroup()
    rate = train.learning_rate
    if train.scale_learning_rate:
        batches_per_step = process_group.size * train.accumulate
        images_per_step = batches_per_step * train.batch_size
        rate *= images_per_step / train.total_batch if train.total_batch else batches_per_step
    make_optimizer = kinds.load(train.optimizer.target)
    optimizer = make_optimizer(
        network,
        grad_clip=gradient_clip(train.clip_norm, train.clip_value),
        **train.optimizer.arguments(),
    )
    make_schedule = kinds.load(train.schedule.target)
    schedule = make_schedule(**train.schedule.arguments(rate, len(training), train.epochs))
    return Trainer(
        network,
        training_loss,
        optimizer,
        schedule,
        run_dir=run_dir,
        config_json=to_json(config),
        identity={**identity(config), "processes": process_group.size}
        | {f"{name} data": dataset.fingerprint(split) for name, split in data.items()},
        upgrade_identity=stored_identity,
        measures=training_loss.measures,
        log_every=train.log_every,
        seed=train.seed,
        ema=train.ema,
        ema_gamma=train.ema_gamma,
        max_bad_steps=train.max_bad_steps,
        precision=Precision(train.amp, train.amp_dtype),
        policy=CheckpointPolicy(train.keep, train.checkpoint_steps, train.checkpoint_minutes),
        interruption=interruption,
        accumulate=train.accumulate,
        process_group=process_group,
        draw_targets=device_targets(config),
    )


def fitted(config: Config, names: Collection[str]) -> Config:
    """Returns a copy of a config whose network fits a weights file, see `ModelSpec.fitted`.

    Args:
        config: Config that specifies the network.
        names: Names of all tensors in the weights file, as the file states them.
    """
    return replace(config, model=config.model.fitted(names))


def trained(
    config: Config, weights: Path, log: Callable[[str], None] = lambda line: None
) -> Network:
    """Returns the network with the weights of a file, in inference mode, see `loaded`.

    Args:
        config: Config that specifies the network.
        weights: Weights file in any format that `weights.read` reads.
        log: Function that receives log lines.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file does not fit the config, see `loaded`.
    """
    return loaded(config, weights, log)[1]


def loaded(
    config: Config, weights: Path, log: Callable[[str], None] = lambda line: None
) -> tuple[Config, Network]:
    """Returns the config fitted to a weights file, and the network with these weights.

    The network is in inference mode.

    Args:
        config: Config that specifies the network.
        weights: Weights file in any format that `weights.read` reads.
        log: Function that receives log lines: the path of the file, the number of tensors that are
            used, and the remark of the network's spec.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file is not a weights file, or a tensor is missing, superfluous or has
            the wrong shape.
    """
    from paddle_pose.training import checkpoint

    log(f"Loading pretrained model from {weights}")
    tensors = read_weights(weights)
    stated = config
    config = fitted(config, tensors)
    network = model(config)
    checkpoint.set_weights(network, tensors, weights)
    network.eval()
    state = network.state_dict()
    unused = len(tensors) - len(state)
    line = (
        f"There are {len(state)}/{len(tensors)} variables loaded, "
        f"named as in {family_of(tensors, state).name}"
    )
    log(line + (f"; {unused} num_batches_tracked left out." if unused else "."))
    if remark := config.model.remark(stated.model):
        log(remark)
    return config, network


def backend(
    config: Config,
    weights: Path,
    device: str,
    threads: int | None = None,
    log: Callable[[str], None] = lambda line: None,
) -> tuple[Backend, str]:
    """Returns the backend that runs a weights file or an exported file, and the device as text.

    The backend is a function from uint8 RGB images [N, H, W, 3] to {name: outputs [N, ...]}. Errors
    are those of `backends.open` and `loaded`.

    Args:
        config: Config of the network.
        weights: Exported file, ONNX file of another program, or weights file in any format that
            `weights.read` reads.
        device: Device to compute on: "auto" (a GPU if there is one), "cpu", "gpu" or "gpu:1".
        threads: Number of CPU threads; None takes OMP_NUM_THREADS or all cores.
        log: Function that receives log lines, such as the path of the file.
    """
    if isinstance(config.model, ForeignModel):
        foreign = open_foreign(config, weights, device, threads)
        return foreign, foreign.device
    if not is_exported(weights):
        return open_live(lambda: trained(config, weights, log), device, threads)
    log(f"Loading exported model from {weights}")
    exported = open_exported(weights, device, threads)
    check_fits(config, weights, exported.outputs)
    return exported, exported.device


def check_fits(config: Config, weights: Path, outputs: Sequence[str]) -> None:
    """Raises an error if an exported file does not match a config.

    Args:
        config: Config that the file is to be used with.
        weights: Exported file.
        outputs: Names of the outputs of the file.

    Raises:
        InputError: If the file lacks an output that the codec needs, or the config differs from
            that of the file in a value that the export has fixed.
    """
    missing = [name for name in config.codec.outputs if name not in outputs]
    if missing:
        raise InputError(
            f"{weights}: has the outputs {', '.join(outputs)}, but config {config.name} needs "
            f"{', '.join(missing)}: export it without {argument('--decode')}, or specify the "
            f"matching {argument('--config')}"
        )
    exported, metadata = read_beside(weights), read_metadata(weights)
    if exported is None:
        return
    requested = values(config)
    changed = {key: value for key, value in values(exported).items() if requested.get(key) != value}
    takes_sizes = exported.codec.sizes_vary
    fixed = [
        key
        for key in changed
        if key.startswith(FIXED_BY_EXPORT) and not (takes_sizes and key == "codec.input_size")
    ]
    if not fixed and metadata:
        same_outputs = _same_output_spec(config.codec, exported.codec, metadata["outputs"])
        fits = same_outputs and (takes_sizes or not config.codec.sizes_vary)
        fixed = [] if fits else [key for key in changed if key.startswith("codec")]
    if fixed:
        exported_values = ", ".join(f"{key} {changed[key]}" for key in fixed)
        requested_values = ", ".join(str(requested.get(key)) for key in fixed)
        raise InputError(
            f"{weights}: was exported with {exported_values}; that cannot be changed to "
            f"{requested_values}"
        )


def _same_output_spec(codec: Codec, exported: Codec, outputs: Sequence[OutputMetadata]) -> bool:
    """Returns whether two codecs describe the outputs of an exported file in the same way.

    Args:
        codec: Codec that is to decode the outputs.
        exported: Codec that the file was exported with.
        outputs: Metadata of each output of the file.
    """
    # Where the size of the input varies, the sizes of maps are names; any number then fits.
    shapes = {
        output["name"]: (1, *(1 if isinstance(side, str) else side for side in output["shape"][1:]))
        for output in outputs
    }
    try:
        return codec.output_spec(shapes) == exported.output_spec(shapes)
    except InputError:  # one of them cannot decode such outputs
        return False
