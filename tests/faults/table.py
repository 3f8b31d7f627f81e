"""Runs the real commands with faults and bad inputs, and writes a table of the outcomes.

    python tests/faults/table.py --output faults.md

Every case runs in a new folder with synthetic people and a trained run. It passes if the command
ends with the expected status, reports the problem in one message without a traceback, and changes
no files but those that the case allows. The tests run all cases.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
CHANGES = (
    "codec.input_size=(64,64)",
    "model.channels=(8,8,8,8)",
    "model.blocks=(1,1,1,1)",
    "model.stem_channels=8",
    "model.feature_channels=8",
    "train.schedule.warmup=0",
    "train.log_every=1",
    "train.schedule=steps",
    "train.checkpoint_steps=1",
)
TRAIN = (
    "--config",
    "hourglass_tiny_128",
    "--batch_size",
    "4",
    "--num_workers",
    "1",
    "--dataset_root",
    "people",
)
SMALL = tuple(part for change in CHANGES for part in ("-o", change))


@dataclass(frozen=True)
class Case:
    """A fault or bad input, and the expected outcome of a command.

    Attributes:
        name: Description of the fault or input.
        command: Name of the command.
        flags: Flags of the command.
        says: Regular expression that the output must match.
        prepare: Function that damages the folder before the command runs.
        status: Expected exit status of the command.
        may_change: Regular expression of the files that the command may change.
        trouble: Returns a context manager inside which the command runs.
        fault: Whether it is a fault of the machine or of a run; otherwise a bad input.
    """

    name: str
    command: str
    flags: Sequence[str]
    says: str
    prepare: Callable[[Path], object] = lambda folder: None
    status: int = 2
    may_change: str = r"(?!)"
    trouble: Callable[[], AbstractContextManager[object]] = nullcontext
    fault: bool = False


@dataclass(frozen=True)
class Outcome:
    """The outcome of a case.

    Attributes:
        said: Message of the command.
        left: Description of the changes on the disk.
        problems: Differences from the expected outcome.
    """

    said: str
    left: str
    problems: tuple[str, ...]


def run(command: str, flags: Sequence[str]) -> tuple[int, str, str]:
    """Runs a command as its process would; returns exit status, stdout and stderr.

    Args:
        command: Name of the command.
        flags: Flags of the command.
    """
    from paddle_pose.cli.main import execute

    out, err = io.StringIO(), io.StringIO()
    own = mock.patch.object(sys, "argv", [f"{command}.py", *flags])
    with own, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = execute(command, flags)
        except SystemExit as end:  # raised by argparse after --help or an invalid flag
            status = int(end.code or 0)
    gc.collect()  # closes files that are still open, which a later test would report
    return status, out.getvalue(), err.getvalue()


def site(folder: Path) -> Path:
    """Prepares the folder that every case starts from, and returns it.

    It contains synthetic people in two layouts, and a run with three checkpoints.
    """
    from paddle_pose.data.synthetic.dataset import write_coco, write_mpii

    write_mpii(folder / "people", num_train=8, num_val=4, seed=0, size=(96, 96))
    write_coco(folder / "coco", num_train=4, num_val=4, seed=0, size=(96, 96))
    with _inside(folder):
        flags = (*TRAIN, *SMALL, "--output", "run", "--epochs", "2", "--keep", "3")
        status, said, errors = run("train", flags)
    if status:
        raise RuntimeError(
            f"the undisturbed training ended with status {status}:\n{said}\n{errors}"
        )
    return folder


def attempt(case: Case, start: Path, folder: Path) -> Outcome:
    """Runs a case in a copy of the starting folder.

    Args:
        case: Case to run.
        start: Folder that every case starts from.
        folder: Folder for the copy, which must not exist.
    """
    shutil.copytree(start, folder, symlinks=True)
    with _inside(folder):
        case.prepare(folder)
        before = _tree(folder)
        try:
            with case.trouble():
                status, out, err = run(case.command, case.flags)
        except Exception as defect:  # unexpected errors are outcomes, too
            return Outcome("", "", (f"a traceback: {defect!r}",))
        after = _tree(folder)
    changed = [name for name in before if after.get(name) != before[name]]
    lost = [name for name in changed if not re.match(case.may_change, name)]
    new = sorted({name.split("/")[0] for name in after.keys() - before.keys()})
    problems = []
    if status != case.status:
        problems.append(f"status {status}, expected {case.status}")
    if not re.search(case.says, out + err):
        problems.append(f"the output does not match {case.says!r}")
    if "Traceback" in err or (status in (1, 2) and err.count("error: ") != 1):
        problems.append("not exactly one message: " + err[-500:])
    if lost:
        problems.append("changed " + ", ".join(lost))
    if "executed" in new or (folder.parent / "escaped").exists():
        problems.append("code of the file was executed, or a file written outside the folder")
    left = (
        f"{len(before)} files unchanged"
        if not changed
        else f"changed as expected: {', '.join(changed[:3])}"
    )
    left += f"; new: {', '.join(new)}" if new else ""
    found = [line for line in (out + err).splitlines() if re.search(case.says, line)]
    said = err[err.find("error: ") :] if status in (1, 2) else "\n".join(found)
    return Outcome(said.strip() or out.strip()[-300:], left, tuple(problems))


def table(cases: Sequence[Case], outcomes: Sequence[Outcome], folder: str) -> str:
    """Returns the table in Markdown.

    Args:
        cases: Cases that were run.
        outcomes: Outcome of each case.
        folder: Path that is replaced by "…" in messages.
    """
    lines = []
    for fault, title in ((True, "Faults"), (False, "Bad inputs")):
        rows = [
            (case, outcome)
            for case, outcome in zip(cases, outcomes, strict=True)
            if case.fault == fault
        ]
        well = sum(not outcome.problems for _, outcome in rows)
        lines += [f"## {title}: {len(rows)} tried, {well} as expected", ""]
        lines += [
            "| # | case | command | status | message | on disk |",
            "|---|---|---|---|---|---|",
        ]
        for number, (case, outcome) in enumerate(rows, 1):
            said = re.sub(r"\s+", " ", outcome.said.replace(folder, "…").replace("|", "\\|"))
            said = said if len(said) <= 320 else said[:320] + " …"
            left = "**" + "; ".join(outcome.problems) + "**" if outcome.problems else outcome.left
            lines.append(
                f"| {number} | {case.name} | {case.command} | {case.status} | {said} | {left} |"
            )
        lines.append("")
    return "\n".join(lines)


def _tree(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of every file below a folder by name."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() or path.is_symlink()]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@contextlib.contextmanager
def _inside(folder: Path):
    """Changes the working folder inside the block; `contextlib.chdir` needs Python 3.11."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def main() -> int:
    """Runs all cases; returns 1 if an outcome differs from the expected one."""
    from faults.cases import CASES

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="file for the table; default: print it"
    )
    parser.add_argument(
        "--only", default="", metavar="PATTERN", help="run only the cases whose name matches"
    )
    arguments = parser.parse_args()
    cases = [case for case in CASES if re.search(arguments.only, case.name)]
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        start = site(Path(folder) / "start")
        for number, case in enumerate(cases):
            outcomes.append(attempt(case, start, Path(folder) / "cases" / str(number)))
            for problem in outcomes[-1].problems:
                print(f"{case.name}: {problem}\n  message: {outcomes[-1].said}", flush=True)
            shutil.rmtree(Path(folder) / "cases" / str(number))
        text = re.sub(
            re.escape(folder) + r"/cases/\d+", "…", table(cases, outcomes, folder + "/cases")
        )
    if arguments.output is None:
        print(text)
    else:
        arguments.output.write_text(text, encoding="utf-8")
    failed = sum(bool(outcome.problems) for outcome in outcomes)
    print(f"{len(cases)} cases, {failed} not as expected")
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    sys.exit(main())
