from dataclasses import replace

import pytest

from paddle_pose.errors import InputError
from paddle_pose.skeletons import MPII_16, SKELETONS, Skeleton, mirror_pairs_by_name

EACH = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)


def swapped(name):
    side, _, rest = name.partition("_")
    return {"left": f"right_{rest}", "right": f"left_{rest}"}.get(side, name)


@EACH
def test_flip_is_an_involution_that_swaps_left_and_right(skeleton):
    assert [skeleton.flip[other] for other in skeleton.flip] == list(range(skeleton.num_joints))
    assert [skeleton.joints[other] for other in skeleton.flip] == [
        swapped(name) for name in skeleton.joints
    ]


@EACH
def test_constants_and_limbs_are_symmetric(skeleton):
    for values in (skeleton.sigmas, skeleton.weights):
        assert [values[other] for other in skeleton.flip] == list(values)
    limbs = {frozenset(limb) for limb in skeleton.limbs}
    assert {frozenset(map(swapped, limb)) for limb in limbs} == limbs
    assert {swapped(name) for name in skeleton.upper} == set(skeleton.upper)
    assert [tuple(skeleton.joints[j] for j in limb) for limb in skeleton.limb_indices] == list(
        skeleton.limbs
    )


def test_the_order_of_joints_is_as_published():
    """Source: HRNet's `flip_pairs` for MPII, the category record of COCO."""
    assert (MPII_16.num_joints, SKELETONS["coco_17"].num_joints) == (16, 17)
    pairs = {(j, other) for j, other in enumerate(MPII_16.flip) if j < other}
    assert pairs == {(0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13)}
    assert sorted(MPII_16.joints.index(name) for name in MPII_16.upper) == list(range(7, 16))
    coco = SKELETONS["coco_17"]
    pairs = {(j, other) for j, other in enumerate(coco.flip) if j < other}
    assert pairs == {(1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)}


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        ({"joints": ("pelvis",) * 16}, "'mpii_16'.*pelvis"),
        ({"mirror_pairs": (("left_ankle", "tail"),)}, r"'mpii_16'.*\['tail'\]"),
        ({"limbs": (("horn", "pelvis"),)}, r"'mpii_16'.*\['horn'\]"),
        ({"upper": ("wing",)}, r"'mpii_16'.*\['wing'\]"),
        ({"sigmas": (0.1,)}, "'mpii_16'.*1 sigmas for 16 joints"),
        ({"weights": (1.0,) * 17}, "'mpii_16'.*17 weights for 16 joints"),
    ],
)
def test_inconsistent_fields_raise(change, pattern):
    with pytest.raises(InputError, match=pattern):
        replace(MPII_16, **change)


def test_joints_are_matched_by_name():
    own = replace(
        MPII_16,
        joints=("Left Wrist", "left-eye", *MPII_16.joints[:14]),
        mirror_pairs=(),
        limbs=(),
        upper=(),
    )
    assert own.slots(("left_eye", "LEFT_WRIST"))[:2] == (1, 0)
    assert own.slots(own.joints) == tuple(range(16))
    assert own.shared(own.joints, "my file") == ""
    assert own.shared(("left_wrist", "tail"), "my file") == "1 of 2 joints (left out: tail)"
    with pytest.raises(InputError, match=r"my file .*tail.*mpii_16.*right_ankle"):
        MPII_16.shared(("tail",), "my file")


@EACH
def test_sides_follow_from_the_mirror_pairs(skeleton):
    for name in skeleton.joints:
        assert skeleton.side(name) == (name.split("_")[0] if swapped(name) != name else "middle")


@EACH
def test_mirror_pairs_of_known_skeletons_are_found_by_name(skeleton):
    pairs, one_sided = mirror_pairs_by_name(skeleton.joints)
    assert set(pairs) == set(skeleton.mirror_pairs)
    assert one_sided == ()


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("left_eye", "right_eye"),
        ("eye_left", "eye_right"),
        ("left-eye", "right-eye"),
        ("Left Eye", "Right Eye"),
        ("LEFT_EYE", "RIGHT_EYE"),
        ("leftEye", "rightEye"),
        ("EyeLeft", "EyeRight"),
        ("lefteye", "righteye"),
        ("eyeleft", "eyeright"),
        ("L_Eye", "R_Eye"),
        ("l_eye", "r_eye"),
        ("eye_l", "eye_r"),
        ("eye.L", "eye.R"),
        ("eye (L)", "eye (R)"),
        ("eyeL", "eyeR"),
        ("LEye", "REye"),
        ("Leye", "Reye"),
        ("leye", "reye"),
        ("LEYE", "REYE"),
        ("eye_lt", "eye_rt"),
        ("upper left lip", "upper right lip"),
        ("upper_l_lip", "upper_r_lip"),
        ("thigh.l.001", "thigh.r.001"),
        ("LHand1", "RHand1"),
        ("handL5", "handR5"),
        ("rig:LeftArm", "rig:RightArm"),
        ("lf_paw", "rf_paw"),
        ("paw_fl", "paw_fr"),
        ("左眼", "右眼"),
        ("眼(左)", "眼(右)"),
        ("épaule gauche", "épaule droite"),
        ("left", "right"),
    ],
)
def test_sides_in_names_are_recognised(left, right):
    others = ("nose", "lip", "rear", "upright", "L5", "C7", "left_right_middle")
    pairs, one_sided = mirror_pairs_by_name((right, *others, left))
    assert pairs == ((left, right),)
    assert one_sided == ()


@pytest.mark.parametrize(
    ("joints", "one_sided"),
    [
        (("left_eye", "nose"), ("left_eye",)),
        (("l_eye", "r_eye", "collar_l", "rear"), ("collar_l",)),
        (("左眼", "右眼", "左耳"), ("左耳",)),
        (("left_eye", "right_ear"), ("left_eye", "right_ear")),
        (("ll", "lr", "rl", "rr"), ("ll", "lr", "rl", "rr")),  # several partners fit
        (tuple("abcdefghijklmnopqrstuvwxyz"), ()),
        (("lip", "rear", "tail"), ()),
        (("0", "1", "2"), ()),
    ],
)
def test_sides_without_a_partner_are_stated(joints, one_sided):
    pairs, found = mirror_pairs_by_name(joints)
    assert found == one_sided
    assert set(pairs) <= {("l_eye", "r_eye"), ("左眼", "右眼")}


@pytest.mark.parametrize(
    ("joints", "has_body"),
    [
        (("head_top", "left_wrist", "right_wrist", "left_ankle", "right_ankle"), True),
        (("nose", "hip.L", "hip.R"), True),
        (("lknee", "rknee"), True),
        (("ElbowLeft", "ElbowRight"), True),
        (("左手腕", "右手腕"), True),
        (("nose", "left_wrist"), False),  # of one side
        (("wrist", "left_thumb", "right_thumb"), False),
        (("left_eye", "right_eye", "left_chip", "right_chip"), False),
        (("front", "rear"), False),
    ],
)
def test_a_body_has_one_of_its_joints_on_both_sides(joints, has_body):
    ones = (1.0,) * len(joints)
    skeleton = Skeleton("own", joints, (), (), sigmas=ones, weights=ones)
    assert skeleton.has_body == has_body
    assert all(known.has_body for known in SKELETONS.values())
