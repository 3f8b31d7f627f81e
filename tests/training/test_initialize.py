"""Initial weights and freezing: a frozen backbone is bit-identical after training."""

import re
from pathlib import Path

import numpy as np
import paddle
import pytest

from paddle_pose.backends.paddle import PaddleBackend
from paddle_pose.models.hourglass import Hourglass
from paddle_pose.models.hrnet import HRNet
from paddle_pose.models.losses import JointsMSELoss
from paddle_pose.models.rtmpose import RTMPose
from paddle_pose.models.simple_baseline import SimpleBaseline
from paddle_pose.models.stacked_hourglass import StackedHourglass
from paddle_pose.training.initialize import (
    freeze_backbone,
    freeze_statistics,
    initialize,
    load_initial_weights,
    scale_backbone_rate,
)
from paddle_pose.training.optimizers import adam, adamw, rmsprop
from paddle_pose.training.trainer import Trainer
from paddle_pose.weights.write import write_weights

NETWORKS = {
    "hourglass": lambda k: Hourglass(
        k, 2, channels=(4, 4, 6), blocks=(1, 1, 1), stem_channels=4, feature_channels=4
    ),
    "stacked_hourglass": lambda k: StackedHourglass(2, k, channels=8, depth=1),
    "hrnet": lambda k: HRNet(k, width=2, modules=(1, 1, 1), blocks=1, stem_channels=4),
    "simple_baseline": lambda k: SimpleBaseline(k, width=2, deconv_channels=4),
}
EACH = pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)


def tensors_of(network):
    return {name: value.numpy().copy() for name, value in network.state_dict().items()}


class Loader:
    """Two batches of noise."""

    def __len__(self):
        return 2

    def epoch(self, epoch, start=0):
        rng = np.random.default_rng(epoch)
        for _ in range(2):
            images = rng.integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
            targets = {"heatmaps": rng.random((2, 3, 8, 8)), "weights": np.ones((2, 3))}
            yield {
                "image": paddle.to_tensor(images),
                "targets": {
                    name: paddle.to_tensor(value.astype(np.float32))
                    for name, value in targets.items()
                },
            }


@EACH
@pytest.mark.parametrize("frozen", [True, False])
def test_freeze_backbone_keeps_it_bit_identical_in_training(make, frozen, tmp_path):
    network = make(3)
    message = freeze_backbone(network) if frozen else ""
    before = tensors_of(network)
    backend = PaddleBackend(network)

    def validate(epoch):
        backend(np.zeros((1, 32, 32, 3), np.uint8))
        return {"score": 1.0}

    trainer = Trainer(
        network,
        JointsMSELoss(),
        adam(network),
        lambda step: 1e-2,
        run_dir=tmp_path / "run",
        visualdl=False,
    )
    trainer.fit(Loader(), epochs=2, validate=validate, monitor="score")
    trainer.log.close()
    after = tensors_of(network)
    changed = {
        name.split(".")[0] for name in after if not np.array_equal(after[name], before[name])
    }
    if frozen:
        assert changed == {*network.head_layers}
        numbers = [
            int(text.replace(",", "")) for text in re.findall(r"[\d,]{2,}\d|\d+(?= of)", message)
        ]
        head = sum(
            v.size
            for n, v in before.items()
            if n.split(".")[0] in changed and not n.endswith(("_mean", "_variance"))
        )
        assert numbers[0] == head < numbers[1]
        assert message.startswith(f"Frozen: all but {', '.join(network.head_layers)}; {head:,} of ")
    else:
        assert changed == {name.split(".")[0] for name in after}
        assert any(
            name.endswith("._mean")
            for name in after
            if not np.array_equal(after[name], before[name])
        )


def test_freeze_statistics_keeps_them_while_weights_are_trained(tmp_path):
    network = NETWORKS["hourglass"](3)
    line = freeze_statistics(network)
    norms = sum(name.endswith("_variance") for name in network.state_dict())
    assert line.startswith("Frozen: ")
    assert re.findall(r"\d+", line) == [str(norms)]
    assert initialize(NETWORKS["hourglass"](3), "", "statistics", resumed=False) == [line]
    before = tensors_of(network)
    trainer = Trainer(
        network, JointsMSELoss(), adam(network), lambda step: 1e-2, run_dir=tmp_path, visualdl=False
    )
    trainer.fit(Loader(), epochs=2)
    trainer.log.close()
    for name, value in tensors_of(network).items():
        assert np.array_equal(value, before[name]) == name.endswith(("_mean", "_variance")), name


def step_of(make, optimizer, rate):
    """Returns how one optimizer step changes each trained parameter, by name, and the log's line."""
    paddle.seed(0)
    network = make(3)
    line = scale_backbone_rate(network, rate) if rate != 1 else ""
    before = {
        name: value.numpy().copy()
        for name, value in network.named_parameters()
        if not value.stop_gradient
    }
    batch = next(Loader().epoch(0))
    stepper = optimizer(network)
    stepper.set_lr(1e-2)
    (loss,) = JointsMSELoss()(network(batch["image"]), batch["targets"]).values()
    loss.backward()
    stepper.step()
    after = dict(network.named_parameters())
    return {name: after[name].numpy() - value for name, value in before.items()}, line


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [*((name, adam) for name in NETWORKS), ("hrnet", adamw), ("hrnet", rmsprop)],
)
def test_a_backbone_rate_scales_the_steps_of_the_backbone_alone(name, optimizer):
    make = NETWORKS[name]
    alike, _ = step_of(make, optimizer, 1)
    scaled, line = step_of(make, optimizer, 0.25)
    heads = make(3).head_layers
    in_backbone = {key for key in alike if key.split(".")[0] not in heads}
    assert in_backbone < {*alike}
    for key, change in alike.items():
        assert change.any(), key
        factor = 0.25 if key in in_backbone else 1
        np.testing.assert_allclose(scaled[key], factor * change, rtol=0, atol=3e-7, err_msg=key)
    sizes = [sum(alike[key].size for key in keys) for keys in (in_backbone, alike)]
    assert line == (
        f"Learning rate: 0.25 x that of {', '.join(heads)} for the other {sizes[0]:,} of "
        f"{sizes[1]:,} parameters"
    )


@EACH
def test_head_layers_contain_all_layers_that_depend_on_the_joints(make):
    network = make(3)
    children = {name for name, child in network.named_children() if child.parameters()}
    assert {*network.head_layers} < children
    wider = make(5)  # layers that depend on the joints belong to the head
    differ = {
        n.split(".")[0]
        for n, v in tensors_of(network).items()
        if v.shape != tensors_of(wider)[n].shape
    }
    assert differ <= {*network.head_layers}


@EACH
def test_initialize_with_other_joints_loads_the_backbone(make, tmp_path):
    """From 3 to 5 joints: only tensors of the head have another shape."""
    source_network = make(3)
    network = make(5)
    write_weights(tmp_path / "model.safetensors", tensors_of(source_network))
    before = tensors_of(network)
    lines = initialize(
        network, str(tmp_path / "model.safetensors"), freeze="backbone", resumed=False
    )
    assert lines[0].startswith(f"Starting from {tmp_path / 'model.safetensors'}: loaded ")
    assert lines[-1].startswith("Frozen: all but ")
    for name, value in tensors_of(network).items():
        source = tensors_of(source_network)[name]
        if source.shape == value.shape:
            assert np.array_equal(value, source)
        else:
            assert name.split(".")[0] in network.head_layers
            assert np.array_equal(value, before[name])
            assert f"{name} (file {source.shape}, network {value.shape})" in lines[1]


def test_rtmpose_starts_from_the_backbone_of_a_heatmap_network():
    """The names are those of mmpose's files, whose heads share some names with RTMPose's."""
    network = RTMPose(3, (32, 32), deepen=0.167, widen=0.125)
    rng = np.random.default_rng(0)

    def torch_name(name):
        return name.replace("._mean", ".running_mean").replace("._variance", ".running_var")

    backbone = {
        name: rng.random(value.shape).astype(np.float32)
        for name, value in tensors_of(network).items()
        if name.startswith("backbone.")
    }
    file = {torch_name(name): value for name, value in backbone.items()}
    file["head.final_layer.weight"] = np.ones((3, 256, 1, 1), np.float32)
    file["head.deconv_layers.0.weight"] = np.ones((128, 256, 4, 4), np.float32)
    lines = load_initial_weights(network, file, Path("cspnext.pth"))
    assert f"loaded {len(backbone)}/" in lines[0]
    loaded = tensors_of(network)
    for name, value in backbone.items():
        assert np.array_equal(loaded[name], value), name


def test_initialize_rejects_freezing_a_random_backbone():
    with pytest.raises(ValueError, match=r"train\.freeze=backbone"):
        initialize(NETWORKS["hrnet"](3), "", freeze="backbone", resumed=False)


def test_initialize_of_a_resumed_run_freezes_without_loading(tmp_path):
    lines = initialize(
        NETWORKS["hrnet"](3), str(tmp_path / "missing.pth"), freeze="backbone", resumed=True
    )
    assert [line.split(":")[0] for line in lines] == ["Frozen"]
    assert initialize(NETWORKS["hrnet"](3), "", freeze="nothing", resumed=False) == []
    for freeze, starts in [
        ("nothing", ["Learning rate"]),
        ("statistics", ["Frozen", "Learning rate"]),
        ("backbone", ["Frozen"]),
    ]:
        lines = initialize(NETWORKS["hrnet"](3), "", freeze=freeze, resumed=True, backbone_rate=0.5)
        assert [line.split(":")[0] for line in lines] == starts
    with pytest.raises(FileNotFoundError, match=r"missing\.pth: no such weights file"):
        initialize(
            NETWORKS["hrnet"](3), str(tmp_path / "missing.pth"), freeze="backbone", resumed=False
        )


def test_load_initial_weights_names_an_unsuitable_file(tmp_path):
    with pytest.raises(ValueError, match=r"their\.pth: none of the 1 tensors "):
        load_initial_weights(
            NETWORKS["hrnet"](3), {"fc.weight": np.zeros(3)}, tmp_path / "their.pth"
        )


@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_load_initial_weights_reports_another_channel_order(order, tmp_path):
    network = SimpleBaseline(3, width=2, deconv_channels=4, order=order)
    lines = load_initial_weights(
        network, {"backbone.bn1.weight": np.ones(2)}, tmp_path / "res50.pth"
    )
    assert ("model.order" in lines[-1]) == (order == "bgr")
