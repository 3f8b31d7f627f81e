"""Three kills of `kill_and_resume.py`, which is run with hundreds by hand."""

import pytest
from faults.kill_and_resume import kill_and_resume


@pytest.mark.parametrize(("workers", "kills"), [(0, 1), (2, 2)])
def test_killed_and_resumed_training_equals_an_uninterrupted_one(tmp_path, workers, kills):
    assert kill_and_resume(tmp_path, kills, workers, seed=workers) == []
