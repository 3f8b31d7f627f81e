"""Training: selects the config and the folder of a run, trains, and evaluates regularly.

The best and the last weights are kept.
"""

from __future__ import annotations

import logging
import math
import shutil
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from paddle_pose import build, environment, visualize
from paddle_pose.backends.base import Backend, Network, check_device
from paddle_pose.backends.paddle import PaddleBackend, set_device
from paddle_pose.configs import presets, registry
from paddle_pose.configs.overrides import check_changes
from paddle_pose.configs.specs import Config
from paddle_pose.data.skeleton_file import read_skeleton
from paddle_pose.data.synthetic.dataset import is_synthetic, write_coco, write_mpii
from paddle_pose.engine import run_folders
from paddle_pose.engine.batch_plan import BatchPlan, gigabytes
from paddle_pose.engine.notebook import html_table
from paddle_pose.engine.run_folders import OUTPUT
from paddle_pose.engine.zoo import PUBLISHED, is_published, path_of_published
from paddle_pose.environment import argument
from paddle_pose.errors import InputError, Interrupted
from paddle_pose.evaluation.evaluate import evaluate
from paddle_pose.inference.flip_test import FlipAverage
from paddle_pose.interruption import Interruption, SignalInterruption
from paddle_pose.io import atomic
from paddle_pose.io.json_files import parse_json
from paddle_pose.metrics.base import eval_line
from paddle_pose.progress import ProgressFactory, no_progress, notebook_progress
from paddle_pose.structures import Sample
from paddle_pose.training import gpu_flags
from paddle_pose.training.initialize import initialize
from paddle_pose.training.memory import checkpoint_size, device_memory, estimate_memory
from paddle_pose.training.process_group import ProcessGroup
from paddle_pose.training.run_state import Progress

_log = logging.getLogger("paddle_pose")

SYNTHETIC = {"mpii": "synthetic_people", "coco": "synthetic_people_coco"}  # folder by layout
NUM_TRAIN, NUM_VAL = 4000, 300  # synthetic people where no data are given, as in the demo
_BATCH_KEYS = {"train.batch_size", "train.accumulate"}
DEFAULT_CONFIG, DEFAULT_SYNTHETIC_CONFIG = "hourglass52_mpii_256", "hourglass_tiny_128"


@dataclass(frozen=True)
class Run:
    """A completed training.

    Attributes:
        folder: Folder of the run.
        best: Path of the weights of the best evaluation, by PCKh's "Mean@0.1" or AP; the file does
            not exist if no evaluation gave a finite number.
        last: Path of the weights of the last checkpoint.
        values: Numbers of the best evaluation by name (PCKh in percent, AP from 0 to 1), with its
            0-based "epoch", and "weights": "live", or "averaged" for those of `train.ema`.
        history: Lines of metrics.jsonl as dicts, in order. One with "kind" "train" is written every
            `train.log_every` steps, with "step", "epoch", "loss" and its terms, "lr", "acc_pose",
            "grad_norm" and "ips" (images per second). One with "kind" "eval" contains "epoch" and
            the numbers of an evaluation.
    """

    folder: Path
    best: Path
    last: Path
    values: Mapping[str, float]
    history: Sequence[Mapping[str, object]] = field(repr=False)

    def _repr_html_(self) -> str:
        """Returns the best numbers as a table for a notebook."""
        return html_table(self.values, title=f"{self.folder}, best weights: {self.best}")


def train(
    config: str | None = None,
    *,
    data: str | Path | None = None,
    output: str | Path | None = None,
    preset: str | None = None,
    overrides: Mapping[str, object] | None = None,
    resume: str | Path | bool | None = None,
    max_hours: float | None = None,
    device: str = "auto",
    init: str | Path | None = None,
    image_size: int | None = None,
    force: bool = False,
    interruption: Interruption | None = None,
    progress: ProgressFactory | None = notebook_progress,
) -> Run:
    """Trains a named config, or continues a run.

    Ctrl-C (in a notebook: "interrupt the kernel") ends the training after the step, saves a
    checkpoint and raises `Interrupted`, whose `folder` can be passed to `resume`. Before the first
    step it raises `KeyboardInterrupt`, and there is nothing to continue.

    Args:
        config: Name of the config; None takes the config of `image_size`. If that is None, too, it
            is Hourglass-52 on MPII, or a tiny Hourglass if the data are synthetic people.
        data: Folder of the data set; None uses the annotation files that `overrides` name, or
            synthetic people if they name none. A resumed run uses its own data.
        output: Folder of the run; None takes output/<config>, or with -2, -3 and so on if that
            exists. It is locked during the training, so that no other training uses it.
        preset: Name of a set of values that replace the config's: "finetune" trains joints of your
            own in few steps from published weights, see `configs.presets`. A resumed run has its
            values.
        overrides: Values by dotted key that replace the config's and those of `preset`, such as
            {"train.epochs": 50}.
        resume: Folder of the run to continue or of one of its checkpoints, or True for the newest
            run of the config. "auto" continues the run in `output`, or the newest run of the
            config, if there is one, and otherwise starts a run: the same call then works for each
            part of a training. None starts a new run.
        max_hours: Hours after which the run is saved and ends; None for no limit.
        device: Device to compute on: "auto" (a GPU if there is one), "cpu", "gpu" or "gpu:1".
        init: Weights to start from: path of a weights file, or name of a published file that has
            been downloaded; tensors with a known name and a matching shape are loaded. "none"
            starts from random weights. None takes the weights that the config names, or random
            weights on synthetic people.
        image_size: Input size of Hourglass-52 on MPII in px, 256 or 384, as in txyugood/PaddlePose;
            instead of `config`.
        force: Whether to resume although the config or the data differ.
        interruption: Object that may request the end of the run, see `interruption.Interruption`;
            None handles Ctrl-C and `max_hours`.
        progress: Function that returns a progress callback, given the number of steps and their
            name, see `progress.ProgressFactory`; None shows no progress.

    Returns:
        The run: its folder, weights, best numbers and history.

    Raises:
        FileNotFoundError: If the data, the weights to start from or the run to continue are
            missing.
        Interrupted: If the training was ended early; it is saved.
        InputError: If the data are invalid or do not fit the config, a key or value of `overrides`
            is invalid, arguments contradict each other, `output` contains a run, another process
            trains in the folder, or the training cannot continue (see `Trainer.fit`).

    Example:
        `run = train("hourglass52_mpii_256", data="data/mpii", overrides={"train.epochs": 50})`
    """
    if interruption is None:
        interruption = SignalInterruption(max_hours, signals=[signal.SIGINT], may_exit=False)
    elif max_hours is not None:
        raise InputError(
            "max_hours and interruption: leave one out; an interruption has its own limit"
        )
    if resume == "auto":
        resume = _begun(output, config, image_size)
        init = None if resume else init
        preset = None if resume else preset
    if init is not None and resume is not None:
        raise InputError(f"init {init} with resume: a resumed run has its weights; leave one out")
    if preset is not None and resume is not None:
        preset_flag = argument(f"--preset {preset}", "preset")
        raise InputError(f"{preset_flag}: a resumed run has its values; leave it out")
    check_device(device)
    check_changes(overrides or {})
    dataset_root = data
    output = None if output is None else Path(output)
    if isinstance(resume, bool):
        resume = "" if resume else None
    elif (
        resume
        and output is not None
        and output.resolve() not in (Path(resume).resolve(), *Path(resume).resolve().parents)
    ):
        raise InputError(
            f"resume {resume} and output {output}: a resumed run continues in its own folder; leave "
            "output out"
        )
    process_group = _start_processes(device)
    changes = dict(overrides or {})
    if init is not None:
        changes["train.init"] = str(init)
    beside = None
    checkpoint = None
    run_dir = None
    with ExitStack() as held:  # the run's lock: the main process has it
        if resume is not None:
            found = run_folders.resumed(resume, output, config, image_size)
            run_dir, checkpoint = process_group.on_main(lambda: held.enter_context(found))
            beside = registry.read_beside((checkpoint or run_dir) / "model.pdparams")
            dataset_root = dataset_root or registry.data_of_run(run_dir)
        annotations = changes.get("data.train_annotations")
        if beside is None and config is None and image_size is None:
            config = DEFAULT_CONFIG if dataset_root or annotations else DEFAULT_SYNTHETIC_CONFIG
        if annotations and beside is None and "codec.skeleton" not in changes:
            changes["codec.skeleton"] = read_skeleton(None, str(annotations))
        if preset is not None:
            recipe = registry.find(config) if config else registry.for_image_size(image_size or 0)
            changes = presets.changes(preset, recipe, changes)
        chosen = registry.resolve(beside, config, image_size, changes)
        if not chosen.codec.trainable:
            raise InputError(
                f"config {chosen.name}: {chosen.source}; it has no training targets and no recipe. "
                f"Choose another {argument('--config', 'config')}, such as movenet_thunder_coco"
            )
        made = run_folders.started(output, chosen.name)
        folder: Path = run_dir or process_group.on_main(lambda: held.enter_context(made))

        def copy_best() -> None:
            if image_size is not None and folder.parent == OUTPUT and process_group.is_main:
                root = dataset_root or OUTPUT / SYNTHETIC[chosen.data.dataset]
                run_folders.copy_to_txyugood_path(
                    folder, image_size, root, resumed=checkpoint is not None
                )

        try:
            best = train_config(
                chosen,
                given=set(changes) if beside is None else None,
                preset=preset,
                data=dataset_root,
                run_dir=folder,
                device=device,
                resume=checkpoint,
                force=force,
                interruption=interruption,
                process_group=process_group,
                progress=progress or no_progress,
            )
        except KeyboardInterrupt:
            if not interruption.is_requested:
                _log.warning("Ctrl-C before the first step: there is nothing to save")
            raise
        except Interrupted as stop:
            # The best so far, for those who evaluate between two sittings.
            copy_best()
            raise Interrupted(stop.status, stop.reason, folder) from None
        copy_best()
    return Run(
        folder,
        best=folder / "best_model" / "model.pdparams",
        last=folder / "last" / "model.pdparams",
        values=best,
        history=read_history(folder),
    )


def train_config(
    config: Config,
    *,
    data: str | Path | None,
    run_dir: Path,
    given: Collection[str] | None = None,
    preset: str | None = None,
    device: str = "auto",
    resume: Path | None = None,
    force: bool = False,
    interruption: Interruption | None = None,
    process_group: ProcessGroup | None = None,
    progress: ProgressFactory = no_progress,
) -> dict[str, float]:
    """Trains a config in a folder; returns the numbers of the best evaluation.

    Args:
        config: Config to train.
        given: Dotted keys whose values the user chose for a new run. Batch size and accumulation
            are adapted to the devices unless "train.batch_size" or "train.accumulate" is among
            these keys; a training on synthetic people starts from random weights unless
            "train.init" is. None takes all values of `config` as they are.
        preset: Name of the preset that `config` was changed by, for the log; None for none.
        data: Folder of the data set; None uses the config's annotation files, or synthetic people
            if it has none.
        run_dir: Folder of the run.
        device: Device to compute on: "auto" (a GPU if there is one), "cpu", "gpu" or "gpu:1".
        resume: Folder of the checkpoint to continue from; None starts at the first epoch, and
            empties the log that an earlier start left in `run_dir`.
        force: Whether to resume although the config or the data differ.
        interruption: Object that may request the end of the run; None if nothing ends it early.
        process_group: Processes that train together; None takes those that
            `paddle.distributed.launch` has started.
        progress: Function that returns a progress callback, see `train`.

    Returns:
        Numbers of the best evaluation by name, see `Run.values`.

    Raises:
        FileNotFoundError: If data, or the weights to start from, are missing.
        Interrupted: If the training was ended early; it is saved.
        InputError: If the data are invalid or do not fit the config, the checkpoint does not fit
            and `force` is False, or the training cannot continue (see `Trainer.fit`).
    """
    where = set_device(device)
    gpu_flags.set_flags(
        config.train.deterministic, config.train.cudnn_search, config.train.conv_workspace
    )
    process_group = process_group or _start_processes(device)
    if (
        data is None
        and config.data.train_annotations is None
        and config.data.val_annotations is None
    ):
        data = process_group.on_main(lambda: _synthetic_data(config))
    named = config.name if preset is None else f"{config.name} with preset {preset}"
    _log.info(f"Config {named} on {where}, run in {run_dir}")
    begins = resume is None
    if begins and given is not None and "train.init" not in given and is_synthetic(data):
        config = _with_random_weights(config)
    training = build.samples(config, data, config.data.train_split)
    if begins:
        build.check_learned(config, data, training)
    validation = build.samples(config, data, config.data.val_split)
    init = _weights_of(config) if begins else ""
    _log.info("Preparing the network")
    network = build.model(config)
    keeps_batches = given is None or not _BATCH_KEYS.isdisjoint(given)
    config, lines = _with_planned_batches(
        config,
        network,
        process_group,
        samples=len(training),
        keeps_batches=keeps_batches,
        resumed=not begins,
    )
    network = process_group.sync_batch_norm(network, config.train.freeze)
    loader = build.loader(config, training, process_group)
    config = replace(config, train=config.train.in_epochs(len(loader)))
    known_joints = _joints_of(config.train.init) if init else ()
    lines += initialize(
        network,
        init=init,
        freeze=config.train.freeze,
        resumed=not begins,
        images=lambda: next(iter(loader.epoch(0)))["image"],
        joints=known_joints,
        skeleton=config.codec.skeleton,
        backbone_rate=config.train.backbone_rate,
    )
    trainer = build.trainer(
        config,
        network,
        run_dir=run_dir,
        training=loader,
        data={"training": training, "validation": validation},
        interruption=interruption,
        process_group=process_group,
    )
    with closing(trainer.log):
        if resume is not None:
            trainer.resume(resume, force)
        else:
            trainer.log.truncate({})
        lines = [
            _recipe_line(config, len(loader), begins),
            _data_line(training, validation),
            *lines,
        ]
        if process_group.is_main:
            lines.append(_disk_space(config, network, run_dir, resumed=not begins))
        for line in (*lines, _outlook(config, len(loader), trainer.progress)):
            trainer.log.info(line)
        if process_group.is_main:
            atomic.write_text(run_dir / registry.FILE_NAME, registry.to_json(config, data))
        backend: Backend = PaddleBackend(trainer.model, trainer.precision.run)
        if config.val.flip:
            backend = FlipAverage(backend, config.codec, config.val.shift)
        metric = build.metric(config, data)

        def measured(
            prefix: str, check: Callable[[], None] = trainer.interruption.check_alone
        ) -> dict[str, float]:
            predictions = evaluate(
                backend,
                config.codec,
                batches=build.batches(config, validation, process_group.shard),
                progress=lambda done: check(),
                gather=process_group.gather,
            )
            values = metric.compute_scores(predictions, intervals=False).values
            trainer.log.info(eval_line(values, metric.summary, prefix=prefix))
            return values

        def validate(epoch: int) -> dict[str, float]:
            values = measured(f"epoch={epoch}:")
            if process_group.is_main:
                for name, image in sample_images(config, backend, validation[:8]).items():
                    trainer.log.image(name, trainer.progress.step, image)
            return values

        initial: dict[str, float] = {}
        if max(config.codec.skeleton.slots(known_joints)) >= 0:  # it has some of the joints
            trainer.log.info("Evaluating the initial weights, before the first step")
            trainer.model.eval()
            initial = measured("initial weights:", check=lambda: None)
        show = progress(config.train.epochs * len(loader), "steps")
        started = time.perf_counter()
        first_step = trainer.progress.step + 1

        def on_step(step: int) -> None:
            if step == first_step and min(config.train.log_every, len(loader)) > 1:
                trainer.log.info(f"First step: {time.perf_counter() - started:.1f} s")
            show(step)

        end = trainer.fit(
            loader,
            epochs=config.train.epochs,
            validate=validate,
            monitor=metric.monitor,
            eval_every=config.train.eval_every,
            on_step=on_step if process_group.is_main else lambda step: None,
        )
        best = end.best
        trainer.log.info(
            f"Done: {end.epoch} epochs, {end.step} steps. "
            f"Best weights (epoch {best.get('epoch', -1):.0f}, "
            f"chosen on the validation set by {metric.monitor}): "
            f"{run_dir / 'best_model' / 'model.pdparams'}; "
            f"last: {run_dir / 'last' / 'model.pdparams'}"
            + (f"; averaged: {run_dir / 'last' / 'ema.pdparams'}" if config.train.ema else "")
        )
        _report_evaluations(trainer.log.info, run_dir, best, metric.summary)
        if initial.get(metric.monitor, -math.inf) >= best.get(metric.monitor, -math.inf):
            trainer.log.info(
                f"No weights of this run were better than the initial ones, whose {metric.monitor} "
                f"was {initial[metric.monitor]:.5g}; a lower train.learning_rate, or more images, "
                "may help"
            )
    return best


def _recipe_line(config: Config, steps_per_epoch: int, begins: bool) -> str:
    """Returns the duration, learning rate, framing and first weights of a run for the log."""
    train = config.train
    steps = train.epochs * steps_per_epoch
    every = "epoch" if train.eval_every == 1 else f"{train.eval_every} epochs"
    start = train.init if train.init not in ("", "none") else "random weights"
    return (
        f"Recipe: {steps} steps = {train.epochs} epochs x {steps_per_epoch}, evaluated every "
        f"{every}; learning rate {train.learning_rate:g}, schedule "
        f"{train.schedule.kind}; framing {config.data.framing}, context {config.data.context:g}; "
        f"starts from {start if begins else 'the checkpoint'}"
    )


def _data_line(training: Sequence[Sample], validation: Sequence[Sample]) -> str:
    """Returns the numbers of images and people of a run for the log."""

    def counts(samples: Sequence[Sample]) -> str:
        images = {sample.image_id for sample in samples}
        people = {
            (sample.image_id, person.annotation_id)
            for sample in samples
            for person in sample.persons
        }
        return f"{len(images)} images with {len(people)} people"

    return f"Data: {counts(training)} for training, {counts(validation)} for evaluation"


def _with_planned_batches(
    config: Config,
    network: Network,
    process_group: ProcessGroup,
    samples: int,
    keeps_batches: bool,
    resumed: bool,
) -> tuple[Config, list[str]]:
    """Returns the config with the batch size and accumulation of a run, and lines for the log.

    Args:
        config: Recipe.
        network: Network to train, on the device that trains.
        process_group: Processes that train together.
        samples: Number of training samples.
        keeps_batches: Whether the recipe's batch size and accumulation are kept as they are.
        resumed: Whether the run is resumed, with the batches that it had before.
    """
    train = config.train
    estimate = estimate_memory(
        network,
        config.codec.input_size,
        moments=train.optimizer.moments,
        ema=train.ema > 0,
    )
    memory = device_memory()
    if memory is not None:  # all processes take the same batches, so the smallest GPU decides
        memory = -process_group.largest(-memory)
    if keeps_batches:
        plan = BatchPlan.as_stated(train, process_group.size, samples)
    else:
        largest = None if memory is None else estimate.largest_batch(memory)
        plan = BatchPlan.of_recipe(train, process_group.size, largest, samples)
        train = replace(train, batch_size=plan.batch_size, accumulate=plan.accumulate)
    lines = [plan.summary(estimate, memory), plan.difference(keeps_batches, samples, resumed)]
    return replace(config, train=train), [line for line in lines if line]


def _disk_space(config: Config, network: Network, run_dir: Path, resumed: bool) -> str:
    """Returns a line for the log with the disk space that the checkpoints of a run need.

    A warning is logged if less is free.

    Args:
        config: Config of the run.
        network: Network to train, after parts of it were frozen.
        run_dir: Folder of the run.
        resumed: Whether the run is resumed; the checkpoint that it continues from is kept, too.
    """
    train = config.train
    # Half-precision weights have float32 copies in the optimizer's state.
    moments = train.optimizer.moments + (train.amp == "O2")
    size = checkpoint_size(network, moments=moments, ema=train.ema > 0)
    # A checkpoint is written completely before an old one is deleted.
    needed = size.total * (train.keep + resumed + 1) + size.weights
    present = sum(path.stat().st_size for path in run_dir.glob("**/*.pd*"))
    free = shutil.disk_usage(run_dir).free
    if free + present < needed:
        _log.warning(
            f"{run_dir}: {gigabytes(free)} are free on this disk, the checkpoints of the run need "
            f"up to {gigabytes(needed - present)} more; free some space, or choose another folder "
            f"with {argument('--output', 'output')} or a smaller {argument('--keep', 'train.keep')}"
        )
    return (
        f"Disk: a checkpoint takes {gigabytes(size.total)}; {train.keep} of them, the best weights "
        f"and one that is being written take up to {gigabytes(needed)}, {gigabytes(free)} are free"
    )


def _outlook(config: Config, steps: int, progress: Progress) -> str:
    """Returns a line for the log that states when the next line appears, or that none will.

    Args:
        config: Config of the run.
        steps: Number of steps per epoch.
        progress: Progress before the first step.
    """
    train = config.train
    if progress.epoch >= train.epochs:
        return (
            f"Nothing to train: {progress.epoch} epochs are done, "
            f"{argument('--epochs', 'train.epochs')} is {train.epochs}; a larger number continues"
        )
    after = (
        "every step"
        if 1 in (train.log_every, steps)
        else f"every {train.log_every} steps and at the end of an epoch"
    )
    return f"A log line follows after {after}; the first step takes longer than the others"


def _with_random_weights(config: Config) -> Config:
    """Returns the config without weights to start from, for a training on synthetic people."""
    if not config.train.init:
        return config
    flag = f"--init {config.train.init}"
    _log.info(
        f"Synthetic people: the training starts from random weights instead of {config.train.init}; "
        f"{argument(flag, f'init={config.train.init}')} starts from these"
    )
    return replace(config, train=replace(config.train, init=""))


def _weights_of(config: Config) -> str:
    """Returns the path of the weights that a config starts from; "" for random weights.

    Raises:
        FileNotFoundError: If it names a published file that has not been downloaded.
    """
    init = config.train.init
    if init in ("", "none"):
        return ""
    if Path(init).exists() or not is_published(init):
        return init
    path = path_of_published(init)
    if not path.is_file():
        raise FileNotFoundError(
            f"config {config.name} starts from the published weights {init}, but there is no {path}; "
            f"get them with {environment.command('download')} {init}, or start from random weights "
            f"with {argument('--init none', 'init=none')}"
        )
    return str(path)


def _joints_of(init: str) -> tuple[str, ...]:
    """Returns the joints of the network of initial weights; none if they are not known.

    Args:
        init: Name of a published file, or path of a weights file. The joints of a file are those of
            the config beside it, or of the published file with its checksum.
    """
    try:
        if not is_published(init):
            return registry.config_of(Path(init)).codec.skeleton.joints
        file = PUBLISHED[init]
        return registry.find(file.config).codec.skeleton.joints if file.purpose == "score" else ()
    except (FileNotFoundError, InputError):  # reading the weights says what is wrong with them
        return ()


def read_history(run_dir: Path) -> list[dict[str, float | str | None]]:
    """Returns the lines of a run's metrics.jsonl as dicts, see `Run.history`.

    Args:
        run_dir: Folder of the run.

    Raises:
        FileNotFoundError: If the folder has no metrics.jsonl.
    """
    path = run_dir / "metrics.jsonl"
    lines = path.read_bytes().splitlines()
    return [parse_json(line, f"{path}: line {n}") for n, line in enumerate(lines, 1)]


def write_synthetic_data(
    config: Config, folder: Path, num_train: int = NUM_TRAIN, num_val: int = NUM_VAL, seed: int = 0
) -> Path:
    """Writes synthetic people in the layout of a config's data set.

    Later calls with the same arguments write nothing.

    Args:
        config: Config whose data set is "mpii" or "coco".
        folder: Folder to write to; it is created if missing.
        num_train: Number of people in the training split.
        num_val: Number of people in the validation split.
        seed: Seed of the random generator of the people.

    Returns:
        `folder`, the argument `data` of `train`.

    Raises:
        InputError: If the folder contains anything but synthetic people of the same arguments.
    """
    write = {"mpii": write_mpii, "coco": write_coco}[config.data.dataset]
    return write(folder, num_train=num_train, num_val=num_val, seed=seed, size=(160, 160))


def sample_images(
    config: Config, backend: Backend, samples: Sequence[Sample]
) -> dict[str, np.ndarray]:
    """Returns drawings of the poses in samples, and of the network's outputs for the first sample.

    Args:
        config: Config of the network.
        backend: Function that runs the network: from uint8 RGB images [N, H, W, 3] to {name:
            outputs [N, ...]}.
        samples: Samples to draw, at least one.

    Returns:
        {"validation": poses, four samples per row; "maps": outputs}, uint8 RGB images [h, w, 3].
    """
    codec = config.codec
    tiles: list[np.ndarray] = []
    maps: list[np.ndarray] = []
    for images, _ in build.batches(config, samples):
        outputs = backend(images)
        if not maps:
            first = {name: values[0] for name, values in outputs.items()}
            maps.append(visualize.draw_maps(images[0], codec.visualize(first)))
        for image, poses in zip(images, codec.decode(outputs), strict=True):
            tiles.append(visualize.draw_poses(image, poses, codec.skeleton))
    return {"validation": visualize.grid(tiles, columns=4), "maps": maps[0]}


def _begun(
    output: str | Path | None, config: str | None, image_size: int | None
) -> str | Path | None:
    """Returns the folder of the run that `resume="auto"` continues; None if there is none.

    Raises:
        InputError: If neither the folder nor the config of the run is given.
    """
    if output is not None:
        return output if (Path(output) / registry.FILE_NAME).is_file() else None
    if config is None and image_size is None:
        raise InputError(
            f"{argument('--resume auto', 'resume')}: which run? Name "
            f"{argument('--output', 'output')}, {argument('--config', 'config')} or "
            f"{argument('--image_size', 'image_size')} too"
        )
    return next(iter(run_folders.runs_of(config, image_size)), None)


def _start_processes(device: str) -> ProcessGroup:
    """Returns the processes that train together; only the first logs more than warnings."""
    process_group = ProcessGroup.start(device)
    if not process_group.is_main:
        _log.setLevel(logging.WARNING)
    return process_group


def _synthetic_data(config: Config) -> Path:
    """Writes the synthetic people that a config is trained on if no data are given.

    Raises:
        InputError: If synthetic people cannot replace the config's data set.
    """
    if config.data.dataset not in SYNTHETIC:
        raise InputError(
            f"{argument('--dataset_root D', 'data')} is missing: config {config.name} is trained on "
            f"{config.data.dataset}, for which there are no synthetic people; "
            f"{environment.command('prepare_coco')} makes such a folder"
        )
    folder = OUTPUT / SYNTHETIC[config.data.dataset]
    _log.info(
        f"No {argument('--dataset_root', 'data')}: training on {NUM_TRAIN} synthetic people in "
        f"{folder}. These are not photographs; for {config.data.dataset.upper()} give "
        f"{argument('--dataset_root D', 'data')} (docs/data.md says how to prepare it)."
    )
    return write_synthetic_data(config, folder)


def _report_evaluations(
    say: Callable[[str], None], run_dir: Path, best: dict[str, float], summary: Sequence[str]
) -> None:
    """Logs the best evaluation and the last one, or the last two of weights and their average."""
    evaluations = [record for record in read_history(run_dir) if record["kind"] == "eval"]
    if evaluations:
        say("best " + eval_line(best, summary, prefix=f"epoch={best['epoch']}:"))
    averaged = any(record["weights"] == "averaged" for record in evaluations)
    for record in evaluations[-2:] if averaged else evaluations[-1:]:
        # JSON has no NaN: a number that no person of the validation set defines is null there.
        last = {
            name: float("nan") if value is None else value
            for name, value in record.items()
            if not isinstance(value, str)
        }
        which = f" {record['weights']}" if averaged else ""
        say(f"last{which} " + eval_line(last, summary, prefix=f"epoch={last['epoch']}:"))
