"""How fast this project is beside others, measured in turns in one run: `python benchmarks/benchmark.py`."""

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

GROUPS = ("loading", "codecs", "evaluation", "prediction", "starting", "memory")
BUSY = 1.0  # a load average per core above which figures are doubtful before anything was started


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the flags."""
    parser = Parser(
        description="Measures loading, codecs, evaluation, prediction, start-up and memory beside mmpose, pycocotools and "
        "LiteRT: one process per side, in turns; the table shows medians and the ratio with its spread. "
        "benchmarks/make_peers.sh makes the others' environment. Prediction needs requirements/export.txt.",
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
        help="default .peers/bin/python",
    )
    parser.add_argument(
        "--dataset_root",
        type=Path,
        metavar="D",
        help="in MPII's layout; default: synthetic people, 1280x720",
    )
    parser.add_argument(
        "--movenet", type=Path, metavar="F", help="Google's INT8 .tflite file of MoveNet Lightning"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("output/benchmark.json"), metavar="F", help="the JSON"
    )
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument(
        "--show", action="store_true", help="measure nothing; print what --output holds"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, writes the JSON and prints the table.

    Raises:
        FileNotFoundError: If the file to show is not there.
        InputError: If a flag does not fit.
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
    """Returns what is written: the machine and every row."""
    groups = arguments.rows.split(",") if arguments.rows else list(GROUPS)
    if unknown := sorted(set(groups) - set(GROUPS)):
        raise InputError(f"--rows {','.join(unknown)}: expected some of {','.join(GROUPS)}")
    if arguments.rounds < 1:
        raise InputError(f"--rounds {arguments.rounds}: at least one")
    work = arguments.output.parent / "benchmark"
    data = arguments.dataset_root or work / "synthetic_mpii"
    if arguments.dataset_root is None and {"loading", "memory"} & set(groups):
        write_mpii(data, num_train=16, num_val=1, size=(1280, 720))
    machine = _machine()
    print(table.heading(machine), file=sys.stderr, flush=True)
    found = []
    for row in rows(
        data.resolve(), work.resolve(), arguments.movenet and arguments.movenet.resolve()
    ):
        if row.group in groups:
            found.append(measure(row, arguments.rounds, arguments.peer_python))
            print(table.line(found[-1]), file=sys.stderr, flush=True)
    return {"machine": machine, "rounds": arguments.rounds, "rows": found}


class Worker:
    """A side's process, ready to be timed; `with` ends it."""

    def __init__(self, side: Side, peer_python: Path) -> None:
        """Starts it.

        Raises:
            ChildProcessError: If it cannot do its task; says its last line.
        """
        path, peer = FOLDER / side.worker, side.worker.startswith("peers/")
        python = os.path.abspath(peer_python) if peer else sys.executable
        if peer and not os.path.isfile(python):
            raise ChildProcessError(f"no {peer_python}; benchmarks/make_peers.sh makes it")
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
        """Ends it."""
        self.close()

    def ask(self, command: str) -> dict[str, Any]:
        """Returns the answer to `run` or `result PATH`.

        Raises:
            ChildProcessError: If it has ended.
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
    """Returns a row's figures: both sides' runs, in turns; a side that is missing says why under "missing"."""
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
            found["difference"], found["tolerance"] = _difference(workers), row.tolerance
    finally:
        for worker in workers.values():
            worker.close()
    return {**found, **_judged(row, found)}


def _run(name: str, workers: dict[str, Worker], found: dict[str, Any]) -> None:
    """Times one side once; one that ends on the way is out, with what it measured."""
    try:
        found[name].append(workers[name].ask("run"))
    except ChildProcessError as problem:
        workers.pop(name).close()
        found["missing"][name], found[name] = str(problem), []


def _judged(row: Row, found: dict[str, Any]) -> dict[str, Any]:
    """Returns the medians, the ratios with their spread, and whether the goal is reached (None without a goal)."""
    ours, theirs = ([run[row.measure] for run in found[side]] for side in ("ours", "theirs"))
    judged: dict[str, Any] = {"median": statistics.median(ours) if ours else None}
    if ours and theirs:
        ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
        cpu = [
            b["cpu"] / max(a["cpu"], 1e-9)
            for a, b in zip(found["ours"], found["theirs"], strict=True)
        ]
        judged |= {"their_median": statistics.median(theirs), "ratio": statistics.median(ratios)}
        judged |= {"spread": [ratios[0], ratios[-1]], "cpu_ratio": statistics.median(cpu)}
    reached = None
    if row.minimum and "ratio" in judged:
        reached = judged["ratio"] >= row.minimum
    elif row.maximum and ours:
        reached = judged["median"] <= row.maximum
    if reached is not None and "difference" in found:
        reached = reached and found["difference"] <= found["tolerance"]
    return {**judged, "reached": reached}


def _difference(workers: dict[str, Worker]) -> float:
    """Returns the largest difference of both sides' arrays, infinity where one lacks an array or has another shape."""
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
    """Returns a worker's environment: one thread, but for what its task asks for."""
    threads = next(
        (value.partition("=")[2] for value in side.values if value.startswith("threads=")), "1"
    )
    return {**os.environ, "OMP_NUM_THREADS": threads, "PYTHONWARNINGS": "ignore"}


def _machine() -> dict[str, Any]:
    """Returns what the figures belong to."""
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
