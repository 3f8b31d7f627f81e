from pathlib import Path

import pytest

from paddle_pose.errors import (
    InputError,
    Interrupted,
    MissingDependencyError,
    PaddlePoseError,
    did_you_mean,
)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [(InputError, ValueError), (MissingDependencyError, ImportError), (Interrupted, Exception)],
)
def test_errors_derive_from_the_base_class_and_a_builtin(error, builtin):
    assert issubclass(error, PaddlePoseError)
    assert issubclass(error, builtin)


def test_an_interruption_has_a_status_a_reason_and_a_folder():
    error = Interrupted(143, "SIGTERM")
    assert (error.status, error.reason, error.folder) == (143, "SIGTERM", None)
    assert "SIGTERM" in str(error)
    saved = Interrupted(130, "Ctrl-C", Path("run"))
    assert saved.folder == Path("run")
    assert "train(resume='run')" in str(saved)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("epoch", "epochs"), ("batchsize", "batch_size"), ("sed", "seed"), ("zzz", None), ("", None)],
)
def test_the_most_similar_name_is_suggested(name, nearest):
    suggestion = did_you_mean(name, iter(["epochs", "batch_size", "seed"]))
    assert suggestion == (f" Did you mean {nearest!r}?" if nearest else "")
