"""Errors that this package raises on purpose; the command line shows their message without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class PaddlePoseError(Exception):
    """Base class of the errors that this package raises on purpose."""


class InputError(PaddlePoseError, ValueError):
    """A file, a value or a flag is not as expected; the message says what was expected and what to do."""


class MissingDependencyError(PaddlePoseError, ImportError):
    """A package is missing or too old; the message says how to install it."""


class Interrupted(PaddlePoseError):
    """A run ended early on request, with everything saved.

    It is an ordinary exception, unlike `KeyboardInterrupt`.

    Args:
        status: Exit status of the process.
        reason: What ended the run, for messages.
        folder: Folder of the run that is saved; None where there is none.

    Attributes:
        status: Exit status that a command gives: 130 after Ctrl-C, 143 after SIGTERM, 124 at a time limit.
        reason: What ended the run: "Ctrl-C", "SIGTERM" or "--max_hours".
        folder: Folder of the training that is saved, for `train(resume=folder)`; None for other runs.
    """

    def __init__(self, status: int, reason: str, folder: Path | None = None) -> None:
        saved = (
            ""
            if folder is None
            else f"; saved in {folder}, train(resume={str(folder)!r}) continues it"
        )
        super().__init__(f"ended early by {reason}{saved}")
        self.status = status
        self.reason = reason
        self.folder = folder


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Returns " Did you mean 'NAME'?" with the valid name nearest to a wrong one, or "" where none is near.

    Args:
        name: Name that does not exist.
        valid: Names that do.

    Example:
        >>> did_you_mean("train.batchsize", ["train.batch_size", "train.seed"])
        " Did you mean 'train.batch_size'?"
    """
    nearest = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.6)
    return f" Did you mean {nearest[0]!r}?" if nearest else ""
