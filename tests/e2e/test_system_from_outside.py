"""A pose estimation system that is defined in this file alone, without a change of the package.

It has a codec of vectors, a network, a loss and a config.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import paddle
import pytest
from paddle import nn

import paddle_pose as pp
from paddle_pose.backends.metadata import read_metadata
from paddle_pose.codecs.base import Codec, Maps, OutputSpec
from paddle_pose.configs import registry
from paddle_pose.configs.specs import Config, LossSpec, ModelSpec, Train
from paddle_pose.data.augment import Augment
from paddle_pose.io.images import read_upright
from paddle_pose.ranges import Range
from paddle_pose.skeletons import MPII_16, Skeleton
from paddle_pose.structures import Poses

AXES = {"x": ("N", "K", "W"), "y": ("N", "K", "H")}


@dataclass(frozen=True)
class ToyCodec(Codec):
    """One person's keypoints <-> a vector along x and one along y for each joint."""

    kind: ClassVar[str] = "toy_vectors"

    skeleton: Skeleton = MPII_16
    input_size: tuple[int, int] = (64, 64)
    outputs: tuple[str, ...] = ("x", "y")
    split_ratio: Annotated[int, Range(1, 8)] = 2
    sigma: Annotated[float, Range(0.1, 100)] = 4.0

    def encode(
        self, keypoints: np.ndarray, visible: np.ndarray, boxes: np.ndarray | None = None
    ) -> Maps:
        targets = {"weights": (visible[0] > 0).astype(np.float32)}
        for axis, (name, side) in enumerate(zip(self.outputs, self.input_size, strict=True)):
            distance = (
                np.arange(side * self.split_ratio)
                - np.nan_to_num(keypoints[0, :, axis, None]) * self.split_ratio
            )
            targets[name] = np.exp(-(distance**2) / (2 * self.sigma**2)).astype(np.float32)
        return targets

    def decode(self, maps: Mapping[str, np.ndarray]) -> list[Poses]:
        keypoints = (
            np.stack([maps[name].argmax(axis=-1) for name in self.outputs], axis=-1)
            / self.split_ratio
        )
        scores = np.minimum(*[maps[name].max(axis=-1) for name in self.outputs])
        return [
            Poses(k[None], s[None], s.mean(keepdims=True))
            for k, s in zip(keypoints, scores, strict=True)
        ]

    def mirror(self, maps: Maps, shift: bool) -> Maps:
        along_x, along_y = (maps[name][:, list(self.skeleton.flip)] for name in self.outputs)
        last = (self.input_size[0] - 1) * self.split_ratio
        return {
            "x": np.concatenate([along_x[..., last::-1], along_x[..., last + 1 :]], axis=-1),
            "y": along_y,
        }

    def output_spec(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[OutputSpec, ...]:
        return tuple(
            OutputSpec(name, AXES[name], split_ratio=self.split_ratio) for name in self.outputs
        )


class ToyNetwork(nn.Layer):
    """Three convolutions and a linear layer for each of the two vectors."""

    def __init__(
        self, num_joints: int, size: tuple[int, int], split_ratio: int, channels: int
    ) -> None:
        super().__init__()
        self.num_joints = num_joints
        layers = []
        for before, after in ((3, channels), (channels, channels), (channels, channels)):
            layers += [
                nn.Conv2D(before, after, 3, stride=2, padding=1),
                nn.BatchNorm2D(after),
                nn.ReLU(),
            ]
        self.features = nn.Sequential(*layers)
        cells = channels * (size[0] // 8) * (size[1] // 8)
        self.x = nn.Linear(cells, num_joints * size[0] * split_ratio)
        self.y = nn.Linear(cells, num_joints * size[1] * split_ratio)

    def forward(self, images: paddle.Tensor) -> dict[str, paddle.Tensor]:
        features = self.features(
            images.astype("float32").transpose([0, 3, 1, 2]) / 127.5 - 1
        ).flatten(1)
        return {
            name: layer(features).reshape([0, self.num_joints, -1])
            for name, layer in (("x", self.x), ("y", self.y))
        }


@dataclass(frozen=True)
class ToyModel(ModelSpec):
    """Fields of the network; sizes that depend on the codec are taken from the codec."""

    kind: ClassVar[str] = "toy_network"
    target: ClassVar[str] = f"{__name__}:ToyNetwork"

    channels: Annotated[int, Range(1, 64)] = 8

    def arguments(self, codec: Codec) -> dict[str, object]:
        own = {"size": codec.input_size, "split_ratio": codec.split_ratio}
        return {"num_joints": codec.skeleton.num_joints, **own, **self.field_values()}


class ToyLoss:
    """Squared error of both vectors."""

    measures: ClassVar[dict[str, object]] = {}

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def __call__(self, outputs, targets) -> dict[str, paddle.Tensor]:
        weights = targets["weights"].unsqueeze(-1)
        return {
            f"{name}_loss": self.scale * ((outputs[name] - targets[name]).square() * weights).mean()
            for name in "xy"
        }


@dataclass(frozen=True)
class ToyLossSpec(LossSpec):
    """Fields of the loss."""

    kind: ClassVar[str] = "toy_loss"
    target: ClassVar[str] = f"{__name__}:ToyLoss"

    scale: Annotated[float, Range(0, 1000)] = 10.0


TOY = Config(
    name="toy_vectors_64",
    source="this test",
    command="none",
    model=ToyModel(),
    codec=ToyCodec(),
    augment=Augment(scale=0.1, rotation=10.0),
    loss=ToyLossSpec(),
    train=Train(epochs=2, batch_size=4, learning_rate=1e-3, num_workers=0),
)


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setattr(registry, "CONFIGS", dict(registry.CONFIGS))
    registry.register(TOY)


def test_external_system_trains_evaluates_resumes_exports_and_predicts(synthetic_mpii, tmp_path):
    options = {"data": synthetic_mpii, "device": "cpu"}
    run = pp.train(TOY.name, output=tmp_path / "run", **options)
    content = json.loads((tmp_path / "run/config.json").read_text())
    kinds = {key: content["values"][key] for key in ("model", "codec", "loss", "train.optimizer")}
    assert kinds == {
        "model": "toy_network",
        "codec": "toy_vectors",
        "loss": "toy_loss",
        "train.optimizer": "adam",
    }

    begun = pp.train(TOY.name, output=tmp_path / "parts", overrides={"train.epochs": 1}, **options)
    resumed = pp.train(resume=begun.folder, overrides={"train.epochs": 2}, **options)
    assert resumed.last.read_bytes() == run.last.read_bytes()

    scores = pp.evaluate(run.last, data=synthetic_mpii, overrides={"val.flip": True})
    assert 0 <= scores.values["Mean"] <= 100
    assert scores.protocol["decode"] == "ToyCodec"

    exported = pp.export_model(run.last, tmp_path / "toy.json")
    outputs = read_metadata(exported.path)["outputs"]
    assert [(one["name"], one["shape"], one["axes"], one["split_ratio"]) for one in outputs] == [
        ("x", ["N", 16, 128], ["N", "K", "W"], 2),
        ("y", ["N", 16, 128], ["N", "K", "H"], 2),
    ]
    photo = next((synthetic_mpii / "images").glob("*"))
    with pp.load_model(exported.path) as file, pp.load_model(run.last) as live:
        found, expected = (model.predict(photo, detector=None) for model in (file, live))
    assert found.keypoints.shape == (1, 16, 2)
    assert np.array_equal(found.keypoints, expected.keypoints)
    assert found.image.shape == read_upright(photo).shape


def test_training_of_the_external_system_reduces_the_loss(synthetic_mpii, tmp_path):
    longer = {"train.epochs": 30, "train.eval_every": 30, "augment": None}
    run = pp.train(
        TOY.name, data=synthetic_mpii, output=tmp_path / "run", overrides=longer, device="cpu"
    )
    losses = [record["loss"] for record in run.history if record["kind"] == "train"]
    assert losses[-1] < 0.5 * losses[0]


def test_kind_of_another_class_cannot_be_registered():
    with pytest.raises(pp.InputError):
        registry.register(replace(TOY, source="another"))


def test_config_with_an_unknown_kind_imports_nothing(synthetic_mpii, tmp_path):
    run = pp.train(
        TOY.name,
        data=synthetic_mpii,
        output=tmp_path / "run",
        overrides={"train.epochs": 1},
        device="cpu",
    )
    path = run.last.parent / "config.json"
    content = json.loads(path.read_text())
    (run.last.parent / "manifest.json").unlink(missing_ok=True)
    for value in ("os:system", "another_network", ["toy_network"], {"kind": "toy_network"}):
        content["values"]["model"] = value
        Path(path).write_text(json.dumps(content))
        with pytest.raises(pp.InputError):
            pp.load_model(run.last)
