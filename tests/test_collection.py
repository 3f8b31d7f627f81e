"""Test names are equal in every process, since pytest-xdist does not run with different ones."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Each differs between two workers, or between two runs.
UNSTABLE = {
    "time": "import time\nVALUES = [time.time()]",
    "process": "import os\nVALUES = [os.getpid()]",
    "hash seed": "VALUES = {str(n) for n in range(99)}",
    "temporary folder": "import tempfile\nVALUES = [tempfile.gettempdir()]",
    "random number": "import random\nVALUES = [random.random()]",
}


def run_collection(root: Path, temporary: Path, hash_seed: int) -> subprocess.CompletedProcess[str]:
    """Collects the tests of a project in a new process.

    Args:
        root: Folder of the project.
        temporary: Temporary folder of the process.
        hash_seed: `PYTHONHASHSEED` of the process.
    """
    temporary.mkdir()
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "TMPDIR": str(temporary)}
    environment = {
        key: value for key, value in environment.items() if not key.startswith(("PYTEST_", "COV_"))
    }
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(
        command, cwd=root, env=environment, text=True, capture_output=True, timeout=1400
    )


def collected(root: Path, folder: Path, hash_seed: int) -> list[str]:
    """Returns the test names of a collection in a new process, see `run_collection`."""
    done = run_collection(root, folder / f"temporary-{hash_seed}", hash_seed)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return [line for line in done.stdout.splitlines() if "::" in line]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Returns the folder of a project with this project's conftest and no tests yet."""
    root = tmp_path / "project"
    root.mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", root)
    (root / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return root


def write_test(root: Path, values: str) -> None:
    """Writes a test file with the parameters `VALUES`, which the code in `values` sets."""
    (root / "test_it.py").write_text(
        f"import pytest\n{values}\n\n@pytest.mark.parametrize('value', VALUES)\ndef"
        " test_it(value):\n    pass\n",
        encoding="utf-8",
    )


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_two_processes_collect_the_same_tests(request, tmp_path):
    """The first one is this process, which has collected all files or the chosen ones."""
    here = [item.nodeid for item in request.session.items]
    there = collected(ROOT, tmp_path, hash_seed=1)
    assert len(there) > 1000
    chosen = set(here)
    there = [name for name in there if name in chosen]
    # The files are in the order in which they were named, their tests in the order of the file.
    assert sorted(here, key=file_of) == sorted(there, key=file_of)


def file_of(name: str) -> str:
    return name.partition("::")[0]


@pytest.mark.parametrize("values", UNSTABLE.values(), ids=UNSTABLE)
def test_names_that_differ_between_processes_are_found(project, tmp_path, values):
    write_test(project, values)
    assert collected(project, tmp_path, 1) != collected(project, tmp_path, 2)


@pytest.mark.parametrize("value", ["b'x'", "bytearray(2)", "memoryview(b'x')"])
def test_binary_parameters_need_an_id(project, tmp_path, value):
    write_test(project, f"VALUES = [{value}]")
    done = run_collection(project, tmp_path / "first", 1)
    assert done.returncode != 0
    assert "is binary" in done.stdout
    write_test(project, f"VALUES = [pytest.param({value}, id='named')]")
    assert "test_it[named]" in run_collection(project, tmp_path / "second", 1).stdout
