"""Rules that rename the tensors of published MoveNet and MobileNetV2 files, for `names.FAMILIES`.

Source: Google's TFLite and TensorFlow.js files, where a convolution has the name of its weights
    (see `tflite` and `tfjs`); the state_dict of fire717's Paddle MoveNet.
    `paddle_pose.models.movenet` documents which layer is which.
Checked against: all tensors of Lightning INT8, of Lightning, Thunder and MultiPose FP16, of
    MobileNetV2 INT8 and of fire717's network (tests/parity).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_HEADS = {  # name of a head here -> (fire717's name, Google's name)
    "centers": ("centers", "center"),
    "heatmaps": ("heatmaps", "kpt_heatmap"),
    "regressions": ("regs", "kpt_regress"),
    "offsets": ("offsets", "kpt_offset"),
}
_GOOGLE_HEADS = {  # name of a head here -> Google's name
    **{ours: google for ours, (_, google) in _HEADS.items()},
    "box_sizes": "box_scale",
    "box_offsets": "box_offset",
}
_STAGES = ("features1.2", "features2", "features3", "features4.0", "features4.1", "features4.2")
_UNITS = {  # index of a convolution in fire717's block -> its name here
    0: "expand",
    3: "depthwise",
    6: "project",
}
# fire717's name of a convolution -> its name here; its batch normalisation has the next index
_WITH_NORM = {
    "backbone.features1.0.0": "backbone.stem",
    "backbone.features1.1.0": "backbone.blocks.0.depthwise",
    "backbone.features1.1.3": "backbone.blocks.0.project",
    **{
        f"backbone.{stage}.conv{j}.{index}": f"backbone.blocks.{2 * i + j}.{unit}"
        for i, stage in enumerate(_STAGES)
        for j in (1, 2)
        for index, unit in _UNITS.items()
    },
    "backbone.features4.3.0": "backbone.top",
    "backbone.upsample2.2.0": "pyramid.levels.0.pointwise",
    "backbone.upsample1.2.0": "pyramid.levels.1.pointwise",
    "backbone.conv4.0": "pyramid.levels.2.depthwise",
    "backbone.conv4.2": "pyramid.levels.2.pointwise",
    **{
        f"header.header_{theirs}.0.0": f"heads.{ours}.depthwise"
        for ours, (theirs, _) in _HEADS.items()
    },
    **{
        f"header.header_{theirs}.0.2": f"heads.{ours}.pointwise"
        for ours, (theirs, _) in _HEADS.items()
    },
}
_WITHOUT_NORM = {  # fire717's name of a convolution without batch normalisation -> its name here
    "backbone.features4.4": "pyramid.top",
    **{f"backbone.conv{3 - level}": f"pyramid.levels.{level}.lateral" for level in range(3)},
    "backbone.upsample2.0": "pyramid.levels.0.depthwise",
    "backbone.upsample1.0": "pyramid.levels.1.depthwise",
    **{f"header.header_{theirs}.1": f"heads.{ours}.out" for ours, (theirs, _) in _HEADS.items()},
}


def _next_layer(name: str) -> str:
    """Returns the name of the layer with the next index: "conv4.2" -> "conv4.3"."""
    layer, _, index = name.rpartition(".")
    return f"{layer}.{int(index) + 1}"


def _state_dict_rules(ours: Mapping[str, str], kind: str) -> list[tuple[str, str]]:
    """Returns rules for the layers of a state_dict.

    Args:
        ours: Name of a layer here by its name in the file.
        kind: Suffix of the name here: "conv" or "bn".
    """
    return [
        (rf"^{re.escape(theirs)}(?=\.[a-z_]+$)", f"{name}.{kind}") for theirs, name in ours.items()
    ]


def _operation_rules(ours: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Returns rules for the convolutions of a graph; they accept any scope before an operation.

    Args:
        ours: (pattern of an operation's name, name of the layer here).
    """
    return tuple(
        (rf"^(?:[^.]*/)?{theirs}(?=\.(weight|bias)$)", f"{name}.conv") for theirs, name in ours
    )


FIRE717_MOVENET = (
    *_state_dict_rules(_WITH_NORM, "conv"),
    *_state_dict_rules({_next_layer(theirs): ours for theirs, ours in _WITH_NORM.items()}, "bn"),
    *_state_dict_rules(_WITHOUT_NORM, "conv"),
)
# The last part of a name may end in that of its batch normalisation, or in a number that makes it
# unique.
_ANY = r"(?:_BN|_bn)?/[^./]*"
_SEPARABLE = r"/separable_conv2d"
GOOGLE_MOVENET = _operation_rules(
    [
        (rf"model/Conv1{_ANY}", "backbone.stem"),
        (rf"model/expanded_conv_(depthwise|project){_ANY}", r"backbone.blocks.0.\1"),
        (rf"model/block_(\d+)_(expand|depthwise|project){_ANY}", r"backbone.blocks.\1.\2"),
        (rf"model/Conv_1{_ANY}", "backbone.top"),
        (rf"model_1/conv2d{_ANY}", "pyramid.top"),
        *((rf"model_1/conv2d_{i + 1}{_ANY}", f"pyramid.levels.{i}.lateral") for i in range(3)),
        *(
            (rf"{theirs}{_SEPARABLE}{pattern}", f"{ours}.{unit}")
            for theirs, ours in (
                ("model_1/separable_conv2d", "pyramid.levels.0"),
                *((f"model_1/separable_conv2d_{i}", f"pyramid.levels.{i}") for i in (1, 2)),
                *(
                    (rf"{head}_0/separable_conv2d_\d+", f"heads.{ours}")
                    for ours, head in _GOOGLE_HEADS.items()
                ),
            )
            for pattern, unit in ((r"/depthwise[^./]*", "depthwise"), (r"(?!/)[^./]*", "pointwise"))
        ),
        *(
            (rf"{theirs}_0/conv2d_\d+/[^./]*", f"heads.{ours}.out")
            for ours, theirs in _GOOGLE_HEADS.items()
        ),
    ]
)
GOOGLE_MOVENET_YX = r"^heads\.(regressions|offsets|box_sizes|box_offsets)\.out\."
GOOGLE_MOBILENET_V2 = _operation_rules(
    [
        (r"MobileNetV2/Conv2d_0_0/[^./]*", "backbone.stem"),
        *(
            (
                rf"MobileNetV2/expanded_conv_{i + 1}/(expand|depthwise|project)/[^.]*",
                rf"backbone.blocks.{i}.\1",
            )
            for i in range(17)
        ),
        (r"MobileNetV2/Conv2d_18_1/[^./]*", "backbone.top"),
    ]
)
