"""Names and order of the joints in a report: left and right together, from head to foot."""

from __future__ import annotations

from collections.abc import Iterable

from paddle_pose.metrics.errors import MatchedPoses

_ORDER = (
    "Head",
    "Nose",
    "Eye",
    "Ear",
    "Upper neck",
    "Thorax",
    "Shoulder",
    "Elbow",
    "Wrist",
    "Pelvis",
    "Hip",
    "Knee",
    "Ankle",
)
_RENAMED = {"Head top": "Head"}  # as PCKh names it


def label(joint: str) -> str:
    """Returns the name of a joint in a report.

    Args:
        joint: Name of the joint in a skeleton, or its name in `diagnosis.curves`.

    Example:
        >>> label("left_wrist"), label("head_top"), label("Upper neck")
        ('Wrist', 'Head', 'Upper neck')
    """
    name = joint.removeprefix("left_").removeprefix("right_").replace("_", " ").capitalize()
    return _RENAMED.get(name, name)


def in_order(names: Iterable[str]) -> list[str]:
    """Returns names in the order of a report: joints from head to foot, then all other names.

    Args:
        names: Names of joints as of `label`, and others such as "Mean"; others keep their order.

    Example:
        >>> in_order(["Ankle", "Mean", "Head"])
        ['Head', 'Ankle', 'Mean']
    """
    place = {name: n for n, name in enumerate(_ORDER)}
    return sorted(names, key=lambda name: place.get(name, len(place)))


def slots(found: MatchedPoses) -> dict[str, list[int]]:
    """Returns the slots of the joints that count, by the name in the report, in its order.

    Args:
        found: People with their poses.
    """
    groups: dict[str, list[int]] = {}
    for k, joint in enumerate(found.skeleton.joints):
        if found.counted[:, k].any():
            groups.setdefault(label(joint), []).append(k)
    return {name: groups[name] for name in in_order(groups)}
