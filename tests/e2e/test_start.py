"""`train.py --init --freeze`: published weights as a start, in output, log and config.json."""

import json

import numpy as np
import pytest
from helpers.weights_writers import whole, write_zip

from paddle_pose import build
from paddle_pose.configs import overrides, registry
from paddle_pose.weights.read import read_weights

CONFIG = "simple_baseline_r50_mpii_256"
SMALL = {
    "model.width": 2,
    "model.deconv_channels": 4,
    "codec.input_size": "(64, 64)",
    "train.epochs": 1,
}
FLAGS = [part for key, value in SMALL.items() for part in ("-o", f"{key}={value}")]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """Returns a file of a ResNet with a classifier, named as in torchvision, and its tensors."""
    state = build.model(overrides.override(registry.find(CONFIG), SMALL)).state_dict()
    rng = np.random.default_rng(1)
    tensors = {
        name.replace("._mean", ".running_mean").replace("._variance", ".running_var"): value.numpy()
        * rng.uniform(0.5, 1.5, value.shape).astype(np.float32)
        for name, value in state.items()
        if not name.startswith(("deconv_layers.", "final_layer."))
    }
    tensors |= {"fc.weight": np.zeros((9, 64), np.float32), "fc.bias": np.zeros(9, np.float32)}
    path = tmp_path_factory.mktemp("imagenet") / "resnet50.pth"
    write_zip(
        path, {name: whole(str(i), tensor) for i, (name, tensor) in enumerate(tensors.items())}
    )
    return path, tensors


def test_frozen_imagenet_backbone_is_trained_and_resumed(
    backbone, synthetic_mpii, run_in, tmp_path
):
    path, tensors = backbone
    common = ("--dataset_root", synthetic_mpii, "--batch_size", 4, "--num_workers", 0)
    flags = ("--config", CONFIG, *FLAGS, "--init", path, "--freeze", "backbone", "--output", "run")
    done = run_in(tmp_path, "train.py", *common, *flags)
    assert done.returncode == 0, done.stderr
    lines = (
        f"Starting from {path}: loaded 265/282 tensors, named as in ResNets, the official HRNet "
        "and SimpleBaseline, MMPose's RTMPose\n"
        "  randomly initialized: deconv_layers.* (15), final_layer.* (2)\n"
        "  not used: fc.* (2)\n"
        "Frozen: all but deconv_layers, final_layer; 4,712 of "
    )
    assert lines in done.stdout
    assert lines in (tmp_path / "run" / "log.txt").read_text(encoding="utf-8")
    values = json.loads((tmp_path / "run" / "last" / "config.json").read_text(encoding="utf-8"))[
        "values"
    ]
    assert (values["train.init"], values["train.freeze"]) == (str(path), "backbone")

    moved = path.rename(path.with_suffix(".moved"))  # a resumed run does not need the file
    try:
        resumed = run_in(tmp_path, "train.py", *common, "--resume", "run", "--epochs", 2)
    finally:
        moved.rename(path)
    assert resumed.returncode == 0, resumed.stderr
    assert "Starting from" not in resumed.stdout
    assert "Frozen: all but deconv_layers, final_layer" in resumed.stdout
    kept = read_weights(tmp_path / "run" / "last" / "model.pdparams")
    for name, value in kept.items():
        theirs = name.replace("._mean", ".running_mean").replace("._variance", ".running_var")
        assert (theirs in tensors) == (name.split(".")[0] not in ("deconv_layers", "final_layer"))
        assert theirs not in tensors or np.array_equal(value, tensors[theirs]), name


def test_invalid_initial_weights_are_an_error(backbone, synthetic_mpii, run_in, tmp_path):
    path, _ = backbone
    common = ("--dataset_root", synthetic_mpii, "--num_workers", 0)
    for flags, message in (
        (
            ("--config", "hourglass_tiny_128", "--init", path),
            f"error: {path}: none of the 267 tensors of the file fits the network",
        ),
        (
            ("--config", "hourglass_tiny_128", "--freeze", "backbone"),
            "error: train.freeze=backbone would freeze random weights",
        ),
        (
            ("--resume", "--init", path),
            f"error: --init {path} with --resume: a resumed run has its weights",
        ),
    ):
        done = run_in(tmp_path, "train.py", *common, *flags)
        assert done.returncode == 2
        assert message in done.stderr
    assert list((tmp_path / "output").iterdir()) == []
