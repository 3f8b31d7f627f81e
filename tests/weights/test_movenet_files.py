"""Properties of a MoveNet that follow from its weights file, and defaults of config and network."""

import inspect
from dataclasses import asdict

import pytest

from paddle_pose import build
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.configs.specs import Config, MoveNetModel
from paddle_pose.skeletons import COCO_17


def config(**values):
    codec = HeatmapCodec(skeleton=COCO_17, input_size=(192, 192))
    return Config(name="movenet", source="", command="", model=MoveNetModel(**values), codec=codec)


def test_config_and_network_have_the_same_arguments_and_defaults():
    pytest.importorskip("paddle")
    from paddle_pose.models.movenet import MoveNet

    arguments = inspect.signature(MoveNet).parameters
    defaults = {name: p.default for name, p in arguments.items() if name != "num_joints"}
    assert asdict(MoveNetModel()) == defaults


def test_folded_weights_need_a_network_without_normalisation():
    given = config()
    assert build.fitted(given, ["backbone.stem.bn._mean"]) == given
    assert build.fitted(given, ["center_0/conv2d_4/Conv2D.weight"]).model == MoveNetModel(
        batch_norm="none"
    )


def test_googles_file_is_loaded_completely(shared):
    pytest.importorskip("paddle")
    lines = []
    path = shared / "data/movenet/movenet_single_pose_lightning_ptq.tflite"
    network = build.trained(config(), path, log=lines.append)
    assert sum(p.size for p in network.parameters()) == 2_318_190
    assert lines[1] == "There are 148/148 variables loaded, named as in Google's MoveNet."
