import inspect
import sys
from pathlib import Path

import pytest

from paddle_pose import environment
from paddle_pose.cli import demo
from paddle_pose.engine.demo import DemoResult, run_demo


def test_demo_defaults_equal_those_of_the_engine():
    defaults = vars(demo.build_parser().parse_args([]))
    parameters = inspect.signature(run_demo).parameters
    assert defaults == {name: parameters[name].default for name in defaults}


def test_demo_uses_one_thread():
    assert demo.THREADS == 1


@pytest.mark.parametrize("scripts", [True, False], ids=["checkout", "installed"])
def test_demo_prints_next_commands_with_this_python(monkeypatch, tmp_path, capsys, scripts):
    monkeypatch.chdir(tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    names = ("predict", "val", "train")
    for name in names if scripts else ():
        (tmp_path / f"{name}.py").touch()
    result = DemoResult(
        data=Path("data"),
        run_dir=Path("run"),
        images={Path("a.png"): "its caption"},
        scores={"net (ours)": {"Mean": 81.24, "Mean@0.1": 9.96}},
        seconds=61.9,
        training_seconds=59.0,
        missing_bytes=16_400_000,
    )
    demo._print(result, num_val=8)
    printed = capsys.readouterr().out
    assert environment.python_name() == str(python.relative_to(tmp_path))
    for name in names:
        called = f"{name}.py" if scripts else f"-m paddle_pose {name}"
        assert f"\n  .venv/bin/python {called} " in printed
    lines = printed.splitlines()
    assert "  net (ours)                   81.2       10.0" in lines
    assert "Time: 1 min 1 s, of which training 0 min 59 s." in lines
    assert "  a.png" in lines
    assert "16 MB" in printed
