"""Shared by the parity tests: shapes and outputs of published networks with generated weights."""

import json
import runpy

import numpy as np
import paddle

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.models.losses import JointsMSELoss
from paddle_pose.skeletons import COCO_17, MPII_16
from paddle_pose.training.device_targets import HeatmapTargets
from paddle_pose.training.optimizers import adam
from paddle_pose.training.trainer import Trainer


def shapes(shared, name):
    """Returns the shapes of the tensors in a published file by name."""
    path = shared / "facts" / "checkpoint_names" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))["tensors"]


def rule(shared):
    """Returns the functions of `fill.py`: `fill`, `picture` and `training_batch`."""
    return runpy.run_path(str(shared / "data" / "parity" / "fill.py"))


def heatmaps(shared, name):
    """Returns the heatmaps [K, h, w] of the published implementation for `fill.py`'s picture."""
    with np.load(shared / "data" / "parity" / f"{name}.npz") as stored:
        return stored["heatmaps"]


def relative_error(result, expected):
    assert result.shape == expected.shape
    return np.abs(result - expected).max() / np.abs(expected).max()


def training_losses(shared, name, model, size, folder, steps=6, on_device=False):
    """Returns the losses of this project's trainer, and those of the published implementation.

    Both train on the same generated batch.

    Args:
        shared: Folder of the test data.
        name: Name of the published file.
        model: Network with the generated weights of the published one.
        size: (width, height) of the input in px.
        folder: Folder for the run.
        steps: Number of steps, at most the six of the published implementation.
        on_device: Whether the targets are drawn from the joints as `train.device_targets` does.
    """
    path = shared / "data" / "parity" / f"train_{name}_{size[0]}x{size[1]}.json"
    expected = json.loads(path.read_text(encoding="utf-8"))["losses"][:steps]
    joints = heatmaps(shared, f"{name}_{size[0]}x{size[1]}").shape[0]
    images, maps = map(paddle.to_tensor, rule(shared)["training_batch"](*size, joints=joints))
    batch = {
        "image": images,
        "targets": {"heatmaps": maps, "weights": paddle.ones([2, joints])},
    }
    draw = None
    if on_device:
        # The joints are the cells of the maps' peaks, and the maps are Gaussians without an end.
        peaks = maps.flatten(2).argmax(axis=-1).unsqueeze(1)  # [2, 1, K]
        cells = paddle.stack([peaks % maps.shape[-1], peaks // maps.shape[-1]], axis=-1)
        codec = HeatmapCodec(
            skeleton=MPII_16 if joints == 16 else COCO_17, input_size=size, unbiased=True
        )
        draw = HeatmapTargets(codec)
        batch = {
            "image": images,
            "keypoints": cells.astype("float64") * codec.stride,
            "visible": paddle.ones([2, 1, joints]),
            "boxes": paddle.zeros([2, 1, 4]),
        }

    class SameBatch:
        def __len__(self):
            return len(expected)

        def epoch(self, epoch, start=0):
            return [batch] * len(expected)

    trainer = Trainer(
        model,
        JointsMSELoss(),
        adam(model),
        lambda step: 5e-4,
        run_dir=folder,
        log_every=1,
        visualdl=False,
        draw_targets=draw,
    )
    trainer.fit(SameBatch(), epochs=1)
    trainer.log.close()
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["loss"] for line in lines], expected
