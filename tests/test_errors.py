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
def test_errors_can_be_caught_together_and_as_pythons_own(error, builtin):
    assert issubclass(error, PaddlePoseError)
    assert issubclass(error, builtin)


def test_an_interruption_knows_its_status_and_reason():
    error = Interrupted(143, "SIGTERM")
    assert (error.status, error.reason, str(error)) == (143, "SIGTERM", "ended early by SIGTERM")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("epoch", "epochs"), ("batchsize", "batch_size"), ("sed", "seed"), ("zzz", None), ("", None)],
)
def test_the_nearest_name_is_proposed(name, nearest):
    said = did_you_mean(name, iter(["epochs", "batch_size", "seed"]))
    assert said == (f" Did you mean {nearest!r}?" if nearest else "")
