"""What the library logs, on the terminal: the lines alone, as they are."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator


class PlainHandler(logging.Handler):
    """Writes information to stdout and warnings to stderr, without time, level or name."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a record."""
        stream = sys.stderr if record.levelno >= logging.WARNING else sys.stdout
        try:
            stream.write(self.format(record) + "\n")
            stream.flush()
        except BrokenPipeError:
            raise  # the reader of the output has gone: `main.execute` ends the process
        except Exception:  # what logging does with errors of its own
            self.handleError(record)


def attach() -> None:
    """Shows the lines of the logger `paddle_pose`; once, however often it is called."""
    logger = logging.getLogger("paddle_pose")
    if not any(isinstance(handler, PlainHandler) for handler in logger.handlers):
        logger.addHandler(PlainHandler())
    logger.setLevel(logging.INFO)
    logger.propagate = True


@contextlib.contextmanager
def only_warnings() -> Iterator[None]:
    """Keeps the library's information from stdout while the context lasts."""
    logger = logging.getLogger("paddle_pose")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
