"""Flags of Paddle for GPUs. Paddle for CPUs lacks most of them, and page-locked memory.

What the flags do on a GPU is checked there by scripts/gpu_check.py.
"""

import numpy as np
import paddle
import pytest

from paddle_pose.cli import options, train
from paddle_pose.configs.overrides import identity, override
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.errors import InputError
from paddle_pose.training import gpu_flags

PLAIN = CONFIGS["hourglass_tiny_128"]
FIELDS = {
    "train.deterministic": True,
    "train.cudnn_search": True,
    "train.conv_workspace": 1024,
    "train.pin_memory": True,
}


@pytest.fixture
def flags_set(monkeypatch):
    """Returns the flags that are set from now on."""
    flags = {}
    monkeypatch.setattr(paddle, "set_flags", flags.update)
    return flags


def test_flags_are_set_on_a_gpu_only(flags_set, monkeypatch):
    assert gpu_flags.set_flags(True, False, 256) == flags_set == {}
    monkeypatch.setattr(paddle, "get_device", lambda: "gpu:0")
    assert gpu_flags.set_flags(False, False, 0) == flags_set == {}
    gpu_flags.set_flags(True, False, 256)
    assert flags_set == {
        "FLAGS_cudnn_deterministic": True,
        "FLAGS_embedding_deterministic": 1,
        "FLAGS_conv_workspace_size_limit": 256,
    }


def test_deterministic_excludes_the_search():
    with pytest.raises(InputError, match=r"train\.deterministic.*train\.cudnn_search"):
        gpu_flags.set_flags(True, True, 0)


def test_flags_are_off_and_not_part_of_the_identity():
    assert not any(getattr(PLAIN.train, key.removeprefix("train.")) for key in FIELDS)
    assert identity(override(PLAIN, FIELDS)) == identity(PLAIN)
    with pytest.raises(InputError, match=r"train\.conv_workspace"):
        override(PLAIN, {"train.conv_workspace": -1})


@pytest.mark.parametrize(
    ("words", "expected"), [([], {}), (["--deterministic"], {"train.deterministic": True})]
)
def test_deterministic_is_a_flag_of_the_command(words, expected):
    arguments = train.build_parser().parse_args(words)
    assert options.overrides_of(arguments, train._FLAGS) == expected


def test_pinned_batches_are_the_same_batches(monkeypatch):
    """On a CPU, ordinary memory stands in for page-locked memory and for that of the GPU."""
    monkeypatch.setattr(paddle, "CUDAPinnedPlace", paddle.CPUPlace)
    monkeypatch.setattr(paddle.Tensor, "cuda", lambda self, blocking: self.clone(), raising=False)
    batch = {
        "image": np.arange(6, dtype=np.uint8),
        "targets": {"maps": np.ones((2, 3), np.float32)},
    }
    moved = gpu_flags.on_device(gpu_flags.pinned(batch))
    assert moved["image"].dtype == paddle.uint8
    assert np.array_equal(moved["image"].numpy(), batch["image"])
    assert np.array_equal(moved["targets"]["maps"].numpy(), batch["targets"]["maps"])
