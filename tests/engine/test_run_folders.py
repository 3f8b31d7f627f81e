import json
import os
import shutil

import pytest

from paddle_pose.configs import registry
from paddle_pose.engine import run_folders
from paddle_pose.errors import InputError
from paddle_pose.training import checkpoint


@pytest.fixture(autouse=True)
def _here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def begun(name, seconds=0, config=None):
    """Makes a run without a checkpoint, last modified so many seconds after the epoch."""
    folder = run_folders.OUTPUT / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"config": config or name.partition("-")[0]}))
    (folder / "log.txt").touch()
    os.utime(folder / "config.json", (seconds, seconds))
    return folder


def saved(folder, name="last"):
    """Makes a checkpoint in the folder of a run, and returns its folder."""
    (folder / name).mkdir(parents=True)
    (folder / name / "state.json").write_text("{}")
    checkpoint.write_manifest(folder / name)
    return folder / name


def resume(*args, **options):
    """Returns the folders of the run and of the checkpoint that would be resumed."""
    with run_folders.resumed(*args, **options) as found:
        return found


def test_new_run_takes_the_first_free_number(tmp_path):
    assert run_folders.new(None, "net") == run_folders.OUTPUT / "net"
    begun("net-2")
    assert run_folders.new(None, "net") == run_folders.OUTPUT / "net-3"
    assert run_folders.new(None, "net") == run_folders.OUTPUT / "net-4", "net-3 is taken already"
    assert run_folders.new(tmp_path / "mine", "net") == tmp_path / "mine"


def test_run_of_another_process_raises(tmp_path):
    with run_folders.started(None, "net") as folder:
        for output in (folder, tmp_path / folder):
            with pytest.raises(InputError), run_folders.started(output, "net"):
                pass
        with run_folders.started(None, "net") as second:
            assert second != folder
        saved(folder)
        begun(folder.name)
        for named in ("", folder, folder / "last"):
            with pytest.raises(InputError, match=str(os.getpid())):
                resume(named)
    assert resume("") == (folder, folder / "last")


def test_folder_of_a_failed_start_is_free_again(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    for output in (None, kept):
        with pytest.raises(RuntimeError), run_folders.started(output, "net"):
            raise RuntimeError
    assert kept.is_dir()
    assert run_folders.new(None, "net").name == "net"


def test_new_run_in_the_folder_of_a_run_raises():
    with pytest.raises(InputError, match="holds a run already"):
        run_folders.new(begun("net"), "net")


def test_resumed_returns_the_newest_run_of_the_config():
    for name, seconds in (("net", 3), ("net-2", 9), ("net-3", 6), ("hourglass52_mpii_256", 12)):
        saved(begun(name, seconds))
    assert resume("", config_name="net") == (
        run_folders.OUTPUT / "net-2",
        run_folders.OUTPUT / "net-2" / "last",
    )
    assert resume("", image_size=256)[0].name == "hourglass52_mpii_256"
    assert resume("")[0].name == "hourglass52_mpii_256", "the newest of all"
    assert resume("", output=run_folders.OUTPUT / "net")[0].name == "net"
    with pytest.raises(FileNotFoundError, match="output"):
        resume("", image_size=384)


def test_a_run_is_found_by_its_config_whatever_its_folder():
    saved(begun("net", 3))
    mine = begun("mine", 6, config="net")
    saved(mine)
    saved(begun("net-of_others", 9, config="other"))
    (begun("256_best_model", 12, config="net") / "log.txt").unlink()  # a copy of weights
    broken = begun("broken", 15)
    (broken / "config.json").write_text("{")
    assert run_folders.runs_of("net") == [mine, run_folders.OUTPUT / "net"]
    assert resume("", config_name="net")[0] == mine
    with pytest.raises(FileNotFoundError, match="config hourglass52_mpii_256 in the folders of"):
        resume("", image_size=256)


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["text", "path"])
def test_resumed_accepts_a_run_or_one_of_its_checkpoints(kind):
    folder = begun("net")
    last, earlier = saved(folder), saved(folder, "earlier/epoch-0001-batch-000000")
    assert resume(kind(folder)) == (folder, last)
    assert resume(kind(last)) == (folder, last)
    assert resume(kind(earlier)) == (folder, earlier)


def test_resumed_skips_a_damaged_checkpoint_unless_it_is_named(capsys):
    folder = begun("net")
    last, earlier = saved(folder), saved(folder, "earlier/epoch-0001-batch-000000")
    (last / "state.json").write_text("[]")
    assert resume(folder) == (folder, earlier)
    assert f"{last / 'state.json'}: damaged" in capsys.readouterr().out
    with pytest.raises(InputError, match="damaged"):
        resume(last)


def test_resumed_run_without_checkpoint_has_none():
    folder = begun("net")
    assert resume(folder) == (folder, None)
    (folder / "last").mkdir()
    with pytest.raises(FileNotFoundError, match=str(folder)):
        resume(folder)


def best_of(folder, weights):
    """Writes weights as the best ones of a run."""
    (folder / "best_model").mkdir(exist_ok=True)
    (folder / "best_model" / "model.pdparams").write_text(weights)


def test_best_weights_are_copied_to_txyugoods_path(monkeypatch, capsys):
    folder, target = begun("net"), run_folders.OUTPUT / "256_best_model"
    run_folders.copy_to_txyugood_path(folder, 256, "D", resumed=False)
    assert not target.exists()
    assert capsys.readouterr().out == ""
    for resumed, weights in enumerate(("first", "second")):
        best_of(folder, weights)
        monkeypatch.setattr("sys.argv", ["train.py"])
        run_folders.copy_to_txyugood_path(folder, 256, "D", resumed=bool(resumed))
        assert (target / "model.pdparams").read_text() == weights
        weights_flag = f"--pretrained_model {target / 'model.pdparams'}"
        command = f"python val.py --image_size 256 {weights_flag} --dataset_root D\n"
        printed = capsys.readouterr().out
        assert command in printed
        assert "replacing" not in printed, "the run replaces its own copy"
    written = sorted(path.name for path in target.glob("[!.]*"))
    assert written == ["config.json", "from_run.txt", "model.pdparams"]
    assert (target / "from_run.txt").read_text() == f"{folder}\n"
    (target / "model.pdparams").write_text("foreign")
    run_folders.copy_to_txyugood_path(folder, 256, "D", resumed=True)
    assert (target / "model.pdparams").read_text() == "foreign"


def test_the_copy_of_another_run_is_replaced_with_a_remark(capsys):
    first, second = begun("net"), begun("net-2")
    target = run_folders.OUTPUT / "256_best_model"
    for folder in (first, second):
        best_of(folder, str(folder))
        run_folders.copy_to_txyugood_path(folder, 256, "D", resumed=False)
        assert (target / "model.pdparams").read_text() == str(folder)
    assert f"replacing the copy of the best weights of {first}\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["net", "net-2"])
def test_the_only_copy_of_a_deleted_run_is_kept(capsys, name):
    first, target = begun("net"), run_folders.OUTPUT / "256_best_model"
    best_of(first, "old")
    run_folders.copy_to_txyugood_path(first, 256, "D", resumed=False)
    shutil.rmtree(first)
    second = begun(name)  # also with the name of the deleted one
    best_of(second, "new")
    run_folders.copy_to_txyugood_path(second, 256, "D", resumed=False)
    assert (target / "model.pdparams").read_text() == "old"
    assert (target / "from_run.txt").read_text() == f"{first}\n"
    printed = capsys.readouterr()
    assert f"those of this run are in {second / 'best_model'}" in printed.out + printed.err


def test_the_data_of_weights_are_those_of_their_run(tmp_path):
    folder, data = begun("net"), tmp_path / "data"
    data.mkdir()
    config = json.dumps({"config": "net", "data": str(data)})
    (folder / "config.json").write_text(config)
    best_of(folder, "best")
    run_folders.copy_to_txyugood_path(folder, 256, data, resumed=False)
    for weights in (
        folder / "best_model" / "model.pdparams",
        folder / "last" / "model.pdparams",
        folder / "earlier" / "epoch-0001-batch-000000" / "model.pdparams",
        run_folders.OUTPUT / "256_best_model" / "model.pdparams",
    ):
        assert registry.data_of(weights) == str(data)
    assert registry.data_of(tmp_path / "elsewhere" / "model.pdparams") is None
    data.rename(tmp_path / "moved")
    with pytest.raises(InputError, match=str(data)):
        registry.data_of(folder / "best_model" / "model.pdparams")
