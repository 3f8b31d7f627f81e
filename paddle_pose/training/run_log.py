"""Log of a training run: the logger, log.txt, metrics.jsonl, and VisualDL if it is installed."""

from __future__ import annotations

import json
import logging
import math
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np

_log = logging.getLogger("paddle_pose")


class RunLog:
    """Writes the lines, numbers and images of a run into its folder; files are appended to.

    VisualDL is optional: if it is missing or fails, one warning is logged and the run continues.

    Args:
        run_dir: Folder of the run; created if it does not exist.
        visualdl: Whether to write VisualDL's files.
        silent: Whether to log and write nothing, because another process does.

    Raises:
        OSError: If the folder cannot be written.
    """

    def __init__(self, run_dir: Path, visualdl: bool = True, silent: bool = False) -> None:
        self._silent = silent
        run_dir.mkdir(parents=True, exist_ok=True)
        text, metrics = (
            [Path(os.devnull)] * 2 if silent else (run_dir / "log.txt", run_dir / "metrics.jsonl")
        )
        self._text = text.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
        self._metrics = metrics.open("a", encoding="utf-8", buffering=1)
        self._files = {} if silent else {"log.txt": self._text, "metrics.jsonl": self._metrics}
        self._visualdl: Any = _visualdl_writer(run_dir / "vdl") if visualdl and not silent else None

    def info(self, line: str) -> None:
        """Logs a line and appends it to log.txt."""
        if not self._silent:
            _log.info(line)
        _append(self._text, line + "\n")

    def scalars(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Writes values of one step as a line of metrics.jsonl and as VisualDL scalars.

        Args:
            kind: Kind of the line: "train", "eval" or "skip".
            step: Number of optimizer steps done.
            values: Values by name. Floats that are not finite become null, as JSON has no NaN;
                VisualDL receives numbers only.
        """
        record = {name: value if _is_json(value) else None for name, value in values.items()}
        _append(self._metrics, json.dumps({"kind": kind, "step": step, **record}) + "\n")
        for name, value in record.items():
            if isinstance(value, int | float):
                self._call_visualdl("add_scalar", tag=f"{kind}/{name}", step=step, value=value)

    def image(self, name: str, step: int, pixels: np.ndarray) -> None:
        """Writes an image to VisualDL.

        Args:
            name: Name of the image.
            step: Number of optimizer steps done.
            pixels: uint8 RGB [h, w, 3].
        """
        self._call_visualdl("add_image", tag=name, step=step, img=pixels)

    def sizes(self) -> dict[str, int]:
        """Returns the sizes of the log files in bytes by name, after flushing them to disk."""
        for file in self._files.values():
            with _file_named(file):
                file.flush()
                os.fsync(file.fileno())
        return {name: os.fstat(file.fileno()).st_size for name, file in self._files.items()}

    def truncate(self, sizes: Mapping[str, int]) -> None:
        """Truncates the log files to earlier sizes.

        Args:
            sizes: Result of `sizes`; a file that it does not contain is truncated to 0 bytes.
        """
        for name, file in self._files.items():
            size = sizes.get(name, 0)
            if os.fstat(file.fileno()).st_size > size:
                file.truncate(size)

    def close(self) -> None:
        """Closes the files."""
        self._text.close()
        self._metrics.close()
        self._call_visualdl("close")

    def _call_visualdl(self, method: str, **arguments: Any) -> None:
        """Calls a method of VisualDL's writer if there is one, and stops using it if that fails."""
        if self._visualdl is None:
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                getattr(self._visualdl, method)(**arguments)
        except Exception as problem:  # no error of an optional package may end a training
            self._visualdl = None
            _log.warning("VisualDL failed and is not used from here on: %s", problem)


def _append(file: TextIO, text: str) -> None:
    """Writes to an open file; an error names the file."""
    with _file_named(file):
        file.write(text)


@contextmanager
def _file_named(file: TextIO) -> Iterator[None]:
    """Adds the file name to an OSError of writing, which Python raises without one."""
    try:
        yield
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, file.name) from problem


def _is_json(value: Any) -> bool:
    """Returns whether JSON can represent a value, which it cannot for NaN and infinity."""
    return not isinstance(value, float) or math.isfinite(value)


def _visualdl_writer(folder: Path) -> Any:
    """Returns a VisualDL writer with a new file; None if VisualDL cannot be used.

    VisualDL's default file name is the time in seconds, and an existing file is overwritten: a run
    that is resumed within the second of its start would lose what it has written. Here a name that
    does not exist is chosen.
    """
    second = int(time.time())
    while (folder / (name := f"vdlrecords.{second:010}.log")).exists():
        second += 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from visualdl import LogWriter

            return LogWriter(logdir=str(folder), file_name=name)
    except Exception as problem:  # not installed, or incompatible with another package
        _log.warning("VisualDL is not used: %s", problem)
        return None
