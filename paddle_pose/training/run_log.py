"""What a run says: the screen, log.txt, metrics.jsonl, and VisualDL where it is installed."""

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
    """Writes a run's lines, numbers and images into its folder.

    VisualDL is an extra: when it is missing or fails, the run says so once and goes on.
    """

    def __init__(self, run_dir: Path, visualdl: bool = True, silent: bool = False) -> None:
        """Opens the run's files for appending.

        Args:
            run_dir: of the run.
            visualdl: whether to write VisualDL's files.
            silent: say and write nothing: another process does.

        Raises:
            OSError: If the folder cannot be written.
        """
        self._silent = silent
        run_dir.mkdir(parents=True, exist_ok=True)
        text, numbers = (
            [Path(os.devnull)] * 2 if silent else (run_dir / "log.txt", run_dir / "metrics.jsonl")
        )
        self._text = text.open("a", encoding="utf-8", buffering=1)
        self._numbers = numbers.open("a", encoding="utf-8", buffering=1)
        self._files = {} if silent else {"log.txt": self._text, "metrics.jsonl": self._numbers}
        self._visualdl: Any = _visualdl_writer(run_dir / "vdl") if visualdl and not silent else None

    def say(self, line: str) -> None:
        """Prints a line and keeps it in log.txt."""
        if not self._silent:
            _log.info(line)
        _append(self._text, line + "\n")

    def numbers(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Keeps numbers of one moment as a line of metrics.jsonl and as VisualDL scalars.

        Args:
            kind: "train", "eval" or "skip".
            step: optimizer steps done.
            values: by name; only finite numbers go to VisualDL, and others become null, as JSON has no NaN.
        """
        record = {name: value if _is_json(value) else None for name, value in values.items()}
        _append(self._numbers, json.dumps({"kind": kind, "step": step, **record}) + "\n")
        for name, value in record.items():
            if isinstance(value, int | float):
                self._extra("add_scalar", tag=f"{kind}/{name}", step=step, value=value)

    def image(self, name: str, step: int, pixels: np.ndarray) -> None:
        """Shows uint8 RGB [h, w, 3] in VisualDL."""
        self._extra("add_image", tag=name, step=step, img=pixels)

    def mark(self) -> dict[str, int]:
        """Returns how long the files are, once all of that is on the disk."""
        for file in self._files.values():
            with _naming(file):
                file.flush()
                os.fsync(file.fileno())
        return {name: os.fstat(file.fileno()).st_size for name, file in self._files.items()}

    def cut(self, mark: Mapping[str, int]) -> None:
        """Cuts the files back to where a `mark` was made; one that the mark does not know is emptied."""
        for name, file in self._files.items():
            size = mark.get(name, 0)
            if os.fstat(file.fileno()).st_size > size:
                file.truncate(size)

    def close(self) -> None:
        """Closes the files."""
        self._text.close()
        self._numbers.close()
        self._extra("close")

    def _extra(self, method: str, **arguments: Any) -> None:
        if self._visualdl is None:
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                getattr(self._visualdl, method)(**arguments)
        except Exception as problem:  # an extra must never end a training, whatever it raises
            self._visualdl = None
            _log.warning("VisualDL stopped writing and is left out from here on: %s", problem)


def _append(file: TextIO, text: str) -> None:
    """Writes to an open file."""
    with _naming(file):
        file.write(text)


@contextmanager
def _naming(file: TextIO) -> Iterator[None]:
    """Names the file in an error of which Python only says what it is."""
    try:
        yield
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, file.name) from problem


def _is_json(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _visualdl_writer(folder: Path) -> Any:
    """Returns a writer with a file of its own, None without VisualDL.

    VisualDL itself names the file after the second and empties one that is there: a run resumed within the second in which it
    was started would lose what it has shown.
    """
    second = int(time.time())
    while (folder / (name := f"vdlrecords.{second:010}.log")).exists():
        second += 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from visualdl import LogWriter

            return LogWriter(logdir=str(folder), file_name=name)
    except Exception as problem:  # missing, or broken by another package's version
        _log.warning("VisualDL is not used: %s", problem)
        return None
