"""What a run says: the screen, log.txt, metrics.jsonl, and VisualDL where it is installed."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_log = logging.getLogger("paddle_pose")


class RunLog:
    """Writes a run's lines, numbers and pictures into its folder.

    VisualDL is an extra: when it is missing or fails, the run says so once and goes on.
    """

    def __init__(self, run_dir: Path, visualdl: bool = True) -> None:
        """Opens the run's files for appending.

        Raises:
            OSError: If the folder cannot be written.
        """
        run_dir.mkdir(parents=True, exist_ok=True)
        self._text = (run_dir / "log.txt").open("a", encoding="utf-8", buffering=1)
        self._numbers = (run_dir / "metrics.jsonl").open("a", encoding="utf-8", buffering=1)
        self._visualdl: Any = _visualdl_writer(run_dir / "vdl") if visualdl else None

    def say(self, line: str) -> None:
        """Prints a line and keeps it in log.txt."""
        print(line, flush=True)
        self._text.write(line + "\n")

    def numbers(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Keeps numbers of one moment as a line of metrics.jsonl and as VisualDL scalars.

        Args:
            kind: "train" or "eval".
            step: optimizer steps done.
            values: by name; only numbers go to VisualDL.
        """
        self._numbers.write(json.dumps({"kind": kind, "step": step, **values}) + "\n")
        for name, value in values.items():
            if isinstance(value, int | float):
                self._extra("add_scalar", tag=f"{kind}/{name}", step=step, value=value)

    def picture(self, name: str, step: int, pixels: np.ndarray) -> None:
        """Shows uint8 RGB [h, w, 3] in VisualDL."""
        self._extra("add_image", tag=name, step=step, img=pixels)

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


def _visualdl_writer(folder: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from visualdl import LogWriter

            return LogWriter(logdir=str(folder))
    except Exception as problem:  # missing, or broken by another package's version
        _log.warning("VisualDL is not used: %s", problem)
        return None
