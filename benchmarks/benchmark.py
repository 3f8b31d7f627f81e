"""Measures this project and others alternately: `python benchmarks/benchmark.py`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import numpy as np

from benchmarks import table
from benchmarks.rows import Row, Side, rows
from paddle_pose.cli.options import Parser
from paddle_pose.data.synthetic.dataset import write_mpii
from paddle_pose.environment import usable_cores
from paddle_pose.errors import InputError, PaddlePoseError

GROUPS = (
    "loading",
    "codecs",
    "evaluation",
    "prediction",
    "networks",
    "training",
    "starting",
    "memory",
)
BUSY = 1.0  # load average per core before the start above which the measurements are unreliable


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the flags."""
    parser = Parser(
        description="Measures loading, codecs, evaluation, prediction, training steps, start-up and"
        " memory of this project and of mmpose, torch, pycocotools and LiteRT, and its networks"
        " beside each other. Each"
        " side runs in its own process, and the sides are measured alternately; the table shows"
        " medians, and the ratio with its spread. benchmarks/make_peers.sh installs the other"
        " projects. Prediction needs requirements/export.txt.",
    )
    parser.add_argument(
        "--rows", metavar="A,B", help=f"groups to measure, of {','.join(GROUPS)}; default all"
    )
    parser.add_argument(
        "--rounds", type=int, default=7, metavar="N", help="measurements of each side; default 7"
    )
    parser.add_argument(
        "--peer_python",
        type=Path,
        default=Path(".peers/bin/python"),
        metavar="F",
        help="Python with the other projects; default .peers/bin/python",
    )
    parser.add_argument(
        "--dataset_root",
        type=Path,
        metavar="D",
        help="data set in MPII's layout; default: synthetic people, 1280x720",
    )
    parser.add_argument(
        "--movenet", type=Path, metavar="F", help="Google's INT8 .tflite file of MoveNet Lightning"
    )
    parser.add_argument(
        "--from_file",
        type=Path,
        nargs="+",
        default=(),
        metavar="F",
        help="copies of the published files of movenet_thunder and nanodet_m, for the row on the"
        " default prediction",
    )
    parser.add_argument(
        "--photo", type=Path, metavar="F", help="image with people, for the same row"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("output/benchmark.json"),
        metavar="F",
        help="JSON file of the measurements; default output/benchmark.json",
    )
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument(
        "--show", action="store_true", help="print the measurements in --output; measure nothing"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, writes the JSON file and prints the table.

    Args:
        argv: Flags; None for those of the command line.

    Returns:
        The exit status.

    Raises:
        FileNotFoundError: If the file to show does not exist.
        InputError: If a flag has an invalid value.
    """
    arguments = build_parser().parse_args(argv)
    if not arguments.show:
        measured = _measured(arguments)
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    report = json.loads(arguments.output.read_text(encoding="utf-8"))
    print((table.markdown if arguments.markdown else table.text)(report))
    return 0


def _measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the content of the JSON file: the machine, and the measurements of every row.

    Raises:
        InputError: If a flag has an invalid value.
    """
    groups = arguments.rows.split(",") if arguments.rows else list(GROUPS)
    if unknown := sorted(set(groups) - set(GROUPS)):
        raise InputError(f"--rows {','.join(unknown)}: expected some of {','.join(GROUPS)}")
    if arguments.rounds < 1:
        raise InputError(f"--rounds {arguments.rounds}: expected at least 1")
    work = arguments.output.parent / "benchmark"
    data = arguments.dataset_root or work / "synthetic_mpii"
    if arguments.dataset_root is None and {"loading", "memory"} & set(groups):
        write_mpii(data, num_train=16, num_val=1, size=(1280, 720))
    machine = _machine()
    print(table.heading(machine), file=sys.stderr, flush=True)
    found = []
    for row in rows(
        data.resolve(),
        work.resolve(),
        arguments.movenet and arguments.movenet.resolve(),
        published=[path.resolve() for path in arguments.from_file],
        photo=arguments.photo and arguments.photo.resolve(),
    ):
        if row.group in groups:
            found.append(measure(row, arguments.rounds, arguments.peer_python))
            print(table.line(found[-1]), file=sys.stderr, flush=True)
    return {"machine": machine, "rounds": arguments.rounds, "rows": found}


class Worker:
    """The process of one side of a row, ready to be timed; `with` ends it.

    Args:
        side: Task and its arguments.
        peer_python: Python of the other projects.

    Raises:
        ChildProcessError: If the process cannot do its task; states the last line of its errors.
    """

    def __init__(self, side: Side, peer_python: Path) -> None:
        path = FOLDER / side.worker
        is_peer = side.worker.startswith("peers/")
        python = os.path.abspath(peer_python) if is_peer else sys.executable
        if is_peer and not os.path.isfile(python):
            raise ChildProcessError(f"no {peer_python}; benchmarks/make_peers.sh installs it")
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        command = [python, str(path), side.task, *side.values]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._errors}
        self._process = subprocess.Popen(
            command, text=True, bufsize=1, env=_environment(side), **pipes
        )  # type: ignore[call-overload]
        try:
            self.versions = self._answer()["ready"]
        except ChildProcessError:
            self.close()
            raise

    def __enter__(self) -> Worker:
        """Returns the worker."""
        return self

    def __exit__(self, *problem: object) -> None:
        """Ends the process."""
        self.close()

    def ask(self, command: str) -> dict[str, Any]:
        """Returns the answer to a command, see `protocol.serve`.

        Args:
            command: "run", or "result PATH".

        Raises:
            ChildProcessError: If the process has ended.
        """
        self._process.stdin.write(command + "\n")
        return self._answer()

    def close(self) -> None:
        """Ends the process."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._errors.close()

    def _answer(self) -> dict[str, Any]:
        """Returns the next answer of the process.

        Raises:
            ChildProcessError: If the process has ended.
        """
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip().splitlines()
            raise ChildProcessError(
                said[-1] if said else f"ended with status {self._process.returncode}"
            )
        return json.loads(line)


def measure(row: Row, rounds: int, peer_python: Path) -> dict[str, Any]:
    """Returns the measurements of a row; both sides run alternately.

    Args:
        row: Row to measure.
        rounds: Number of measurements of each side.
        peer_python: Python of the other projects.

    Returns:
        The fields of the row; "ours" and "theirs", the answers of each side's runs; "missing", the
        reason by side where a side could not run; "versions" by side; "load", the load average
        before; and what `_summarized` and `_difference` return.
    """
    found: dict[str, Any] = {
        key: getattr(row, key)
        for key in ("group", "name", "minimum", "maximum", "measure", "items", "remark")
    }
    found.update(ours=[], theirs=[], missing={}, versions={}, load=os.getloadavg()[0])
    workers: dict[str, Worker] = {}
    try:
        for name, side in (("ours", row.ours), ("theirs", row.theirs)):
            if side is not None:
                try:
                    workers[name] = Worker(side, peer_python)
                    found["versions"][name] = workers[name].versions
                except ChildProcessError as problem:
                    found["missing"][name] = str(problem)
        for number in range(1 if row.measure == "peak_mb" else rounds):
            for name in sorted(workers, reverse=bool(number % 2)):
                _run(name, workers, found)
        if row.tolerance is not None and len(workers) == 2:
            found["difference"] = _difference(workers)
            found["tolerance"] = row.tolerance
    finally:
        for worker in workers.values():
            worker.close()
    return {**found, **_summarized(row, found)}


def _run(name: str, workers: dict[str, Worker], found: dict[str, Any]) -> None:
    """Times one side once; a side whose process ends loses its earlier measurements, too.

    Args:
        name: Side, "ours" or "theirs".
        workers: Processes by side; one that ends is removed.
        found: Measurements of the row, which are extended.
    """
    try:
        found[name].append(workers[name].ask("run"))
    except ChildProcessError as problem:
        workers.pop(name).close()
        found["missing"][name] = str(problem)
        found[name] = []


def _summarized(row: Row, found: dict[str, Any]) -> dict[str, Any]:
    """Returns medians, ratios with their spread, and whether the goal is reached.

    Args:
        row: Row that was measured.
        found: Measurements of the row.

    Returns:
        "median" (None without measurements) and "reached" (None without a goal); if both sides were
        measured also "their_median", "ratio", "spread" and "cpu_ratio".
    """
    ours, theirs = ([run[row.measure] for run in found[side]] for side in ("ours", "theirs"))
    summary: dict[str, Any] = {"median": statistics.median(ours) if ours else None}
    if ours and theirs:
        ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
        cpu = [
            b["cpu"] / max(a["cpu"], 1e-9)
            for a, b in zip(found["ours"], found["theirs"], strict=True)
        ]
        summary |= {"their_median": statistics.median(theirs), "ratio": statistics.median(ratios)}
        summary |= {"spread": [ratios[0], ratios[-1]], "cpu_ratio": statistics.median(cpu)}
    reached = None
    if row.minimum and "ratio" in summary:
        reached = summary["ratio"] >= row.minimum
    elif row.maximum and ours:
        reached = summary["median"] <= row.maximum
    if reached is not None and "difference" in found:
        reached = reached and found["difference"] <= found["tolerance"]
    return {**summary, "reached": reached}


def _difference(workers: dict[str, Worker]) -> float:
    """Returns the largest difference between both sides' arrays.

    It is infinity where a side lacks an array, or the shapes differ.

    Args:
        workers: Processes of both sides, each of which has run.
    """
    with tempfile.TemporaryDirectory() as folder:
        arrays = {}
        for name, worker in workers.items():
            path = f"{folder}/{name}.npz"
            worker.ask(f"result {path}")
            with np.load(path) as content:
                arrays[name] = dict(content)
    ours, theirs = arrays["ours"], arrays["theirs"]
    if not ours or {k: v.shape for k, v in ours.items()} != {k: v.shape for k, v in theirs.items()}:
        return float("inf")
    return max(float(np.abs(ours[key] - theirs[key]).max()) for key in ours)


def _environment(side: Side) -> dict[str, str]:
    """Returns the environment of a worker: one thread, unless its task states another number."""
    threads = next(
        (value.partition("=")[2] for value in side.values if value.startswith("threads=")), "1"
    )
    return {**os.environ, "OMP_NUM_THREADS": threads, "PYTHONWARNINGS": "ignore"}


def _machine() -> dict[str, Any]:
    """Returns the machine on which is measured: CPU, cores, load average and system."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(encoding="utf-8").splitlines()
        cpu = next(
            (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), cpu
        )
    load, cores = os.getloadavg()[0], usable_cores()
    system = f"{platform.system()} {platform.release()}"
    return {"cpu": cpu, "cores": cores, "load": load, "busy": load > BUSY * cores, "system": system}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (PaddlePoseError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
