"""Configs of other programs' networks: the usual values, changes of them, and what cannot change."""

import numpy as np
import pytest
from helpers.foreign_onnx import write_constant, write_linear

from paddle_pose import build
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.codecs.one_stage import OneStageCodec
from paddle_pose.codecs.simcc import SimCCCodec
from paddle_pose.configs.foreign import ForeignModel
from paddle_pose.configs.registry import config_of
from paddle_pose.errors import InputError
from paddle_pose.skeletons import COCO_17, MPII_16

IMAGENET = {"mean": (123.675, 116.28, 103.53), "deviation": (58.395, 57.12, 57.375)}
SHARES = {"mean": (0, 0, 0), "deviation": (255, 255, 255)}
RAW = {"mean": (0, 0, 0), "deviation": (1, 1, 1)}


def zeros(*shape):
    return np.zeros((1, *shape), np.float32)


def write(tmp_path, size=(64, 96), **outputs):
    return write_constant(tmp_path / "pose.onnx", outputs, shape=(1, 3, size[1], size[0]))


@pytest.mark.parametrize(
    ("outputs", "codec", "model", "data"),
    [
        pytest.param(
            {"x": zeros(17, 128), "y": zeros(17, 192)},
            SimCCCodec(COCO_17, (64, 96), split_ratio=2),
            ForeignModel("simcc", "rgb", **IMAGENET),
            ("coco", "person", 1.25),
            id="simcc",
        ),
        pytest.param(
            {"y": zeros(16, 24, 16)},
            HeatmapCodec(MPII_16, (64, 96)),
            ForeignModel("heatmaps", "rgb", **IMAGENET),
            ("mpii", "person", 1.25),
            id="heatmaps",
        ),
        pytest.param(
            {"y": zeros(56, 126)},
            OneStageCodec(COCO_17, (64, 96)),
            ForeignModel("yolo-pose", "rgb", **SHARES),
            ("coco", "image", 1.0),
            id="yolo",
        ),
        pytest.param(
            {"dets": zeros(3, 5), "keypoints": zeros(3, 17, 3)},
            OneStageCodec(COCO_17, (64, 96), min_score=0.3, nms_iou=1.0),
            ForeignModel("rtmo", "bgr", **RAW),
            ("coco", "image", 1.0),
            id="rtmo",
        ),
        pytest.param(
            {"y": zeros(6, 56)},
            OneStageCodec(COCO_17, (64, 96), min_score=0.2, nms_iou=1.0, border=0),
            ForeignModel("multipose", "rgb", **RAW),
            ("coco", "image", 1.0),
            id="multipose",
        ),
    ],
)
def test_the_usual_values_of_a_format(tmp_path, outputs, codec, model, data):
    config = config_of(write(tmp_path, **outputs))
    assert (config.codec, config.model) == (codec, model)
    assert (config.data.dataset, config.data.framing, config.data.context) == data
    assert not config.val.flip
    backend, _ = build.backend(config, tmp_path / "pose.onnx", "cpu", 1)
    images = np.zeros((2, 96, 64, 3), np.uint8)
    assert len(config.codec.decode(backend(images))) == 2


def test_what_a_file_does_not_show_is_changed(tmp_path):
    changes = {
        "model.order": "bgr",
        "model.mean": "(1, 2, 3)",
        "data.context": 1.5,
        "codec.decode_by": "dark",
        "val.flip": True,
    }
    config = config_of(write(tmp_path, y=zeros(17, 24, 16)), changes=changes)
    assert (config.model.order, config.model.mean) == ("bgr", (1.0, 2.0, 3.0))
    assert (config.data.context, config.codec.decode_by, config.val.flip) == (1.5, "dark", True)
    build.backend(config, tmp_path / "pose.onnx", "cpu", 1)


def test_other_joints_are_named_by_the_user(tmp_path):
    path = write(tmp_path, x=zeros(3, 128), y=zeros(3, 192))
    with pytest.raises(InputError, match=r"3 joints.*codec\.skeleton"):
        config_of(path)
    with pytest.raises(InputError, match="3 joints"):
        config_of(path, changes={"codec.skeleton": "coco_17"})
    skeleton = tmp_path / "three.json"
    skeleton.write_text('{"name": "three", "joints": ["a", "b", "c"]}', encoding="utf-8")
    config = config_of(path, changes={"codec.skeleton": str(skeleton)})
    assert config.codec.skeleton.joints == ("a", "b", "c")


def test_stated_joints_decide_between_formats(tmp_path):
    path = write(tmp_path, y=zeros(53, 56))
    with pytest.raises(InputError, match="yolo-pose-transposed"):
        config_of(path)
    for skeleton, format in (("coco_17", "yolo-pose-transposed"), ("mpii_16", "yolo-pose")):
        config = config_of(path, changes={"codec.skeleton": skeleton})
        assert (config.codec.skeleton.name, config.model.format) == (skeleton, format)
        build.backend(config, path, "cpu", 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"codec.stride": 8},
        {"codec.input_size": "(96, 96)"},
        {"codec": "simcc"},
        {"model.format": "simcc"},
        {"model.format": "openpose"},
        {"model": "hrnet"},
        {"model.mean": "(1, 2)"},
        {"model.deviation": "(0, 1, 1)"},
    ],
    ids=str,
)
def test_what_a_file_fixes_cannot_be_changed(tmp_path, changes):
    path = write(tmp_path, y=zeros(17, 24, 16))
    with pytest.raises(InputError):
        build.backend(config_of(path, changes=changes), path, "cpu", 1)


def test_people_of_one_pass_have_no_flip_test(tmp_path):
    path = write(tmp_path, y=zeros(56, 126))
    with pytest.raises(InputError, match=r"pose\.onnx"):
        config_of(path, changes={"val.flip": True})


def test_the_size_of_an_open_input_is_stated(tmp_path):
    path = write_linear(tmp_path / "open.onnx", 16, (None, None), batch=None)
    config = config_of(path, changes={"codec.input_size": (64, 96)})
    assert config.codec == HeatmapCodec(MPII_16, (64, 96))
    backend, _ = build.backend(config, path, "cpu", 1)
    assert backend(np.zeros((2, 96, 64, 3), np.uint8))["heatmaps"].shape == (2, 1, 16, 24, 16)


def test_a_network_of_another_program_is_not_built(tmp_path):
    config = config_of(write(tmp_path, y=zeros(17, 24, 16)))
    with pytest.raises(InputError, match="foreign_onnx"):
        config.model.arguments(config.codec)
