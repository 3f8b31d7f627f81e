"""HRNet, SimpleBaseline and PP-TinyPose against published names, heatmaps and losses."""

import pickle

import numpy as np
import paddle
import pytest
from helpers.weights_writers import whole, write_stream, write_zip
from parity import published

from paddle_pose import build
from paddle_pose.backends.paddle import PaddleBackend
from paddle_pose.cli.main import execute
from paddle_pose.configs import registry
from paddle_pose.models.hrnet import HRNet
from paddle_pose.models.lite_hrnet import LiteHRNet
from paddle_pose.models.simple_baseline import SimpleBaseline
from paddle_pose.weights.names import convert_names

pytestmark = pytest.mark.usefixtures("zero_initial_weights")
NETWORKS = {
    "hrnet_official_w32_coco17": (HRNet, "hrnet_w32_coco_256x192"),
    "hrnet_paddledetection_w32_coco17": (HRNet, "hrnet_w32_coco_256x192"),
    "simple_baseline_official_r50_coco17": (SimpleBaseline, "simple_baseline_r50_coco_256x192"),
    "tinypose_paddledetection_coco17": (LiteHRNet, "tinypose_coco_256x192"),
}
NAMES = {
    "hrnet_mmpose1_w32_coco17": lambda: HRNet(width=32),
    "hrnet_mmpose1_w48_coco17": lambda: HRNet(width=48),
    "hrnet_official_w32_coco17": lambda: HRNet(width=32),
    "hrnet_official_w32_mpii16": lambda: HRNet(num_joints=16),
    "hrnet_official_w48_coco17": lambda: HRNet(width=48),
    "hrnet_paddledetection_w32_coco17": lambda: HRNet(width=32),
    "hrnet_paddledetection_w32_mpii16": lambda: HRNet(num_joints=16),
    "hrnet_paddledetection_w48_coco17": lambda: HRNet(width=48),
    "simple_baseline_mmpose1_r50_coco17": SimpleBaseline,
    "simple_baseline_mmpose1_r101_coco17": lambda: SimpleBaseline(depth=101),
    "simple_baseline_mmpose1_r152_coco17": lambda: SimpleBaseline(depth=152),
    "simple_baseline_official_r50_coco17": SimpleBaseline,
    "simple_baseline_official_r101_coco17": lambda: SimpleBaseline(depth=101),
    "simple_baseline_official_r152_coco17": lambda: SimpleBaseline(depth=152),
    "tinypose_paddledetection_coco17": LiteHRNet,
}


def shapes_of(network):
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def with_generated_weights(shared, name):
    """Returns the network with the generated weights of the published one, and `fill.py`."""
    rule, network = published.rule(shared), NETWORKS[name][0]()
    tensors = convert_names(rule["fill"](published.shapes(shared, name)), shapes_of(network))
    network.set_state_dict({key: paddle.to_tensor(value) for key, value in tensors.items()})
    return network, rule


@pytest.mark.parametrize(
    ("name", "width", "height"),
    [*((name, 192, 256) for name in NETWORKS), ("tinypose_paddledetection_coco17", 96, 128)],
)
def test_networks_with_generated_weights_predict_the_published_heatmaps(
    shared, name, width, height
):
    network, rule = with_generated_weights(shared, name)
    found = PaddleBackend(network)(rule["picture"](width, height)[None])["heatmaps"][0, 0]
    expected = published.heatmaps(shared, f"{name}_{width}x{height}")
    assert published.relative_error(found, expected) <= 1e-4


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("hrnet_official_w32_coco17", write_zip),
        ("simple_baseline_official_r50_coco17", write_stream),
    ],
)
def test_converted_pth_files_predict_the_published_heatmaps(shared, name, write, tmp_path, capsys):
    """In the form of the releases: DataParallel's names, torch's format; for RGB images."""
    rule, config = published.rule(shared), NETWORKS[name][1]
    tensors = rule["fill"](published.shapes(shared, name))
    state = {
        f"module.{key}": whole(f"{i}", np.asarray(value))
        for i, (key, value) in enumerate(tensors.items())
    }
    write(tmp_path / "their.pth.tar", state)
    order = ["-o", "model.order=rgb"] if name.startswith("simple_baseline") else []
    target = tmp_path / "ours" / "model.safetensors"
    status = execute(
        "convert", [str(tmp_path / "their.pth.tar"), str(target), "--config", config, *order]
    )
    assert status == 0, capsys.readouterr().err
    backend = PaddleBackend(build.trained(registry.read_beside(target), target))
    found = backend(rule["picture"](192, 256)[None])["heatmaps"][0, 0]
    assert published.relative_error(found, published.heatmaps(shared, f"{name}_192x256")) <= 1e-4


@pytest.mark.parametrize(
    "name", ["hrnet_paddledetection_w32_coco17", "tinypose_paddledetection_coco17"]
)
def test_a_pdparams_file_of_paddledetection_predicts_its_heatmaps(shared, name, tmp_path, capsys):
    rule, config = published.rule(shared), NETWORKS[name][1]
    tensors = rule["fill"](published.shapes(shared, name))
    structured = {"StructuredToParameterName@@": {key: f"conv2d_{key}" for key in tensors}}
    with (tmp_path / "theirs.pdparams").open("wb") as file:
        pickle.dump({**tensors, **structured}, file, protocol=2)
    target = tmp_path / "ours" / "model.safetensors"
    source = str(tmp_path / "theirs.pdparams")
    assert execute("convert", [source, str(target), "--config", config]) == 0, capsys.readouterr()
    backend = PaddleBackend(build.trained(registry.read_beside(target), target))
    found = backend(rule["picture"](192, 256)[None])["heatmaps"][0, 0]
    assert published.relative_error(found, published.heatmaps(shared, f"{name}_192x256")) <= 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("on_device", [False, True], ids=["targets", "device_targets"])
def test_training_losses_equal_the_published_ones(shared, tmp_path, on_device):
    name = "simple_baseline_official_r50_coco17"
    losses, expected = published.training_losses(
        shared,
        name,
        with_generated_weights(shared, name)[0],
        (192, 256),
        tmp_path,
        on_device=on_device,
    )
    assert losses[0] == pytest.approx(expected[0], rel=1e-5)
    assert losses[1:] == pytest.approx(expected[1:], rel=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_published_names_are_all_converted(shared, name):
    shapes = published.shapes(shared, name)
    tensors = {key: np.broadcast_to(np.float32(0), shape) for key, shape in shapes.items()}
    old_head = {key.replace("head.", "keypoint_head.", 1): value for key, value in tensors.items()}
    expected_shapes = shapes_of(NAMES[name]())
    converted = convert_names(tensors, expected_shapes)
    assert {key: value.shape for key, value in converted.items()} == expected_shapes
    if "mmpose" in name:  # MMPose 0.x has the prefix keypoint_head.
        assert convert_names(old_head, expected_shapes).keys() == expected_shapes.keys()


def test_all_stored_name_files_are_tested(shared):
    stored = {path.stem for path in (shared / "facts" / "checkpoint_names").glob("*.json")}
    prefixes = ("hrnet_", "simple_baseline_", "tinypose_")
    assert {name for name in stored if name.startswith(prefixes)} == {*NAMES}
