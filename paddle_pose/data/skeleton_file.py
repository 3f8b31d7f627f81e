"""Reader of user-defined skeletons: a JSON file, the categories of an annotation file, or both.

    {"joints": ["nose", "left_hand", "right_hand"],
     "mirror_pairs": [["left_hand", "right_hand"]], "limbs": [["nose", "left_hand"]],
     "sigmas": [0.03, 0.06, 0.06], "weights": [1, 1, 1], "upper": ["nose"],
     "can_flip": true}

All keys are optional; the defaults that are used are logged.

Source: COCO's category record, in which `keypoints` are the names of the joints and `skeleton` the
    limbs as pairs of positions, counted from 1.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.io import coco_records
from paddle_pose.io.json_files import read_json
from paddle_pose.skeletons import COCO_17, SKELETONS, Skeleton, mirror_pairs_by_name

_log = logging.getLogger("paddle_pose")

KEYS = tuple(field.name for field in fields(Skeleton))
# Mean of COCO's sigmas.
DEFAULT_SIGMA = round(sum(COCO_17.sigmas) / len(COCO_17.sigmas), 3)


def read_skeleton(source: str | Path | None, annotations: str | Path | None = None) -> Skeleton:
    """Returns the skeleton that a file or an annotation file describes; logs the defaults used.

    Args:
        source: Path of a JSON file with an object whose keys are fields of `Skeleton` ("joints",
            "limbs", ...; all optional), or the name of a known skeleton, a key of
            `skeletons.SKELETONS`; None uses the annotations only.
        annotations: Path of a file in COCO's format whose categories give the joints and limbs that
            `source` does not give; None uses `source` only. One of the two must be given.

    Returns:
        The skeleton. By default its name is that of the file without suffix, joints whose names
        differ in left and right only are mirror pairs (`skeletons.mirror_pairs_by_name`; if there
        are none, or a joint has no partner, images are not mirrored), all sigmas are the mean of
        COCO's, and all weights are 1. Without "upper" there are no half-body windows. If `source`
        is None and the annotations have the joints of a known skeleton, the result is this
        skeleton.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file is not valid JSON, or a key is unknown, missing or invalid; the
            message names the file and the key.
    """
    if source is not None and str(source) in SKELETONS:
        return SKELETONS[str(source)]
    joints, limbs = (
        coco_records.read_categories(annotations) if annotations is not None else ((), ())
    )
    known = next((skeleton for skeleton in SKELETONS.values() if skeleton.joints == joints), None)
    if source is None and known is not None:
        return known
    path = Path(str(source if source is not None else annotations))
    content = read_json(path) if source is not None else {}
    if not isinstance(content, Mapping):
        raise InputError(
            f"{path}: expected an object with the keys {', '.join(KEYS)}; "
            f"got {type(content).__name__}"
        )
    unknown = sorted(set(map(str, content)) - set(KEYS))
    if unknown:
        raise InputError(f"{path}: unknown key {unknown[0]!r}; valid keys are {', '.join(KEYS)}")
    joints = _names(content.get("joints", joints), path, "joints")
    if not joints:
        raise InputError(
            f"{path}: key 'joints' is missing, and no annotation file names the joints in its "
            f"categories (key 'keypoints'); valid keys are {', '.join(KEYS)}"
            if source is not None
            else f"{path}: {no_names_rule()}"
        )
    one_sided: tuple[str, ...] = ()
    if "mirror_pairs" in content:
        pairs = _pairs(content["mirror_pairs"], path, "mirror_pairs")
        can_flip = True
    else:
        pairs, one_sided = mirror_pairs_by_name(joints)
        can_flip = bool(pairs) and not one_sided
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
            can_flip=_flag(content.get("can_flip", can_flip), path, "can_flip"),
        )
    except ValueError as problem:
        raise InputError(
            problem if str(problem).startswith(str(path)) else f"{path}: {problem}"
        ) from problem
    _log_defaults(skeleton, content)
    if not skeleton.can_flip and "can_flip" not in content:
        _log.info("=> skeleton %s: %s", skeleton.name, no_flip_reason(one_sided))
    return skeleton


def no_names_rule() -> str:
    """Returns the sentence on an annotation file whose categories name no joints."""
    return (
        "no category names the joints in key 'keypoints': write their names there, or give "
        + argument("--skeleton coco_17", "codec.skeleton=coco_17")
        + " if the keypoints are COCO's 17 in COCO's order, or a skeleton file with the key "
        "'joints'"
    )


def no_flip_reason(one_sided: Sequence[str]) -> str:
    """Returns a text: images are not mirrored, why not, and how to change that.

    Args:
        one_sided: Joints that state a side but have no partner; empty if no joint states a side.
    """
    reason = (
        f"{', '.join(one_sided)} {'look' if len(one_sided) > 1 else 'looks'} one-sided, and no"
        " joint's name differs from it in left and right only"
        if one_sided
        else "no two joints' names differ in left and right only"
    )
    return (
        f"images are not mirrored, neither in training nor by the flip test: {reason}. Give a"
        f" skeleton file with the key 'mirror_pairs' ({argument('--skeleton', 'codec.skeleton')});"
        " [] if no joints change places in a mirrored image"
    )


def _log_defaults(skeleton: Skeleton, given: Mapping[str, Any]) -> None:
    """Logs a skeleton's name and the defaults of the keys that are not given."""
    parts = [f"{skeleton.num_joints} joints"]
    if "mirror_pairs" not in given:
        pairs = ", ".join(f"{left} - {right}" for left, right in skeleton.mirror_pairs)
        parts.append(f"mirror pairs by name: {pairs or 'none'}")
    if "sigmas" not in given:
        parts.append(f"all sigmas {DEFAULT_SIGMA}, the mean of COCO's")
    if "weights" not in given:
        parts.append("all weights 1")
    if not skeleton.upper:
        parts.append("no half-body windows, because key 'upper' is missing")
    _log.info(f"=> skeleton {skeleton.name}: " + "; ".join(parts))


def _names(value: Any, path: Path, key: str) -> tuple[str, ...]:
    """Returns a field that must be a list of joint names; an InputError names file and key."""
    if not isinstance(value, list | tuple) or not all(
        isinstance(name, str) and name for name in value
    ):
        raise InputError(f"{path}: key {key!r} must be a list of joint names, got {value!r}")
    return tuple(value)


def _pairs(value: Any, path: Path, key: str) -> tuple[tuple[str, str], ...]:
    """Returns a field that must be a list of pairs of names; an InputError names file and key."""
    has_pairs = isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 for pair in value
    )
    if not has_pairs or not all(isinstance(name, str) for pair in value for name in pair):
        raise InputError(
            f"{path}: key {key!r} must be a list of pairs of names, "
            f'[["left_x", "right_x"], …], got {value!r}'
        )
    return tuple((a, b) for a, b in value)


def _flag(value: Any, path: Path, key: str) -> bool:
    """Returns a field that must be true or false; an InputError names file and key."""
    if not isinstance(value, bool):
        raise InputError(f"{path}: key {key!r} must be true or false, got {value!r}")
    return value


def _numbers(value: Any, path: Path, key: str) -> tuple[float, ...]:
    """Returns a field that must be a list of positive numbers; an InputError names file and key."""
    if not isinstance(value, list) or not all(
        type(number) in (int, float) and number > 0 for number in value
    ):
        raise InputError(
            f"{path}: key {key!r} must be a list of positive numbers, one for each joint, "
            f"got {value!r}"
        )
    return tuple(float(number) for number in value)
