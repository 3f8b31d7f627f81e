"""Which checkpoints of a run are kept, and from which of them a run is resumed.

run/last/                               the newest checkpoint
run/earlier/epoch-0003-batch-000120/    earlier checkpoints, named by epoch and batch
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paddle_pose.errors import InputError
from paddle_pose.io import manifest
from paddle_pose.io.json_files import read_json
from paddle_pose.io.weights_files import EARLIER
from paddle_pose.training import checkpoint

_log = logging.getLogger("paddle_pose")


def newest(run_dir: Path, log: Callable[[str], None] = _log.info) -> Path | None:
    """Returns the folder of the newest undamaged checkpoint of a run; None if there is none.

    Args:
        run_dir: Folder of the run.
        log: Function that receives one message per damaged checkpoint that is skipped.
    """
    earlier = run_dir / EARLIER
    older = sorted(earlier.iterdir(), reverse=True) if earlier.is_dir() else []
    for folder in (run_dir / "last", *older):
        if folder.is_dir():
            try:
                manifest.check(folder)
                read_json(folder / "state.json")
            except (OSError, ValueError) as problem:
                log(f"{problem}; trying the checkpoint before it")
            else:
                return folder
    return None


@dataclass(frozen=True)
class CheckpointPolicy:
    """How often checkpoints are saved within an epoch, and how many are kept.

    A checkpoint is saved at the end of every epoch, too.

    Attributes:
        keep: Number of checkpoints to keep, including the newest, but not the best weights.
        every_steps: Steps between checkpoints; 0 saves none by steps.
        every_minutes: Minutes between checkpoints; 0 saves none by time.
    """

    keep: int = 2
    every_steps: int = 0
    every_minutes: float = 0.0


class CheckpointStore:
    """Saves the checkpoints of a run; keeps the newest ones and the one that the run resumed from.

    Args:
        run_dir: Folder of the run.
        policy: Intervals between checkpoints, and number of checkpoints to keep.

    Raises:
        InputError: If the policy keeps no checkpoint, or an interval is negative.
    """

    def __init__(self, run_dir: Path, policy: CheckpointPolicy) -> None:
        if policy.keep < 1 or min(policy.every_steps, policy.every_minutes) < 0:
            raise InputError(
                f"{policy}: expected at least 1 checkpoint to keep, and intervals of 0 or more"
            )
        self._last = run_dir / "last"
        self._earlier = run_dir / EARLIER
        self._policy = policy
        self._name_of_last = ""  # name that the checkpoint in `last` gets in `earlier`
        self._name_of_resumed = ""
        self._saved_at = time.monotonic()

    def is_due(self, step: int) -> bool:
        """Returns whether a checkpoint is due by the policy's intervals, after a step of an epoch.

        Args:
            step: Total number of steps done.
        """
        steps = self._policy.every_steps
        seconds = 60 * self._policy.every_minutes
        return bool(steps and step % steps == 0) or bool(
            seconds and time.monotonic() - self._saved_at >= seconds
        )

    def resumed(self, folder: Path, epoch: int, batch: int) -> None:
        """Protects the checkpoint that the run was resumed from against deletion.

        Args:
            folder: Folder of the checkpoint.
            epoch: Epoch of the checkpoint.
            batch: Number of batches trained in that epoch.
        """
        self._name_of_resumed = _name(epoch, batch)
        is_last = folder.resolve() == self._last.resolve()
        self._name_of_last = self._name_of_resumed if is_last else ""

    def save(self, epoch: int, batch: int, **content: Any) -> None:
        """Saves a checkpoint as the newest one, then deletes those that are not to be kept.

        Args:
            epoch: Current epoch.
            batch: Number of batches trained in the epoch.
            content: Arguments `tensors`, `state` and `config_json` of `checkpoint.save`.

        Raises:
            OSError: If the checkpoint cannot be written; all older ones are kept.
        """
        # A checkpoint in `last` that this run neither saved nor resumed from is damaged, or newer
        # than the one that the run was resumed from. It is deleted.
        move_old_to = self._earlier / self._name_of_last if self._name_of_last else None
        checkpoint.save(self._last, **content, move_old_to=move_old_to)
        self._name_of_last = _name(epoch, batch)
        self._saved_at = time.monotonic()
        older = sorted(self._earlier.iterdir()) if self._earlier.is_dir() else []
        kept = [path for path in older if path.name < self._name_of_last]
        kept = kept[len(kept) - min(len(kept), self._policy.keep - 1) :]
        for path in older:
            if path not in kept and path.name != self._name_of_resumed:
                shutil.rmtree(path)


def _name(epoch: int, batch: int) -> str:
    """Returns the name of a checkpoint's folder; names sort in the order of training."""
    return f"epoch-{epoch:04d}-batch-{batch:06d}"
