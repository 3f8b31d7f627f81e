"""Reads the skeleton of one's own people, animals or things: a JSON file, an annotation file's categories, or both.

    {"joints": ["nose", "left_hand", "right_hand"], "mirror_pairs": [["left_hand", "right_hand"]],
     "limbs": [["nose", "left_hand"]], "sigmas": [0.03, 0.06, 0.06], "weights": [1, 1, 1], "upper": ["nose"]}

Every key may be left out; what stands in for it is printed.

Source: COCO's category record: `keypoints` are the joints' names, `skeleton` the limbs as pairs of places counted from 1.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from paddle_pose.errors import InputError
from paddle_pose.io import coco_json
from paddle_pose.skeletons import COCO_17, SKELETONS, Skeleton

_log = logging.getLogger("paddle_pose")

KEYS = tuple(field.name for field in fields(Skeleton))
DEFAULT_SIGMA = round(sum(COCO_17.sigmas) / len(COCO_17.sigmas), 3)


def read_skeleton(source: str | Path | None, annotations: str | Path | None = None) -> Skeleton:
    """Reads a skeleton and prints what it says by default.

    Args:
        source: a JSON file, the name of a known skeleton, or None: what the annotations say.
        annotations: a file in COCO's format whose categories name the joints and limbs that `source` does not.

    Returns:
        The skeleton. By default it is named after its file, mirrored joints are those named left_x and right_x, sigmas are the
        mean of COCO's, weights are 1, and without "upper" there are no half-body windows.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a key is unknown, missing or not as expected; the message names the file and the key.
    """
    if source is not None and str(source) in SKELETONS:
        return SKELETONS[str(source)]
    joints, limbs = _of_categories(annotations) if annotations is not None else ((), ())
    known = next((skeleton for skeleton in SKELETONS.values() if skeleton.joints == joints), None)
    if source is None and known is not None:
        return known
    path = Path(str(source if source is not None else annotations))
    content = coco_json.read_json(path) if source is not None else {}
    if not isinstance(content, Mapping):
        raise InputError(
            f"{path}: expected an object with the keys {', '.join(KEYS)}; got {type(content).__name__}"
        )
    strange = sorted(set(map(str, content)) - set(KEYS))
    if strange:
        raise InputError(
            f"{path}: unknown key {strange[0]!r}; the valid ones are {', '.join(KEYS)}"
        )
    joints = _names(content.get("joints", joints), path, "joints")
    if not joints:
        raise InputError(
            f"{path}: key 'joints' is missing, and no annotation file names the joints in its categories (key 'keypoints'); "
            f"the valid keys are {', '.join(KEYS)}"
        )
    pairs = (
        _pairs(content["mirror_pairs"], path, "mirror_pairs")
        if "mirror_pairs" in content
        else _by_name(joints)
    )
    limbs = tuple(limb for limb in limbs if set(limb) <= set(joints))
    try:
        skeleton = Skeleton(
            name=str(content.get("name", path.stem)),
            joints=joints,
            mirror_pairs=pairs,
            limbs=_pairs(content["limbs"], path, "limbs") if "limbs" in content else limbs,
            sigmas=_numbers(content.get("sigmas", [DEFAULT_SIGMA] * len(joints)), path, "sigmas"),
            weights=_numbers(content.get("weights", [1.0] * len(joints)), path, "weights"),
            upper=_names(content.get("upper", ()), path, "upper"),
        )
    except ValueError as problem:
        raise InputError(
            problem if str(problem).startswith(str(path)) else f"{path}: {problem}"
        ) from problem
    _log_defaults(skeleton, content)
    return skeleton


def _of_categories(annotations: str | Path) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Returns the joints and limbs that an annotation file's categories state."""
    content, where = coco_json.read(annotations)
    joints = coco_json.joint_names(content, where)
    rows = next(
        (
            category.get("skeleton") or []
            for category in content["categories"]
            if category.get("keypoints")
        ),
        [],
    )
    try:
        pairs = [(int(a), int(b)) for a, b in rows]
    except (TypeError, ValueError) as problem:
        raise InputError(
            f"{where}: key 'skeleton' of a category must hold pairs of places, got {rows!r}"
        ) from problem
    if any(not 1 <= place <= len(joints) for pair in pairs for place in pair):
        raise InputError(
            f"{where}: key 'skeleton' of a category holds places outside 1..{len(joints)}: {rows!r}"
        )
    return joints, tuple((joints[a - 1], joints[b - 1]) for a, b in pairs)


def _by_name(joints: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Returns the pairs of joints that are named left and right."""
    keys = {name.lower(): name for name in joints}
    pairs = [
        (name, keys.get(key.replace("left", "right", 1)))
        for key, name in keys.items()
        if key.startswith("left")
    ]
    return tuple((left, right) for left, right in pairs if right is not None)


def _log_defaults(skeleton: Skeleton, given: Mapping[str, Any]) -> None:
    lines = [f"{skeleton.num_joints} joints"]
    if "mirror_pairs" not in given:
        pairs = ", ".join(f"{left} - {right}" for left, right in skeleton.mirror_pairs)
        lines.append(f"mirrored by name: {pairs or 'nothing is named left and right'}")
    if "sigmas" not in given:
        lines.append(f"sigmas {DEFAULT_SIGMA} each, the mean of COCO's")
    if "weights" not in given:
        lines.append("weights 1")
    if not skeleton.upper:
        lines.append("no half-body windows: no key 'upper'")
    _log.info(f"=> skeleton {skeleton.name}: " + "; ".join(lines))


def _names(value: Any, path: Path, key: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(
        isinstance(name, str) and name for name in value
    ):
        raise InputError(f"{path}: key {key!r} must be a list of joint names, got {value!r}")
    return tuple(value)


def _pairs(value: Any, path: Path, key: str) -> tuple[tuple[str, str], ...]:
    whole = isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 for pair in value
    )
    if not whole or not all(isinstance(name, str) for pair in value for name in pair):
        raise InputError(
            f'{path}: key {key!r} must be a list of pairs of names, [["left_x", "right_x"], …], got {value!r}'
        )
    return tuple((a, b) for a, b in value)


def _numbers(value: Any, path: Path, key: str) -> tuple[float, ...]:
    if not isinstance(value, list) or not all(
        type(number) in (int, float) and number > 0 for number in value
    ):
        raise InputError(
            f"{path}: key {key!r} must be a list of positive numbers, one for each joint, got {value!r}"
        )
    return tuple(float(number) for number in value)
