"""Display of the library's log on the terminal, as plain lines."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Iterator


class PlainHandler(logging.Handler):
    """Log handler that writes bare messages: below WARNING to stdout, others to stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the message of a record and flushes the stream.

        Args:
            record: Record to write.

        Raises:
            BrokenPipeError: If the stream is a pipe whose reader has closed it.
        """
        stream = sys.stderr if record.levelno >= logging.WARNING else sys.stdout
        try:
            stream.write(self.format(record) + "\n")
            stream.flush()
        except BrokenPipeError:
            raise  # the reader has closed the pipe: `main.execute` ends the process
        except Exception:  # errors in a record are reported as `logging` reports them
            self.handleError(record)


def accept_all_letters() -> None:
    """Makes stdout and stderr write letters that their encoding lacks as escapes.

    Otherwise printing a file name ends the command on a console in an older encoding, such as
    cp1252 or GBK, and everywhere for a file name that is not valid UTF-8.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def attach() -> None:
    """Adds a `PlainHandler` to the logger `paddle_pose` unless it has one, and sets level INFO."""
    logger = logging.getLogger("paddle_pose")
    if not any(isinstance(handler, PlainHandler) for handler in logger.handlers):
        logger.addHandler(PlainHandler())
    logger.setLevel(logging.INFO)
    logger.propagate = True


@contextlib.contextmanager
def only_warnings() -> Iterator[None]:
    """Suppresses log messages below warnings inside the context, so that stdout stays clean."""
    logger = logging.getLogger("paddle_pose")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
