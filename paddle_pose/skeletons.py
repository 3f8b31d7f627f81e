"""Skeletons: names, mirror pairs, limbs and constants of the joints of a data set.

Source: MPII (Andriluka et al., CVPR 2014) for its 16 joints; COCO (Lin et al., ECCV 2014) for its
    17 joints and their OKS sigmas; HRNet (Sun et al., CVPR 2019) for the joint weights. MPII has no
    sigmas; they are those of the nearest joint of COCO.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Literal

from paddle_pose.errors import InputError
from paddle_pose.ranges import Range, check_fields


@dataclass(frozen=True)
class Skeleton:
    """A named set of K joints.

    Attributes:
        name: Name by which configs and files refer to the skeleton.
        joints: Names of the K joints, in the order of the keypoint arrays.
        mirror_pairs: Pairs (left, right) of joint names that are swapped in a mirrored image.
        limbs: Pairs of joint names that are connected by a line in drawings.
        sigmas: K constants of OKS, above 0: standard deviation of the annotations of a joint as a
            fraction of the square root of the person's area.
        weights: K weights of the joints in the loss, 0 or more; 1.0, and more for joints that are
            hard to predict.
        upper: Names of the upper body's joints, for half-body augmentation; empty disables it.
        can_flip: Whether a mirrored image with swapped mirror pairs is a valid image; if not, there
            is no mirroring in augmentation and no flip test.

    Raises:
        InputError: If joint names repeat, a pair contains an unknown joint, the lengths differ, or
            a number lies outside its range.

    Example:
        >>> MPII_16.flip[0], MPII_16.joints[MPII_16.flip[0]]
        (5, 'left_ankle')
    """

    name: str
    joints: tuple[str, ...]
    mirror_pairs: tuple[tuple[str, str], ...]
    limbs: tuple[tuple[str, str], ...]
    sigmas: tuple[Annotated[float, Range(0, 1000, exclusive_min=True)], ...]
    weights: tuple[Annotated[float, Range(0, 1000)], ...]
    upper: tuple[str, ...] = ()
    can_flip: bool = True

    def __post_init__(self) -> None:
        """Checks that the fields are consistent."""
        if len(set(map(_key, self.joints))) != len(self.joints):
            raise InputError(f"skeleton {self.name!r}: joint names repeat: {self.joints}")
        named = [name for pair in (*self.mirror_pairs, *self.limbs, self.upper) for name in pair]
        unknown = sorted(set(named) - set(self.joints))
        if unknown:
            raise InputError(
                f"skeleton {self.name!r}: unknown joints {unknown}; it has {self.joints}"
            )
        for field in ("sigmas", "weights"):
            if len(getattr(self, field)) != len(self.joints):
                count = len(getattr(self, field))
                raise InputError(
                    f"skeleton {self.name!r}: {count} {field} for {len(self.joints)} joints"
                )
        check_fields(self, "codec.skeleton")

    def in_order(self, joints: Sequence[str]) -> Skeleton:
        """Returns the same skeleton with its joints in another order.

        Args:
            joints: Names of its K joints in the new order, compared as in `slots`.

        Example:
            >>> COCO_17.in_order(COCO_17.joints[::-1]).sigmas == COCO_17.sigmas[::-1]
            True
        """
        places = self.slots(joints)
        order = sorted(range(self.num_joints), key=places.__getitem__)
        return replace(
            self,
            joints=tuple(self.joints[joint] for joint in order),
            sigmas=tuple(self.sigmas[joint] for joint in order),
            weights=tuple(self.weights[joint] for joint in order),
        )

    @property
    def num_joints(self) -> int:
        """Number of joints, K."""
        return len(self.joints)

    @cached_property
    def flip(self) -> tuple[int, ...]:
        """Permutation of the K joints by mirroring: `keypoints[:, list(flip)]` swaps the sides.

        Joint i of a mirrored person is joint flip[i] of the person; joints that are in no mirror
        pair keep their index.
        """
        other = {a: b for pair in self.mirror_pairs for a, b in (pair, pair[::-1])}
        return tuple(self.joints.index(other.get(name, name)) for name in self.joints)

    def side(self, name: str) -> Literal["left", "right", "middle"]:
        """Returns the side of the body that a joint is on, according to the mirror pairs.

        Args:
            name: Name of the joint. A name that is in no mirror pair gives "middle", also one that
                the skeleton does not have.
        """
        for left, right in self.mirror_pairs:
            if name in (left, right):
                return "left" if name == left else "right"
        return "middle"

    @cached_property
    def has_body(self) -> bool:
        """Whether there is a left and a right shoulder, elbow, wrist, hip, knee or ankle.

        Left and right are found in the names as by `mirror_pairs_by_name`; the joints may also be
        named in Chinese.

        Example:
            >>> names = ("nose", "handWristL", "handWristR")
            >>> ones = (1.0,) * 3
            >>> Skeleton("own", names, (), (), sigmas=ones, weights=ones).has_body
            True
        """
        pairs, _ = mirror_pairs_by_name(self.joints)
        return any(_BODY_PATTERN.search(_words(left)) for left, _ in pairs)

    def slots(self, joints: Sequence[str]) -> tuple[int, ...]:
        """Returns the position of each of the K joints in a list of names; -1 if it is missing.

        Upper and lower case are not distinguished, nor are "_", "-" and a space between words. With
        these positions, `Person.in_slots` brings a person who has the joints of the list into the
        order of this skeleton.

        Args:
            joints: Names of joints, such as those of an annotation file. Of equal names, the last
                one is used.

        Example:
            >>> COCO_17.slots(MPII_16.joints)
            (-1, -1, -1, -1, -1, 13, 12, 14, 11, 15, 10, 3, 2, 4, 1, 5, 0)
        """
        indices = {_key(name): index for index, name in enumerate(joints)}
        return tuple(indices.get(_key(name), -1) for name in self.joints)

    def shared(self, joints: Sequence[str], whose: str) -> str:
        """Returns a text on how many joints of a list the skeleton has, and which it does not have.

        Names are compared as in `slots`.

        Args:
            joints: Names of joints, such as those of an annotation file.
            whose: Origin of the list, such as the path of the file, for the error message.

        Returns:
            Text such as in the example; "" if the skeleton has all of them.

        Raises:
            InputError: If the skeleton has none of the joints.

        Example:
            >>> COCO_17.shared(MPII_16.joints, "mpii_16")
            '12 of 16 joints (left out: pelvis, thorax, upper_neck, head_top)'
        """
        missing = [joints[slot] for slot in range(len(joints)) if slot not in self.slots(joints)]
        if len(missing) == len(joints):
            raise InputError(
                f"{whose} has the joints {', '.join(joints)}; skeleton {self.name} has "
                f"{', '.join(self.joints)}: none in common. They are matched by name"
            )
        if not missing:
            return ""
        return (
            f"{len(joints) - len(missing)} of {len(joints)} joints (left out: {', '.join(missing)})"
        )

    @cached_property
    def limb_indices(self) -> tuple[tuple[int, int], ...]:
        """Indices of the two joints of each limb, in the order of `limbs`."""
        return tuple((self.joints.index(a), self.joints.index(b)) for a, b in self.limbs)


def _key(name: str) -> str:
    """Returns a joint name in the form in which names are compared."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


# Words for left and right, as whole words of a name.
_SIDE_WORDS = (
    ("left", "right"),
    ("lft", "rgt"),
    ("lt", "rt"),
    ("links", "rechts"),
    ("gauche", "droite"),
    ("gauche", "droit"),
    ("izquierda", "derecha"),
    ("izquierdo", "derecho"),
    ("esquerda", "direita"),
    ("esquerdo", "direito"),
    ("sinistra", "destra"),
    ("sinistro", "destro"),
    ("левый", "правый"),
    ("левая", "правая"),
    ("левое", "правое"),
    ("왼쪽", "오른쪽"),
    ("왼", "오른"),
    ("ひだり", "みぎ"),
)
_LETTER = r"[^\W\d_]"
_WORD = rf"(?<!{_LETTER}){{}}(?!{_LETTER})"
# How sides are marked in a joint's name, the clearest first: (left, right, whether a mark without a
# partner shows that the joint is one-sided), regular expressions on the result of `_words`.
_SIDE_PATTERNS = (
    *((_WORD.format(left), _WORD.format(right), True) for left, right in _SIDE_WORDS),
    ("左", "右", True),
    (rf"(?<!{_LETTER})left", rf"(?<!{_LETTER})right", True),  # lefteye
    (rf"left(?!{_LETTER})", rf"right(?!{_LETTER})", False),  # eyeleft, but also upright
    (rf"{_WORD.format('l')}(?!\d)", rf"{_WORD.format('r')}(?!\d)", True),  # l_eye, eye.L, LEye
    (_WORD.format("l"), _WORD.format("r"), False),  # eyeL2, but also L5, a vertebra
    # leye, eyel, lf_paw; but also lip and rear
    (rf"(?<!{_LETTER})l(?={_LETTER})", rf"(?<!{_LETTER})r(?={_LETTER})", False),
    (rf"(?<={_LETTER})l(?!{_LETTER})", rf"(?<={_LETTER})r(?!{_LETTER})", False),
)
_PLAIN_LETTERS = len(_SIDE_PATTERNS) - 2  # from here on the patterns are the last resort


def mirror_pairs_by_name(
    joints: Sequence[str],
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Returns the joints whose names differ in left and right only, and those without a partner.

    Sides are words ("left", "l", "左", ...) anywhere in the name, in any case, at the borders of
    words, which are "_", "-", ".", spaces and capital letters; or letters at the beginning or end
    of a word, if there is exactly one such partner.

    Args:
        joints: Names of the joints.

    Returns:
        pairs: Pairs (left, right) of names, in the order of the left joints.
        one_sided: Names that state a side but have no partner, or several possible ones.

    Example:
        >>> mirror_pairs_by_name(["nose", "eye.L", "eye.R", "upper left lip", "collar_l"])
        ((('eye.L', 'eye.R'),), ('upper left lip', 'collar_l'))
    """
    names = {_words(name): name for name in joints}
    partners: dict[str, set[str]] = {}
    lefts: set[str] = set()
    one_sided: list[str] = []
    for words, name in names.items():
        has_side = False
        for number, (left, right, is_clear) in enumerate(_SIDE_PATTERNS):
            if number >= _PLAIN_LETTERS and has_side:
                break
            is_left, is_right = (_marks(side, words) for side in (left, right))
            if is_left and is_right and is_clear:
                continue  # of both sides: in the middle
            has_side |= is_clear and (is_left or is_right)
            for mine, other in ((left, right), (right, left)):
                for changed in _exchanged(words, mine, other):
                    if changed in names and changed != words:
                        partners.setdefault(name, set()).add(names[changed])
                        if mine == left:
                            lefts.add(name)
        if has_side and name not in partners:
            one_sided.append(name)
    pairs = []
    for name in joints:
        if name not in partners:
            continue
        (*others,) = partners[name]
        if len(others) > 1 or partners.get(others[0]) != {name}:
            one_sided.append(name)
        elif name in lefts:
            pairs.append((name, others[0]))
    return tuple(pairs), tuple(name for name in joints if name in one_sided)


def _words(name: str) -> str:
    """Returns a joint's name as lower-case words, joined by "_"; digits belong to their word.

    Example:
        >>> _words("LEye"), _words("eye (left)"), _words("FingerL2")
        ('l_eye', 'eye_left', 'finger_l2')
    """
    words = re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|[^\W_A-Za-z]+", name)
    return "_".join(words).lower()


def _marks(pattern: str, words: str) -> bool:
    """Returns whether a name has a mark of a side; a letter with nothing beside it is a name."""
    found = re.search(pattern, words)
    return found is not None and (len(found[0]) > 1 or len(words) > 1 or not found[0].isascii())


def _exchanged(words: str, mine: str, other: str) -> set[str]:
    """Returns a name with the mark of one side replaced by the other's, at one place and at all."""
    mark = re.sub(r"\(\?[^()]*\)", "", other)
    found = list(re.finditer(mine, words)) if _marks(mine, words) else []
    each = {words[: place.start()] + mark + words[place.end() :] for place in found}
    return each | ({re.sub(mine, mark, words)} if found else set())


def _sided(*names: str) -> tuple[tuple[str, str], ...]:
    """Returns the pairs of left and right joint names."""
    return tuple((f"left_{name}", f"right_{name}") for name in names)


MPII_16 = Skeleton(
    name="mpii_16",
    joints=(
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "pelvis",
        "thorax",
        "upper_neck",
        "head_top",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
    ),
    mirror_pairs=_sided("ankle", "knee", "hip", "wrist", "elbow", "shoulder"),
    limbs=(
        ("right_ankle", "right_knee"),
        ("right_knee", "right_hip"),
        ("right_hip", "pelvis"),
        ("pelvis", "left_hip"),
        ("left_hip", "left_knee"),
        ("left_knee", "left_ankle"),
        ("pelvis", "thorax"),
        ("thorax", "upper_neck"),
        ("upper_neck", "head_top"),
        ("right_wrist", "right_elbow"),
        ("right_elbow", "right_shoulder"),
        ("right_shoulder", "thorax"),
        ("thorax", "left_shoulder"),
        ("left_shoulder", "left_elbow"),
        ("left_elbow", "left_wrist"),
    ),
    sigmas=(
        0.089,
        0.087,
        0.107,
        0.107,
        0.087,
        0.089,
        0.107,
        0.079,
        0.079,
        0.035,
        0.062,
        0.072,
        0.079,
        0.079,
        0.072,
        0.062,
    ),
    weights=(1.5, 1.2, 1, 1, 1.2, 1.5, 1, 1, 1, 1, 1.5, 1.2, 1, 1, 1.2, 1.5),
    upper=(
        "thorax",
        "upper_neck",
        "head_top",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
    ),
)

_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_BODY = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
# A joint of the body in the name of a left joint, as `_words` returns it: l_hip, lhip, hipl.
_BODY_PATTERN = re.compile(
    rf"(?<!{_LETTER})(left|l)?({'|'.join(_BODY)})(left|l)?(?!{_LETTER})|[肩肘腕髋膝踝]"
)

COCO_17 = Skeleton(
    name="coco_17",
    joints=(*_FACE, *(name for pair in _sided(*_BODY) for name in pair)),
    mirror_pairs=_sided("eye", "ear", *_BODY),
    limbs=(
        ("left_ankle", "left_knee"),
        ("left_knee", "left_hip"),
        ("right_ankle", "right_knee"),
        ("right_knee", "right_hip"),
        ("left_hip", "right_hip"),
        ("left_shoulder", "left_hip"),
        ("right_shoulder", "right_hip"),
        ("left_shoulder", "right_shoulder"),
        ("left_shoulder", "left_elbow"),
        ("right_shoulder", "right_elbow"),
        ("left_elbow", "left_wrist"),
        ("right_elbow", "right_wrist"),
        ("left_eye", "right_eye"),
        ("nose", "left_eye"),
        ("nose", "right_eye"),
        ("left_eye", "left_ear"),
        ("right_eye", "right_ear"),
        ("left_ear", "left_shoulder"),
        ("right_ear", "right_shoulder"),
    ),
    sigmas=(
        0.026,
        0.025,
        0.025,
        0.035,
        0.035,
        0.079,
        0.079,
        0.072,
        0.072,
        0.062,
        0.062,
        0.107,
        0.107,
        0.087,
        0.087,
        0.089,
        0.089,
    ),
    weights=(1, 1, 1, 1, 1, 1, 1, 1.2, 1.2, 1.5, 1.5, 1, 1, 1.2, 1.2, 1.5, 1.5),
    upper=(*_FACE, *(name for pair in _sided("shoulder", "elbow", "wrist") for name in pair)),
)

SKELETONS = {skeleton.name: skeleton for skeleton in (MPII_16, COCO_17)}
"""Skeletons of this package by name."""
