"""Rules that rename the tensors of PaddleDetection's HRNet and PP-TinyPose, for `names.FAMILIES`.

Source: the state_dicts of PaddleDetection's `TopDownHRNet` at 666f597. With the backbone `HRNet` it
    is the official HRNet with other names, whose numbers begin at 1; with `LiteHRNet` it is
    PP-TinyPose, whose names are those of `models.lite_hrnet` but for three prefixes and parts.
Checked against: all 1,462 names of W32, in the official order, all 1,342 names of PP-TinyPose, and
    the heatmaps that PaddleDetection computes with generated weights
    (tests/parity/test_published_heatmaps.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable

Replacement = str | Callable[[re.Match[str]], str]


def _counted_from_zero(template: str) -> Callable[[re.Match[str]], str]:
    """Returns a function that fills a template with the groups of a match.

    The first group is the number of a stage and stays as it is; the others are numbers that begin
    at 1 in the file and at 0 here.

    Args:
        template: Text with "{}" for each group.
    """

    def replacement(match: re.Match[str]) -> str:
        stage, *numbers = match.groups()
        return template.format(stage, *(int(number) - 1 for number in numbers))

    return replacement


_STAGE = r"^backbone\.st(\d)\.stage_st\d_(\d+)\."
_FUSION = _STAGE + r"fuse_func\.residual_st\d_\d+_layer_(\d)_(\d)"
PADDLEDETECTION_HRNET: tuple[tuple[str, Replacement], ...] = (
    (r"^backbone\.conv_layer1_(\d)\.conv\.", r"conv\1."),
    (r"^backbone\.conv_layer1_(\d)\.norm\.", r"bn\1."),
    (r"^backbone\.la(\d)\.block_layer2_(\d+)\.", _counted_from_zero("layer{}.{}.")),
    (r"^backbone\.tr1\.transition_tr1_layer_1\.", "transition1.0."),
    (
        r"^backbone\.tr(\d)\.transition_tr\d_layer_(\d)\.",
        _counted_from_zero("transition{}.{}.0."),
    ),
    (
        _STAGE + r"branches_func\.bb_st\d_\d+_branch_layer_(\d)_(\d+)\.",
        _counted_from_zero("stage{}.{}.branches.{}.{}."),
    ),
    (_FUSION + r"\.", _counted_from_zero("stage{}.{}.fuse_layers.{}.{}.")),
    (_FUSION + r"_(\d)\.", _counted_from_zero("stage{}.{}.fuse_layers.{}.{}.{}.")),
    (r"\.conv_down\.conv\.", ".downsample.0."),
    (r"\.conv_down\.norm\.", ".downsample.1."),
    (r"\.conv(\d)\.conv\.", r".conv\1."),
    (r"\.conv(\d)\.norm\.", r".bn\1."),
    (r"\.conv\.", ".0."),
    (r"\.norm\.", ".1."),
    (r"^final_conv\.", "final_layer."),
)

PADDLEDETECTION_TINYPOSE: tuple[tuple[str, Replacement], ...] = (
    (r"^backbone\.", ""),
    (r"\.norm\.", ".bn."),
    (r"^final_conv\.", "final_layer."),
)
