"""The training loop: batches in, named losses out. It does not depend on poses."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import paddle

from paddle_pose.environment import argument
from paddle_pose.errors import InputError, Interrupted
from paddle_pose.interruption import Interruption
from paddle_pose.training import checkpoint
from paddle_pose.training.checkpoint_policy import CheckpointPolicy, CheckpointStore
from paddle_pose.training.ema import Ema
from paddle_pose.training.non_finite_guard import StepHealth, non_finite
from paddle_pose.training.precision import Precision, full_precision
from paddle_pose.training.process_group import ProcessGroup
from paddle_pose.training.run_log import RunLog
from paddle_pose.training.run_state import Arrays, Progress, State, read_state
from paddle_pose.training.step import DrawTargets, Loss, Step, StepResult, Tensors
from paddle_pose.training.step_timer import StepTimer, format_duration

_log = logging.getLogger("paddle_pose")

Measure = Callable[[Tensors, Tensors], paddle.Tensor]
Validate = Callable[[int], dict[str, float]]


class TrainingLoss(Protocol):
    """Interface of a loss with the additional values that training logs show.

    Such a loss is built from a config, see `configs.specs.LossSpec`.

    Attributes:
        measures: {name: function} for additional values in the log line, such as "acc_pose". Each
            function receives (outputs, targets) as the loss does, and returns a scalar tensor.
    """

    measures: Mapping[str, Measure]

    def __call__(self, outputs: Tensors, targets: Tensors) -> dict[str, paddle.Tensor]:
        """Returns the terms of the loss as {name: scalar tensor}; their sum is minimised.

        Each term is already multiplied by its weight and reduced over the batch.

        Args:
            outputs: Outputs of the network by name, [N, ...] float32, such as {"heatmaps":
                [N, S, K, h, w]}.
            targets: Targets of the config's codec by name, [N, ...] float32, such as {"heatmaps":
                [N, K, h, w], "weights": [N, K]}; see the `encode` of the codec.
        """
        ...


class Loader(Protocol):
    """Interface of an iterable over training batches; `len` returns the batches per epoch."""

    def __len__(self) -> int: ...

    def epoch(self, epoch: int, start: int = 0) -> Iterable[Mapping[str, Any]]:
        """Returns the batches of an epoch, as dicts that `Step.__call__` takes.

        Args:
            epoch: 0-based epoch.
            start: 0-based index of the first batch to return, when a run is resumed.
        """
        ...


class Trainer:
    """Runs the epochs of a training, logs, evaluates, and saves the last and the best weights.

    On a CPU, a run that is interrupted at any time and resumed gives bit-identical weights to a run
    that is not interrupted.

    Args:
        model: Network that returns {name: outputs [N, ...]} for uint8 RGB images [N, H, W, 3].
        loss: Function of (outputs, targets) that returns {name: scalar}, see `TrainingLoss`; the
            sum of the scalars is minimised.
        optimizer: Optimizer whose learning rate is set before every step.
        schedule: Function that returns the learning rate of a 0-based step.
        run_dir: Folder for log.txt, metrics.jsonl, vdl/, last/, earlier/ and best_model/.
        config_json: Text of the config.json that every checkpoint contains.
        identity: JSON values by name, such as the values of the config and a hash of the data; they
            must be equal when the run is resumed.
        upgrade_identity: Function from the identity in a checkpoint of an earlier version to the
            same identity under the names of this version.
        measures: Functions for additional values in the log line by name, see `TrainingLoss`. They
            are computed for the last batch before the line only.
        log_every: Steps between log lines, which contain the mean losses of these steps.
        visualdl: Whether to write VisualDL's files.
        seed: Seed of all random values in a step.
        ema: Decay of an average of the weights that is evaluated in addition to the weights; 0 for
            no average.
        ema_gamma: Rise of the decay, see `Ema`.
        max_bad_steps: Number of consecutive steps with non-finite values that ends the run.
        precision: Precision of the computation; None for float32.
        policy: Intervals between checkpoints, and number of checkpoints to keep; None for the
            defaults.
        interruption: Object that requests the end of the run, by signal or time limit; None if
            nothing ends it early.
        accumulate: Number of parts into which a batch is split for gradient accumulation.
        process_group: Processes that train together; None for this process alone.
        draw_targets: Function that computes the targets on the device, see `step.DrawTargets`; None
            if batches contain their targets.

    Attributes:
        model: Network that is trained, prepared for the precision.
        optimizer: Optimizer, prepared for the precision.
        interruption: Object that requests the end of the run.
        log: Log of the run.

    Example:
        `Trainer(model, loss, optimizer, schedule, run_dir=Path("run")).fit(loader, epochs=2)`
    """

    def __init__(
        self,
        model: paddle.nn.Layer,
        loss: Loss,
        optimizer: paddle.optimizer.Optimizer,
        schedule: Callable[[int], float],
        *,
        run_dir: Path,
        config_json: str = "{}\n",
        identity: Mapping[str, Any] | None = None,
        upgrade_identity: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
        measures: Mapping[str, Measure] | None = None,
        log_every: int = 10,
        visualdl: bool = True,
        seed: int = 0,
        ema: float = 0.0,
        ema_gamma: int = 0,
        max_bad_steps: int = 20,
        precision: Precision | None = None,
        policy: CheckpointPolicy | None = None,
        interruption: Interruption | None = None,
        accumulate: int = 1,
        process_group: ProcessGroup | None = None,
        draw_targets: DrawTargets | None = None,
    ) -> None:
        precision = precision or Precision()
        self.model, self.optimizer = precision.prepare(model, optimizer)
        average = None
        if ema:
            average = Ema(lambda: full_precision(self.model, self.optimizer), ema, ema_gamma)
        self._schedule = schedule
        self._state = State(self.model, self.optimizer, precision, average)
        self._process_group = process_group or ProcessGroup()
        self._step = Step(
            self._state,
            loss,
            schedule,
            seed=seed,
            accumulate=accumulate,
            process_group=self._process_group,
            draw_targets=draw_targets,
        )
        self._run_dir = run_dir
        self._config_json = config_json
        self._identity = dict(identity or {})
        self._upgrade_identity = upgrade_identity
        self._measures = measures or {}
        self._log_every = log_every
        self._max_bad_steps = max_bad_steps
        self._store = CheckpointStore(run_dir, policy or CheckpointPolicy())
        self._timer = StepTimer()
        paddle.disable_signal_handler()  # Paddle's handler would print an error report on SIGTERM
        self.interruption = interruption or Interruption()
        self.interruption.processes = self._process_group
        if self._process_group.is_main:
            self.interruption.finishing = "finishing the step and saving a checkpoint"
        self.log = RunLog(run_dir, visualdl, silent=not self._process_group.is_main)

    @property
    def precision(self) -> Precision:
        """Precision of the run; evaluations run the network through its `run`."""
        return self._state.precision

    @property
    def progress(self) -> Progress:
        """Progress of the run."""
        return self._state.progress

    def resume(self, folder: Path, force: bool = False) -> None:
        """Restores a checkpoint, and truncates the log to its length at that time.

        Call it before `fit`, which then continues after the checkpoint's last batch.

        Args:
            folder: Folder of the checkpoint.
            force: Whether to continue although the identity in the checkpoint differs from that of
                this trainer; the differences are logged.

        Raises:
            FileNotFoundError: If a file of the checkpoint is missing.
            InputError: If the checkpoint is damaged, belongs to another network, or has another
                identity and `force` is False.
        """
        state = read_state(folder)
        differences = checkpoint.differences(
            self._upgrade_identity(state["identity"]), self._identity
        )
        if differences and not force:
            raise InputError(
                f"{folder} was made by a run that differs in\n  "
                + "\n  ".join(differences)
                + f"\nRemove the {argument('flags', 'overrides')} that differ, start a new run"
                f" without {argument('--resume')}, or continue anyway with"
                f" {argument('--force', 'force=True')}"
            )
        self._state.load(folder, state)
        if self._process_group.is_main:
            checkpoint.restore(self._run_dir / "best_model")
        self._store.resumed(folder, self.progress.epoch, self.progress.batch)
        self.log.truncate(state["log"])
        position = f"epoch={self.progress.epoch}, batch_id={self.progress.batch}"
        lines = [f"although {line}" for line in differences]
        rate = self._schedule(self.progress.step)
        planned = state.get("next_learning_rate")
        # They differ if a cosine schedule ends at another epoch, or if `force` changed the rate.
        if planned not in (None, rate):
            lines.append(f"the next step's learning rate is {rate:g} instead of {planned:g}")
        self.log.info(f"Resumed {folder} at {position}" + "".join(f"\n  {line}" for line in lines))

    def fit(
        self,
        loader: Loader,
        *,
        epochs: int,
        validate: Validate | None = None,
        monitor: str = "",
        eval_every: int = 1,
        on_step: Callable[[int], None] = lambda step: None,
    ) -> Progress:
        """Trains until the end of the last epoch.

        Args:
            loader: Training batches.
            epochs: Total number of epochs, including those before a resume.
            validate: Function that receives the 0-based epoch, evaluates `model`, and returns
                {name: value}; None for no evaluations.
            monitor: Name of the value that decides which weights are the best; higher is better.
                Required with `validate`.
            eval_every: Number of epochs between evaluations; the last epoch is always evaluated.
            on_step: Function that receives the total number of steps done, after each step.

        Returns:
            Progress at the end.

        Raises:
            Interrupted: If the end of the run was requested; a checkpoint is saved before.
            InputError: If the training cannot continue: too many consecutive steps with non-finite
                values, non-finite weights, or an epoch in which all gradients are zero.
        """
        progress = self.progress
        with self.interruption:
            try:
                while progress.epoch < epochs:
                    self._train_epoch(loader, epochs, on_step)
                    if validate and (
                        (progress.epoch + 1) % eval_every == 0 or progress.epoch + 1 == epochs
                    ):
                        self._evaluate(validate, monitor)
                    progress.epoch += 1
                    progress.batch = 0
                    progress.idle = 0
                    if not progress.skipped_in_a_row or progress.epoch == epochs:
                        self._save()
                    if progress.epoch < epochs:
                        self.interruption.check()
            except Interrupted as stop:
                # `on_main` makes all processes wait: Paddle's launcher kills the main process as
                # soon as another one ends.
                self._process_group.on_main(self._save)
                self.log.info(
                    f"Ended early by {stop.reason} at epoch={progress.epoch},"
                    f" batch_id={progress.batch}; saved in {self._run_dir / 'last'}."
                    f" Continue with {argument('--resume')} {self._run_dir}"
                )
                raise
        return progress

    def _train_epoch(self, loader: Loader, epochs: int, on_step: Callable[[int], None]) -> None:
        """Trains on the remaining batches of the current epoch; arguments as in `fit`."""
        progress = self.progress
        self._step.begin()
        self._timer.start_step()
        for batch in loader.epoch(progress.epoch, progress.batch):
            self._timer.data_ready()
            result = self._step(batch)
            health = result.health
            images = len(batch["image"]) * self._process_group.size
            if progress.step % self._log_every == 0 or progress.batch == len(loader):
                values = self._log_values(result)
                self._timer.end_step(images)
                steps = (epochs - progress.epoch) * len(loader) - progress.batch
                eta = self._timer.remaining(steps)
                gradient = values.pop("grad_norm")
                self._log_step(values, {**self._timer.lap(), "grad_norm": gradient}, eta)
            else:
                self._timer.end_step(images)
            if not health.finite:
                self._log_skipped(health)
            on_step(progress.step)
            if "replaced" in batch:
                self._log_replaced(batch["replaced"])
            # After the last batch, the epoch must be evaluated before a checkpoint can be saved.
            if progress.batch < len(loader):
                if health.finite and self._store.is_due(progress.step):
                    self._save()
                self.interruption.check()
        if progress.idle == len(loader):
            raise InputError(
                f"no batch of epoch {progress.epoch} contained anything to learn from: every"
                " gradient was zero; check that joints are labelled in the training data, and that"
                " they are inside the windows"
            )

    def _log_values(self, result: StepResult) -> dict[str, float]:
        """Returns the values of a log line by name.

        Losses and gradient norm are means over the steps since the last line, measures are those of
        the last batch; all are means over all processes.
        """
        means = self.progress.take_means(result.health)
        names = list(result.health.terms)
        terms = {name: means[name] for name in names} if len(names) > 1 else {}
        with paddle.no_grad():
            measured = [
                measure(result.outputs, result.targets) for measure in self._measures.values()
            ]
            scalars = [value.astype("float32").reshape([1]) for value in measured]
            values = self._process_group.mean(paddle.concat(scalars)).tolist() if scalars else []
        return {
            "loss": means["loss"],
            **terms,
            "lr": self.optimizer.get_lr(),
            **dict(zip(self._measures, values, strict=True)),
            "grad_norm": means["grad_norm"],
        }

    def _log_step(self, values: dict[str, float], speed: dict[str, float], eta: float) -> None:
        """Logs a [TRAIN] line.

        Args:
            values: Values after epoch and batch in the line, by name.
            speed: Values of `StepTimer.lap`, and further ones for metrics.jsonl only.
            eta: Seconds until the end of the training.
        """
        epoch = self.progress.epoch
        batch_id = self.progress.batch - 1
        # A rate during a warm-up may be far below the sixth decimal place.
        text = ", ".join(
            f"{name}={value:{'.3g' if name == 'lr' else '.6f'}}" for name, value in values.items()
        )
        self.log.info(
            f"[TRAIN] epoch={epoch}, batch_id={batch_id}, {text},"
            f" batch_cost={speed['batch_cost']:.4f}, reader_cost={speed['reader_cost']:.4f},"
            f" ips={speed['ips']:.2f} images/s ETA {format_duration(eta)}"
        )
        self.log.scalars(
            "train", self.progress.step, {"epoch": epoch, "batch_id": batch_id, **values, **speed}
        )

    def _log_skipped(self, health: StepHealth) -> None:
        """Logs a [SKIP] line for a step with non-finite values.

        Raises:
            InputError: If there were too many such steps in a row.
        """
        progress = self.progress
        where = f"epoch={progress.epoch}, batch_id={progress.batch - 1}"
        what = f"loss {health.loss:g}, gradient norm {health.gradient:g}"
        self.log.info(
            f"[SKIP] {where}: {what}; weights and optimizer state are unchanged."
            f" {progress.skipped_in_a_row} in a row, {progress.skipped} in all"
        )
        self.log.scalars(
            "skip",
            progress.step,
            {"loss": health.loss, "grad_norm": health.gradient, "skipped": progress.skipped},
        )
        if progress.skipped_in_a_row >= self._max_bad_steps:
            raise self._failure(
                f"{progress.skipped_in_a_row} steps in a row had no finite loss and gradient, the"
                f" last at {where}: {what}"
            )

    def _failure(self, reason: str) -> InputError:
        """Returns the error for a training with non-finite values, with the last checkpoint."""
        last = self._run_dir / "last"
        left = (
            f"The last good checkpoint is {last}" if last.exists() else "There is no checkpoint yet"
        )
        return InputError(
            f"{reason}. {left}; no non-finite values were saved. Lower train.learning_rate, set"
            " train.clip_norm, or check the data;"
            f" {argument('--resume --force', 'resume with force=True')} continues with such a"
            " change"
        )

    def _log_replaced(self, lines: Sequence[str]) -> None:
        """Logs a [REPLACED] line for every sample that was replaced by the next one."""
        # The run logs of other processes are silent, but each process reads samples of its own.
        log = self.log.info if self._process_group.is_main else _log.warning
        for line in lines:
            self.progress.replaced += 1
            log(
                f"[REPLACED] epoch={self.progress.epoch}, batch_id={self.progress.batch - 1}:"
                f" {line}; the next sample is used instead. {self.progress.replaced} in all"
            )

    def _evaluate(self, validate: Validate, monitor: str) -> None:
        """Evaluates the weights and, if there is one, their average; arguments as in `fit`."""
        self.model.eval()
        # Up to here, each process has running statistics of its own.
        self._process_group.broadcast(self._state.tensors())
        files = self._finite_files()
        log_sizes = self.log.sizes()
        try:
            self._evaluate_weights(validate, monitor, "live", files["model.pdparams"])
            if self._state.ema is not None:
                with self._state.ema.in_place_of(self.model):
                    self._evaluate_weights(validate, monitor, "averaged", files["ema.pdparams"])
        except Interrupted:
            self.log.truncate(log_sizes)  # the resumed run repeats the evaluation
            raise

    def _evaluate_weights(
        self,
        validate: Validate,
        monitor: str,
        weights: Literal["live", "averaged"],
        tensors: Arrays,
    ) -> None:
        """Evaluates the network's current tensors, and saves them if they are the best so far.

        Args:
            validate: Function that evaluates the network, see `fit`.
            monitor: Name of the value that is compared, see `fit`.
            weights: Kind of the weights that the network has, for the log.
            tensors: Arrays of the same weights by name, for the checkpoint.
        """
        progress = self.progress
        if self._state.ema is not None:
            self.log.info(f"[EVAL] the {weights} weights:")
        values = validate(progress.epoch)
        value = values[monitor]
        about = {"epoch": progress.epoch, "weights": weights, "monitor": monitor}
        self.log.scalars("eval", progress.step, {**about, **values})
        if math.isfinite(value) and value > progress.best.get(monitor, -math.inf):
            progress.best = {**values, "epoch": progress.epoch, "weights": weights}
            if self._process_group.is_main:
                checkpoint.save(
                    self._run_dir / "best_model", **self._content({"model.pdparams": tensors})
                )
        best = progress.best
        self.log.info(
            f"[EVAL] best {monitor}={best.get(monitor, math.nan):.4f} at epoch"
            f" {best.get('epoch', -1)}, now {value:.4f}"
        )

    def _finite_files(self) -> dict[str, Arrays]:
        """Returns the arrays of a checkpoint, {file name: {tensor name: array}}.

        Raises:
            InputError: If an array has non-finite values.
        """
        files = self._state.files()
        bad = non_finite(files)
        if bad is not None:
            raise self._failure(
                f"the training has diverged: {bad} contains non-finite values after"
                f" {self.progress.step} steps"
            )
        return files

    def _save(self) -> None:
        """Saves a checkpoint in the main process."""
        if self._process_group.is_main:
            self._store.save(
                self.progress.epoch, self.progress.batch, **self._content(self._finite_files())
            )

    def _content(self, files: dict[str, Arrays]) -> dict[str, Any]:
        """Returns the arguments of `checkpoint.save` for these arrays, except its folders."""
        rate = self._schedule(self.progress.step)
        state = {
            **self._state.scalars(),
            "next_learning_rate": rate,
            "log": self.log.sizes(),
            "identity": self._identity,
        }
        return {"tensors": files, "state": state, "config_json": self._config_json}
