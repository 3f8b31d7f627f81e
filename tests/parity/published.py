"""What the parity tests share: published networks, filled by a rule, and what they answer."""

import json
import runpy

import numpy as np
import paddle

from paddle_pose.models.losses import JointsMSELoss
from paddle_pose.training.optimizers import adam
from paddle_pose.training.trainer import Trainer


def shapes(shared, name):
    """Name -> shape of a published file."""
    path = shared / "facts" / "checkpoint_names" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))["tensors"]


def rule(shared):
    """The functions of `fill.py`: `fill`, `image` and `training_batch`."""
    return runpy.run_path(str(shared / "data" / "parity" / "fill.py"))


def heatmaps(shared, name):
    """What the published implementation answers to `image`: [K, h, w]."""
    with np.load(shared / "data" / "parity" / f"{name}.npz") as answer:
        return answer["heatmaps"]


def relative_error(got, expected):
    assert got.shape == expected.shape
    return np.abs(got - expected).max() / np.abs(expected).max()


def training_losses(shared, name, model, size, folder, steps=6):
    """The losses of our trainer on the reproducible batch, and those of the published implementation.

    Args:
        shared: folder of the data.
        name: of the published file.
        model: filled as published.
        size: (width, height) of the input.
        folder: for the run.
        steps: of the six that the published implementation has taken.
    """
    answer = shared / "data" / "parity" / f"train_{name}_{size[0]}x{size[1]}.json"
    expected = json.loads(answer.read_text(encoding="utf-8"))["losses"][:steps]
    joints = heatmaps(shared, f"{name}_{size[0]}x{size[1]}").shape[0]
    images, maps = map(paddle.to_tensor, rule(shared)["training_batch"](*size, joints=joints))
    targets = {"heatmaps": maps, "weights": paddle.ones([2, joints])}

    class SameBatch:
        def __len__(self):
            return len(expected)

        def epoch(self, epoch, start=0):
            return [{"image": images, "targets": targets}] * len(expected)

    trainer = Trainer(
        model,
        JointsMSELoss(),
        adam(model),
        lambda step: 5e-4,
        run_dir=folder,
        log_every=1,
        visualdl=False,
    )
    trainer.fit(SameBatch(), epochs=1)
    trainer.log.close()
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["loss"] for line in lines], expected
