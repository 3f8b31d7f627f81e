from dataclasses import replace

import pytest

from paddle_pose.skeletons import MPII_16, SKELETONS

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
def test_mirror_images_have_the_same_constants_and_limbs(skeleton):
    for values in (skeleton.sigmas, skeleton.weights):
        assert [values[other] for other in skeleton.flip] == list(values)
    limbs = {frozenset(limb) for limb in skeleton.limbs}
    assert {frozenset(map(swapped, limb)) for limb in limbs} == limbs
    assert {swapped(name) for name in skeleton.upper} == set(skeleton.upper)
    assert [tuple(skeleton.joints[j] for j in limb) for limb in skeleton.limb_indices] == list(
        skeleton.limbs
    )


def test_published_orders():
    """Source: HRNet's `flip_pairs` of MPII and COCO's category record."""
    assert (MPII_16.num_joints, SKELETONS["coco_17"].num_joints) == (16, 17)
    pairs = {(j, other) for j, other in enumerate(MPII_16.flip) if j < other}
    assert pairs == {(0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13)}
    assert sorted(MPII_16.joints.index(name) for name in MPII_16.upper) == list(range(7, 16))
    coco = SKELETONS["coco_17"]
    pairs = {(j, other) for j, other in enumerate(coco.flip) if j < other}
    assert pairs == {(1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joints": ("pelvis",) * 16}, "joint names repeat"),
        ({"mirror_pairs": (("left_ankle", "tail"),)}, r"unknown joints \['tail'\]"),
        ({"limbs": (("horn", "pelvis"),)}, r"unknown joints \['horn'\]"),
        ({"upper": ("wing",)}, r"unknown joints \['wing'\]"),
        ({"sigmas": (0.1,)}, "1 sigmas for 16 joints"),
        ({"weights": (1.0,) * 17}, "17 weights for 16 joints"),
    ],
)
def test_parts_that_disagree_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
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
    with pytest.raises(
        ValueError, match=r"my file has the joints tail; skeleton mpii_16 has .*: none in common"
    ):
        MPII_16.shared(("tail",), "my file")


@EACH
def test_sides_are_what_the_mirror_pairs_say(skeleton):
    for name in skeleton.joints:
        assert skeleton.side(name) == (name.split("_")[0] if swapped(name) != name else "middle")
