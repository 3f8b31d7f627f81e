"""Tensor names of MoveNet and MobileNetV2: every published tensor is used for one tensor here."""

import json

import numpy as np
import pytest

from paddle_pose.weights.names import (
    FAMILIES,
    Family,
    convert_names,
    family_of,
    fit,
    has_batch_norm,
)
from paddle_pose.weights.read import read_weights

pytest.importorskip("paddle")
from paddle_pose.models.movenet import MoveNet, fire717_movenet

GOOGLE = {family.name: family for family in FAMILIES}["Google's MoveNet"]
FEATURES = "center_net_mobile_net_v2fpn_feature_extractor/model_1/"


def shapes(network):
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("before", ["", "StatefulPartitionedCall/"])
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (FEATURES + "model/Conv1/Conv2D", "backbone.stem"),
        (FEATURES + "model/Conv_1/Conv2D", "backbone.top"),
        (FEATURES + "model/expanded_conv_project/Conv2D", "backbone.blocks.0.project"),
        (FEATURES + "model/block_13_depthwise_BN/FusedBatchNormV3", "backbone.blocks.13.depthwise"),
        (FEATURES + "model/block_1_expand/Conv2D1", "backbone.blocks.1.expand"),
        (FEATURES + "conv2d/Conv2D", "pyramid.top"),
        (FEATURES + "conv2d_1/Conv2D", "pyramid.levels.0.lateral"),
        (FEATURES + "conv2d_3/Conv2D", "pyramid.levels.2.lateral"),
        (FEATURES + "separable_conv2d/separable_conv2d/depthwise1", "pyramid.levels.0.depthwise"),
        (FEATURES + "separable_conv2d_2/separable_conv2d", "pyramid.levels.2.pointwise"),
        (
            "kpt_regress_0/separable_conv2d_5/separable_conv2d/depthwise11",
            "heads.regressions.depthwise",
        ),
        ("kpt_heatmap_0/separable_conv2d_4/separable_conv2d", "heads.heatmaps.pointwise"),
        ("kpt_offset_0/conv2d_7/Conv2D", "heads.offsets.out"),
        ("center_0/conv2d_4/Conv2D", "heads.centers.out"),
        (
            "box_scale_0/separable_conv2d_10/separable_conv2d/depthwise",
            "heads.box_sizes.depthwise",
        ),
        ("box_offset_0/separable_conv2d_5/separable_conv2d", "heads.box_offsets.pointwise"),
        ("box_offset_0/conv2d_12/Conv2D", "heads.box_offsets.out"),
    ],
)
def test_googles_layers(before, theirs, ours):
    assert GOOGLE.rename(f"{before}{theirs}.weight") == f"{ours}.conv.weight"
    assert GOOGLE.rename(f"{before}{theirs}.bias") == f"{ours}.conv.bias"


def test_channels_of_y_and_x_are_swapped_in_files_of_google_only():
    family = Family("y before x", (), r"^reg\.")
    weight = np.arange(12).reshape(4, 3)
    np.testing.assert_array_equal(family.reorder("reg.weight", weight), weight[[1, 0, 3, 2]])
    assert family.reorder("heat.weight", weight) is weight
    assert FAMILIES[0].reorder("heads.offsets.out.conv.weight", weight) is weight
    odd = np.zeros((3, 2))
    assert family.reorder("reg.weight", odd) is odd


def test_all_tensors_of_lightning_are_used(shared):
    tensors = read_weights(shared / "data/movenet/movenet_single_pose_lightning_ptq.tflite")
    target = shapes(MoveNet(batch_norm="none"))
    ours = convert_names(tensors, target)
    assert family_of(tensors, target).name == "Google's MoveNet"
    assert len(ours) == len(tensors) == 148
    for name in ("regressions", "offsets"):
        theirs = next(
            tensors[n] for n in tensors if GOOGLE.rename(n) == f"heads.{name}.out.conv.bias"
        )
        np.testing.assert_array_equal(
            ours[f"heads.{name}.out.conv.bias"].reshape(17, 2), theirs.reshape(17, 2)[:, ::-1]
        )
    assert not has_batch_norm(tensors)


def test_mobilenet_v2_fills_the_backbone(shared):
    tensors = read_weights(shared / "data/mobilenet_v2/tf2_mobilenet_v2_1.0_224_ptq.tflite")
    found = fit(tensors, shapes(MoveNet(batch_norm="none")))
    assert found.family.name == "Google's MobileNetV2"
    assert len(found.fitting) == 104
    assert all(name.startswith("backbone.") for name in found.fitting)
    assert all(name.startswith(("pyramid.", "heads.")) for name in found.missing)
    assert found.unused == [
        f"MobileNetV2/top/Conv2d_1x1_output/Conv2D.{kind}" for kind in ("weight", "bias")
    ]
    assert not found.mismatched
    assert not found.repeated


def test_all_tensors_of_fire717_are_used(shared):
    path = shared / "facts/checkpoint_names/movenet_original_paddle_coco17.json"
    published = json.loads(path.read_text(encoding="utf-8"))["tensors"]
    tensors = {
        name: np.full(shape, i, np.float32) for i, (name, shape) in enumerate(published.items())
    }
    target = shapes(fire717_movenet(share_residuals=True))
    ours = convert_names(tensors, target)
    assert family_of(tensors, target).name == "fire717's Paddle MoveNet"
    assert has_batch_norm(tensors)
    assert (
        len({float(value.flat[0]) for value in ours.values()}) == len(tensors) == 285
    )  # each exactly once
    for our, theirs in {
        "backbone.stem.bn._mean": "backbone.features1.0.1._mean",
        "backbone.blocks.0.project.conv.weight": "backbone.features1.1.3.weight",
        "backbone.blocks.1.depthwise.conv.bias": "backbone.features1.2.conv1.3.bias",
        "backbone.blocks.4.project.bn.bias": "backbone.features2.conv2.7.bias",
        "backbone.blocks.12.expand.conv.weight": "backbone.features4.2.conv2.0.weight",
        "backbone.top.conv.weight": "backbone.features4.3.0.weight",
        "pyramid.top.conv.weight": "backbone.features4.4.weight",
        "pyramid.levels.0.lateral.conv.bias": "backbone.conv3.bias",
        "pyramid.levels.1.depthwise.conv.bias": "backbone.upsample1.0.bias",
        "pyramid.levels.2.depthwise.bn._variance": "backbone.conv4.1._variance",
        "heads.regressions.out.conv.weight": "header.header_regs.1.weight",
        "heads.centers.pointwise.bn.weight": "header.header_centers.0.3.weight",
    }.items():
        assert ours[our].flat[0] == tensors[theirs].flat[0], our


def test_channels_of_a_checkpoint_of_this_project_are_not_swapped():
    network = MoveNet(3, width=0.25)
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    for name, value in convert_names(state, shapes(network)).items():
        np.testing.assert_array_equal(value, state[name])
