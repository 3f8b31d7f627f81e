import errno
import json
import os
import shutil

import numpy as np
import paddle
import pytest

from paddle_pose.io import manifest
from paddle_pose.training import checkpoint
from paddle_pose.weights.read import read_weights

STATE = {"epoch": 2, "best": {"Mean": 1 / 3}}
TENSORS = {
    "model.pdparams": {
        "a.weight": np.arange(6, dtype="float32").reshape(2, 3),
        "a.bias": np.ones(2, "float32"),
    }
}


def save(folder, state=STATE, move_old_to=None):
    checkpoint.save(
        folder,
        {**TENSORS, "model.pdopt": {"a.bias/moment1_0": np.zeros(2)}, "ema.pdparams": {}},
        state,
        "{}\n",
        move_old_to,
    )


def epoch(folder):
    manifest.check(folder)
    return json.loads((folder / "state.json").read_text())["epoch"]


def test_save_writes_files_that_paddle_and_json_read(tmp_path):
    folder = tmp_path / "run" / "last"
    save(folder)
    names = ["config.json", "manifest.json", "model.pdopt", "model.pdparams", "state.json"]
    assert sorted(p.name for p in folder.iterdir()) == names, "no file without arrays"
    assert [p.name for p in folder.parent.iterdir()] == ["last"], "no temporary folders are left"
    loaded = paddle.load(str(folder / "model.pdparams"))
    for name, array in TENSORS["model.pdparams"].items():
        assert np.array_equal(loaded[name], array)
        assert np.array_equal(read_weights(folder / "model.pdparams")[name], array)
    assert json.loads((folder / "state.json").read_text()) == STATE
    manifest = json.loads((folder / "manifest.json").read_text())
    assert sorted(manifest["files"]) == sorted({*names} - {"manifest.json"})
    assert manifest["versions"]["paddle"] == paddle.__version__


class SaveInterruptedError(Exception):
    pass


@pytest.mark.parametrize("move_old_to", [None, "earlier/epoch-1"], ids=["delete", "move"])
@pytest.mark.parametrize("left", [(), (".writing",), (".old",)], ids=["clean", "writing", "old"])
@pytest.mark.parametrize("at", range(16))
def test_interrupted_save_leaves_a_complete_checkpoint(
    tmp_path, monkeypatch, at, left, move_old_to
):
    """Each call that changes the disk is interrupted once, also with leftovers of earlier saves."""
    folder, move_old_to = tmp_path / "last", move_old_to and tmp_path / move_old_to
    save(folder, {"epoch": 1})
    if ".writing" in left:
        (tmp_path / "last.writing").mkdir()
        (tmp_path / "last.writing" / "model.pdparams").write_bytes(b"half")
    if ".old" in left:  # a save was interrupted between its two renamings
        os.replace(folder, tmp_path / "last.old")
    calls = 0

    def counted(function):
        def run(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls == at + 1:
                raise SaveInterruptedError(f"interrupted at {function.__name__}")
            return function(*args, **kwargs)

        return run

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", counted(os.replace))
        patch.setattr(shutil, "rmtree", counted(shutil.rmtree))
        patch.setattr(checkpoint, "write_weights", counted(checkpoint.write_weights))
        patch.setattr(checkpoint, "write_manifest", counted(checkpoint.write_manifest))
        patch.setattr(checkpoint, "_sync", counted(checkpoint._sync))
        try:
            save(folder, {"epoch": 2}, move_old_to)
            interrupted = False
        except SaveInterruptedError:
            interrupted = True
    assert interrupted == (calls > at)
    checkpoint.restore(folder)
    folders = [path for path in (folder, move_old_to) if path and path.is_dir()]
    assert epoch(folders[0]) in ((1, 2) if interrupted else (2,))
    save(folder, {"epoch": 3})  # the next save is not affected
    assert {p.name for p in tmp_path.iterdir()} <= {"last", "earlier"}
    assert epoch(folder) == 3


@pytest.mark.parametrize("move_old_to", [None, "earlier/epoch-1"], ids=["delete", "move"])
def test_save_syncs_files_before_renaming_and_folders_after(tmp_path, monkeypatch, move_old_to):
    """All files and the new folder are synced before a rename, and the parent folder after it."""
    folder, move_old_to = tmp_path / "last", move_old_to and tmp_path / move_old_to
    save(folder, {"epoch": 1})
    events = []
    replace = os.replace
    sync = os.fsync

    def replaced(source, target):
        synced = {event[1] for event in events if event[0] == "fsync"}
        if target == folder:
            assert {path.stat().st_ino for path in (source, *source.iterdir())} <= synced
        replace(source, target)
        if folder in (source, target):
            events.append(("replace", os.stat(target.parent).st_ino))

    def synced(handle):
        events.append(("fsync", os.fstat(handle).st_ino))
        sync(handle)

    monkeypatch.setattr(os, "replace", replaced)
    monkeypatch.setattr(os, "fsync", synced)
    save(folder, {"epoch": 2}, move_old_to)
    renames = [n for n, (call, _) in enumerate(events) if call == "replace"]
    assert len(renames) == 2
    for n in renames:
        assert events[n + 1 : n + 2] == [("fsync", events[n][1])]


def test_save_moves_the_existing_checkpoint(tmp_path):
    folder, move_old_to = tmp_path / "last", tmp_path / "earlier" / "one"
    save(folder, {"epoch": 1})
    save(folder, {"epoch": 2}, move_old_to)
    assert (epoch(folder), epoch(move_old_to)) == (2, 1)


def test_restore_changes_nothing_if_the_checkpoint_exists(tmp_path):
    checkpoint.restore(tmp_path / "last")
    assert list(tmp_path.iterdir()) == []
    save(tmp_path / "last", {"epoch": 1})
    shutil.copytree(tmp_path / "last", tmp_path / "last.old")
    save(tmp_path / "last.new", {"epoch": 2})
    checkpoint.restore(tmp_path / "last")
    assert epoch(tmp_path / "last") == 1


@pytest.mark.parametrize("name", ["model.pdparams", "model.pdopt", "state.json", "config.json"])
def test_check_detects_any_damaged_or_missing_file(tmp_path, name):
    folder = tmp_path / "last"
    save(folder)
    manifest.check(folder)
    path = folder / name
    whole = path.read_bytes()
    for broken in (whole[:-1], whole + b" ", bytes([whole[0] ^ 1]) + whole[1:], b""):
        path.write_bytes(broken)
        with pytest.raises(
            ValueError,
            match=rf"last/{name}: damaged: it is \d+ bytes.*was written as {len(whole)} bytes",
        ):
            manifest.check(folder)
    path.unlink()
    with pytest.raises(
        FileNotFoundError, match=rf"last/{name}: not found, although manifest.json lists it"
    ):
        manifest.check(folder)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"files": 3}', '{"files": {"a'])
def test_check_rejects_a_missing_or_invalid_manifest(tmp_path, text):
    save(tmp_path / "last")
    (tmp_path / "last" / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=r"last/manifest.json: damaged"):
        manifest.check(tmp_path / "last")
    (tmp_path / "last" / "manifest.json").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"manifest.json: not found; .*last is no complete checkpoint"
    ):
        manifest.check(tmp_path / "last")


def test_set_weights_of_another_network_names_the_file(tmp_path):
    path = tmp_path / "model.pdparams"
    model = paddle.nn.Linear(3, 4)
    with pytest.raises(
        ValueError,
        match=r"model.pdparams: the weights do not fit the network.*with a different shape",
    ):
        checkpoint.set_weights(
            model, {"weight": np.ones((3, 5), "float32"), "bias": np.ones(4, "float32")}, path
        )


def test_save_on_a_full_disk_keeps_the_existing_checkpoint(tmp_path, monkeypatch):
    folder = tmp_path / "last"
    save(folder, {"epoch": 1})

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(
            OSError,
            match=r"last cannot be written \(No space left on device\); the existing one is kept",
        ):
            save(folder, {"epoch": 2})
    manifest.check(folder)
    assert os.listdir(tmp_path) == ["last"]
