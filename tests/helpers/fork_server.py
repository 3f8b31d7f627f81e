"""Runs commands in forks of a process that has imported Paddle, which takes seconds each time.

The process is a new Python that imports this file's packages and reads requests from its input: the
tests' own process has threads, and cannot be forked. A fork sets its folder, environment, output
and arguments, and runs the command until Python ends as after any other program.
"""

import json
import os
import runpy
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class ForkServer:
    """A process that runs commands in forks of itself."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            bufsize=0,  # a buffer could hold the second line of an answer, which `run` waits for
        )

    def run(
        self, folder: Path, line: Sequence[str], environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Returns the result of a command, as `subprocess.run` with captured text.

        Args:
            folder: Working folder.
            line: Path of a script, or "-m" and the name of a module, and the arguments.
            environment: Environment variables of the command.
            timeout: Seconds after which the command is killed.

        Raises:
            TimeoutExpired: If the command needs longer.
        """
        with tempfile.TemporaryDirectory() as place:
            paths = [Path(place, name) for name in ("out", "err")]
            request = [str(folder), list(line), dict(environment), list(map(str, paths))]
            pid = int(self._asked(json.dumps(request)))
            if not select.select([self._process.stdout], [], [], timeout)[0]:
                os.kill(pid, 9)
            status = int(self._asked())
            out, err = (path.read_text() for path in paths)
        if status == -9:
            raise subprocess.TimeoutExpired(list(line), timeout, out, err)
        return subprocess.CompletedProcess(list(line), status, out, err)

    def _asked(self, request: str = "") -> str:
        """Returns the next line of the process after writing a request."""
        if request:
            self._process.stdin.write(f"{request}\n".encode())
        return self._process.stdout.readline().decode()

    def close(self) -> None:
        """Ends the process."""
        with self._process as process:
            process.stdin.close()


def serve() -> list[Any] | None:
    """Forks for each request of stdin; returns the request in the fork, None at the end."""
    answers = os.fdopen(os.dup(1), "w")
    for text in sys.stdin:
        pid = os.fork()
        if not pid:
            answers.close()
            request: list[Any] = json.loads(text)
            return request
        print(pid, file=answers, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), file=answers, flush=True)
    return None


def become(
    folder: str, line: list[str], environment: dict[str, str], outputs: Sequence[str]
) -> None:
    """Runs a command in this process, see `ForkServer.run`."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    nothing = os.open(os.devnull, os.O_RDONLY)
    files = [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) for path in outputs]
    for target, file in enumerate((nothing, *files)):
        os.dup2(file, target)
        os.close(file)
    if line[0] == "-m":
        sys.argv[:] = line[1:]
        sys.path[0] = folder
        runpy.run_module(line[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv[:] = line
        sys.path[0] = os.path.dirname(line[0])
        runpy.run_path(line[0], run_name="__main__")


if __name__ == "__main__":
    import paddle_pose

    for name in ("train", *paddle_pose.__all__):  # `train` imports Paddle as every command does
        getattr(paddle_pose, name)
    __import__("scipy.io")
    if (request := serve()) is not None:
        become(*request)
