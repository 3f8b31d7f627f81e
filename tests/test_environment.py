import importlib
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from paddle_pose import environment
from paddle_pose.cli import options
from paddle_pose.errors import MissingDependencyError

ROOT = Path(environment.__file__).parents[1]


@pytest.fixture
def threads(monkeypatch):
    """Returns a function that calls `use_all_cores` with the given variables set.

    It returns the resulting OMP_NUM_THREADS.
    """

    def call(**variables):
        for name in ("OMP_NUM_THREADS", "PADDLE_TRAINERS_NUM", "PADDLE_TRAINER_ID"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        environment.use_all_cores()
        return os.environ.get("OMP_NUM_THREADS")

    return call


def test_all_cores_are_used_unless_the_environment_says_otherwise(threads, monkeypatch):
    monkeypatch.setattr(environment, "usable_cores", lambda: 5)
    assert threads() == "5"
    assert threads(OMP_NUM_THREADS="3") == "3"
    assert threads(PADDLE_TRAINERS_NUM="2") is None
    assert threads(PADDLE_TRAINER_ID="0") is None


@pytest.mark.parametrize(
    ("vendor", "flags", "set_to"),
    [
        ("AuthenticAMD", "fpu fma avx avx2", "5"),
        ("AuthenticAMD", "fpu avx", None),
        ("GenuineIntel", "fpu fma avx avx2", None),
    ],
)
def test_mkl_uses_avx2_on_amd(monkeypatch, tmp_path, vendor, flags, set_to):
    cpu_info = tmp_path / "cpuinfo"
    cpu_info.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: {flags}\n")
    monkeypatch.delenv("MKL_DEBUG_CPU_TYPE", raising=False)
    environment.use_avx2_on_amd(cpu_info)
    assert os.environ.get("MKL_DEBUG_CPU_TYPE") == set_to
    monkeypatch.setenv("MKL_DEBUG_CPU_TYPE", "1")
    environment.use_avx2_on_amd(cpu_info)
    assert os.environ["MKL_DEBUG_CPU_TYPE"] == "1"
    environment.use_avx2_on_amd(tmp_path / "missing")


@pytest.mark.parametrize(
    ("line", "overflow"),
    [
        ("flags\t\t: fpu avx2", True),
        ("flags\t\t: fpu avx2 avx512_vnni", False),
        ("flags\t\t: fpu avx2 avx_vnni", False),
        ("Features\t: fp asimd", False),  # ARM
        (None, False),
    ],
)
def test_sums_of_int8_overflow_on_x86_without_vnni(tmp_path, line, overflow):
    cpu_info = tmp_path / "cpuinfo"
    if line is not None:
        cpu_info.write_text(f"processor\t: 0\n{line}\n\nprocessor\t: 1\nflags\t\t: fpu\n")
    assert environment.sums_overflow_in_int8(cpu_info) == overflow


@pytest.mark.parametrize(("value", "count"), [("3", 3), ("4,2", 4), ("", 5), (None, 5)])
def test_backends_use_the_threads_that_are_set(monkeypatch, value, count):
    monkeypatch.setattr(environment, "usable_cores", lambda: 5)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if value is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert environment.threads_to_use() == count


def test_usable_cores_are_limited_by_the_quota(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    for quota, cores in [(0, 8), (3, 3), (64, 8)]:
        monkeypatch.setattr(environment, "_cpu_quota", lambda folder, quota=quota: quota)
        assert environment.usable_cores() == cores


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 0),
        ({"cpu.max": "max 100000"}, 0),
        ({"cpu.max": "350000 100000"}, 3),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 0),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
    ],
)
def test_the_quota_is_read_from_both_versions_of_control_groups(tmp_path, files, cores):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n")
    assert environment._cpu_quota(str(tmp_path)) == cores


@pytest.fixture
def installed(monkeypatch):
    """Returns a function that simulates the installed distributions, given as (name, version)."""

    def pretend(*distributions):
        def version(name):
            versions = dict(distributions)
            if name not in versions:
                raise metadata.PackageNotFoundError(name)
            return versions[name]

        monkeypatch.setattr(metadata, "version", version)

    return pretend


@pytest.mark.parametrize("version", ["3.0.0", "3.3.1", "10.0", "0.0.0", "3.0.0rc1"])
@pytest.mark.parametrize("name", ["paddlepaddle", "paddlepaddle-gpu"])
def test_paddle_3_and_newer_are_accepted(installed, name, version):
    installed((name, version))
    assert environment.require_paddle() is None


@pytest.mark.parametrize(
    ("distributions", "found"),
    [
        ([], ""),
        ([("paddlepaddle-gpu", "2.6.2")], "paddlepaddle-gpu 2.6.2"),
    ],
)
def test_a_missing_or_old_paddle_raises_with_the_pip_commands(installed, distributions, found):
    installed(*distributions)
    with pytest.raises(MissingDependencyError) as caught:
        environment.require_paddle()
    message = str(caught.value)
    assert found in message.splitlines()[0]
    assert f"{environment.python_name()} -m pip install paddlepaddle\n" in message
    assert "pip install paddlepaddle-gpu -i https://www.paddlepaddle.org.cn/" in message


@pytest.mark.parametrize(
    ("module", "requirement", "extra"),
    [
        ("scipy.io", "scipy>=1.10", "train"),
        ("openvino", "openvino>=2024.0", "export"),
        ("onnx", "onnx>=1.16", ""),
    ],
)
def test_a_missing_package_raises_with_its_requirement_and_extra(
    monkeypatch, module, requirement, extra
):
    monkeypatch.setitem(sys.modules, module.split(".")[0], None)
    monkeypatch.delitem(sys.modules, "scipy.io", raising=False)
    with pytest.raises(MissingDependencyError) as caught:
        environment.needed(module, requirement, extra)
    message = str(caught.value)
    assert f'pip install "{requirement}"' in message
    assert re.findall(r"paddle_pose\[(\w*)\]", message) == ([extra] if extra else [])


def test_a_missing_dependency_of_a_package_keeps_its_own_error(monkeypatch, tmp_path):
    (tmp_path / "half_installed.py").write_text("import nowhere_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError) as caught:
        environment.needed("half_installed", "half-installed", "train")
    assert not isinstance(caught.value, MissingDependencyError)
    assert caught.value.name == "nowhere_at_all"


def test_lines_on_threads_are_removed_from_the_output_of_importing_paddle(monkeypatch, capfd):
    """Other lines on the standard error stream are kept."""

    def imported(name):
        assert name == "paddle"
        print("WARNING: OMP_NUM_THREADS set to 4, not 1.", file=sys.stderr)
        print("PLEASE USE OMP_NUM_THREADS WISELY.", file=sys.stderr)
        print("a line on something else", file=sys.stderr)

    monkeypatch.delitem(sys.modules, "paddle", raising=False)
    monkeypatch.setattr(importlib, "import_module", imported)
    environment.require_paddle()
    assert capfd.readouterr().err == "a line on something else\n"


@pytest.mark.parametrize("threads", ["1", "2"])
def test_importing_the_real_paddle_prints_nothing(threads):
    code = (
        "from paddle_pose.environment import require_paddle; require_paddle(); "
        "import sys; assert 'paddle' in sys.modules"
    )
    variables = {**os.environ, "OMP_NUM_THREADS": threads}
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("called", "name", "typed"),
    [
        ("/usr/bin/paddle-pose", "val", "paddle-pose val"),
        ("paddle-pose.exe", "check", "paddle-pose check"),
        ("train.py", "val", "python val.py"),
        ("../pose/train.py", "export", "python ../pose/export.py"),
        ("train.py", "check", "python -m paddle_pose check"),
        ("/pose/paddle_pose/__main__.py", "val", "python -m paddle_pose val"),
        ("elsewhere.py", "val", "python -m paddle_pose val"),
        ("", "val", "python -m paddle_pose val"),
    ],
)
def test_a_command_is_typed_like_the_running_program(monkeypatch, called, name, typed):
    monkeypatch.setattr(sys, "argv", [called])
    assert environment.command(name) == typed


def test_a_command_in_a_process_without_arguments(monkeypatch):
    monkeypatch.setattr(sys, "argv", [])
    assert environment.command("val") == "python -m paddle_pose val"


def test_the_path_of_python_is_relative_inside_the_working_directory(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    assert environment.python_name() == str(Path(".venv", "bin", "python"))
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    assert environment.python_name() == "/usr/bin/python3"


def test_messages_name_flags_once_a_command_has_parsed_its_arguments():
    assert environment.argument("--dataset_root D", "data") == "data"
    options.Parser("val").parse_args([])
    assert environment.argument("--dataset_root D", "data") == "--dataset_root D"
