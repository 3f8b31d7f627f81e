"""Exceptions of this package; the command line prints their message without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class PaddlePoseError(Exception):
    """Base class of all exceptions that this package defines."""


class InputError(PaddlePoseError, ValueError):
    """Raised for an invalid file, value or flag; the message states what was expected."""


class MissingDependencyError(PaddlePoseError, ImportError):
    """Raised if a required package is missing or too old; the message states how to install it."""


class Interrupted(PaddlePoseError):
    """Raised when a run ends early on request, after its state was saved.

    Unlike `KeyboardInterrupt`, it is a subclass of `Exception`.

    Args:
        status: Exit status of the process.
        reason: Cause of the interruption, for messages.
        folder: Folder of the saved run; None if there is none.

    Attributes:
        status: Exit status of a command: 130 after Ctrl-C, 143 after SIGTERM, 124 at a time limit.
        reason: Cause of the interruption: "Ctrl-C", "SIGTERM" or "--max_hours".
        folder: Folder of the saved training, for `train(resume=folder)`; None for other runs.
    """

    def __init__(self, status: int, reason: str, folder: Path | None = None) -> None:
        message = f"ended early by {reason}"
        if folder is not None:
            message += f"; saved in {folder}, train(resume={str(folder)!r}) continues it"
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.folder = folder


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Returns " Did you mean 'NAME'?" with the most similar valid name, or "" if none is similar.

    Upper and lower case are not distinguished.

    Args:
        name: Name that does not exist.
        valid: Names that exist.

    Example:
        >>> did_you_mean("train.batchsize", ["train.batch_size", "train.seed"])
        " Did you mean 'train.batch_size'?"
    """
    by_key = {one.casefold(): one for one in valid}
    nearest = difflib.get_close_matches(name.casefold(), list(by_key), n=1, cutoff=0.6)
    return f" Did you mean {by_key[nearest[0]]!r}?" if nearest else ""
