"""Turns a config into objects: the only file that reads one. Imports that need Paddle sit inside the functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from paddle_pose.backends.base import Backend
from paddle_pose.backends.open import OPENERS, open_exported, open_live
from paddle_pose.build_data import batches as batches
from paddle_pose.build_data import metric as metric
from paddle_pose.build_data import metric_name as metric_name
from paddle_pose.build_data import samples as samples
from paddle_pose.build_data import truth_files as truth_files
from paddle_pose.configs.overrides import identity
from paddle_pose.configs.registry import read_beside, to_json
from paddle_pose.configs.specs import (
    Config,
    HourglassModel,
    HRNetModel,
    Loss,
    MoveNetModel,
    SimpleBaselineModel,
    StackedHourglassModel,
)
from paddle_pose.data.augment import HALVED_ABOVE, has_halves
from paddle_pose.data.crop_cache import CropCache, Reader, ReducedReader, read_whole
from paddle_pose.data.dataset import PoseDataset
from paddle_pose.exporting.metadata import check_fits
from paddle_pose.structures import Sample
from paddle_pose.weights.names import family_of, has_batch_norm, has_inters, is_mmpose
from paddle_pose.weights.read import read_weights

if TYPE_CHECKING:
    from paddle_pose.training.loader import EpochLoader
    from paddle_pose.training.process_group import ProcessGroup
    from paddle_pose.training.trainer import Trainer


def model(config: Config) -> Any:
    """Returns the untrained network, a `paddle.nn.Layer`; the same one for the same `train.seed`."""
    import paddle

    from paddle_pose.models.hourglass import Hourglass
    from paddle_pose.models.hrnet import HRNet
    from paddle_pose.models.movenet import MoveNet
    from paddle_pose.models.simple_baseline import SimpleBaseline
    from paddle_pose.models.stacked_hourglass import StackedHourglass

    factories: dict[type, Callable[..., Any]] = {
        HourglassModel: Hourglass,
        StackedHourglassModel: StackedHourglass,
        HRNetModel: HRNet,
        SimpleBaselineModel: SimpleBaseline,
        MoveNetModel: MoveNet,
    }
    factory = factories[type(config.model)]
    paddle.seed(config.train.seed)
    return factory(num_joints=config.codec.skeleton.num_joints, **asdict(config.model))


def loss(config: Config) -> Any:
    """Returns the training loss."""
    from paddle_pose.models.losses import JointsMSELoss, MoveNetLoss

    skeleton, values = config.codec.skeleton, config.loss
    if isinstance(values, Loss):
        return JointsMSELoss(scale=values.scale, joint_weights=skeleton.weights if values.joint_weights else ())
    return MoveNetLoss(**asdict(values), limbs=skeleton.limb_indices)


def loader(config: Config, training_samples: list[Sample], process_group: ProcessGroup | None = None) -> EpochLoader:
    """Returns the training batches, or one process's share; prints which augmentation the skeleton makes impossible."""
    from paddle_pose.training.loader import EpochLoader

    train, data, size = config.train, config.data, config.codec.input_size
    skeleton, half_body = config.codec.skeleton, config.augment.half_body if config.augment else 0.0
    if half_body > 0 and not has_halves(skeleton):
        print(
            f"Half-body windows (augment.half_body={half_body}) are off: skeleton {skeleton.name} has "
            f"{skeleton.num_joints} joints and names {len(skeleton.upper)} of them in `upper`; they need more than "
            f"{HALVED_ABOVE} joints, and an upper body."
        )
    reader: Reader = read_whole
    if data.cache is not None:
        reader = CropCache(Path(data.cache), size, data.cache_gb * 1e9)
    elif data.reduced:
        reader = ReducedReader(size)
    dataset = PoseDataset(training_samples, config.codec, config.augment, train.seed, reader)
    at_once, replace_bad = train.batch_size * train.accumulate, train.on_bad_image == "replace"
    return EpochLoader(dataset, at_once, train.num_workers, train.seed, process_group, replace_bad, train.read_timeout)


def trainer(
    config: Config,
    network: Any,
    run_dir: Path,
    training: EpochLoader,
    max_hours: float | None = None,
    process_group: ProcessGroup | None = None,
) -> Trainer:
    """Returns the trainer of the recipe.

    Args:
        config: states the recipe.
        network: to train.
        run_dir: of the run.
        training: the batches that it will see.
        max_hours: after which it ends early; None: never.
        process_group: the processes that train together.
    """
    from paddle_pose.interruption import Interruption
    from paddle_pose.training.checkpoint_policy import CheckpointPolicy
    from paddle_pose.training.optimizers import adam, schedule
    from paddle_pose.training.precision import Precision
    from paddle_pose.training.process_group import ProcessGroup
    from paddle_pose.training.trainer import Trainer

    train, process_group, minimised = config.train, process_group or ProcessGroup(), loss(config)
    rate = train.learning_rate * (process_group.size * train.accumulate if train.scale_learning_rate else 1)
    warmup = (train.warmup, train.warmup_start)
    return Trainer(
        network,
        minimised,
        adam(network, train.clip_norm, train.clip_value),
        schedule(train.schedule, rate, len(training), train.epochs, train.milestones, train.gamma, *warmup),
        run_dir=run_dir,
        config_json=to_json(config),
        identity={**identity(config), "training data": training.fingerprint(), "processes": process_group.size},
        measures=minimised.measures,
        log_every=train.log_every,
        seed=train.seed,
        ema=train.ema,
        max_bad_steps=train.max_bad_steps,
        precision=Precision(train.amp, train.amp_dtype),
        policy=CheckpointPolicy(train.keep, train.checkpoint_steps, train.checkpoint_minutes),
        interruption=Interruption(max_hours, process_group),
        accumulate=train.accumulate,
        process_group=process_group,
    )


def fitted(config: Config, names: Iterable[str]) -> Config:
    """Returns the config with what a weights file decides by itself.

    That is whether an Hourglass has `inters`, the order of the channels that MMPose's SimpleBaseline sees, and whether
    a MoveNet's normalisations are folded into its convolutions, as in Google's files.

    Args:
        config: states the network.
        names: of the file's tensors.
    """
    names = list(names)
    if isinstance(config.model, HourglassModel):
        return replace(config, model=replace(config.model, inters=has_inters(names)))
    if isinstance(config.model, SimpleBaselineModel) and is_mmpose(names):
        return replace(config, model=replace(config.model, order="rgb"))
    if isinstance(config.model, MoveNetModel) and not has_batch_norm(names):
        return replace(config, model=replace(config.model, batch_norm="none"))
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
        say(f"It sees {config.model.order.upper()} images (model.order){why}.")
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
    return exported, exported.device


def predictor(weights: str | Path, device: str = "auto", flip: bool | None = None) -> Any:
    """Returns a predictor for a weights file with its config beside it, or for an exported file.

    Args:
        weights: a file that `train.py` or `export.py` wrote.
        device: "auto", "cpu" or "gpu".
        flip: average with the mirrored image; None as the config says.

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


def predictor_for(
    config: Config,
    weights: Path,
    device: str,
    flip: bool | None,
    threads: int | None = None,
    fit: Literal["letterbox", "stretch"] = "letterbox",
) -> Any:
    """Returns a predictor of a config's network; see `predictor`, `backend` and `geometry.whole_image_window`."""
    from paddle_pose.inference.flip_test import FlipAverage
    from paddle_pose.inference.predictor import Predictor

    looks, _ = backend(config, weights, device, threads)
    if config.val.flip if flip is None else flip:
        looks = FlipAverage(looks, config.codec, config.val.shift)
    return Predictor(looks, config.codec, config.data.context, fit=fit)
