"""How a benchmark's worker talks: one process per side, timed in turns by `benchmark.py`.

A worker prepares its task once, then answers each line that it is sent with a line of JSON. Standard library only: peers run
this file under another Python than the project's.
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

    Args:
        tasks: name -> function of the arguments (texts) that prepares and returns what is timed; that returns arrays by name
            to compare with the other side, or None. A number named "value" is a measurement of its own. The argument `repeats`
            is not handed on: a `run` is so many in a row.

    Commands on stdin, an answer each: `run` (runs once) gives {"seconds", "cpu", "peak_mb", "value"}, cpu with that of
    finished child processes; `result PATH` writes the last run's arrays as .npz. The first answer, after a run that warms up,
    is {"ready": the libraries that were imported, with their versions}.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("task")
    parser.add_argument("values", nargs="*")
    arguments = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w")  # what libraries print must not mix with the answers
    with contextlib.redirect_stdout(sys.stderr):
        values = dict(value.split("=", 1) for value in arguments.values)
        repeats = int(values.pop("repeats", "1"))
        run = tasks[arguments.task](**values)
        result = run()
        _answer(answers, {"ready": _versions()})
        for line in sys.stdin:
            command, _, path = line.strip().partition(" ")
            if command == "run":
                cpu, wall = _cpu(), time.perf_counter()
                for _ in range(repeats):
                    result = run()
                seconds, cpu = time.perf_counter() - wall, _cpu() - cpu
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                value = float((result or {}).get("value", 0.0))
                _answer(answers, {"seconds": seconds, "cpu": cpu, "peak_mb": peak, "value": value})
            else:
                import numpy as np

                np.savez(path, **(result or {}))
                _answer(answers, {"written": path})


def _cpu() -> float:
    times = os.times()
    # process_time counts finer than os.times; children are counted by the latter alone
    return time.process_time() + times.children_user + times.children_system


def _versions() -> dict[str, str]:
    names = (
        "numpy",
        "cv2",
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
    stream.write(json.dumps(values) + "\n")
    stream.flush()
