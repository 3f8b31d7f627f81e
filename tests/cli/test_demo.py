import inspect
import sys
from pathlib import Path

import pytest

from paddle_pose import environment
from paddle_pose.cli import demo
from paddle_pose.engine.demo import DemoResult, run_demo


def test_the_defaults_are_those_of_the_engine():
    defaults = vars(demo.build_parser().parse_args([]))
    parameters = inspect.signature(run_demo).parameters
    assert defaults == {name: parameters[name].default for name in defaults}


def test_one_thread_is_stated():
    assert demo.THREADS == 1


@pytest.mark.parametrize("scripts", [True, False], ids=["checkout", "installed"])
def test_the_next_commands_name_this_python(monkeypatch, tmp_path, capsys, scripts):
    monkeypatch.chdir(tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    names = ("predict", "val", "train")
    for name in names if scripts else ():
        (tmp_path / f"{name}.py").touch()
    data, weights = Path("data"), Path("last", "model.pdparams")
    scores = {"net (ours)": {"Mean": 81.24, "Mean@0.1": 9.96}}
    images = {Path("a.png"): "what it shows"}
    demo._print(
        DemoResult(data, weights, images, scores, seconds=61.9, training_seconds=59.0), num_val=8
    )
    said = capsys.readouterr().out
    assert environment.python_name() == str(python.relative_to(tmp_path))
    for name in names:
        assert (
            f"\n  .venv/bin/python {name + '.py' if scripts else '-m paddle_pose ' + name} " in said
        )
    assert (
        "  net (ours)                   81.2       10.0\nTime: 1 min 1 s, of which training 0 min 59 s.\n"
        in said
    )
    assert "\n  a.png: what it shows\n" in said
