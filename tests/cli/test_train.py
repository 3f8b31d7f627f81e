import subprocess
import sys
import types
from pathlib import Path

import pytest

from paddle_pose import environment
from paddle_pose.cli import train
from paddle_pose.errors import InputError
from paddle_pose.interruption import SignalInterruption
from paddle_pose.progress import no_progress

ROOT = Path(environment.__file__).parents[1]


@pytest.fixture
def engine_call(monkeypatch):
    """Returns a function that runs the command without training and returns the engine's call."""

    def run(*flags):
        calls = []
        engine = types.SimpleNamespace(
            train=lambda config, **arguments: calls.append({"config": config, **arguments})
        )
        monkeypatch.setitem(sys.modules, "paddle_pose.engine.train", engine)
        monkeypatch.setattr(environment, "require_paddle", lambda: None)
        assert train.main(flags) == 0
        return calls[0]

    return run


def test_train_without_flags_changes_nothing(engine_call):
    call = engine_call()
    assert isinstance(call.pop("interruption"), SignalInterruption)
    assert call.pop("progress") is no_progress
    assert call == {
        "data": None,
        "output": None,
        "config": None,
        "image_size": None,
        "preset": None,
        "overrides": {},
        "resume": None,
        "force": False,
        "device": "auto",
    }


def test_recipe_flags_change_their_config_keys(engine_call):
    flags = ["--batch_size", "3", "--epochs", "4", "--learning_rate", "0.5"]
    flags += ["--num_workers", "0", "--seed", "7", "--amp", "O1", "--init", "w.pth"]
    flags += ["--freeze", "backbone", "--keep", "9", "--crop_cache", "crops"]
    flags += ["-o", "val.flip=false", "--images", "there"]
    call = engine_call(*flags)
    assert call["overrides"] == {
        "train.batch_size": 3,
        "train.epochs": 4,
        "train.learning_rate": 0.5,
        "train.num_workers": 0,
        "train.seed": 7,
        "train.amp": "O1",
        "train.init": "w.pth",
        "train.freeze": "backbone",
        "train.keep": 9,
        "data.cache": "crops",
        "val.flip": "false",
        "data.images": "there",
        "data.dataset": "coco",
    }


@pytest.mark.parametrize(
    ("flags", "resume"), [((), None), (("--resume",), True), (("--resume", "run"), "run")]
)
def test_resume_accepts_the_folder_of_a_run(engine_call, flags, resume):
    assert engine_call(*flags)["resume"] == resume


def test_train_passes_run_flags_to_the_engine(engine_call):
    flags = ["--output", "run", "--force", "--device", "cpu", "--config", "a"]
    flags += ["--image_size", "256", "--dataset_root", "D"]
    call = engine_call(*flags)
    assert call["output"] == Path("run")
    assert call["force"] is True
    assert call["device"] == "cpu"
    assert call["config"] == "a"
    assert call["image_size"] == 256
    assert call["data"] == "D"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--resume", "--init", "w.pth"), "--init w.pth with --resume"),
        (("-o", "train.epochs"), "expected KEY=VALUE"),
        (("--dataset_root", "D", "--images", "there"), "--images"),
    ],
)
def test_invalid_flags_raise_before_paddle_is_imported(monkeypatch, flags, words):
    monkeypatch.setattr(environment, "require_paddle", lambda: pytest.fail("Paddle is required"))
    with pytest.raises(InputError, match=words):
        train.main(flags)


@pytest.mark.parametrize(
    ("flag", "nearest"), [("--cache", "--crop_cache"), ("--epoch_s", "--epochs")]
)
def test_train_with_unknown_flag_suggests_the_nearest(capsys, flag, nearest):
    with pytest.raises(SystemExit) as stopped:
        train.main([flag, "3"])
    assert stopped.value.code == 2
    assert repr(nearest) in capsys.readouterr().err


def test_every_flag_has_a_help_text():
    for action in train.build_parser()._actions:
        assert action.help, action.option_strings


def test_help_needs_no_other_package():
    code = """
import sys
sys.argv = ["train.py", "--help"]
class OnlyOurs:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top != "paddle_pose":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, OnlyOurs())
from paddle_pose.cli import run
run("train")
"""
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: python train.py [-h]")
