"""Runs a function in a child process that has limits of memory and time.

Some files are parsed by native code that a damaged file can crash, or that allocates what the file
asks for. In a child process, a crash or an endless loop is one message, and this process goes on.

The child is a new Python that imports only the module of the function: it does not depend on how
this program was started (also by a notebook, or from standard input), and works on every system.
Its result returns through a pipe as JSON and the bytes of arrays, never as a pickle. The limit of
memory needs POSIX; elsewhere only that of time holds.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from paddle_pose.environment import needed
from paddle_pose.errors import InputError
from paddle_pose.io.json_files import parse_json

Result = tuple[Any, dict[str, np.ndarray]]
"""Result of a function: a value that JSON can contain, and arrays of numbers by name."""

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "HDF5_PLUGIN_PRELOAD": "::",  # no filters of HDF5 that are plugins, which are native code
}
_MAX_SHARE = 4  # part of the memory that the arrays of a result may have: 1 / 4
_MAX_TEXT = 300  # letters of an error
_START = """
import json, sys
request = json.loads(sys.argv[1])
sys.path[:] = request["path"]
from paddle_pose.io.isolated import serve
serve(request)
"""


def call(
    function: str,
    file: Path,
    arguments: Mapping[str, Any],
    *,
    memory: int,
    seconds: float,
    fix: str,
    packages: Mapping[str, str],
) -> Result:
    """Returns the result of a function that a child process runs with a file.

    Args:
        function: "module:function"; the function receives the path of the file, `limit` (the
            memory, which it passes to `limit_memory` after its imports) and the arguments, and
            returns a `Result`.
        file: File that the function reads.
        arguments: Keyword arguments of the function, values that JSON can contain.
        memory: Bytes that the function may allocate in addition to what its imports need.
        seconds: Seconds after which the child is stopped.
        fix: Instruction for a file that cannot be read, for messages.
        packages: Requirements for pip of optional packages that the function imports, by name.

    Raises:
        InputError: If the function raises an error, needs more memory or time, or its process dies;
            the message names the file.
        MissingDependencyError: If the function needs an optional package that is not installed.
    """
    request = {
        "path": [str(_PACKAGE_ROOT), *(entry for entry in sys.path if os.path.isabs(entry))],
        "function": function,
        "file": str(file),
        "arguments": dict(arguments),
        "memory": memory,
    }
    try:
        status, output = _run_child(request, seconds)
    except subprocess.TimeoutExpired:
        raise InputError(f"{file}: not read within {seconds:g} seconds; {fix}") from None
    end = output.find(b"\n")
    if status or end < 0:
        raise InputError(
            f"{file}: reading it ended the process that did so ({_cause(status)}): "
            f"damaged, or it needs more than {memory / 1e6:,.0f} MB of memory; {fix}"
        )
    answer = parse_json(output[:end], file)
    if "missing" in answer:
        module = answer["missing"]
        needed(module, packages.get(module, module), "train")
        raise InputError(f"{file}: {module} cannot be imported by {sys.executable}; install it")
    if "refused" in answer:
        raise InputError(answer["refused"])
    if "problem" in answer:
        raise InputError(f"{file}: {answer['problem']}; {fix}")
    return answer["value"], _arrays(answer["arrays"], output, end + 1)


def _run_child(request: Mapping[str, Any], seconds: float) -> tuple[int, bytes]:
    """Returns the exit status and the output of a child process that answers a request.

    Args:
        request: Request, see `serve`.
        seconds: Seconds after which the child is stopped.

    Raises:
        TimeoutExpired: If the child needs longer.
    """
    child = subprocess.run(
        # -I: no variables of the environment and no files of the working folder.
        [sys.executable, "-I", "-c", _START, json.dumps(request)],
        env={**os.environ, **_ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=seconds,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    return child.returncode, child.stdout


def _cause(status: int) -> str:
    """Returns how a process ended, for messages."""
    with contextlib.suppress(ValueError):
        return signal.Signals(-status).name
    return f"exit status {status}"


def _arrays(heads: list[list[Any]], content: bytes, start: int) -> dict[str, np.ndarray]:
    """Returns arrays by name.

    Args:
        heads: [name, dtype, shape] of each array.
        content: Bytes that contain those of the arrays, one after another.
        start: Position of the first array in them.
    """
    arrays = {}
    for name, code, shape in heads:
        dtype = np.dtype(code)
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(content, dtype, count, start).reshape(shape)
        start += count * dtype.itemsize
    return arrays


def serve(request: Mapping[str, Any]) -> None:
    """Runs the function of a request, and writes its result to stdout; the child calls it.

    Args:
        request: Request of `call`.
    """
    # What libraries print must not get between the bytes of the result.
    with os.fdopen(os.dup(1), "wb") as stream:
        os.dup2(2, 1)
        write_answer(request, stream)


def write_answer(request: Mapping[str, Any], stream: BinaryIO) -> None:
    """Runs the function of a request and writes its result.

    Args:
        request: Request of `call`.
        stream: Stream that receives a line of JSON, and the bytes of the arrays.
    """
    answer, arrays = _answer(request)
    stream.write(json.dumps(answer).encode() + b"\n")
    for array in arrays:
        stream.write(array.data.cast("B") if array.size else b"")


def _answer(request: Mapping[str, Any]) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Returns the first line of the answer to a request, and the arrays that follow it."""
    limit = request["memory"]
    module, _, name = request["function"].partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
        value, found = function(Path(request["file"]), limit=limit, **request["arguments"])
        arrays = {key: np.ascontiguousarray(array) for key, array in found.items()}
        # This process has a copy, and so has the one that receives them.
        if sum(array.nbytes for array in arrays.values()) > limit // _MAX_SHARE:
            raise MemoryError
    except ModuleNotFoundError as problem:
        return {"missing": (problem.name or "").split(".")[0]}, []
    except InputError as problem:
        return {"refused": str(problem)}, []
    except MemoryError:
        return {"problem": f"its content needs more than {limit / 1e6:,.0f} MB of memory"}, []
    except Exception as problem:  # the parsers raise any class for a damaged file
        text = " ".join(f"{type(problem).__name__}: {problem}".split())
        return {"problem": f"damaged, or of another kind ({text[:_MAX_TEXT]})"}, []
    heads = [[key, array.dtype.str, array.shape] for key, array in arrays.items()]
    return {"value": value, "arrays": heads}, list(arrays.values())


def limit_memory(count: int) -> None:
    """Limits the memory that this process may allocate from now on, where the system allows it.

    Call it after the imports, whose libraries reserve addresses.

    Args:
        count: Bytes that may be allocated.
    """
    try:
        resource = importlib.import_module("resource")
    except ModuleNotFoundError:  # Windows
        return
    used = 1 << 30  # enough for libraries where the system does not state it
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        used = pages * resource.getpagesize()
    for name, value in (("RLIMIT_AS", used + count), ("RLIMIT_CORE", 0)):
        # macOS states the limit, but refuses to set it.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, hard))
