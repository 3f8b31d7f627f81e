"""The training loop. It knows nothing of poses: batches go in, named losses come out."""

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
from paddle_pose.training.precision import Precision, float32
from paddle_pose.training.process_group import ProcessGroup
from paddle_pose.training.run_log import RunLog
from paddle_pose.training.run_state import Arrays, Progress, State, read_numbers
from paddle_pose.training.step import DrawTargets, Loss, Step, Stepped, Tensors
from paddle_pose.training.step_timer import StepTimer, clock

_log = logging.getLogger("paddle_pose")

Measure = Callable[[Tensors, Tensors], paddle.Tensor]
Validate = Callable[[int], dict[str, float]]


class TrainingLoss(Protocol):
    """A loss as the specs of losses make it.

    Attributes:
        measures: Further numbers for the log line by name, see `Trainer`.
    """

    measures: Mapping[str, Measure]

    def __call__(self, outputs: Tensors, targets: Tensors) -> dict[str, paddle.Tensor]:
        """Returns the named terms; their sum is minimised."""
        ...


class Loader(Protocol):
    """Batches by epoch: `len` of them, as dicts that `Step` takes."""

    def __len__(self) -> int: ...

    def epoch(self, epoch: int, start: int = 0) -> Iterable[Mapping[str, Any]]:
        """Returns the batches of a 0-based epoch from the 0-based batch `start` on."""
        ...


class Trainer:
    """Runs epochs, logs, evaluates on schedule, keeps the best and the last weights.

    A run that is cut off anywhere and resumed ends, on a CPU, with the bits of one that was not.

    Example:
        `Trainer(model, loss, optimizer, schedule, run_dir=Path("output/run")).fit(loader, epochs=2)`
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
        max_bad_steps: int = 20,
        precision: Precision | None = None,
        policy: CheckpointPolicy | None = None,
        interruption: Interruption | None = None,
        accumulate: int = 1,
        process_group: ProcessGroup | None = None,
        draw_targets: DrawTargets | None = None,
    ) -> None:
        """Takes what is trained and where the run is kept.

        Args:
            model: dict of maps from "image".
            loss: named terms from (outputs, targets); their sum is minimised.
            optimizer: its learning rate is set at every step.
            schedule: learning rate of a 0-based step.
            run_dir: gets log.txt, metrics.jsonl, vdl/, last/, earlier/ and best_model/.
            config_json: kept in every checkpoint.
            identity: JSON values by name that have to be the same when the run is resumed.
            upgrade_identity: Returns a checkpoint's identity by the names of this version.
            measures: further numbers for the log line, of the last batch: computed only when it is printed.
            log_every: steps between log lines, which show the mean loss of these.
            visualdl: whether to write VisualDL's files.
            seed: of whatever is random in a step.
            ema: decay of an average of the weights that is evaluated too; 0 keeps none.
            max_bad_steps: so many steps in a row without finite numbers end the run.
            precision: float32 unless it says otherwise.
            policy: how often checkpoints are made, and how many are kept.
            interruption: what may end the run early.
            accumulate: parts in which a batch is looked at before the weights move.
            process_group: the processes that train together; this one alone unless it says otherwise.
            draw_targets: draws targets on the device from a batch's keypoints; None takes the batch's targets.
        """
        precision = precision or Precision()
        self.model, self.optimizer = precision.prepare(model, optimizer)
        average = Ema(lambda: float32(self.model, self.optimizer), ema) if ema else None
        self._schedule = schedule
        self._state = State(self.model, self.optimizer, precision, average)
        self._process_group = process_group or ProcessGroup()
        self._step = Step(
            self._state, loss, schedule, seed, accumulate, self._process_group, draw_targets
        )
        self._run_dir, self._config_json, self._identity = (
            run_dir,
            config_json,
            dict(identity or {}),
        )
        self._upgrade_identity = upgrade_identity
        self._measures, self._log_every, self._max_bad_steps = (
            measures or {},
            log_every,
            max_bad_steps,
        )
        self._store, self._timer = (
            CheckpointStore(run_dir, policy or CheckpointPolicy()),
            StepTimer(),
        )
        paddle.disable_signal_handler()  # it would print a report about SIGTERM
        self.interruption = interruption or Interruption()
        self.interruption.processes = self._process_group
        self.log = RunLog(run_dir, visualdl, silent=not self._process_group.is_main)

    @property
    def progress(self) -> Progress:
        """Returns where the run stands."""
        return self._state.progress

    def resume(self, folder: Path, force: bool = False) -> None:
        """Continues from a checkpoint folder; the log and all else that came after it are given up.

        Args:
            folder: of the checkpoint.
            force: continue although the run's identity differs.

        Raises:
            FileNotFoundError: If a file of the checkpoint is missing.
            InputError: If it is damaged, or of another network or another run.
        """
        numbers = read_numbers(folder)
        differences = checkpoint.differences(
            self._upgrade_identity(numbers["identity"]), self._identity
        )
        if differences and not force:
            raise InputError(
                f"{folder} was made by a run that differs in\n  "
                + "\n  ".join(differences)
                + f"\nLeave the {argument('flags', 'overrides')} out that say otherwise, start a new run without "
                f"{argument('--resume')}, or insist with {argument('--force', 'force=True')}"
            )
        self._state.load(folder, numbers)
        if self._process_group.is_main:
            checkpoint.restore(self._run_dir / "best_model")
        self._store.resumed(folder, self.progress.epoch, self.progress.batch)
        self.log.cut(numbers["log"])
        at = f"epoch={self.progress.epoch}, batch_id={self.progress.batch}"
        lines = [f"although {line}" for line in differences]
        rate, planned = self._schedule(self.progress.step), numbers.get("next_learning_rate")
        if planned not in (
            None,
            rate,
        ):  # a cosine that ends at another epoch, or another rate by force
            lines.append(f"the next step's learning rate is {rate:g}; it was to be {planned:g}")
        self.log.say(f"Resumed {folder} at {at}" + "".join(f"\n  {line}" for line in lines))

    def fit(
        self,
        loader: Loader,
        *,
        epochs: int,
        validate: Validate | None = None,
        monitor: str = "",
        eval_every: int = 1,
        shown: Callable[[int], None] = lambda step: None,
    ) -> Progress:
        """Trains to the end of the last epoch.

        Args:
            loader: of training batches.
            epochs: in all, those done before a resume included.
            validate: called with the 0-based epoch; returns named numbers.
            monitor: the number that decides which weights are best; higher is better.
            eval_every: epochs between evaluations; the last epoch is always evaluated.
            shown: Receives the number of steps that are done after each one.

        Returns:
            Where the run stands.

        Raises:
            Interrupted: If the run was asked to end early; it is saved.
            InputError: If it cannot go on: too many bad steps in a row, weights that are not finite, or nothing to learn from.
        """
        progress = self.progress
        with self.interruption:
            try:
                while progress.epoch < epochs:
                    self._train_epoch(loader, epochs, shown)
                    if validate and (
                        (progress.epoch + 1) % eval_every == 0 or progress.epoch + 1 == epochs
                    ):
                        self._evaluate(validate, monitor)
                    progress.epoch, progress.batch, progress.idle = progress.epoch + 1, 0, 0
                    if not progress.skipped_in_a_row or progress.epoch == epochs:
                        self._save()
                    if progress.epoch < epochs:
                        self.interruption.check()
            except Interrupted as stop:
                self._process_group.on_main(
                    self._save
                )  # a process that ends earlier would have the first one killed
                self.log.say(
                    f"Ended early by {stop.reason} at epoch={progress.epoch}, batch_id={progress.batch}; saved in "
                    f"{self._run_dir / 'last'}. Continue with {argument('--resume')} {self._run_dir}"
                )
                raise
        return progress

    def _train_epoch(self, loader: Loader, epochs: int, shown: Callable[[int], None]) -> None:
        progress = self.progress
        self._step.begin()
        self._timer.go()
        for batch in loader.epoch(progress.epoch, progress.batch):
            self._timer.read()
            stepped = self._step(batch)
            health, images = stepped.health, len(batch["image"]) * self._process_group.size
            if progress.step % self._log_every == 0 or progress.batch == len(loader):
                numbers = self._numbers(stepped)
                self._timer.stepped(images)
                left = self._timer.left((epochs - progress.epoch) * len(loader) - progress.batch)
                gradient = numbers.pop("grad_norm")
                self._say_step(numbers, {**self._timer.lap(), "grad_norm": gradient}, left)
            else:
                self._timer.stepped(images)
            if not health.finite:
                self._say_skipped(health)
            shown(progress.step)
            if "replaced" in batch:
                self._say_replaced(batch["replaced"])
            if progress.batch < len(
                loader
            ):  # else there is more to do before the run stands where it can be taken up
                if health.finite and self._store.is_due(progress.step):
                    self._save()
                self.interruption.check()
        if progress.idle == len(loader):
            raise InputError(
                f"no batch of epoch {progress.epoch} held anything to learn from: every gradient was zero; are any joints "
                "labelled in the training data, and inside the windows?"
            )

    def _numbers(self, stepped: Stepped) -> dict[str, float]:
        """Returns what a log line shows, over all processes: means since the last line, and the last batch's measures."""
        means = self.progress.take_means(stepped.health)
        names = list(stepped.health.terms)
        terms = {name: means[name] for name in names} if len(names) > 1 else {}
        with paddle.no_grad():
            measured = [
                measure(stepped.outputs, stepped.targets) for measure in self._measures.values()
            ]
            scalars = [value.astype("float32").reshape([1]) for value in measured]
            values = self._process_group.mean(paddle.concat(scalars)).tolist() if scalars else []
        numbers = {"loss": means["loss"], **terms, "lr": self.optimizer.get_lr()}
        return {
            **numbers,
            **dict(zip(self._measures, values, strict=True)),
            "grad_norm": means["grad_norm"],
        }

    def _say_step(self, numbers: dict[str, float], speed: dict[str, float], eta: float) -> None:
        epoch, batch_id = self.progress.epoch, self.progress.batch - 1
        shown = ", ".join(f"{name}={value:.6f}" for name, value in numbers.items())
        self.log.say(
            f"[TRAIN] epoch={epoch}, batch_id={batch_id}, {shown}, batch_cost={speed['batch_cost']:.4f}, "
            f"reader_cost={speed['reader_cost']:.4f}, ips={speed['ips']:.2f} images/s ETA {clock(eta)}"
        )
        self.log.numbers(
            "train", self.progress.step, {"epoch": epoch, "batch_id": batch_id, **numbers, **speed}
        )

    def _say_skipped(self, health: StepHealth) -> None:
        progress = self.progress
        where = f"epoch={progress.epoch}, batch_id={progress.batch - 1}"
        what = f"loss {health.loss:g}, gradient norm {health.gradient:g}"
        self.log.say(
            f"[SKIP] {where}: {what}; weights and moments stay as they were. "
            f"{progress.skipped_in_a_row} in a row, {progress.skipped} in all"
        )
        self.log.numbers(
            "skip",
            progress.step,
            {"loss": health.loss, "grad_norm": health.gradient, "skipped": progress.skipped},
        )
        if progress.skipped_in_a_row >= self._max_bad_steps:
            raise self._broken(
                f"{progress.skipped_in_a_row} steps in a row had no finite loss and gradient, the last at {where}: {what}"
            )

    def _broken(self, how: str) -> InputError:
        """Returns the error of a training that cannot go on, and what remains of it."""
        last = self._run_dir / "last"
        good = (
            f"The last good checkpoint is {last}" if last.exists() else "There is no checkpoint yet"
        )
        return InputError(
            f"{how}. {good}; nothing bad was saved. Lower train.learning_rate, set train.clip_norm, or look at the data; "
            f"{argument('--resume --force', 'resume with force=True')} goes on with such a change"
        )

    def _say_replaced(self, lines: Sequence[str]) -> None:
        say = (
            self.log.say if self._process_group.is_main else _log.warning
        )  # the others' run logs are silent
        for line in lines:
            self.progress.replaced += 1
            say(
                f"[REPLACED] epoch={self.progress.epoch}, batch_id={self.progress.batch - 1}: {line}; the next sample took "
                f"its place. {self.progress.replaced} in all"
            )

    def _evaluate(self, validate: Validate, monitor: str) -> None:
        self.model.eval()
        self._process_group.broadcast(
            self._state.tensors()
        )  # running statistics are each process's own until here
        files, mark = self._good_files(), self.log.mark()
        try:
            self._judge(validate, monitor, "live", files["model.pdparams"])
            if self._state.ema is not None:
                with self._state.ema.in_place_of(self.model):
                    self._judge(validate, monitor, "averaged", files["ema.pdparams"])
        except Interrupted:
            self.log.cut(mark)  # it is evaluated again when the run is resumed
            raise

    def _judge(
        self,
        validate: Validate,
        monitor: str,
        weights: Literal["live", "averaged"],
        tensors: Arrays,
    ) -> None:
        progress = self.progress
        if self._state.ema is not None:
            self.log.say(f"[EVAL] the {weights} weights:")
        values = validate(progress.epoch)
        value = values[monitor]
        about = {"epoch": progress.epoch, "weights": weights, "monitor": monitor}
        self.log.numbers("eval", progress.step, {**about, **values})
        if math.isfinite(value) and value > progress.best.get(monitor, -math.inf):
            progress.best = {**values, "epoch": progress.epoch, "weights": weights}
            if self._process_group.is_main:
                checkpoint.save(
                    self._run_dir / "best_model", **self._content({"model.pdparams": tensors})
                )
        best = progress.best
        self.log.say(
            f"[EVAL] best {monitor}={best.get(monitor, math.nan):.4f} at epoch {best.get('epoch', -1)}, now {value:.4f}"
        )

    def _good_files(self) -> dict[str, Arrays]:
        """Returns the tensors of a checkpoint by file, all of them finite.

        Raises:
            InputError: If one holds a number that is not.
        """
        files = self._state.files()
        bad = non_finite(files)
        if bad is not None:
            raise self._broken(
                f"the training has run away: {bad} holds numbers that are not finite after {self.progress.step} steps"
            )
        return files

    def _save(self) -> None:
        if self._process_group.is_main:
            self._store.save(
                self.progress.epoch, self.progress.batch, **self._content(self._good_files())
            )

    def _content(self, files: dict[str, Arrays]) -> dict[str, Any]:
        rate = self._schedule(self.progress.step)
        state = {
            **self._state.numbers(),
            "next_learning_rate": rate,
            "log": self.log.mark(),
            "identity": self._identity,
        }
        return {"tensors": files, "state": state, "config_json": self._config_json}
