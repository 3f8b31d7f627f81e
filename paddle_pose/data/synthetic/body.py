"""Bodies of synthetic people: an articulated body in three dimensions, its pose and its clothes.

A body is built in *body units* (1 = the standing height), with x to the viewer's right, y down and
z towards the viewer. A person who faces the viewer has their left side at +x; seen from behind, it
is at -x. One rotation therefore gives the exchange of left and right, foreshortening and the order
of depths.
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

# Name: (probability; flexion, abduction and elbow bend in degrees; direction to which the forearm
# bends: inward, down, forward).
ARMS: dict[str, tuple[float, _Range, _Range, _Range, tuple[float, float, float]]] = {
    "hanging": (0.26, (-20, 20), (6, 25), (0, 35), (0.1, 0.0, 1.0)),
    "swinging": (0.14, (-40, 45), (5, 18), (5, 70), (0.1, -0.3, 1.0)),
    "out": (0.18, (-10, 15), (45, 110), (0, 60), (0.0, -0.7, 0.5)),
    "up": (0.14, (-25, 0), (120, 168), (0, 70), (0.8, -0.5, 0.3)),
    "waving": (0.12, (-10, 15), (40, 100), (60, 125), (0.1, -1.0, 0.3)),
    "on the hip": (0.10, (-25, 5), (32, 55), (70, 110), (1.0, 0.2, 0.2)),
    "forward": (0.06, (45, 90), (0, 25), (0, 70), (0.3, -1.0, 0.0)),
}
# Name: (probability; for the leading and for the trailing leg: flexion, abduction and knee bend in
# degrees).
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
    """Difficulty of synthetic images.

    Probabilities are in [0, 1], ranges are (min, max), both inclusive, and angles are in degrees.
    The values are not checked.

    Attributes:
        back_view: Probability that a person is seen from behind.
        profile: Probability that a person is turned sideways, 40 to 80 degrees to either side;
            people who sit or crouch always are.
        turn: Largest rotation about the vertical axis of people who are not turned sideways.
        roll: Standard deviation of the rotation in the image plane.
        tumble: Probability of a rotation in the image plane of up to 80 degrees instead.
        lean: Probability of a strongly bent torso.
        thickness: Range of the factor on the thickness of limbs.
        odd_sides: Probability that a garment (sleeves, trouser legs, shoes) has independent
            colours on the left and on the right.
        contrast: Smallest Euclidean distance of the colours of clothes and skin from the mean
            colour of the background, in RGB grey levels (0 to 255); where six random colours do not
            reach it, the best of them is used.
        fill: Range of the fraction, 0 to 1, of the available width or height that a person fills.
        overlap: Fraction of a column of the image that two neighbours of a group share, 0 to 1; the
            nearer person hides the other one.
        cut: Probability that the lower border of the image cuts a person off; joints outside the
            image are not labelled.
        clutter: Range of the number of objects in the background.
        distractors: Range of the number of loose limbs in the background.
        occluder: Probability, for each person, of an object in front of one of their joints.
        blur: Probability of a slight blur of the whole image.
        noise: Largest standard deviation of the noise, in grey levels (0 to 255).
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
    """A posed body, in body units: 1 is the standing height.

    x points to the viewer's right, y down and z towards the viewer.

    Attributes:
        points: Positions by name, [3] (x, y, z) in body units, with the pelvis at the origin: the
            joints (`l_knee`, `thorax`, ...), the face (`nose`, `l_eye`, ...) and the ends of hands
            and feet (`l_hand`, `l_toe`, ...); "l_" and "r_" are the person's own sides.
        torso: Orientation of the torso, [3, 3]; its columns are the person's directions left, down
            and forward.
        head: Orientation of the head, [3, 3], with the same columns.
        head_length: Distance between the upper neck and the top of the head in body units.
        legs: Key of `LEGS` from which the pose of the legs was sampled.
    """

    points: dict[str, np.ndarray]
    torso: np.ndarray
    head: np.ndarray
    head_length: float
    legs: str


@dataclass(frozen=True)
class Appearance:
    """Clothes, skin and hair of a synthetic person.

    Colours are RGB [3] in grey levels, 0 to 255. Lengths of clothes count halves of a limb: 1
    covers the upper arm or the thigh, 2 the whole arm or leg.

    Attributes:
        skin: Colour of the skin.
        hair: Colour of hair, brows and beard.
        shirt: Colour of the torso.
        accent: Colour of patterns and of the skirt.
        sleeves: Colour of the sleeve by side, "l" and "r".
        trousers: Colour of the trouser leg by side, "l" and "r".
        shoes: Colour of the shoe by side, "l" and "r".
        sleeve_length: Length of the sleeves, 0 to 2.
        trouser_length: Length of the trouser legs, 0 to 2.
        pattern: Pattern of the shirt: "plain", "stripes", "dots" or "buttons".
        skirt: Length of the skirt relative to the thigh; 0 for none.
        long_hair: Whether hair falls to the back.
        beard: Whether the person has a beard.
        smile: Curvature of the mouth from -1 to 1; negative values bend its corners down.
        thickness: Factor on the thickness of limbs.
        light: (x, y) shift of the lighter core of each limb, in radii of the limb.
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
    """Returns the matrix [3, 3] of a rotation about x, then y, then z.

    Args:
        x: Angle about the x axis in degrees; a positive one turns down (+y) to forward (+z).
        y: Angle about the y axis in degrees; a positive one turns forward (+z) to +x.
        z: Angle about the z axis in degrees; a positive one turns +x to down (+y).
    """
    angles = np.radians([x, y, z])
    cx, cy, cz = np.cos(angles)
    sx, sy, sz = np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    matrix: np.ndarray = about_z @ about_y @ about_x
    return matrix


def _upper_limb_direction(
    rng: np.random.Generator, frame: np.ndarray, sign: float, flexion: _Range, abduction: _Range
) -> np.ndarray:
    """Returns a random unit direction [3] of an upper arm or a thigh.

    Args:
        rng: Generator of all random numbers.
        frame: Orientation [3, 3] of the torso or the hips, from which the limb hangs.
        sign: 1 for the left side, -1 for the right side.
        flexion: Range of the angle to the front, degrees.
        abduction: Range of the angle to the side, degrees.
    """
    outward = rotation(z=-sign * rng.uniform(*abduction))
    direction: np.ndarray = frame @ rotation(x=rng.uniform(*flexion)) @ outward @ _DOWN
    return direction


def _lower_limb_direction(upper: np.ndarray, bend: float, towards: np.ndarray) -> np.ndarray:
    """Returns the unit direction [3] of a forearm or a shin.

    Args:
        upper: Unit direction [3] of the upper limb.
        bend: Angle in degrees by which the lower limb is turned against the upper one.
        towards: Direction [3] to which it is turned.
    """
    across = towards - upper * (upper @ towards)
    across /= max(float(np.linalg.norm(across)), 1e-6)
    direction: np.ndarray = np.cos(np.radians(bend)) * upper + np.sin(np.radians(bend)) * across
    return direction


def _choose(rng: np.random.Generator, table: Mapping[str, Sequence[Any]]) -> str:
    """Returns a random key of a table whose rows begin with their probabilities."""
    probabilities = np.array([row[0] for row in table.values()])
    return list(table)[rng.choice(len(table), p=probabilities / probabilities.sum())]


def sample_body(rng: np.random.Generator, style: Style) -> Body:
    """Returns a body with random proportions and joint angles.

    Args:
        rng: Generator of all random numbers.
        style: Difficulty of the image; it gives the probabilities of views and poses.
    """
    legs = _choose(rng, LEGS)
    _, *leg_angles = LEGS[legs]  # of the leading and the trailing leg
    turn = rng.uniform(-style.turn, style.turn)
    is_profile = rng.random() < style.profile
    if is_profile or legs in ("sitting", "crouching"):  # from the front, their thighs are hidden
        turn = rng.choice([-1, 1]) * rng.uniform(40, 80)
    if rng.random() < style.back_view:
        turn += 180
    roll = rng.uniform(-80, 80) if rng.random() < style.tumble else rng.normal(0, style.roll)
    hips = rotation(x=-rng.uniform(0, 14), z=roll) @ rotation(y=turn)  # seen from a little above
    bent = legs == "crouching" or rng.random() < style.lean
    forward = rng.uniform(8, 35) if bent else rng.uniform(-4, 10)
    sideways = rng.normal(0, 12 if bent else 4)
    torso = hips @ rotation(x=-forward, z=sideways)
    head = torso @ rotation(
        x=0.5 * forward + rng.normal(0, 6), y=rng.normal(0, 14), z=rng.normal(0, 7)
    )

    head_length = rng.uniform(0.155, 0.19)
    torso_length = rng.uniform(0.27, 0.31)
    thigh = rng.uniform(0.225, 0.26)
    shin = rng.uniform(0.215, 0.25)
    upper_arm = rng.uniform(0.15, 0.18)
    forearm = rng.uniform(0.135, 0.16)
    shoulder_width = rng.uniform(0.095, 0.13)
    hip_width = rng.uniform(0.055, 0.08)
    points = {"pelvis": np.zeros(3), "thorax": torso @ (-torso_length * _DOWN)}
    points["neck"] = points["thorax"] + 0.5 * (torso + head) @ (-0.045 * _DOWN)

    both_arms = _choose(rng, ARMS) if rng.random() < 0.5 else ""
    leading = rng.choice(["l", "r"])
    for side, sign in SIDES.items():
        _, flexion, abduction, elbow, target = ARMS[both_arms or _choose(rng, ARMS)]
        towards = torso @ ((np.array(target) + rng.normal(0, 0.2, 3)) * (-sign, 1, 1))
        arm = _upper_limb_direction(rng, torso, sign, flexion, abduction)
        lower = _lower_limb_direction(arm, rng.uniform(*elbow), towards)
        points[f"{side}_shoulder"] = points["thorax"] + torso @ (sign * shoulder_width, 0.03, 0.0)
        points[f"{side}_elbow"] = points[f"{side}_shoulder"] + upper_arm * arm
        points[f"{side}_wrist"] = points[f"{side}_elbow"] + forearm * lower
        points[f"{side}_hand"] = points[f"{side}_wrist"] + 0.045 * lower

        thigh_flexion, thigh_abduction, knee = leg_angles[side != leading]
        leg = _upper_limb_direction(rng, hips, sign, thigh_flexion, thigh_abduction)
        lower = _lower_limb_direction(leg, rng.uniform(*knee), hips @ (0, 0, -1.0))
        points[f"{side}_hip"] = hips @ (sign * hip_width, 0.0, 0.0)
        points[f"{side}_knee"] = points[f"{side}_hip"] + thigh * leg
        points[f"{side}_ankle"] = points[f"{side}_knee"] + shin * lower
        foot = _lower_limb_direction(lower, 80, hips @ (sign * rng.uniform(0.05, 0.5), 0, 1.0))
        points[f"{side}_toe"] = points[f"{side}_ankle"] + 0.02 * lower + 0.075 * foot

    def on_head(x: float, up: float, out: float) -> np.ndarray:
        """Returns a point of the head from its offset to the neck, in head lengths."""
        point: np.ndarray = points["neck"] + head_length * (head @ (x, -up, out))
        return point

    points["head_top"] = on_head(0, 1, 0)
    points["nose"] = on_head(0, 0.36, 0.40)
    for side, sign in SIDES.items():
        points[f"{side}_eye"] = on_head(0.14 * sign, 0.50, 0.34)
        points[f"{side}_ear"] = on_head(0.36 * sign, 0.45, 0)
    return Body(points, torso, head, head_length, legs)


def sample_appearance(
    rng: np.random.Generator, style: Style, background_color: np.ndarray
) -> Appearance:
    """Returns random clothes, skin and hair that contrast with the background.

    Args:
        rng: Generator of all random numbers.
        style: Difficulty of the image; it gives the contrast, the thickness of limbs and the
            probability of different sides.
        background_color: Mean colour of the background, RGB [3] in grey levels.
    """

    def cloth_color() -> np.ndarray:
        hsv = np.array(
            [[[rng.uniform(0, 180), rng.uniform(20, 235), rng.uniform(45, 250)]]], np.uint8
        )
        rgb: np.ndarray = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(float)
        return rgb

    def skin_color() -> np.ndarray:
        at = rng.uniform(0, len(SKIN) - 1)
        return np.array([np.interp(at, range(len(SKIN)), SKIN[:, channel]) for channel in range(3)])

    def contrasting(sample: Callable[[], np.ndarray]) -> np.ndarray:
        """Returns the first of six random colours with enough contrast, else the best one."""

        def distance(color: np.ndarray) -> float:
            return float(np.linalg.norm(color - background_color))

        colors = [sample() for _ in range(6)]
        best = max(colors, key=distance)
        return next((color for color in colors if distance(color) > style.contrast), best)

    def by_side(color: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Returns the colour of a garment by side; `color` is the usual one, None samples it."""
        if rng.random() < style.odd_sides:
            return {side: contrasting(cloth_color) for side in SIDES}
        return dict.fromkeys(SIDES, contrasting(cloth_color) if color is None else color)

    skin = contrasting(skin_color)
    shirt = contrasting(cloth_color)
    return Appearance(
        skin=skin,
        hair=HAIR[rng.integers(len(HAIR))] * rng.uniform(0.8, 1.1) if rng.random() < 0.93 else skin,
        shirt=shirt,
        accent=cloth_color(),
        sleeves=by_side(shirt),
        trousers=by_side(),
        shoes=by_side(),
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
