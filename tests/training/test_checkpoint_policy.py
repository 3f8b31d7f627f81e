import json

import numpy as np
import pytest

from paddle_pose.training import checkpoint_policy
from paddle_pose.training.checkpoint_policy import CheckpointPolicy, CheckpointStore


def save(kept, epoch, batch=0):
    arrays = {"model.pdparams": {"a": np.full(3, epoch, "float32")}}
    kept.save(epoch, batch, tensors=arrays, state={"at": [epoch, batch]}, config_json="{}\n")


def at(folder):
    return tuple(json.loads((folder / "state.json").read_text())["at"])


def earlier(run_dir):
    return (
        sorted(path.name for path in (run_dir / "earlier").iterdir())
        if (run_dir / "earlier").is_dir()
        else []
    )


@pytest.mark.parametrize("keep", [1, 2, 4])
def test_the_newest_are_kept(tmp_path, keep):
    kept = CheckpointStore(tmp_path, CheckpointPolicy(keep))
    for epoch in range(3):
        for batch in (0, 90, 100):
            save(kept, epoch, batch)
    assert at(tmp_path / "last") == (2, 100)
    names = ["epoch-0001-batch-000100", "epoch-0002-batch-000000", "epoch-0002-batch-000090"]
    assert earlier(tmp_path) == names[len(names) - (keep - 1) :]
    assert checkpoint_policy.newest(tmp_path) == tmp_path / "last"


def test_the_one_resumed_from_is_kept_wherever_it_lies(tmp_path):
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
    assert at(tmp_path / "last") == (3, 0)
    assert earlier(tmp_path) == ["epoch-0002-batch-000000"], "what came after it is gone"


def test_resuming_and_saving_at_once_is_no_collision(tmp_path):
    save(CheckpointStore(tmp_path, CheckpointPolicy()), 1)
    again = CheckpointStore(tmp_path, CheckpointPolicy())
    again.resumed(tmp_path / "last", 1, 0)
    save(again, 1)
    save(again, 2)
    assert (at(tmp_path / "last"), earlier(tmp_path)) == ((2, 0), ["epoch-0001-batch-000000"])


def test_a_damaged_one_is_named_and_the_one_before_it_taken(tmp_path):
    kept = CheckpointStore(tmp_path, CheckpointPolicy(3))
    for epoch in range(3):
        save(kept, epoch)
    said = []
    (tmp_path / "last" / "model.pdparams").write_bytes(b"")
    (tmp_path / "earlier" / "epoch-0001-batch-000000" / "manifest.json").unlink()
    found = checkpoint_policy.newest(tmp_path, said.append)
    assert found == tmp_path / "earlier" / "epoch-0000-batch-000000"
    assert len(said) == 2
    assert "last/model.pdparams: damaged" in said[0]
    assert "epoch-0001-batch-000000/manifest.json: not found" in said[1]
    # resuming there, the damaged ones go with the next save
    resumed = CheckpointStore(tmp_path, CheckpointPolicy(3))
    resumed.resumed(found, 0, 0)
    save(resumed, 1)
    assert checkpoint_policy.newest(tmp_path) == tmp_path / "last"
    assert earlier(tmp_path) == ["epoch-0000-batch-000000"]


def test_nothing_is_found_where_nothing_is(tmp_path):
    assert checkpoint_policy.newest(tmp_path) is None
    (tmp_path / "last").mkdir()
    assert checkpoint_policy.newest(tmp_path, lambda line: None) is None


def test_due_by_steps_or_minutes(tmp_path, monkeypatch):
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
def test_numbers_out_of_range_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CheckpointStore(tmp_path, CheckpointPolicy(**wrong))
