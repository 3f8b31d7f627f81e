import json
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.backends.metadata import metadata_path
from paddle_pose.build import check_fits
from paddle_pose.configs import overrides, registry
from paddle_pose.exporting.metadata import MEANINGS, build_metadata

CONFIG = overrides.override(registry.find("hrnet_w32_coco_256x192"), {"codec.decode_by": "dark"})
MAPS = {"heatmaps": np.zeros((1, 1, 17, 64, 48), np.float32)}


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "model.pdparams"
    path.write_bytes(b"weights")
    return path


def test_a_metadata_holds_what_a_consumer_needs(weights):
    described = json.loads(json.dumps(build_metadata(CONFIG, MAPS, weights, versions={"onnx": "1"})))
    assert described["input"]["shape"] == ["N", 256, 192, 3]
    assert described["outputs"][0] == {
        "name": "heatmaps",
        "shape": ["N", 1, 17, 64, 48],
        "dtype": "float32",
        "meaning": MEANINGS["HeatmapCodec"]["heatmaps"],
        "stride": 4,
        "cell": [4.0, 4.0],
    }
    assert described["skeleton"]["joints"] == list(CONFIG.codec.skeleton.joints)
    assert described["codec"]["kind"] == "HeatmapCodec"
    assert described["codec"]["decode_by"] == "dark"
    assert described["preprocessing"]["context"] == 1.25
    assert described["source"]["checkpoint"] == "model.pdparams"
    assert len(described["source"]["sha256"]) == 64


def test_under_udp_the_corner_cells_are_the_corner_px(weights):
    udp = overrides.override(CONFIG, {"codec.alignment": "udp"})
    cell = build_metadata(udp, MAPS, weights, versions={})["outputs"][0]["cell"]
    assert cell == pytest.approx(udp.codec.cell_size)
    assert cell == pytest.approx([191 / 47, 255 / 63])


def test_keypoints_say_their_order_and_space(weights):
    answer = {"keypoints": np.zeros((1, 17, 3), np.float32)}
    described = build_metadata(CONFIG, answer, weights, columns=("x", "y", "score"), unit="input px", versions={})
    assert described["outputs"][0]["columns"] == ["x", "y", "score"]
    assert "stride" not in described["outputs"][0]


@pytest.fixture
def exported(weights):
    path = weights.with_name("model.xml")
    metadata_path(path).write_text(json.dumps(build_metadata(CONFIG, MAPS, weights, versions={})))
    return path


def test_the_config_is_read_from_the_metadata(exported):
    (exported.parent / registry.FILE_NAME).write_text("of another checkpoint in the same folder")
    assert registry.read_beside(exported) == CONFIG


def test_a_metadata_with_a_config_of_another_version_is_named(exported):
    path = metadata_path(exported)
    path.write_text(path.read_text().replace("codec.sigma", "codec.sigmund"))
    with pytest.raises(ValueError, match=r"model.xml: not a config that this version reads"):
        registry.read_beside(exported)


def test_how_maps_are_read_may_change(exported):
    check_fits(overrides.override(CONFIG, {"codec.decode_by": "argmax"}), exported, ["heatmaps"])
    check_fits(CONFIG, Path("foreign.xml"), ["more", "heatmaps"])


def test_what_the_file_fixes_may_not(exported):
    changed = overrides.override(CONFIG, {"model.width": 48})
    with pytest.raises(ValueError, match=r"model.xml: was exported with model.width 32; that cannot be changed to 48"):
        check_fits(changed, exported, ["heatmaps"])


def test_a_file_that_answers_other_maps_is_refused(exported):
    with pytest.raises(ValueError, match=r"answers centers, offsets, but heatmaps is read here"):
        check_fits(CONFIG, exported, ["centers", "offsets"])
