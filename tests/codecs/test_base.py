"""The codec interface, and the defaults inherited by a codec from outside the package."""

import ast
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from helpers.vector_codec import VectorCodec

from paddle_pose.codecs.base import Codec, OutputSpec
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.errors import InputError
from paddle_pose.inference.flip_test import FlipAverage

PACKAGE = Path(__file__).resolve().parents[2] / "paddle_pose"
CODEC = VectorCodec()
SHAPES = {"along_x": (1, 16, 128), "along_y": (1, 16, 96)}


def points(seed=0):
    """Returns random keypoints [1, 16, 2] at integer px."""
    return np.random.default_rng(seed).integers(0, CODEC.input_size, (1, 16, 2)).astype(float)


def members_used(source):
    """Returns the attributes that a module accesses on variables named `codec` or `_codec`."""
    attributes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)]
    names = [
        (getattr(node.value, "attr", getattr(node.value, "id", "")), node.attr)
        for node in attributes
    ]
    return {member for owner, member in names if owner in ("codec", "_codec")}


def test_other_modules_use_only_the_codec_interface():
    interface = {*vars(Codec), *Codec.__annotations__}
    # These modules know the class of their codec.
    exceptions = (
        "codecs/",
        "exporting/decoding.py",
        "exporting/movenet_onnx.py",
        "training/device_targets.py",
        "training/movenet_targets.py",
    )
    used = {
        (path.name, member)
        for path in PACKAGE.rglob("*.py")
        if not path.relative_to(PACKAGE).as_posix().startswith(exceptions)
        for member in members_used(path.read_text(encoding="utf-8"))
    }
    assert {member for _, member in used if member in interface} >= {
        "decode",
        "mirror",
        "describe",
        "visualize",
        "outputs",
    }
    assert {(name, member) for name, member in used if member not in interface} == set()


def test_a_codec_must_be_frozen_and_implement_the_four_methods():
    with pytest.raises(TypeError, match="abstract"):
        dataclass(frozen=True)(type("Nothing", (Codec,), {"kind": "test_nothing"}))(
            CODEC.skeleton, (64, 64), ()
        )
    with pytest.raises(TypeError, match="frozen"):
        dataclass(type("Thawed", (VectorCodec,), {"kind": "test_thawed"}))


def test_ranges_of_fields_are_checked():
    with pytest.raises(InputError, match=r"codec\.split_ratio"):
        VectorCodec(split_ratio=9)


def test_defaults_of_the_interface():
    assert CODEC.alignment == "published"
    assert CODEC.max_persons is None
    assert CODEC.graph_decoder is None
    assert CODEC.device_targets is None
    assert CODEC.describe() == "VectorCodec"


def test_targets_of_several_samples_are_stacked():
    keypoints = [points(seed) for seed in range(3)]
    visible, boxes = [np.ones((1, 16))] * 3, [np.zeros((1, 4))] * 3
    targets = CODEC.encode_batch(keypoints, visible, boxes)
    assert {name: values.shape for name, values in targets.items()} == {
        "along_x": (3, 16, 128),
        "along_y": (3, 16, 96),
    }
    decoded = CODEC.decode(targets)
    assert [poses.keypoints.tolist() for poses in decoded] == [one.tolist() for one in keypoints]


def test_vectors_are_visualized_as_images():
    maps = CODEC.encode(points(), np.ones((1, 16)))
    images = CODEC.visualize({"features": np.zeros(3), **maps, "along_y": 20 * maps["along_y"]})
    assert {name: image.shape for name, image in images.items()} == {
        "along_x": (16, 128),
        "along_y": (16, 96),
    }
    assert np.array_equal(images["along_x"], maps["along_x"])
    assert images["along_y"].max() == 1
    assert np.array_equal(images["along_y"].argmax(axis=1), 2 * points()[0, :, 1])


def test_grids_are_visualized_by_their_maximum():
    maps = {"heatmaps": np.random.default_rng(0).random((2, 16, 8, 8))}
    image = Codec.visualize(HeatmapCodec(input_size=(32, 32)), maps)["heatmaps"]
    assert np.array_equal(image, maps["heatmaps"].max(axis=(0, 1)))


@pytest.mark.parametrize("split_ratio", [1, 2, 3])
def test_the_flip_test_averages_vectors(split_ratio):
    codec = VectorCodec(split_ratio=split_ratio)
    flip, width = list(codec.skeleton.flip), codec.input_size[0]
    mirrored = points()[:, flip] * (-1, 1) + (width - 1, 0)
    outputs, mirrored_outputs = (
        {name: values[None] for name, values in codec.encode(one, np.ones((1, 16))).items()}
        for one in (points(), mirrored)
    )
    features = {"features": np.zeros((1, 3))}  # an output that is not part of the codec
    backend = iter([outputs | features, mirrored_outputs | features])
    averaged = FlipAverage(lambda images: next(backend), codec)(np.zeros((1, 48, 64, 3), np.uint8))
    assert set(averaged) == set(codec.outputs)
    assert all(np.array_equal(averaged[name], outputs[name]) for name in codec.outputs)


def test_the_output_spec_of_vectors():
    x, y = CODEC.output_spec(SHAPES)
    assert x == OutputSpec("along_x", ("N", "K", "W"), split_ratio=2)
    assert (y.stride, y.cell, y.unit) == (None, None, None)


@pytest.mark.parametrize(
    ("codec", "shapes"),
    [
        pytest.param(HeatmapCodec(), {"heatmaps": (1, 2, 16, 64, 32)}, id="heatmap-width"),
        pytest.param(HeatmapCodec(), {"heatmaps": (1, 16, 64, 64)}, id="heatmap-axes"),
        pytest.param(
            MoveNetCodec(),
            {
                "centers": (1, 1, 48, 48),
                "heatmaps": (1, 17, 48, 48),
                "regressions": (1, 17, 48, 48),
                "offsets": (1, 34, 48, 48),
            },
            id="movenet-regressions",
        ),
    ],
)
def test_shapes_that_cannot_be_decoded_raise(codec, shapes):
    with pytest.raises(InputError):
        codec.output_spec(shapes)


@pytest.mark.parametrize(("regression_unit", "unit"), [("cell", "cell"), ("map", "map side")])
def test_the_unit_of_regressions(regression_unit, unit):
    codec = MoveNetCodec(input_size=(96, 64), regression_unit=regression_unit)
    channels = {"centers": 1, "heatmaps": 17, "regressions": 34, "offsets": 34}
    specs = codec.output_spec({name: (1, count, 16, 24) for name, count in channels.items()})
    assert [spec.unit for spec in specs] == [None, None, unit, "cell"]


@pytest.mark.parametrize("decode_by", ["argmax", "quarter", "dark"])
def test_heatmaps_are_described_by_their_decoding_method(decode_by):
    assert HeatmapCodec(decode_by=decode_by).describe() == decode_by


def test_maximum_number_of_people_per_window():
    assert HeatmapCodec().max_persons is None
    assert MoveNetCodec(max_persons=3).max_persons == 3
