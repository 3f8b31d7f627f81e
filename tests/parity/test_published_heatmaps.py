"""The official HRNet-W32 and SimpleBaseline-R50: names, shapes and heatmaps of the published implementations."""

import json
import runpy

import numpy as np
import paddle
import pytest

from paddle_pose.models.hrnet import HRNet
from paddle_pose.models.simple_baseline import SimpleBaseline
from paddle_pose.weights.names import convert_names

NETWORKS = {
    "hrnet_official_w32_coco17": HRNet,
    "simple_baseline_official_r50_coco17": SimpleBaseline,
}
NAMES = {
    "hrnet_mmpose1_w32_coco17": lambda: HRNet(width=32),
    "hrnet_mmpose1_w48_coco17": lambda: HRNet(width=48),
    "hrnet_official_w32_mpii16": lambda: HRNet(num_joints=16),
    "simple_baseline_mmpose1_r50_coco17": SimpleBaseline,
    "simple_baseline_official_r101_coco17": lambda: SimpleBaseline(depth=101),
    "simple_baseline_mmpose1_r152_coco17": lambda: SimpleBaseline(depth=152),
}


def shapes_of(network):
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def published(shared, name):
    path = shared / "facts" / "checkpoint_names" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))["tensors"]


@pytest.mark.parametrize("name", NETWORKS)
def test_filled_networks_answer_the_published_heatmaps(shared, name):
    rule = runpy.run_path(str(shared / "data" / "parity" / "fill.py"))
    network = NETWORKS[name]()
    tensors = convert_names(rule["fill"](published(shared, name)), shapes_of(network))
    network.set_state_dict({key: paddle.to_tensor(value) for key, value in tensors.items()})
    network.eval()
    with paddle.no_grad():
        found = network(paddle.to_tensor(rule["picture"](192, 256)[None]))["heatmaps"].numpy()[0, 0]
    wanted = np.load(shared / "data" / "parity" / f"{name}_192x256.npz")["heatmaps"]
    assert np.abs(found - wanted).max() / np.abs(wanted).max() <= 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_published_names_load_without_remainder(shared, name):
    shapes = published(shared, name)
    tensors = {key: np.zeros(shape, np.float32) for key, shape in shapes.items()}
    old_head = {key.replace("head.", "keypoint_head.", 1): value for key, value in tensors.items()}
    wanted = shapes_of(NAMES[name]())
    assert {key: value.shape for key, value in convert_names(tensors, wanted).items()} == wanted
    if "mmpose" in name:  # 0.x says keypoint_head.
        assert convert_names(old_head, wanted).keys() == wanted.keys()
