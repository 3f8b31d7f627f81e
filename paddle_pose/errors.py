"""Errors that this package raises on purpose; the command line shows their message without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PaddlePoseError(Exception):
    """Base class of the errors that this package raises on purpose."""


class InputError(PaddlePoseError, ValueError):
    """A file, a value or a flag is not as expected; the message says what was expected and what to do."""


class MissingDependencyError(PaddlePoseError, ImportError):
    """A package is missing or too old; the message says how to install it."""


class Interrupted(PaddlePoseError):
    """A run ended early on request, with everything saved.

    Args:
        status: Exit status of the process: 130 after Ctrl-C, 143 after SIGTERM, 124 at a time limit.
        reason: What ended the run, for messages.

    Attributes:
        status: As given.
        reason: As given.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"ended early by {reason}")
        self.status = status
        self.reason = reason


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
