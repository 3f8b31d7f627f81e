import json

import numpy as np
import pytest

from paddle_pose.training import checkpoint_policy
from paddle_pose.training.checkpoint_policy import CheckpointPolicy, CheckpointStore


def save(store, epoch, batch=0):
    arrays = {"model.pdparams": {"a": np.full(3, epoch, "float32")}}
    store.save(epoch, batch, tensors=arrays, state={"position": [epoch, batch]}, config_json="{}\n")


def position_of(folder):
    return tuple(json.loads((folder / "state.json").read_text())["position"])


def earlier(run_dir):
    return (
        sorted(path.name for path in (run_dir / "earlier").iterdir())
        if (run_dir / "earlier").is_dir()
        else []
    )


@pytest.mark.parametrize("keep", [1, 2, 4])
def test_store_keeps_the_newest_checkpoints(tmp_path, keep):
    store = CheckpointStore(tmp_path, CheckpointPolicy(keep))
    for epoch in range(3):
        for batch in (0, 90, 100):
            save(store, epoch, batch)
    assert position_of(tmp_path / "last") == (2, 100)
    names = ["epoch-0001-batch-000100", "epoch-0002-batch-000000", "epoch-0002-batch-000090"]
    assert earlier(tmp_path) == names[len(names) - (keep - 1) :]
    assert checkpoint_policy.newest(tmp_path) == tmp_path / "last"


def test_store_keeps_the_checkpoint_that_was_resumed(tmp_path):
    first = CheckpointStore(tmp_path, CheckpointPolicy(2))
    for epoch in range(3):
        save(first, epoch)
    second = CheckpointStore(tmp_path, CheckpointPolicy(1))
    second.resumed(tmp_path / "last", 2, 0)
    for epoch in (3, 4, 5):
        save(second, epoch)
    assert earlier(tmp_path) == ["epoch-0002-batch-000000"]
    third = CheckpointStore(tmp_path, CheckpointPolicy(1))
    third.resumed(tmp_path / "earlier" / "epoch-0002-batch-000000", 2, 0)
    save(third, 3)
    assert position_of(tmp_path / "last") == (3, 0)
    assert earlier(tmp_path) == ["epoch-0002-batch-000000"], "later checkpoints are deleted"


def test_store_saves_the_position_that_was_resumed(tmp_path):
    save(CheckpointStore(tmp_path, CheckpointPolicy()), 1)
    again = CheckpointStore(tmp_path, CheckpointPolicy())
    again.resumed(tmp_path / "last", 1, 0)
    save(again, 1)
    save(again, 2)
    assert (position_of(tmp_path / "last"), earlier(tmp_path)) == (
        (2, 0),
        ["epoch-0001-batch-000000"],
    )


def test_newest_skips_and_logs_damaged_checkpoints(tmp_path):
    store = CheckpointStore(tmp_path, CheckpointPolicy(3))
    for epoch in range(3):
        save(store, epoch)
    messages = []
    (tmp_path / "last" / "model.pdparams").write_bytes(b"")
    (tmp_path / "earlier" / "epoch-0001-batch-000000" / "manifest.json").unlink()
    found = checkpoint_policy.newest(tmp_path, messages.append)
    assert found == tmp_path / "earlier" / "epoch-0000-batch-000000"
    assert len(messages) == 2
    assert "last/model.pdparams: damaged" in messages[0]
    assert "epoch-0001-batch-000000/manifest.json: not found" in messages[1]
    # After resuming there, the next save deletes the damaged ones.
    resumed = CheckpointStore(tmp_path, CheckpointPolicy(3))
    resumed.resumed(found, 0, 0)
    save(resumed, 1)
    assert checkpoint_policy.newest(tmp_path) == tmp_path / "last"
    assert earlier(tmp_path) == ["epoch-0000-batch-000000"]


def test_newest_returns_none_without_checkpoints(tmp_path):
    assert checkpoint_policy.newest(tmp_path) is None
    (tmp_path / "last").mkdir()
    assert checkpoint_policy.newest(tmp_path, lambda line: None) is None


def test_is_due_by_steps_or_minutes(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(checkpoint_policy.time, "monotonic", lambda: now[0])
    assert [
        CheckpointStore(tmp_path, CheckpointPolicy(every_steps=3)).is_due(step)
        for step in (1, 2, 3, 6)
    ] == [
        False,
        False,
        True,
        True,
    ]
    by_time = CheckpointStore(tmp_path, CheckpointPolicy(every_minutes=2))
    assert not by_time.is_due(3)
    now[0] = 120
    assert by_time.is_due(1)
    save(by_time, 0)
    assert not by_time.is_due(2)
    assert not CheckpointStore(tmp_path, CheckpointPolicy()).is_due(1000)


@pytest.mark.parametrize("wrong", [{"keep": 0}, {"every_steps": -1}, {"every_minutes": -0.5}])
def test_store_rejects_numbers_out_of_range(tmp_path, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CheckpointStore(tmp_path, CheckpointPolicy(**wrong))
