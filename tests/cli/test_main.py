import ast
import importlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest

from paddle_pose import environment
from paddle_pose.cli import main as dispatcher
from paddle_pose.errors import InputError, Interrupted, MissingDependencyError, PaddlePoseError

ROOT = Path(environment.__file__).parents[1]
# All files that an old Python compiles before `run` can report that it is too old.
FIRST_READ = [
    ROOT / "paddle_pose/__init__.py",
    ROOT / "paddle_pose/__main__.py",
    ROOT / "paddle_pose/cli/__init__.py",
    *sorted(ROOT.glob("*.py")),
]
OLD_PYTHONS = ("3.6", "3.7", "3.8", "3.9")


def is_old_syntax(source: str) -> bool:
    """Returns whether Python 3.6 can compile `source`."""
    try:
        tree = ast.parse(source, feature_version=(3, 7))
    except SyntaxError:
        return False
    imported = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    )
    names = {alias.name for node in imported for alias in node.names}
    return "annotations" not in names  # new in Python 3.7


@pytest.mark.parametrize("path", FIRST_READ, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_read_by_old_pythons_use_old_syntax(path):
    assert is_old_syntax(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "(a := 1)",
        "def f(a, /): pass",
        "match a:\n    case 1: pass",
        "from __future__ import annotations",
        "try:\n    pass\nexcept* E:\n    pass",
    ],
)
def test_is_old_syntax_detects_new_syntax(source):
    assert not is_old_syntax(source)


def find_python(version: str) -> str | None:
    in_pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return str(in_pyenv[-1]) if in_pyenv else shutil.which(f"python{version}")


@pytest.mark.parametrize(
    "called", [["train.py"], ["-m", "paddle_pose", "train"]], ids=["script", "module"]
)
@pytest.mark.parametrize("version", OLD_PYTHONS)
def test_old_python_prints_required_version(version, called):
    python = find_python(version)
    if python is None:
        pytest.skip(f"needs Python {version}, which is not installed")
    done = subprocess.run([python, "-B", *called], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"this is Python {version} " in done.stderr
    assert "needs Python 3.10" in done.stderr
    assert "PYTHON=python3.12 make demo" in done.stderr
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("name", dispatcher.COMMANDS)
def test_every_command_has_parser_and_main(name):
    module = importlib.import_module(f"paddle_pose.cli.{name}")
    assert callable(module.main)
    parser = module.build_parser()
    assert parser.prog == environment.command(name)
    assert parser.format_help()


@pytest.mark.parametrize("name", dispatcher.COMMANDS)
def test_examples_of_the_help_are_valid_calls(name):
    parser = importlib.import_module(f"paddle_pose.cli.{name}").build_parser()
    text = (parser.epilog or "").replace("\\\n", " ")
    examples = [
        line.strip().removeprefix(parser.prog)
        for line in text.splitlines()
        if line.strip().startswith(parser.prog)
    ]
    assert len(examples) >= (3 if name in environment.ROOT_SCRIPTS else 2)
    for example in examples:
        parser.parse_args(shlex.split(example))


@pytest.fixture
def given(monkeypatch):
    """Returns a function that installs a command "given" with this `main` and further names."""

    def give(main, **names):
        monkeypatch.setitem(
            sys.modules, "paddle_pose.cli.given", types.SimpleNamespace(main=main, **names)
        )

    return give


@pytest.fixture
def status_of(given):
    """Returns a function that runs a command with this `main` and returns its exit status."""

    def call(main, **names):
        given(main, **names)
        return dispatcher.execute("given", ["--flag"])

    return call


def raising(error):
    """Returns a `main` that raises an error."""

    def main(arguments):
        raise error

    return main


def test_command_receives_the_arguments_after_its_name(given, monkeypatch):
    got = []
    given(got.append)
    monkeypatch.setitem(dispatcher.COMMANDS, "given", "for this test")
    assert dispatcher.execute(None, ["given", "in.pth", "--image_size", "256"]) == 0
    assert dispatcher.execute("given", ["--help"]) == 0
    assert got == [["in.pth", "--image_size", "256"], ["--help"]]


def test_call_without_command_lists_the_commands(capsys):
    assert dispatcher.execute(None, []) == 2
    printed = capsys.readouterr().out
    assert all(f"\n  {name} " in printed for name in dispatcher.COMMANDS)


@pytest.mark.parametrize("words", [["nothing"], ["--nothing"]])
def test_unknown_command_or_flag_exits_with_2(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        dispatcher.execute(None, words)
    assert stopped.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit) as stopped:
        dispatcher.execute(None, ["--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert all(f"\n  {name} " in printed for name in dispatcher.COMMANDS)


@pytest.mark.parametrize(
    ("called", "usage"),
    [
        ("paddle-pose", "paddle-pose train"),
        ("__main__.py", "python -m paddle_pose train"),
        ("train.py", "python train.py"),
    ],
)
def test_help_of_a_command_shows_how_it_was_called(monkeypatch, capsys, called, usage):
    monkeypatch.setattr(sys, "argv", [called])
    with pytest.raises(SystemExit) as stopped:
        dispatcher.execute(None, ["train", "--help"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {usage} [-h]")


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (0, 0), (3, 3)])
def test_execute_returns_the_status_of_main(status_of, returned, status):
    assert status_of(lambda arguments: returned) == status


def test_run_exits_with_the_status_of_main(given, monkeypatch):
    given(lambda arguments: 3)
    monkeypatch.setattr(sys, "argv", ["train.py", "--flag"])
    with pytest.raises(SystemExit) as stopped:
        importlib.import_module("paddle_pose.cli").run("given")
    assert stopped.value.code == 3


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InputError("sigma is -1;\nexpected > 0"), "error: sigma is -1;\nexpected > 0\n"),
        (MissingDependencyError("no onnx"), "error: no onnx\n"),
        (PaddlePoseError("something else"), "error: something else\n"),
        (InputError(), "error: InputError\n"),
        (FileNotFoundError("a.json: not found"), "error: a.json: not found\n"),
        (FileNotFoundError(2, "No such file", "a.json"), "error: a.json: No such file\n"),
        (MemoryError("on the GPU"), f"error: {dispatcher.MEMORY_HINT}\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_expected_error_is_printed_without_traceback(status_of, capsys, error, line):
    assert status_of(raising(error)) == 2
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    "error",
    [
        ValueError("of NumPy"),
        KeyError("x"),
        AssertionError(),
        ModuleNotFoundError("no a", name="a"),
        ImportError("a"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_unexpected_error_is_raised(status_of, error):
    with pytest.raises(type(error)):
        status_of(raising(error))


def test_environment_variable_shows_the_traceback(status_of, monkeypatch):
    monkeypatch.setenv("PADDLE_POSE_TRACEBACK", "1")
    with pytest.raises(InputError, match="sigma"):
        status_of(raising(InputError("sigma")))


@pytest.mark.parametrize(
    ("module", "package"),
    [("cv2", "opencv-python-headless"), ("PIL.Image", "pillow"), ("tqdm.auto", "tqdm")],
)
def test_missing_package_message_names_package_and_python(
    status_of, capsys, monkeypatch, tmp_path, module, package
):
    monkeypatch.chdir(tmp_path)
    error = ModuleNotFoundError(f"No module named {module!r}", name=module)
    assert status_of(raising(error)) == 2
    printed = capsys.readouterr().err
    assert printed.count("error: ") == 1
    assert f"package {package} is not installed in {sys.executable}; " in printed
    assert f"{sys.executable} -m pip install {package}\n" in printed
    assert ".venv" not in printed.replace(sys.executable, "")


def test_missing_package_message_names_the_environment_in_the_folder(
    status_of, capsys, monkeypatch, tmp_path
):
    prepared = Path(".venv", "Scripts" if os.name == "nt" else "bin", "python")
    (tmp_path / prepared).parent.mkdir(parents=True)
    (tmp_path / prepared).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train.py", "--epochs", "1"])
    error = ModuleNotFoundError("No module named 'numpy'", name="numpy")
    assert status_of(raising(error)) == 2
    assert f"{prepared} train.py --epochs 1\n" in capsys.readouterr().err
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert status_of(raising(error)) == 2
    assert "train.py" not in capsys.readouterr().err, "this Python is the one of that environment"


def test_missing_package_message_repeats_a_module_call(status_of, capsys, monkeypatch, tmp_path):
    """The path of __main__.py, which `python -m` puts into argv, is not part of the message."""
    prepared = Path(".venv", "Scripts" if os.name == "nt" else "bin", "python")
    (tmp_path / prepared).parent.mkdir(parents=True)
    (tmp_path / prepared).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["/project/paddle_pose/__main__.py", "train", "--epochs", "1"])
    assert status_of(raising(ModuleNotFoundError("No module named 'numpy'", name="numpy"))) == 2
    assert f"{prepared} -m paddle_pose train --epochs 1\n" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["numpy", "cv2", "PIL"])
def test_command_without_a_required_package_names_it(module, run_command, tmp_path):
    (tmp_path / module).mkdir()
    (tmp_path / module / "__init__.py").write_text(
        f"raise ModuleNotFoundError('gone', name={module!r})\n"
    )
    done = run_command("train.py", "--config", "nothing", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(
        f"error: package {dispatcher.REQUIRED[module]} is not installed in {sys.executable}; "
    )
    assert "Traceback" not in done.stderr


def test_ctrl_c_returns_130(status_of, capsys):
    assert status_of(raising(KeyboardInterrupt())) == 128 + signal.SIGINT
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("status", [130, 143, 124])
def test_interrupted_run_returns_its_status(status_of, capsys, status):
    assert status_of(raising(Interrupted(status, "a test"))) == status
    assert capsys.readouterr().err == ""


def test_broken_pipe_of_a_worker_is_an_error(status_of, capsys):
    assert status_of(raising(BrokenPipeError(32, "a worker is gone"))) == 2
    assert "a worker is gone" in capsys.readouterr().err


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("lines", [1, 100_000])
@pytest.mark.parametrize(
    "say", ["print", "logging.getLogger('paddle_pose').info"], ids=["print", "log"]
)
def test_closed_stdout_returns_141_without_a_message(say, lines, unbuffered, monkeypatch):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    code = f"""
import logging, sys, types
from paddle_pose.cli import run
main = lambda arguments: [{say}("a line") for _ in range({lines})] and None
sys.modules["paddle_pose.cli.given"] = types.SimpleNamespace(main=main)
sys.stdin.read()
run("given")
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, **pipes) as process:
        process.stdout.close()
        process.stdin.close()  # the command prints after this
        assert process.stderr.read() == b""
        assert process.wait(timeout=200) == 128 + signal.SIGPIPE


@pytest.fixture
def free_threads(monkeypatch):
    """Removes the environment variables that decide the number of threads."""
    for name in ("OMP_NUM_THREADS", "PADDLE_TRAINERS_NUM", "PADDLE_TRAINER_ID"):
        monkeypatch.setenv(name, "")  # so that monkeypatch restores the value
        monkeypatch.delenv(name)


def test_threads_are_set_before_main_runs(status_of, free_threads):
    assert (
        status_of(lambda arguments: int(os.environ["OMP_NUM_THREADS"]))
        == environment.usable_cores()
    )


def test_command_may_define_its_number_of_threads(status_of, free_threads, monkeypatch):
    assert status_of(lambda arguments: int(os.environ["OMP_NUM_THREADS"]), THREADS=7) == 7
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert status_of(lambda arguments: int(os.environ["OMP_NUM_THREADS"]), THREADS=7) == 3
