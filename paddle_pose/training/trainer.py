"""The training loop. It knows nothing of poses: batches go in, named losses come out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import paddle

from paddle_pose.training import checkpoint
from paddle_pose.training.log import RunLog

Loss = Callable[[Mapping[str, paddle.Tensor], Mapping[str, paddle.Tensor]], dict[str, paddle.Tensor]]
Measure = Callable[[Mapping[str, paddle.Tensor], Mapping[str, paddle.Tensor]], paddle.Tensor]


class Loader(Protocol):
    """Batches by epoch: `len` of them, as dicts with "image" and "targets"."""

    def __len__(self) -> int: ...

    def epoch(self, epoch: int) -> Iterable[Mapping[str, Any]]:
        """Returns the batches of a 0-based epoch."""
        ...


@dataclass
class Progress:
    """Where a run stands; what a checkpoint's state.json holds.

    Attributes:
        epoch: epochs done.
        step: optimizer steps done.
        best: highest monitored value so far, and the epoch it came from.
    """

    epoch: int = 0
    step: int = 0
    best: dict[str, float] = field(default_factory=dict)


class Trainer:
    """Runs epochs, logs, evaluates on schedule, keeps the best and the last weights.

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
        measures: Mapping[str, Measure] | None = None,
        log_every: int = 10,
        visualdl: bool = True,
    ) -> None:
        """Takes what is trained and where the run is kept.

        Args:
            model: dict of maps from "image".
            loss: named terms from (outputs, targets); their sum is minimised.
            optimizer: its learning rate is set at every step.
            schedule: learning rate of a 0-based step.
            run_dir: gets log.txt, metrics.jsonl, vdl/, last/ and best_model/.
            config_json: kept in every checkpoint.
            measures: further numbers for the log line, computed only when it is printed.
            log_every: steps between log lines.
            visualdl: whether to write VisualDL's files.
        """
        self.model, self.optimizer, self.progress = model, optimizer, Progress()
        self._loss, self._schedule, self._measures = loss, schedule, measures or {}
        self._run_dir, self._config_json, self._log_every = run_dir, config_json, log_every
        self.log = RunLog(run_dir, visualdl)
        self._evaluating_seconds = 0.0

    def resume(self, folder: Path) -> None:
        """Continues from a checkpoint folder."""
        state = checkpoint.load(folder, self.model, self.optimizer)
        self.progress = Progress(**state)
        self.log.say(f"Resumed {folder} after epoch {self.progress.epoch - 1}")

    def fit(
        self,
        loader: Loader,
        *,
        epochs: int,
        validate: Callable[[int], dict[str, float]] | None = None,
        monitor: str = "",
        eval_every: int = 1,
    ) -> Progress:
        """Trains to the end of the last epoch.

        Args:
            loader: of training batches.
            epochs: in all, those done before a resume included.
            validate: called with the 0-based epoch; returns named numbers.
            monitor: the number that decides which weights are best; higher is better.
            eval_every: epochs between evaluations; the last epoch is always evaluated.

        Returns:
            Where the run stands.
        """
        started, first_step = time.perf_counter(), self.progress.step
        self._evaluating_seconds = 0.0
        for epoch in range(self.progress.epoch, epochs):
            self._train_epoch(loader, epoch, epochs, started, first_step)
            self.progress.epoch = epoch + 1
            if validate and ((epoch + 1) % eval_every == 0 or epoch + 1 == epochs):
                self._evaluate(epoch, validate, monitor)
            self._save("last", self.optimizer)
        return self.progress

    def _train_epoch(self, loader: Loader, epoch: int, epochs: int, started: float, first_step: int) -> None:
        self.model.train()
        remaining = (epochs - epoch) * len(loader)
        waited = worked = 0.0
        images = steps = 0
        before = time.perf_counter()
        for batch_id, batch in enumerate(loader.epoch(epoch)):
            ready = time.perf_counter()
            rate = self._schedule(self.progress.step)
            self.optimizer.set_lr(rate)
            outputs = self.model(batch["image"])
            terms = self._loss(outputs, batch["targets"])
            total = paddle.add_n(list(terms.values()))
            total.backward()
            self.optimizer.step()
            self.optimizer.clear_grad()
            self.progress.step += 1
            steps, images = steps + 1, images + len(batch["image"])
            waited += ready - before
            if self.progress.step % self._log_every == 0 or batch_id + 1 == len(loader):
                numbers = {"loss": total.item()}
                if len(terms) > 1:
                    numbers |= {name: term.item() for name, term in terms.items()}
                numbers["lr"] = rate
                with paddle.no_grad():
                    for name, measure in self._measures.items():
                        numbers[name] = measure(outputs, batch["targets"]).item()
                now = time.perf_counter()
                worked += now - before
                done = self.progress.step - first_step
                seconds = (now - started - self._evaluating_seconds) / done
                speed = {
                    "batch_cost": worked / steps,
                    "reader_cost": waited / steps,
                    "ips": images / worked,
                }
                eta = seconds * (remaining - batch_id - 1)
                self._say_step(epoch, batch_id, numbers, speed, eta)
                waited = worked = 0.0
                images = steps = 0
                before = now
            else:
                now = time.perf_counter()
                worked, before = worked + now - before, now

    def _say_step(
        self,
        epoch: int,
        batch_id: int,
        numbers: dict[str, float],
        speed: dict[str, float],
        eta: float,
    ) -> None:
        shown = ", ".join(f"{name}={value:.6f}" for name, value in numbers.items())
        self.log.say(
            f"[TRAIN] epoch={epoch}, batch_id={batch_id}, {shown}, batch_cost={speed['batch_cost']:.4f}, "
            f"reader_cost={speed['reader_cost']:.4f}, ips={speed['ips']:.2f} images/s ETA {clock(eta)}"
        )
        self.log.numbers("train", self.progress.step, {"epoch": epoch, "batch_id": batch_id, **numbers, **speed})

    def _evaluate(self, epoch: int, validate: Callable[[int], dict[str, float]], monitor: str) -> None:
        began = time.perf_counter()
        self.model.eval()
        values = validate(epoch)
        self.log.numbers("eval", self.progress.step, {"epoch": epoch, **values})
        value = values[monitor]
        if value > self.progress.best.get(monitor, float("-inf")):
            self.progress.best = {**values, "epoch": epoch}
            self._save("best_model", None)
        best = self.progress.best
        self.log.say(
            f"[EVAL] best {monitor}={best.get(monitor, float('nan')):.4f} at epoch {best.get('epoch', -1)}, "
            f"now {value:.4f}"
        )
        self._evaluating_seconds += time.perf_counter() - began

    def _save(self, name: str, optimizer: paddle.optimizer.Optimizer | None) -> None:
        state = vars(self.progress)
        checkpoint.save(self._run_dir / name, self.model, optimizer, state, self._config_json)


def clock(seconds: float) -> str:
    """Returns h:mm:ss.

    Example:
        >>> clock(3725.4)
        '1:02:05'
    """
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
