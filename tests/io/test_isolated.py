"""The child process: results, and one message for its errors, its death and its limits."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.errors import InputError, MissingDependencyError
from paddle_pose.io import isolated

pytestmark = pytest.mark.usefixtures("child_processes")

PLAIN = np.arange(6.0).reshape(2, 3)


def returns(path: Path, limit: int, times: int) -> isolated.Result:
    print("noise on stdout")
    os.write(1, b"noise of a library")
    arrays = {"a": np.asfortranarray(PLAIN) * times, "empty": np.zeros((0, 2), np.uint8)}
    return [path.name, limit, None], arrays


def imports_a_missing_package(path: Path, limit: int) -> isolated.Result:
    import no_such_package  # noqa: F401

    return None, {}


def refuses(path: Path, limit: int) -> isolated.Result:
    raise InputError(f"{path}: not wanted")


def fails(path: Path, limit: int) -> isolated.Result:
    raise IndexError("out of range")


def dies(path: Path, limit: int) -> isolated.Result:
    os.kill(os.getpid(), signal.SIGSEGV)
    return None, {}


def hangs(path: Path, limit: int) -> isolated.Result:
    time.sleep(600)
    return None, {}


def allocates(path: Path, limit: int) -> isolated.Result:
    isolated.limit_memory(limit)
    return None, {"a": np.ones(200_000_000)}


def returns_much(path: Path, limit: int) -> isolated.Result:
    return None, {"a": np.ones(limit // 2, np.uint8)}


def call(function, memory=50_000_000, seconds=60.0, **arguments):
    return isolated.call(
        f"{Path(__file__).stem}:{function.__name__}",
        Path("some/file.mat"),
        arguments,
        memory=memory,
        seconds=seconds,
        fix="get it again",
        packages={"no_such_package": "no_such_package>=1"},
    )


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Lets the child import this file."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def test_values_and_arrays_are_returned_despite_noise_on_stdout():
    value, arrays = call(returns, times=2)
    assert value == ["file.mat", 50_000_000, None]
    np.testing.assert_array_equal(arrays["a"], PLAIN * 2)
    assert arrays["empty"].shape == (0, 2)
    assert arrays["empty"].dtype == np.uint8


def test_an_error_for_users_passes_unchanged():
    with pytest.raises(InputError) as caught:
        call(refuses)
    assert str(caught.value) == f"{Path('some/file.mat')}: not wanted"


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (fails, "damaged, .*IndexError: out of range"),
        (dies, "SIGSEGV"),
        (allocates, "more than 50 MB of memory"),
        (returns_much, "more than 50 MB of memory"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="signals and limits of memory need POSIX")
def test_errors_and_death_are_one_message_that_names_the_file(function, named):
    with pytest.raises(InputError, match=rf"file\.mat: .*{named}.*; get it again"):
        call(function)


def test_a_child_that_hangs_is_stopped():
    with pytest.raises(InputError, match=r"file\.mat: not read within 2 seconds; get it again"):
        call(hangs, seconds=2.0)


def test_a_missing_package_is_named_with_its_requirement():
    with pytest.raises(MissingDependencyError, match="no_such_package>=1"):
        call(imports_a_missing_package)


def test_it_works_in_a_program_from_standard_input_in_another_folder(tmp_path):
    """Neither the main program nor files of the working folder are imported by the child."""
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the working folder')\n")
    np.save(tmp_path / "a.npy", PLAIN)
    root = Path(__file__).resolve().parents[2]
    code = (
        f"import sys\nsys.path[:0] = [{str(root)!r}]\n"
        "import io, pathlib, numpy, scipy.io\n"
        "from paddle_pose.io.matlab_files import read_variables\n"
        "path = pathlib.Path('a.mat')\n"
        "scipy.io.savemat(path, {'a': numpy.load('a.npy')})\n"
        "print(read_variables(path, ('a',), '').arrays['a'].sum())\n"
    )
    program = subprocess.run(
        [sys.executable, "-I", "-"], input=code, cwd=tmp_path, capture_output=True, text=True
    )
    assert program.stdout == f"{PLAIN.sum()}\n", program.stderr
