import ast
import os
import shutil
import signal
import subprocess
import sys
import types
from importlib import metadata
from pathlib import Path

import pytest

from paddle_pose import environment

ROOT = Path(environment.__file__).parents[1]
# Whatever an old Python meets before `run` can tell it that it is too old.
FIRST_READ = [
    ROOT / "paddle_pose/__init__.py",
    ROOT / "paddle_pose/environment.py",
    *sorted(ROOT.glob("*.py")),
]
OLD_PYTHONS = ("2.7", "3.6", "3.7", "3.8", "3.9")
NEW_SYNTAX = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match, ast.Await, ast.YieldFrom)


def new_syntax(source: str) -> list[str]:
    """Names what Python 2.7 cannot parse in `source`."""
    found = [] if source.isascii() else ["non-ASCII"]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, NEW_SYNTAX):
            found.append(type(node).__name__)
        if isinstance(node, ast.arg) and node.annotation:
            found.append("annotation")
        if isinstance(node, ast.FunctionDef) and (node.returns or node.args.kwonlyargs):
            found.append("annotation or keyword-only argument")
        if isinstance(node, ast.Raise) and node.cause:
            found.append("raise from")
    return found


@pytest.mark.parametrize("path", FIRST_READ, ids=lambda path: path.name)
def test_files_read_first_hold_no_new_syntax(path):
    assert new_syntax(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    ["f'{a}'", "a: int = 1", "(a := 1)", "def f(a: int): pass", "def f() -> int: pass", "a = 'é'"],
)
def test_new_syntax_is_seen(source):
    assert new_syntax(source)


def find_python(version: str) -> str | None:
    in_pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return str(in_pyenv[-1]) if in_pyenv else shutil.which(f"python{version}")


@pytest.mark.parametrize("version", OLD_PYTHONS)
def test_an_old_python_is_told_what_to_do(version):
    python = find_python(version)
    if python is None:
        pytest.skip(f"needs Python {version}, which is not here")
    code = f"import sys; sys.path[:0] = [{str(ROOT)!r}]\n"
    code += "from paddle_pose.environment import run\nrun('train')"
    done = subprocess.run([python, "-B", "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert f"this is Python {version}; paddle_pose needs Python 3.10" in done.stderr
    assert "PYTHON=python3.12 make demo" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def exit_status(monkeypatch):
    """Runs a command whose main is given; returns its exit status."""

    def call(main):
        command = types.SimpleNamespace(main=main)
        monkeypatch.setitem(sys.modules, "paddle_pose.commands.given", command)
        with pytest.raises(SystemExit) as stopped:
            environment.run("given")
        return stopped.value.code

    return call


def ours(source: str):
    """Compiles `def main()` as if it stood in the package."""
    filename = str(ROOT / "paddle_pose/datasets/given.py")
    names: dict = {}
    exec(compile("def main():\n    " + source, filename, "exec"), names)
    return names["main"]


@pytest.mark.parametrize("status", [None, 0, 3])
def test_the_status_is_what_main_returns(exit_status, status):
    assert exit_status(lambda: status) == status


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("raise ValueError('sigma is -1;\\nexpected > 0')", "error: sigma is -1;\nexpected > 0\n"),
        ("raise FileNotFoundError('a.json: not found')", "error: a.json: not found\n"),
        ("raise KeyError('no joint knee')", "error: no joint knee\n"),
        ("raise ValueError", "error: ValueError\n"),
        ("open('/nowhere/a.json')", "error: /nowhere/a.json: No such file or directory\n"),
        ("bytes(2**62)", f"error: {environment._MEMORY_HINT}\n"),
    ],
)
def test_an_error_raised_on_purpose_has_no_traceback(exit_status, capsys, source, line):
    assert exit_status(ours(source)) == 2
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    ("source", "error"),
    [("int('x')", ValueError), ("{}['x']", KeyError), ("assert False", AssertionError)],
)
def test_a_defect_keeps_its_traceback(exit_status, source, error):
    with pytest.raises(error):
        exit_status(ours(source))


def test_an_error_of_another_package_keeps_its_traceback(exit_status):
    def main():
        raise ValueError("not from paddle_pose")

    with pytest.raises(ValueError, match="not from paddle_pose"):
        exit_status(main)


def test_the_traceback_can_be_asked_for(exit_status, monkeypatch):
    monkeypatch.setenv("PADDLE_POSE_TRACEBACK", "1")
    with pytest.raises(ValueError, match="sigma"):
        exit_status(ours("raise ValueError('sigma')"))


def test_ctrl_c_exits_130(exit_status, capsys):
    assert exit_status(ours("raise KeyboardInterrupt")) == 128 + signal.SIGINT
    assert "Traceback" not in capsys.readouterr().err


def test_a_broken_pipe_that_is_not_stdout_is_an_error(exit_status, capsys):
    assert exit_status(ours("raise BrokenPipeError(32, 'a worker is gone')")) == 2
    assert "a worker is gone" in capsys.readouterr().err


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_leaves_is_no_error(lines, unbuffered, monkeypatch):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    code = f"""
import sys, types
from paddle_pose.environment import run
main = lambda: [print("a line") for _ in range({lines})] and None
sys.modules["paddle_pose.commands.given"] = types.SimpleNamespace(main=main)
sys.stdin.read()
run("given")
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, **pipes) as process:
        process.stdout.close()
        process.stdin.close()  # only now does it print
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 128 + signal.SIGPIPE


@pytest.fixture
def threads(monkeypatch):
    """Settles the threads under the environment variables given; returns OMP_NUM_THREADS."""

    def call(**variables):
        for name in ("OMP_NUM_THREADS", "PADDLE_TRAINERS_NUM", "PADDLE_TRAINER_ID"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        environment.use_all_cores()
        return os.environ.get("OMP_NUM_THREADS")

    return call


def test_all_cores_are_used_unless_told_otherwise(threads, monkeypatch):
    monkeypatch.setattr(environment, "usable_cores", lambda: 5)
    assert threads() == "5"
    assert threads(OMP_NUM_THREADS="3") == "3"
    assert threads(PADDLE_TRAINERS_NUM="2") is None
    assert threads(PADDLE_TRAINER_ID="0") is None


def test_cores_are_set_before_the_command_is_imported(exit_status, threads, monkeypatch):
    threads(PADDLE_TRAINER_ID="0")
    monkeypatch.delenv("PADDLE_TRAINER_ID")
    assert exit_status(lambda: int(os.environ["OMP_NUM_THREADS"])) == environment.usable_cores()


@pytest.mark.parametrize(("value", "count"), [("3", 3), ("4,2", 4), ("", 5), (None, 5)])
def test_backends_use_the_threads_that_are_set(monkeypatch, value, count):
    monkeypatch.setattr(environment, "usable_cores", lambda: 5)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if value is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert environment.threads_to_use() == count


def test_usable_cores_are_cut_to_the_quota(monkeypatch):
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
def test_the_quota_is_read_from_both_kinds_of_control_group(tmp_path, files, cores):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n")
    assert environment._cpu_quota(str(tmp_path)) == cores


@pytest.fixture
def installed(monkeypatch):
    """Pretends that the distributions given as (name, version) are installed, and no other."""

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
def test_a_new_paddle_passes(installed, name, version):
    installed((name, version))
    assert environment.check_paddle() is None


@pytest.mark.parametrize(
    ("distributions", "words"),
    [
        ([], "Paddle is not installed"),
        ([("paddlepaddle-gpu", "2.6.2")], "found paddlepaddle-gpu 2.6.2"),
    ],
)
def test_a_missing_or_old_paddle_is_told_what_to_install(installed, distributions, words):
    installed(*distributions)
    with pytest.raises(SystemExit) as stopped:
        environment.check_paddle()
    message = str(stopped.value.code)  # a message as code: printed on stderr, status 1
    assert message.startswith(f"error: {words}")
    assert "pip install paddlepaddle\n" in message
    assert "pip install paddlepaddle-gpu -i https://www.paddlepaddle.org.cn/" in message


def test_check_paddle_does_not_import_paddle():
    code = "import sys; from paddle_pose.environment import check_paddle as c; c()\n"
    code += "sys.exit('paddle' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
