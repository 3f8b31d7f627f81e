import paddle
import pytest

from paddle_pose import build
from paddle_pose.configs.overrides import override
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.training.process_group import ProcessGroup


def norms(model):
    return [layer for layer in model.sublayers() if hasattr(layer, "_variance")]


@pytest.mark.parametrize("freeze", ["nothing", "backbone", "statistics"])
@pytest.mark.parametrize(("size", "device"), [(2, "gpu:0"), (2, "cpu"), (1, "gpu:0")])
def test_batch_norm_is_synchronized_on_gpus_unless_its_statistics_are_frozen(
    monkeypatch, freeze, size, device
):
    model = build.model(CONFIGS["hourglass_tiny_128"])
    names = [*model.state_dict()]
    monkeypatch.setattr(paddle, "get_device", lambda: device)
    converted = ProcessGroup(0, size).sync_batch_norm(model, freeze)
    synchronized = {isinstance(layer, paddle.nn.SyncBatchNorm) for layer in norms(converted)}
    assert synchronized == {size == 2 and device == "gpu:0" and freeze != "statistics"}
    assert [*converted.state_dict()] == names


CHANGES = {
    "hourglass_tiny_128": {},
    "stacked_hourglass2_mpii_256": {"codec.input_size": (64, 64)},
    "hrnet_w32_mpii_256": {"model.width": 2, "model.stem_channels": 4},
    "simple_baseline_r50_mpii_256": {"model.width": 4, "model.deconv_channels": 8},
    "movenet_lightning_coco": {"model.width": 0.25},
    "movenet_original_coco": {},
}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *CHANGES.items(),
        ("hourglass_tiny_128", {"model.inters": True}),
        ("movenet_original_coco", {"model.share_residuals": True}),
    ],
)
def test_networks_state_whether_they_contain_parameters_without_gradients(name, changes):
    config = override(CONFIGS[name], {"codec.input_size": (64, 64), **changes})
    model = build.model(config)
    outputs = model(paddle.zeros([1, 64, 64, 3], "uint8"))
    paddle.add_n([maps.astype("float32").sum() for maps in outputs.values()]).backward()
    unused = [
        name
        for name, parameter in model.named_parameters()
        if not parameter.stop_gradient and parameter.grad is None
    ]
    assert getattr(model, "has_unused_parameters", False) == bool(unused)
    assert bool(unused) == bool({"model.inters", "model.share_residuals"} & changes.keys())
