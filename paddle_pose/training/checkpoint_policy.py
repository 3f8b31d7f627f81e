"""Which checkpoints of a run are kept, and which of them a resumed run takes up.

run/last/                               the newest checkpoint
run/earlier/epoch-0003-batch-000120/    those before it, named by where they stood
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
from paddle_pose.training import checkpoint

_log = logging.getLogger("paddle_pose")

EARLIER = "earlier"


def newest(run_dir: Path, say: Callable[[str], None] = _log.info) -> Path | None:
    """Returns the newest whole checkpoint of a run; None if there is none.

    Args:
        run_dir: of the run.
        say: told about every damaged checkpoint that is passed over.
    """
    earlier = run_dir / EARLIER
    older = sorted(earlier.iterdir(), reverse=True) if earlier.is_dir() else []
    for folder in (run_dir / "last", *older):
        if folder.is_dir():
            try:
                manifest.check(folder)
            except (OSError, ValueError) as problem:
                say(f"{problem}; trying the checkpoint before it")
            else:
                return folder
    return None


def run_of(folder: Path) -> Path | None:
    """Returns the folder of the run that a checkpoint's folder belongs to; None if it belongs to none.

    Args:
        folder: RUN/last, RUN/best_model, or one in RUN/earlier.
    """
    run_dir = folder.parent
    if run_dir.name == EARLIER:
        run_dir = run_dir.parent
    elif folder.name not in ("last", "best_model"):
        return None
    return run_dir if (run_dir / "config.json").is_file() else None


@dataclass(frozen=True)
class CheckpointPolicy:
    """How often checkpoints are made, besides at every epoch's end, and how many are kept.

    Attributes:
        keep: how many, the newest included; the best weights are kept besides.
        every_steps: steps between them; 0 makes none within an epoch.
        every_minutes: minutes between them; 0 makes none within an epoch.
    """

    keep: int = 2
    every_steps: int = 0
    every_minutes: float = 0.0


class CheckpointStore:
    """Keeps the newest checkpoints of a run, and the one that it was resumed from."""

    def __init__(self, run_dir: Path, policy: CheckpointPolicy) -> None:
        """Takes a run.

        Args:
            run_dir: of the run.
            policy: how often and how many.

        Raises:
            InputError: If none would be kept, or an interval is negative.
        """
        if policy.keep < 1 or min(policy.every_steps, policy.every_minutes) < 0:
            raise InputError(
                f"{policy}: keep at least the newest checkpoint, at intervals of 0 or more"
            )
        self._last, self._earlier, self._policy = run_dir / "last", run_dir / EARLIER, policy
        self._in_last = self._resumed = ""
        self._saved = time.monotonic()

    def is_due(self, step: int) -> bool:
        """Tells whether a checkpoint shall be made within an epoch, after so many steps in all."""
        steps, seconds = self._policy.every_steps, 60 * self._policy.every_minutes
        return bool(steps and step % steps == 0) or bool(
            seconds and time.monotonic() - self._saved >= seconds
        )

    def resumed(self, folder: Path, epoch: int, batch: int) -> None:
        """Protects the checkpoint that the run was resumed from."""
        self._resumed = _name(epoch, batch)
        self._in_last = self._resumed if folder.resolve() == self._last.resolve() else ""

    def save(self, epoch: int, batch: int, **content: Any) -> None:
        """Makes a checkpoint the newest one, then deletes those that are not kept.

        Args:
            epoch: where it stands.
            batch: where it stands in the epoch.
            content: arguments of `checkpoint.save`.

        Raises:
            OSError: If it cannot be written; all older checkpoints stay.
        """
        # What lies in `last` and is not known is damaged, or newer than where the run was taken up: it goes.
        aside = self._earlier / self._in_last if self._in_last else None
        checkpoint.save(self._last, **content, aside=aside)
        self._in_last, self._saved = _name(epoch, batch), time.monotonic()
        older = sorted(self._earlier.iterdir()) if self._earlier.is_dir() else []
        kept = [path for path in older if path.name < self._in_last]
        kept = kept[len(kept) - min(len(kept), self._policy.keep - 1) :]
        for path in older:
            if path not in kept and path.name != self._resumed:
                shutil.rmtree(path)


def _name(epoch: int, batch: int) -> str:
    """Returns a folder's name; names sort as positions do."""
    return f"epoch-{epoch:04d}-batch-{batch:06d}"
