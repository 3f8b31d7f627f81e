"""Synthetic people: a jointed body in three dimensions, its pose and its clothes.

A body is built in *body units* (1 = the standing height), x to the viewer's right, y down, z
towards the viewer. A person who faces the viewer has their left at +x; turned round, at -x: the
exchange of left and right seen from behind, foreshortening and depth order follow from the one
rotation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np

_Range = tuple[float, float]
_Leg = tuple[_Range, _Range, _Range]
_DOWN = np.array([0.0, 1.0, 0.0])
SIDES = {"l": 1.0, "r": -1.0}  # the sign of x of a body that faces the viewer

# name: (chance, flexion, abduction, elbow bend in degrees,
#        where the forearm bends to: inward, down, forward)
ARMS: dict[str, tuple[float, _Range, _Range, _Range, tuple[float, float, float]]] = {
    "hanging": (0.26, (-20, 20), (6, 25), (0, 35), (0.1, 0.0, 1.0)),
    "swinging": (0.14, (-40, 45), (5, 18), (5, 70), (0.1, -0.3, 1.0)),
    "out": (0.18, (-10, 15), (45, 110), (0, 60), (0.0, -0.7, 0.5)),
    "up": (0.14, (-25, 0), (120, 168), (0, 70), (0.8, -0.5, 0.3)),
    "waving": (0.12, (-10, 15), (40, 100), (60, 125), (0.1, -1.0, 0.3)),
    "on the hip": (0.10, (-25, 5), (32, 55), (70, 110), (1.0, 0.2, 0.2)),
    "forward": (0.06, (45, 90), (0, 25), (0, 70), (0.3, -1.0, 0.0)),
}
# name: (chance, then for the leading and the trailing leg: flexion, abduction, knee bend)
LEGS: dict[str, tuple[float, _Leg, _Leg]] = {
    "standing": (0.32, ((-5, 8), (1, 10), (0, 10)), ((-5, 8), (1, 10), (0, 10))),
    "astride": (0.20, ((-5, 15), (12, 32), (0, 25)), ((-5, 15), (12, 32), (0, 25))),
    "walking": (0.20, ((15, 38), (0, 8), (3, 25)), ((-30, -8), (0, 8), (5, 45))),
    "stepping": (0.12, ((30, 80), (5, 35), (20, 95)), ((-5, 8), (2, 12), (0, 12))),
    "sitting": (0.09, ((65, 88), (4, 16), (65, 95)), ((65, 88), (4, 16), (65, 95))),
    "crouching": (0.07, ((55, 95), (8, 24), (85, 130)), ((45, 80), (8, 24), (85, 130))),
}
SKIN = np.array(
    [(250, 220, 196), (232, 186, 150), (198, 140, 100), (141, 90, 58), (82, 52, 38)], float
)
HAIR = np.array(
    [(35, 26, 22), (84, 52, 30), (150, 98, 48), (214, 178, 104), (168, 70, 36), (176, 176, 176)],
    float,
)


@dataclass(frozen=True)
class Style:
    """How hard the drawings are: chances in [0, 1], ranges (least, most), angles in degrees.

    Attributes:
        back_view: Chance that a person is seen from behind.
        profile: Chance that a person is turned 45 to 80 degrees to a side.
        turn: Otherwise, the largest turn away from the viewer.
        roll: Standard deviation of the rotation in the image plane.
        tumble: Chance of a rotation in the image plane of up to 80 degrees.
        lean: Chance of a strongly bent torso.
        thickness: Factor on the thickness of limbs.
        odd_sides: Chance that sleeves, trouser legs, shoes draw their colours for each side anew.
        contrast: Least distance of clothes and skin from the mean of the background, RGB levels.
        fill: How much of its room in the image a standing person takes.
        overlap: How much of a column two neighbours of a group share, 0 to 1; who stands nearer hides the other.
        cut: Chance that the lower border cuts a person off; joints outside are not labelled.
        clutter: How many shapes stand in the background.
        distractors: How many loose limbs lie in the background.
        occluder: Chance, for each person, of an object in front of one of their joints.
        blur: Chance of a slight blur over the whole image.
        noise: Largest standard deviation of the noise, levels.
    """

    back_view: float = 0.08
    profile: float = 0.06
    turn: float = 32.0
    roll: float = 5.0
    tumble: float = 0.02
    lean: float = 0.10
    thickness: tuple[float, float] = (0.85, 1.5)
    odd_sides: float = 0.35
    contrast: float = 95.0
    fill: tuple[float, float] = (0.76, 0.95)
    overlap: float = 0.0
    cut: float = 0.02
    clutter: tuple[int, int] = (2, 6)
    distractors: tuple[int, int] = (0, 1)
    occluder: float = 0.15
    blur: float = 0.3
    noise: float = 7.0


class Body(NamedTuple):
    """A posed body.

    Attributes:
        points: Name -> [3] in body units: the joints (`l_knee`, `thorax`, ...), the face (`nose`,
            `l_eye`, ...) and the ends of hands and feet (`l_hand`, `l_toe`, ...).
        torso: [3, 3], columns are the torso's left, down and forward.
        head: [3, 3], the same of the head.
        head_length: From upper neck to the top of the head, body units.
        legs: The key of `LEGS` it was drawn from.
    """

    points: dict[str, np.ndarray]
    torso: np.ndarray
    head: np.ndarray
    head_length: float
    legs: str


@dataclass(frozen=True)
class Appearance:
    """What a person wears: colours RGB [3] in levels, lengths in upper limbs (2: all of the limb).

    `sleeves`, `trousers` and `shoes` hold one colour for each side, "l" and "r".
    """

    skin: np.ndarray
    hair: np.ndarray
    shirt: np.ndarray
    accent: np.ndarray
    sleeves: dict[str, np.ndarray]
    trousers: dict[str, np.ndarray]
    shoes: dict[str, np.ndarray]
    sleeve_length: float
    trouser_length: float
    pattern: str = "plain"
    skirt: float = 0.0
    long_hair: bool = False
    beard: bool = False
    smile: float = 1.0
    thickness: float = 1.0
    light: np.ndarray = field(default_factory=lambda: np.array([-0.3, -0.3]))


def rotation(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> np.ndarray:
    """[3, 3] for degrees about x (down to forward), then y (forward to +x), then z (+x to down)."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.radians([x, y, z])), np.sin(np.radians([x, y, z]))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    turned: np.ndarray = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]]) @ about_y @ about_x
    return turned


def _swing(
    rng: np.random.Generator, frame: np.ndarray, sign: float, flexion: _Range, abduction: _Range
) -> np.ndarray:
    """The direction of an upper limb of the side `sign`, hanging from `frame` [3, 3]."""
    outward = rotation(z=-sign * rng.uniform(*abduction))
    direction: np.ndarray = frame @ rotation(x=rng.uniform(*flexion)) @ outward @ _DOWN
    return direction


def _limb(upper: np.ndarray, bend: float, towards: np.ndarray) -> np.ndarray:
    """The direction of a lower limb: `upper` turned by `bend` degrees to `towards`, unit [3]."""
    across = towards - upper * (upper @ towards)
    across /= max(float(np.linalg.norm(across)), 1e-6)
    direction: np.ndarray = np.cos(np.radians(bend)) * upper + np.sin(np.radians(bend)) * across
    return direction


def _choose(rng: np.random.Generator, table: Mapping[str, Sequence[Any]]) -> str:
    chances = np.array([row[0] for row in table.values()])
    return list(table)[rng.choice(len(table), p=chances / chances.sum())]


def pose_body(rng: np.random.Generator, style: Style) -> Body:
    """Draw proportions and joint angles and place every point, the pelvis at the origin."""
    legs = _choose(rng, LEGS)
    _, *leg_angles = LEGS[legs]  # of the leading and the trailing leg
    turn = rng.uniform(-style.turn, style.turn)
    if rng.random() < style.profile or legs in (
        "sitting",
        "crouching",
    ):  # seen from the front, no thighs
        turn = rng.choice([-1, 1]) * rng.uniform(40, 80)
    if rng.random() < style.back_view:
        turn += 180
    roll = rng.uniform(-80, 80) if rng.random() < style.tumble else rng.normal(0, style.roll)
    hips = rotation(x=-rng.uniform(0, 14), z=roll) @ rotation(y=turn)  # seen from a little above
    bent = legs == "crouching" or rng.random() < style.lean
    forward, sideways = (
        rng.uniform(8, 35) if bent else rng.uniform(-4, 10),
        rng.normal(0, 12 if bent else 4),
    )
    torso = hips @ rotation(x=-forward, z=sideways)
    head = torso @ rotation(
        x=0.5 * forward + rng.normal(0, 6), y=rng.normal(0, 14), z=rng.normal(0, 7)
    )

    length = rng.uniform(0.155, 0.19)  # of the head
    torso_length, thigh, shin = (
        rng.uniform(0.27, 0.31),
        rng.uniform(0.225, 0.26),
        rng.uniform(0.215, 0.25),
    )
    upper_arm, forearm = rng.uniform(0.15, 0.18), rng.uniform(0.135, 0.16)
    shoulder_width, hip_width = rng.uniform(0.095, 0.13), rng.uniform(0.055, 0.08)
    points = {"pelvis": np.zeros(3), "thorax": torso @ (-torso_length * _DOWN)}
    points["neck"] = points["thorax"] + 0.5 * (torso + head) @ (-0.045 * _DOWN)

    one_kind = _choose(rng, ARMS) if rng.random() < 0.5 else ""
    leading = rng.choice(["l", "r"])
    for side, sign in SIDES.items():
        _, flexion, abduction, elbow, target = ARMS[one_kind or _choose(rng, ARMS)]
        towards = torso @ ((np.array(target) + rng.normal(0, 0.2, 3)) * (-sign, 1, 1))
        arm = _swing(rng, torso, sign, flexion, abduction)
        lower = _limb(arm, rng.uniform(*elbow), towards)
        points[f"{side}_shoulder"] = points["thorax"] + torso @ (sign * shoulder_width, 0.03, 0.0)
        points[f"{side}_elbow"] = points[f"{side}_shoulder"] + upper_arm * arm
        points[f"{side}_wrist"] = points[f"{side}_elbow"] + forearm * lower
        points[f"{side}_hand"] = points[f"{side}_wrist"] + 0.045 * lower

        thigh_flexion, thigh_abduction, knee = leg_angles[side != leading]
        leg = _swing(rng, hips, sign, thigh_flexion, thigh_abduction)
        lower = _limb(leg, rng.uniform(*knee), hips @ (0, 0, -1.0))
        points[f"{side}_hip"] = hips @ (sign * hip_width, 0.0, 0.0)
        points[f"{side}_knee"] = points[f"{side}_hip"] + thigh * leg
        points[f"{side}_ankle"] = points[f"{side}_knee"] + shin * lower
        foot = _limb(lower, 80, hips @ (sign * rng.uniform(0.05, 0.5), 0, 1.0))
        points[f"{side}_toe"] = points[f"{side}_ankle"] + 0.02 * lower + 0.075 * foot

    def on_head(x: float, up: float, out: float) -> np.ndarray:
        point: np.ndarray = points["neck"] + length * (head @ (x, -up, out))
        return point

    points["head_top"], points["nose"] = on_head(0, 1, 0), on_head(0, 0.36, 0.40)
    for side, sign in SIDES.items():
        points[f"{side}_eye"] = on_head(0.14 * sign, 0.50, 0.34)
        points[f"{side}_ear"] = on_head(0.36 * sign, 0.45, 0)
    return Body(points, torso, head, length, legs)


def dress(rng: np.random.Generator, style: Style, backdrop: np.ndarray) -> Appearance:
    """Draw clothes, skin and hair that stand out from `backdrop`, the mean background RGB [3]."""

    def cloth() -> np.ndarray:
        hsv = np.array(
            [[[rng.uniform(0, 180), rng.uniform(20, 235), rng.uniform(45, 250)]]], np.uint8
        )
        rgb: np.ndarray = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(float)
        return rgb

    def tone() -> np.ndarray:
        at = rng.uniform(0, len(SKIN) - 1)
        return np.array([np.interp(at, range(len(SKIN)), SKIN[:, channel]) for channel in range(3)])

    def clear(draw: Callable[[], np.ndarray]) -> np.ndarray:
        def far(color: np.ndarray) -> float:
            return float(np.linalg.norm(color - backdrop))

        tries = [draw() for _ in range(6)]
        return next((color for color in tries if far(color) > style.contrast), max(tries, key=far))

    def pair(first: np.ndarray | None = None) -> dict[str, np.ndarray]:
        if rng.random() < style.odd_sides:
            return {side: clear(cloth) for side in SIDES}
        return dict.fromkeys(SIDES, clear(cloth) if first is None else first)

    skin, shirt = clear(tone), clear(cloth)
    return Appearance(
        skin=skin,
        hair=HAIR[rng.integers(len(HAIR))] * rng.uniform(0.8, 1.1) if rng.random() < 0.93 else skin,
        shirt=shirt,
        accent=cloth(),
        sleeves=pair(shirt),
        trousers=pair(),
        shoes=pair(),
        sleeve_length=float(rng.choice([0.25, 0.55, 1.0, 2.0])),
        trouser_length=float(rng.choice([0.5, 1.0, 1.5, 2.0])),
        pattern=str(rng.choice(["plain", "plain", "stripes", "dots", "buttons"])),
        skirt=rng.uniform(0.5, 0.95) if rng.random() < 0.15 else 0.0,
        long_hair=bool(rng.random() < 0.35),
        beard=bool(rng.random() < 0.2),
        smile=rng.uniform(-0.4, 1.0),
        thickness=rng.uniform(*style.thickness),
        light=rng.uniform(-0.4, 0.4, 2),
    )
