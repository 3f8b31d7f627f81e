import json
from pathlib import Path

import numpy as np
import pytest

from paddle_pose import __version__
from paddle_pose.backends.metadata import metadata_path
from paddle_pose.build import check_fits
from paddle_pose.codecs.base import OutputSpec
from paddle_pose.configs import overrides, registry
from paddle_pose.errors import InputError
from paddle_pose.exporting.metadata import build_metadata

CONFIG = overrides.override(registry.find("hrnet_w32_coco_256x192"), {"codec.decode_by": "dark"})
MAPS = {"heatmaps": np.zeros((1, 1, 17, 64, 48), np.float32)}


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "model.pdparams"
    path.write_bytes(b"weights")
    return path


HEATMAPS = {
    "name": "heatmaps",
    "shape": ["N", 1, 17, 64, 48],
    "dtype": "float32",
    "meaning": "N batch, S stage (read the last), K joints, h, w; the cell (x, y) lies at (x, y) * "
    "cell in input px; the highest cell of a map is the joint, its value the score",
    "axes": ["N", "S", "K", "h", "w"],
    "stride": 4,
    "cell": [4.0, 4.0],
}
IMAGE = {
    "name": "image",
    "dtype": "uint8",
    "layout": "NHWC",
    "colors": "RGB",
    "range": [0, 255],
    "normalised": "inside the network",
}
PUBLISHED = {
    "alignment": "published",
    "placement": "the window's centre maps to (W/2, H/2) of the input; lengths are scaled by "
    "W/width",
    "pixels": "0-based, centres at integers; bilinear; black outside the image",
}
COMMON = {
    "version": 1,
    "precision": "float32",
    "source": {
        "checkpoint": "model.pdparams",
        "sha256": "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c",
    },
    "versions": {"paddle_pose": __version__, "onnx": "1"},
}


def window(aspect):
    return (
        "per person: centre and size of the box, enlarged on one side to the aspect ratio "
        f"W/H = {aspect}, then multiplied by `context`; the whole image is a box with context 1"
    )


def test_the_metadata_of_heatmaps(weights):
    metadata = json.loads(json.dumps(build_metadata(CONFIG, MAPS, weights, versions={"onnx": "1"})))
    assert metadata.pop("config")["config"] == "hrnet_w32_coco_256x192"
    assert metadata.pop("skeleton")["joints"] == list(CONFIG.codec.skeleton.joints)
    assert metadata == COMMON | {
        "input": IMAGE | {"shape": ["N", 256, 192, 3]},
        "outputs": [HEATMAPS],
        "codec": {
            "kind": "HeatmapCodec",
            "skeleton": "coco_17",
            "input_size": [192, 256],
            "stride": 4,
            "sigma": 2.0,
            "decode_by": "dark",
            "alignment": "published",
            "outputs": ["heatmaps"],
            "unbiased": False,
            "joint_sigmas": False,
            "dark_blur": 0,
        },
        "preprocessing": PUBLISHED | {"window": window("192/256"), "context": 1.25},
    }


def test_the_metadata_of_movenet(weights):
    config = registry.find("movenet_lightning_coco")
    channels = {"centers": 1, "heatmaps": 17, "regressions": 34, "offsets": 34}
    maps = {name: np.zeros((1, count, 48, 48), np.float32) for name, count in channels.items()}
    metadata = json.loads(json.dumps(build_metadata(config, maps, weights, versions={"onnx": "1"})))
    assert metadata.pop("config")["config"] == "movenet_lightning_coco"
    assert metadata.pop("skeleton")["joints"] == list(config.codec.skeleton.joints)
    grid = {"dtype": "float32", "stride": 4, "cell": [4.0, 4.0]}
    assert metadata == COMMON | {
        "input": IMAGE | {"shape": ["N", 192, 192, 3]},
        "outputs": [
            grid
            | {
                "name": "centers",
                "shape": ["N", 1, 48, 48],
                "meaning": "probability that the cell contains the centre of a person",
                "axes": ["N", "1", "h", "w"],
            },
            grid
            | {
                "name": "heatmaps",
                "shape": ["N", 17, 48, 48],
                "meaning": "probability that the cell contains the joint, for each of K joints",
                "axes": ["N", "K", "h", "w"],
            },
            grid
            | {
                "name": "regressions",
                "shape": ["N", 34, 48, 48],
                "meaning": "x, y of the first joint, x, y of the second joint, ...: vector from the "
                "cell of a person's centre to the cell of the joint, in units of the codec's "
                "regression_unit",
                "axes": ["N", "2K", "h", "w"],
                "unit": "cell",
            },
            grid
            | {
                "name": "offsets",
                "shape": ["N", 34, 48, 48],
                "meaning": "x, y of the first joint, x, y of the second joint, ...: vector from the "
                "cell of a joint to the joint, which lies at (cell + offset) * stride in input px",
                "axes": ["N", "2K", "h", "w"],
                "unit": "cell",
            },
        ],
        "codec": {
            "kind": "MoveNetCodec",
            "skeleton": "coco_17",
            "input_size": [192, 192],
            "stride": 4,
            "kernel": "gaussian",
            "sigma": 2.0,
            "min_sigma": 1.0,
            "center": "box",
            "regression_unit": "cell",
            "regression_radius": 2.5,
            "offset_radius": 2.0,
            "max_persons": 6,
            "center_threshold": 0.1,
            "outputs": ["centers", "heatmaps", "regressions", "offsets"],
        },
        "preprocessing": PUBLISHED | {"window": window("192/192"), "context": 1.0},
    }


def test_an_output_that_differs_from_its_specification_is_refused(weights):
    wrong = [OutputSpec("heatmaps", ("N", "K", "h", "w")), OutputSpec("others", ("N",))]
    for spec in wrong:
        with pytest.raises(InputError):
            build_metadata(CONFIG, MAPS, weights, specs=[spec], versions={})


def test_with_udp_the_corner_cells_are_the_corner_pixels(weights):
    udp = overrides.override(CONFIG, {"codec.alignment": "udp"})
    cell = build_metadata(udp, MAPS, weights, versions={})["outputs"][0]["cell"]
    assert cell == pytest.approx(udp.codec.cell_size)
    assert cell == pytest.approx([191 / 47, 255 / 63])


@pytest.fixture
def exported(weights):
    path = weights.with_name("model.xml")
    metadata_path(path).write_text(json.dumps(build_metadata(CONFIG, MAPS, weights, versions={})))
    return path


def test_the_config_is_read_from_the_metadata(exported):
    (exported.parent / registry.FILE_NAME).write_text("config of another checkpoint")
    assert registry.read_beside(exported) == CONFIG


def test_metadata_with_an_unknown_config_key_is_refused(exported):
    path = metadata_path(exported)
    path.write_text(path.read_text().replace("codec.sigma", "codec.unknown"))
    with pytest.raises(InputError, match=r"model\.xml"):
        registry.read_beside(exported)


def test_the_decoding_of_maps_may_change(exported):
    check_fits(overrides.override(CONFIG, {"codec.decode_by": "argmax"}), exported, ["heatmaps"])
    check_fits(CONFIG, Path("foreign.xml"), ["more", "heatmaps"])


def test_the_network_of_an_exported_file_may_not_change(exported):
    changed = overrides.override(CONFIG, {"model.width": 48})
    with pytest.raises(InputError, match=r"model\.xml: .*model\.width 32.* 48"):
        check_fits(changed, exported, ["heatmaps"])


@pytest.mark.parametrize(("key", "value"), [("codec.stride", 8), ("codec.alignment", "udp")])
def test_the_meaning_of_the_outputs_may_not_change(exported, key, value):
    with pytest.raises(InputError, match=key):
        check_fits(
            overrides.override(CONFIG, {key: value, "codec.sigma": 3.0}), exported, ["heatmaps"]
        )


def test_a_file_that_returns_other_maps_is_refused(exported):
    with pytest.raises(InputError, match=r"centers, offsets.*heatmaps"):
        check_fits(CONFIG, exported, ["centers", "offsets"])
