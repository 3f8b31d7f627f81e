"""Published results of other projects, for the recipes of the configs and for other networks.

Results of published weights files are listed in `weights.zoo`; all other results are listed here.

Source: the README and model pages of HRNet, SimpleBaseline, mmpose (0.x and 1.x) and
    PaddleDetection; the READMEs of pytorch-pose (stacked hourglass), DarkPose and UDP-Pose; the
    name of a weights file of MoveNet.Paddle on AI Studio; the training log of txyugood/PaddlePose.
    A published Mean@0.1 that was measured at threshold 0.11 is named "Mean@0.11".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from paddle_pose.configs.specs import Config
from paddle_pose.weights import zoo

GROUND_TRUTH = "ground truth"
DETECTED = "detected boxes"
WHOLE_IMAGES = "whole images"
# Number of samples of the complete validation sets: people of MPII, people of COCO, and boxes of
# the 56.4-AP person detector on COCO.
COMPLETE = {("mpii", GROUND_TRUTH): 2958, ("coco", GROUND_TRUTH): 6352, ("coco", DETECTED): 104125}
DETECTIONS = "COCO_val2017_detections_AP_H_56_person.json"
"""Name of the file of the 56.4-AP person detector's boxes on the pages of HRNet."""


def are_published_detections(content: Mapping[str, object]) -> bool:
    """Returns whether detected boxes are those of the 56.4-AP person detector on COCO val2017.

    The file has several names: HRNet's `DETECTIONS` is PaddleDetection's bbox.json.

    Args:
        content: Properties of the file, as `io.boxes.describe_detections` returns them.

    Source: HRNet's log for the number of boxes, which are not limited by a score. The checksum of
        the file is not published.
    """
    scores = content.get("detected_scores")
    return (
        content.get("detected_boxes") == COMPLETE["coco", DETECTED]
        and isinstance(scores, list)
        and len(scores) == 2
        and 0 <= scores[0] <= scores[1] <= 1
    )


@dataclass(frozen=True)
class Published:
    """One row of a published results table.

    Attributes:
        model: Name of the network, as its authors call it.
        input: Input size as "height x width".
        who: Project that published the results.
        values: Results by metric, named as in this project: "Mean" and "Mean@0.1" (PCKh in
            percent), or "AP", "AR" and others (from 0 to 1).
        dataset: Data set of the evaluation: "mpii" or "coco".
        boxes: Origin of the person boxes: `GROUND_TRUTH`, `DETECTED`, `WHOLE_IMAGES` (no boxes), or
            a description of the detector.
        config: Name of the config with the same network and input size; "" if there is none.
        protocol: Known settings of the evaluation, see `protocol` in this module: the flip test,
            its shift by one cell, and the decoding.
    """

    model: str
    input: str
    who: str
    values: Mapping[str, float]
    dataset: str = "mpii"
    boxes: str = GROUND_TRUTH
    config: str = ""
    protocol: str = "flip, shift, quarter"


_TXYUGOOD = "original Paddle project"  # txyugood/PaddlePose
_BEST = "flip, no shift, quarter; best of 210 evaluations on this set"
_DARK = "flip, shift, dark"  # protocol of mmpose's configs; DARK's authors do not shift
GROUPS = ("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle")


def _joints(*percent: float) -> dict[str, float]:
    """Returns results in percent, given in the order of `GROUPS`, by group of joints."""
    return dict(zip(GROUPS, percent, strict=True))


def _of_file(name: str) -> dict[str, float]:
    """Returns the published results of a weights file."""
    return dict(zoo.PUBLISHED[name].published)


def _of_official(config: str) -> dict[str, float]:
    """Returns the published results of a config's official weights.

    On COCO this is the AP with the boxes of the 56.4-AP person detector.
    """
    results = _of_file(f"official_{config}")
    return {f"AP ({DETECTED})": results["AP"]} if "AP" in results else results


# Results by name of the config. Parentheses, as in "AP (detected boxes)", state the origin of the
# person boxes; without them, the boxes are annotated, or whole images are evaluated.
_RECIPES: Mapping[str, Mapping[str, float]] = {
    "hourglass52_mpii_256": _of_file("mmpose_hourglass52_mpii_256"),
    "hourglass52_mpii_384": _of_file("mmpose_hourglass52_mpii_384"),
    "stacked_hourglass2_mpii_256": {"Mean": 87.3, "Mean@0.1": 23.9},
    "stacked_hourglass8_mpii_256": {"Mean": 89.1, "Mean@0.1": 24.5},
    **{
        file.config: _of_official(file.config)
        for file in zoo.PUBLISHED.values()
        if file.name.startswith("official_")
    },
    "hrnet_w32_mpii_256_dark": {"Mean": 90.6, "Mean@0.11": 42.0},
    "hrnet_w32_mpii_256_udp": {"Mean": 90.4, "Mean@0.11": 42.1},
    "hrnet_w32_coco_256x192_dark": {f"AP ({DETECTED})": 0.756},
    "hrnet_w32_coco_256x192_udp": {"AP (boxes of a 65.1-AP detector)": 0.768},
    "simple_baseline_r50_coco_256x192_dark": {f"AP ({DETECTED})": 0.724},
    "movenet_original_coco": {"acc": 0.76914},
    "rtmpose_t_coco_256x192": {f"AP ({DETECTED})": 0.682},
    "rtmpose_s_coco_256x192": {f"AP ({DETECTED})": 0.716},
    "rtmpose_m_coco_256x192": {f"AP ({DETECTED})": 0.746},
    "rtmpose_l_coco_256x192": {f"AP ({DETECTED})": 0.758},
    "rtmpose_m_coco_384x288": {f"AP ({DETECTED}, trained on AIC and COCO)": 0.770},
    "rtmpose_l_coco_384x288": {f"AP ({DETECTED}, trained on AIC and COCO)": 0.773},
    "rtmpose_m_mpii_256": {"Mean": 90.7, "Mean@0.1": 34.8},
}
# PCKh@0.5 of each group of joints, by the config whose published Mean it belongs to.
_PER_JOINT = {
    "stacked_hourglass2_mpii_256": _joints(95.80, 94.57, 88.12, 83.31, 86.24, 80.88, 77.44),
    "hrnet_w32_mpii_256": _joints(97.1, 95.9, 90.3, 86.4, 89.1, 87.1, 83.3),
    "simple_baseline_r50_mpii_256": _joints(96.4, 95.3, 89.0, 83.2, 88.4, 84.0, 79.6),
    "simple_baseline_r101_mpii_256": _joints(96.9, 95.9, 89.5, 84.4, 88.4, 84.5, 80.7),
}
# Configs whose published results come without a protocol: pytorch-pose does not state it.
_WITHOUT_PROTOCOL = (
    "stacked_hourglass2_mpii_256",
    "stacked_hourglass8_mpii_256",
)
# Evaluations in the training log of txyugood/PaddlePose by input size: (epoch from 0, Mean,
# Mean@0.1).
TXYUGOOD_CURVES: dict[int, tuple[tuple[int, float, float], ...]] = {
    256: (
        (0, 48.09, 6.18),
        (5, 72.80, 18.15),
        (10, 78.25, 22.01),
        (20, 82.61, 25.67),
        (50, 86.65, 29.11),
        (100, 87.76, 30.87),
        (169, 88.21, 31.17),
        (174, 88.717, 32.108),
        (180, 88.75, 31.89),
        (209, 88.82, 31.94),
    ),
    384: (
        (0, 47.46, 8.01),
        (5, 74.61, 24.68),
        (10, 79.59, 28.80),
        (20, 83.46, 32.22),
        (50, 87.01, 35.27),
        (100, 88.36, 36.75),
        (169, 88.63, 36.94),
        (180, 89.13, 37.42),
        (186, 89.139, 37.588),
        (209, 89.19, 37.33),
    ),
}


def _mmpose_mpii(model: str, config: str) -> Published:
    """Returns the row of mmpose's published weights for a config on MPII."""
    values = _of_file(f"mmpose_{config}")
    return Published(model=model, input="256x256", who="mmpose", values=values, config=config)


def _mmpose_dark(model: str, config: str, mean: float, at_010: float) -> Published:
    """Returns the row of a network of mmpose with DARK on MPII.

    Args:
        model: Name of the network.
        config: Name of the config with the same network; "" if there is none.
        mean: Mean PCKh@0.5 in percent.
        at_010: Mean PCKh@0.1 in percent.
    """
    values = {"Mean": mean, "Mean@0.1": at_010}
    return Published(
        model=model,
        input="256x256",
        who="mmpose",
        values=values,
        config=config,
        protocol=_DARK,
    )


def _mmpose_coco(model: str, config: str, small: float, large: float) -> list[Published]:
    """Returns the rows of a network of mmpose on COCO.

    Args:
        model: Name of the network.
        config: Prefix of the names of its configs.
        small: AP at 256x192.
        large: AP at 384x288.
    """
    sizes = {"256x192": small, "384x288": large}
    return [
        Published(
            model=model,
            input=size,
            who="mmpose",
            values={"AP": ap},
            dataset="coco",
            boxes=DETECTED,
            config=f"{config}_coco_{size}" if config else "",
        )
        for size, ap in sizes.items()
    ]


PUBLISHED: tuple[Published, ...] = (
    Published(
        model="Hourglass-52",
        input="256x256",
        who=_TXYUGOOD,
        values={
            "Mean": 88.717,
            "Mean@0.1": 32.108,
            **_joints(96.66, 95.36, 89.09, 83.78, 88.42, 83.86, 79.88),
        },
        config="hourglass52_mpii_256",
        protocol=_BEST,
    ),
    Published(
        model="Hourglass-52",
        input="384x384",
        who=_TXYUGOOD,
        values={
            "Mean": 89.139,
            "Mean@0.1": 37.588,
            **_joints(96.83, 95.45, 89.89, 84.89, 87.81, 84.63, 80.87),
        },
        config="hourglass52_mpii_384",
        protocol=_BEST,
    ),
    _mmpose_mpii("HRNet-W32", "hrnet_w32_mpii_256"),
    _mmpose_dark("HRNet-W32 + DARK", "hrnet_w32_mpii_256_dark", 90.4, 35.4),
    Published(
        model="HRNet-W48",
        input="256x256",
        who="mmpose",
        values=_of_file("mmpose_hrnet_w48_mpii_256"),
    ),
    _mmpose_dark("HRNet-W48 + DARK", "", 90.5, 36.0),
    _mmpose_mpii("SimpleBaseline-R50", "simple_baseline_r50_mpii_256"),
    _mmpose_mpii("SimpleBaseline-R101", "simple_baseline_r101_mpii_256"),
    _mmpose_mpii("SimpleBaseline-R152", "simple_baseline_r152_mpii_256"),
    Published(
        model="HRNet-W32",
        input="256x256",
        who="PaddleDetection",
        values={"Mean": 90.6, "Mean@0.11": 38.5},
        config="hrnet_w32_mpii_256",
        protocol="its Mean@0.1 is read at 0.11",
    ),
    *_mmpose_coco("HRNet-W32", "hrnet_w32", 0.749, 0.761),
    *_mmpose_coco("HRNet-W48", "hrnet_w48", 0.756, 0.767),
    *_mmpose_coco("SimpleBaseline-R50", "simple_baseline_r50", 0.718, 0.731),
    *_mmpose_coco("SimpleBaseline-R101", "simple_baseline_r101", 0.728, 0.749),
    *_mmpose_coco("SimpleBaseline-R152", "simple_baseline_r152", 0.736, 0.750),
    Published(
        model="Hourglass-52",
        input="256x256",
        who="mmpose",
        values={"AP": 0.726},
        dataset="coco",
        boxes=DETECTED,
    ),
    Published(
        model="Hourglass-52",
        input="384x384",
        who="mmpose",
        values={"AP": 0.746},
        dataset="coco",
        boxes=DETECTED,
    ),
    Published(
        model="HRNet-W32",
        input="256x192",
        who="PaddleDetection",
        values={"AP": 0.769},
        dataset="coco",
        config="hrnet_w32_coco_256x192",
        protocol="",
    ),
    Published(
        model="HRNet-W32",
        input="384x288",
        who="PaddleDetection",
        values={"AP": 0.778},
        dataset="coco",
        config="hrnet_w32_coco_384x288",
        protocol="",
    ),
)


def numbers_of(config: str) -> Mapping[str, float]:
    """Returns the published results of a config's recipe by metric; empty if there are none.

    PCKh is in percent, AP from 0 to 1. If the person boxes are not the usual ones, their origin
    follows the metric in brackets. An unknown name of a config gives an empty mapping.

    Args:
        config: Name of the config.

    Example:
        >>> numbers_of("hourglass52_mpii_256")
        {'Mean': 88.9, 'Mean@0.1': 31.7}
    """
    return _RECIPES.get(config, {})


def of_config(config: Config) -> list[Published]:
    """Returns the published results of a config's recipe, one row per origin of the person boxes.

    It is empty if no results are known.

    Args:
        config: Config of the recipe.
    """
    default_boxes = WHOLE_IMAGES if config.data.framing == "image" else GROUND_TRUTH
    by_boxes: dict[str, dict[str, float]] = {}
    for name, value in numbers_of(config.name).items():
        metric, _, boxes = name.partition(" (")
        by_boxes.setdefault(boxes.rstrip(")") or default_boxes, {})[metric] = value
    width, height = config.codec.input_size
    joints = _PER_JOINT.get(config.name, {})
    return [
        Published(
            model=config.name,
            input=f"{height}x{width}",
            who=re.split("[:;]", config.source)[0],
            values={**values, **joints},
            dataset=config.data.dataset,
            boxes=boxes,
            config=config.name,
            protocol="" if config.name in _WITHOUT_PROTOCOL else protocol(config),
        )
        for boxes, values in by_boxes.items()
    ]


def protocol(config: Config) -> str:
    """Returns the evaluation protocol of a config as text: flip test, shift and decoding.

    "flip" is listed if outputs are averaged with those of the mirrored image, "shift" if mirrored
    heatmaps are shifted by one cell before; the last word names the decoding.

    Args:
        config: Config to describe.

    Example:
        >>> protocol(Config(name="a", source="b", command="c"))
        'flip, shift, quarter'
    """
    flip = ["flip", "shift" if config.val.shift else "no shift"] if config.val.flip else ["no flip"]
    return ", ".join([*flip, config.codec.describe()])
