"""Mutated files of every format are read or refused with a message; see `mutate.py`."""

import os
import random
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from faults import mutate
from faults.mutate import Format, check, formats

from paddle_pose.errors import InputError

COUNT = 6
SLOW = {"paddle program": 1, "mat, release": 3}  # each file needs a process with its imports


@pytest.mark.parametrize("name", sorted(formats()))
def test_mutated_files_are_read_or_refused(name):
    report = check(name, range(SLOW.get(name, COUNT)))
    assert report.problems == []
    assert report.read + report.refused == SLOW.get(name, COUNT)


def bad_formats() -> dict[str, Format]:
    """Formats whose readers have the defects that `check` reports, for the first file only."""

    def write(folder: Path) -> Path:
        (folder / "a").write_bytes(bytes(100))
        return folder / "a"

    def if_changed(act):
        return lambda path: act() if path.read_bytes() != bytes(100) else None

    def refuse():
        raise InputError("not wanted")

    acts = {
        "dies": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "raises": lambda: {}["no such key"],
        "allocates": lambda: np.ones(80_000_000),
        "needs too much": lambda: np.ones(2_000_000_000),
        "refuses": refuse,
    }
    return {name: Format(write, if_changed(act), ["a"]) for name, act in acts.items()}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("dies", "0: the process ended, -9"),
        ("raises", "0: KeyError: 'no such key'"),
        ("allocates", r"[01]: 6\d\d MB of memory"),
        ("needs too much", "0: out of memory"),
    ],
)
def test_defects_of_readers_are_reported(name, problem):
    report = check(name, range(2), "faults.test_mutate:bad_formats")
    assert len(report.problems) >= 1
    assert mutate.re.match(problem, report.problems[0])
    assert report.refused == 0


def test_messages_are_no_problem():
    report = check("refuses", range(3), "faults.test_mutate:bad_formats")
    assert (report.problems, report.refused, report.read) == ([], 3, 0)
    assert report.messages == {"not wanted": 3}


def test_mutations_depend_on_the_seed_only():
    content = b'{"a": [1, 2.5, "text"]}' * 20
    first = [mutate.mutate(content, random.Random(n)) for n in range(200)]
    assert first == [mutate.mutate(content, random.Random(n)) for n in range(200)]
    assert len(set(first)) > 150
    assert sys.getsizeof(max(first, key=len)) < 300_000
