"""Implements the worker processes of `benchmark.py`, one for each side of a row.

A worker prepares its task once, then answers each line on its standard input with a line of JSON.
Standard library only: the workers of other projects run this file under another Python.
"""

import argparse
import contextlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any


def serve(tasks: Mapping[str, Callable[..., Callable[[], Any]]]) -> None:
    """Runs the task named on the command line: `worker.py TASK key=value …`.

    The argument `repeats=N` is not passed to the task: a run then is N calls in a row. After a
    first call, which is not timed, the worker answers {"ready": versions by imported library}. Then
    it reads commands from stdin and answers each:

    - `run` times a run: {"seconds", "cpu", "peak_mb", "value"}, seconds of wall time, seconds of
    CPU
      time with that of finished child processes, peak memory in MB, and "value" of the result, or
      0.
    - `result PATH` writes the arrays of the last run as .npz: {"written": PATH}.

    Args:
        tasks: Functions by name of the task. Each receives the arguments as strings, prepares the
            task and returns the function to time. That returns arrays by name, to compare with the
            other side, or None; a number named "value" is a time in s that it measured itself.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("task")
    parser.add_argument("values", nargs="*")
    arguments = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w")  # libraries that print must not disturb the answers
    with contextlib.redirect_stdout(sys.stderr):
        values = dict(value.split("=", 1) for value in arguments.values)
        repeats = int(values.pop("repeats", "1"))
        run = tasks[arguments.task](**values)
        result = run()
        _answer(answers, {"ready": _versions()})
        for line in sys.stdin:
            command, _, path = line.strip().partition(" ")
            if command == "run":
                cpu_begin = _cpu()
                begin = time.perf_counter()
                for _ in range(repeats):
                    result = run()
                seconds = time.perf_counter() - begin
                cpu = _cpu() - cpu_begin
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                value = float((result or {}).get("value", 0.0))
                _answer(answers, {"seconds": seconds, "cpu": cpu, "peak_mb": peak, "value": value})
            else:
                import numpy as np

                np.savez(path, **(result or {}))
                _answer(answers, {"written": path})


def _cpu() -> float:
    """Returns the CPU time in s of this process and of its finished child processes."""
    times = os.times()
    # process_time has a finer resolution than os.times, which alone counts child processes.
    return time.process_time() + times.children_user + times.children_system


def _versions() -> dict[str, str]:
    """Returns the versions of Python and of the imported libraries, by name."""
    names = (
        "numpy",
        "cv2",
        "paddle",
        "torch",
        "mmpose",
        "onnxruntime",
        "openvino",
        "pycocotools",
        "ai_edge_litert",
    )
    found = {
        name: getattr(sys.modules[name], "__version__", "") for name in names if name in sys.modules
    }
    return {"python": ".".join(map(str, sys.version_info[:3])), **found}


def _answer(stream: Any, values: dict[str, Any]) -> None:
    """Writes a line of JSON."""
    stream.write(json.dumps(values) + "\n")
    stream.flush()
