from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from paddle_pose.codecs import movenet_search, movenet_targets
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.configs.movenet import ALL
from paddle_pose.skeletons import COCO_17, MPII_16, Skeleton

ONE = Skeleton("one", ("head",), (), (), (0.05,), (1.0,))
THREE = Skeleton(
    *("three", ("head", "left_hand", "right_hand"), (("left_hand", "right_hand"),), ()),
    *((0.05, 0.1, 0.1), (1.0, 1.0, 1.0)),
)
# What the original reads is taught where it reads it: its large blobs pull the most central cell by one.
KERNELS = [{"kernel": "gaussian"}, {"kernel": "fire717", "regression_radius": 1.0}]
VARIANTS = [
    {**kernel, "center": center, "regression_unit": unit, "max_persons": most}
    for kernel, center, unit, most in product(
        KERNELS, ("box", "keypoints"), ("cell", "map"), (1, 6)
    )
]
SHAPES = [
    (COCO_17, (192, 192), 4),
    (MPII_16, (96, 160), 4),
    (THREE, (64, 32), 2),
    (ONE, (160, 96), 8),
]
CODEC = MoveNetCodec(skeleton=THREE, input_size=(96, 64), max_persons=6)


def people(rng, codec, count):
    """`count` people [P, K, 2] all over the window, whose centres and whose joints of a kind do not share a cell."""
    size, joints = np.array(codec.input_size), codec.skeleton.num_joints
    chosen = np.zeros((0, joints, 2))
    while len(chosen) < count:
        corner, far = np.sort(rng.uniform(0, size, (2, 2)), axis=0)
        group = np.concatenate([chosen, rng.uniform(corner, far, (1, joints, 2))])
        centers = (
            (group.min(axis=1) + group.max(axis=1)) / 2
            if codec.center == "box"
            else group.mean(axis=1)
        )
        apart = np.abs(np.floor(centers / codec.stride) - np.floor(centers[-1] / codec.stride)).max(
            axis=-1
        )
        cells = np.floor(group / codec.stride)
        if (apart[:-1] >= 2).all() and (cells[:-1] != cells[-1]).any(axis=-1).all():
            chosen = group
    return chosen


def one(codec, maps):
    return codec.decode({name: maps[name][None] for name in codec.outputs})[0]


def encoded(codec, keypoints, visible=None, boxes=None):
    keypoints = np.asarray(keypoints, float)
    return codec.encode(
        keypoints, np.ones(keypoints.shape[:2]) if visible is None else np.asarray(visible), boxes
    )


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(str(x) for x in v.values()))
@pytest.mark.parametrize(
    ("skeleton", "size", "stride"), SHAPES, ids=["coco", "mpii", "three", "one"]
)
def test_what_is_encoded_is_decoded_exactly(variant, skeleton, size, stride):
    codec = MoveNetCodec(skeleton=skeleton, input_size=size, stride=stride, **variant)
    rng = np.random.default_rng(0)
    for count in (1, 1, 1, 2, 3, 6):
        group = people(rng, codec, count)
        found = one(codec, encoded(codec, group))
        errors = np.abs(found.keypoints[:, None] - group).max(axis=(2, 3))  # [found, P]
        if codec.max_persons == 1:
            assert errors.shape == (1, count)
            assert errors.min() < 1e-4
        else:
            assert sorted(errors.argmin(axis=1)) == list(range(count))
            assert errors.min(axis=1).max() < 1e-4
        assert found.scores.min() == found.person_scores.min() == 1


@pytest.mark.parametrize("config", ALL, ids=lambda config: config.name)
@pytest.mark.parametrize("most", [1, 6])
def test_every_configs_targets_are_decoded_exactly_wherever_the_person_is(config, most):
    """The single-person rule stops beside the centre of a large person off the middle: regressions are taught there."""
    codec = replace(config.codec, max_persons=most, input_size=(96, 64), center="box")
    size, rng = np.array(codec.input_size), np.random.default_rng(1)
    keypoints = rng.uniform(size / 2 - 12, size / 2 + 12, (1, 17, 2))
    keypoints[0, 2:11] = (
        size / 2 + 1 + 4 * np.array(list(product((-1, 0, 1), repeat=2)))
    )  # from here the middle draws
    keypoints[0, :2] = (1, 1), size - 1  # as large as the window
    for middle in product(range(18, 80, 4), range(10, 56, 4)):
        # what of this box is in the window has its middle there
        low, high = np.where(
            middle < size / 2,
            (-size, 2 * np.array(middle)),
            (2 * np.array(middle) - size, 2 * size),
        )
        maps = encoded(codec, keypoints, None, np.hstack([low, high - low])[None])
        assert maps["centers"][0, middle[1] // 4, middle[0] // 4] == 1
        assert np.abs(one(codec, maps).keypoints - keypoints).max() < 1e-4


@pytest.mark.parametrize(
    "variant", VARIANTS[::2], ids=lambda v: "-".join(str(x) for x in v.values())
)
def test_the_order_of_the_people_changes_nothing(variant):
    codec = MoveNetCodec(input_size=(96, 96), **variant)
    rng = np.random.default_rng(2)
    for _ in range(5):
        group = rng.uniform(-10, 106, (4, 17, 2))
        visible = rng.random((4, 17)) < 0.7
        visible[0] = False
        boxes = np.hstack([group.min(axis=1), np.ptp(group, axis=1)])
        order = rng.permutation(4)
        first, again = (codec.encode(group[o], visible[o], boxes[o]) for o in (np.arange(4), order))
        for name, values in first.items():
            assert np.array_equal(values, again[name]), name


def test_a_joint_that_is_not_labelled_is_masked_in_its_persons_box_and_taught_nowhere():
    keypoints = np.array([[[10, 10], [30, 10], [10, 42]], [[60, 20], [84, 20], [70, 50]]], float)
    boxes = np.array(
        [[8, 8, 24, 36], [56, 16, 32, 40]], float
    )  # cells 2..8 x 2..11 and 14..22 x 4..14
    maps = encoded(CODEC, keypoints, [[1, 0, 2], [1, 1, 1]], boxes)
    free = np.ones((16, 24), bool)
    free[2:12, 2:9] = False
    weights = maps["heatmap_weights"]
    assert (weights[[0, 2]] == 1).all()
    assert (weights[1][free] == 1).all()
    blob = maps["heatmaps"][1] > 0
    assert np.array_equal(weights[1] == 0, ~free & ~blob)
    assert maps["heatmaps"][1, 5, 21] == 1  # the other person's
    assert (maps["center_weights"] == 1).all()
    first, second = np.argwhere(maps["centers"][0] == 1)  # (y, x)
    assert maps["regression_weights"][:, first[0], first[1]].tolist() == [1, 0, 1]
    assert maps["regression_weights"][:, second[0], second[1]].tolist() == [1, 1, 1]
    assert maps["offset_weights"][:, 2, 7].tolist() == [0, 0, 0]
    assert maps["offset_weights"][:, 2, 2].tolist() == [1, 0, 0]


def test_the_blob_of_a_labelled_joint_counts_inside_a_masked_box():
    keypoints = np.array([[[50, 30]] * 3, [[48, 32]] * 3], float)
    maps = encoded(
        CODEC,
        keypoints,
        [[1, 1, 1], [1, 0, 1]],
        np.array([[40, 20, 20, 20], [4, 4, 88, 56]], float),
    )
    weights, blob = maps["heatmap_weights"][1], maps["heatmaps"][1] > 0
    assert blob[7, 12]
    assert (weights[blob] == 1).all()
    assert (weights[1:15, 1:23][~blob[1:15, 1:23]] == 0).all()


def test_a_crowd_is_a_region_to_leave_alone_but_for_the_people_in_it():
    keypoints = np.array([[[20, 20], [30, 24], [24, 40]], [[np.nan, np.nan]] * 3], float)
    boxes = np.array([[16, 16, 20, 28], [12, 8, 60, 50]], float)  # the crowd: cells 3..18 x 2..14
    maps = encoded(CODEC, keypoints, [[1, 1, 1], [0, 0, 0]], boxes)
    alone = encoded(CODEC, keypoints[:1], [[1, 1, 1]], boxes[:1])
    inside = np.zeros((16, 24), bool)
    inside[2:15, 3:19] = True
    for name, values in (("center_weights", "centers"), ("heatmap_weights", "heatmaps")):
        assert np.array_equal(maps[values], alone[values])
        assert (alone[name] == 1).all()
        assert np.array_equal(maps[name] == 0, inside & (maps[values] == 0))
        assert (maps[name] == 0).any()
    for name in ("regressions", "regression_weights", "offsets", "offset_weights"):
        assert np.array_equal(maps[name], alone[name])


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -1e9, 20.0])
def test_the_coordinates_of_unlabelled_joints_mean_nothing(nothing):
    keypoints, visible = np.array([[[20, 20], [30, 24], [24, 40]]], float), [[1, 0, 1]]
    for boxes in (None, np.array([[8.0, 8.0, 40.0, 40.0]])):
        expected = encoded(CODEC, keypoints, visible, boxes)
        keypoints[0, 1] = nothing
        maps = encoded(CODEC, keypoints, visible, boxes)
        for name, values in expected.items():
            assert np.isfinite(maps[name]).all()
            assert np.array_equal(values, maps[name])
        assert not maps["heatmaps"][1].any()


def test_joints_outside_count_as_unlabelled_and_whoever_is_outside_as_nobody():
    box = np.array([[60.0, 20, 60, 30]])
    keypoints = np.array(
        [[[70, 22], [96, 24], [80, 40]]], float
    )  # the second at the first px beyond the right edge
    maps, again = encoded(CODEC, keypoints, None, box), encoded(CODEC, keypoints, [[1, 0, 1]], box)
    for name, values in again.items():
        assert np.array_equal(values, maps[name])
    assert not maps["heatmaps"][1].any()
    assert maps["heatmap_weights"][1, 5:12, 15:].max() == 0
    keypoints[0, 1, 0] = 95.99
    assert encoded(CODEC, keypoints, None, box)["heatmaps"][1, 6, 23] == 1
    outside = encoded(CODEC, keypoints + 100, None, box + np.array([100, 100, 0, 0]))
    assert not any(
        outside[name].any()
        for name in ("centers", "heatmaps", "regression_weights", "offset_weights")
    )
    assert (outside["center_weights"] == 1).all()
    assert (outside["heatmap_weights"] == 1).all()


def test_nobody_is_everything_but_people():
    maps = CODEC.encode(np.zeros((0, 3, 2)), np.zeros((0, 3)))
    assert not any(
        maps[name].any() for name in (*CODEC.outputs, "regression_weights", "offset_weights")
    )
    assert (maps["center_weights"] == 1).all()
    assert (maps["heatmap_weights"] == 1).all()
    assert one(CODEC, maps).keypoints.shape == (0, 3, 2)
    assert one(replace(CODEC, max_persons=1), maps).keypoints.shape == (1, 3, 2)


@pytest.mark.parametrize("unit", ["cell", "map"])
@pytest.mark.parametrize("center", ["box", "keypoints"])
def test_regressions_lead_to_the_joints_cell_and_offsets_to_its_place(unit, center):
    codec = replace(
        CODEC, regression_unit=unit, center=center, regression_radius=0.0, offset_radius=0.0
    )
    keypoints = np.array([[[41, 9], [63.5, 30], [22, 54.25]]])
    maps = encoded(codec, keypoints, None, np.array([[16.0, 8, 50, 50]]))
    x, y = (10, 8) if center == "box" else (10, 7)  # (41, 33) and (42.17, 31.08)
    assert maps["centers"][0, y, x] == 1
    assert np.argwhere(maps["regression_weights"]).tolist() == [[k, y, x] for k in range(3)]
    lead = maps["regressions"][:, y, x].reshape(3, 2) * ((24, 16) if unit == "map" else (1, 1))
    assert np.allclose(lead + np.array([x, y]), [[10, 2], [15, 7], [5, 13]], atol=1e-5)
    offsets = maps["offsets"].reshape(3, 2, 16, 24)
    assert offsets[0, :, 2, 10].tolist() == [0.25, 0.25]
    assert offsets[1, :, 7, 15].tolist() == [0.875, 0.5]
    assert offsets[2, :, 13, 5].tolist() == [0.5, 0.5625]
    assert np.count_nonzero(maps["offset_weights"]) == 3


@pytest.mark.parametrize(("radius", "cells"), [(0.0, 1), (1.0, 5), (2.0, 13), (3.0, 29)])
def test_values_are_taught_within_the_radius_and_the_nearest_person_decides(radius, cells):
    codec = replace(CODEC, skeleton=ONE, offset_radius=radius, regression_radius=radius)
    maps = encoded(codec, [[[42.0, 33.0]]])
    assert maps["offset_weights"].sum() == maps["regression_weights"].sum() == cells
    y, x = np.nonzero(maps["offset_weights"][0])
    assert np.hypot(x - 10, y - 8).max() == radius
    assert np.array_equal(maps["offsets"][:, y, x], [10.5 - x, 8.25 - y])
    pair = np.array([[[42.0, 33.0]], [[55.0, 33.0]]])  # cells 10 and 13
    for order in (pair, pair[::-1]):
        maps = encoded(codec, order)
        for x in np.nonzero(maps["offset_weights"][0, 8])[0]:
            place, cell = (10.5, 10) if abs(x - 10) < abs(x - 13) else (13.75, 13)
            assert maps["offsets"][0, 8, x] == place - x
            assert maps["regressions"][0, 8, x] == cell - x


def test_of_two_people_equally_near_the_larger_one_decides():
    codec = replace(CODEC, skeleton=ONE)
    keypoints = np.array([[[40.0, 33.0]], [[56.0, 33.0]]])
    boxes = np.array([[36.0, 28, 8, 8], [16, 0, 80, 64]])
    for order in ([0, 1], [1, 0]):
        assert (
            encoded(codec, keypoints[order], None, boxes[order])["offsets"][0, 8, 12] == 2
        )  # to 14, not to 10


@pytest.mark.parametrize("kernel", ["gaussian", "fire717"])
def test_peaks_are_exactly_1_for_everybody(kernel):
    codec = MoveNetCodec(kernel=kernel)
    rng = np.random.default_rng(3)
    group = rng.uniform(0, 192, (5, 17, 2))
    maps = encoded(codec, group)
    assert maps["heatmaps"].max() == maps["centers"].max() == 1
    cells = np.floor(group / 4).astype(int)
    assert (maps["heatmaps"][np.arange(17), cells[..., 1], cells[..., 0]] == 1).all()
    centers = np.floor((group.min(axis=1) + group.max(axis=1)) / 8).astype(int)
    assert (maps["centers"][0, centers[:, 1], centers[:, 0]] == 1).all()


def test_gaussians_shrink_with_the_person_down_to_the_smallest():
    for share, sigma in ((1.0, 2.0), (0.36, 1.2), (0.01, 1.0)):
        side = 192 * share**0.5
        maps = encoded(
            MoveNetCodec(skeleton=ONE), [[[97.0, 97.0]]], None, np.array([[0, 0, side, side]])
        )
        assert maps["heatmaps"][0, 24, 25] == pytest.approx(np.exp(-1 / (2 * sigma**2)), rel=1e-5)


def fire717_maps(keypoints, visible, boxes, size):
    """The original's heatmaps and centres, but whole squares, highest instead of added up, and nobody blanked."""
    heatmaps, centers = np.zeros((17, size, size)), np.zeros((1, size, size))

    def blob(map_, cell, sigma):
        radius = (sigma + 6) // 2
        for y in range(cell[1] - radius, cell[1] + radius + 1):
            for x in range(cell[0] - radius, cell[0] + radius + 1):
                if 0 <= x < size and 0 <= y < size:
                    value = np.exp(-3 * np.sqrt((x - cell[0]) ** 2 + (y - cell[1]) ** 2) / radius)
                    map_[y, x] = max(map_[y, x], value)

    for points, seen, (x, y, width, height) in zip(keypoints, visible, boxes, strict=True):
        fractions = points[seen > 0] / (4 * size)
        area = np.prod(fractions.max(axis=0) - fractions.min(axis=0))
        sigma = 3 if area < 0.16 else 5 if area < 0.3 else 7
        for joint in np.nonzero(seen)[0]:
            blob(heatmaps[joint], (points[joint] // 4).astype(int), sigma)
        blob(centers[0], (int((x + width / 2) // 4), int((y + height / 2) // 4)), sigma + 2)
    return heatmaps, centers


def test_the_originals_kernel_is_a_literal_restatement_of_it():
    codec = MoveNetCodec(kernel="fire717")
    rng = np.random.default_rng(4)
    reached = set()
    for count in (1, 2, 3, 3):
        corners = np.sort(rng.uniform(0, 192, (count, 2, 2)), axis=1)
        if count == 1:
            corners[:] = (10, 5), (180, 185)
        keypoints = rng.uniform(corners[:, :1], corners[:, 1:], (count, 17, 2))
        visible = (rng.random((count, 17)) < 0.8).astype(int)
        boxes = np.hstack([corners[:, 0], corners[:, 1] - corners[:, 0]])
        maps = codec.encode(keypoints, visible, boxes)
        heatmaps, centers = fire717_maps(keypoints, visible, boxes, 48)
        assert np.allclose(maps["heatmaps"], heatmaps, atol=1e-6)
        assert np.allclose(maps["centers"], centers, atol=1e-6)
        reached |= set(np.round(maps["heatmaps"].astype(float), 4).flat)
    # small and large people were among them: one cell from the peak
    assert {round(float(np.exp(-3 / radius)), 4) for radius in (4, 6)} <= reached


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(str(x) for x in v.values()))
def test_maps_of_a_mirrored_image_are_mirrored_maps(variant):
    codec = MoveNetCodec(input_size=(96, 64), **variant)
    flip, rng = list(COCO_17.flip), np.random.default_rng(5)
    for _ in range(5):
        keypoints = rng.integers(0, (96, 64), (3, 17, 2)).astype(float)
        if codec.center == "keypoints":  # keypoints whose mean is a whole px
            keypoints[:, 8:16] = [95, 63] - keypoints[:, :8]
            keypoints[:, 16] = rng.integers(0, 2, (3, 2)) * 17 + 39
        visible = (
            np.ones((3, 17), int) if codec.center == "keypoints" else rng.integers(0, 3, (3, 17))
        )
        # boxes whose middle is a whole px
        low = rng.integers(0, (40, 20), (3, 2))
        boxes = np.hstack([low, 2 * rng.integers(2, 20, (3, 2))]).astype(float)
        mirrored = (keypoints * [-1, 1] + [95, 0])[:, flip]
        mirrored_boxes = np.column_stack([95 - boxes[:, 0] - boxes[:, 2], boxes[:, 1:]])
        expected = codec.encode(keypoints, visible, boxes)
        maps = codec.encode(mirrored, visible[:, flip], mirrored_boxes)
        back = codec.mirror({name: maps[name][None] for name in codec.outputs}, shift=True)
        for name in ("centers", "heatmaps"):
            assert np.array_equal(back[name][0], expected[name]), name
        for name in ("regressions", "offsets"):
            taught = expected[f"{name[:-1]}_weights"].repeat(2, axis=0) > 0
            assert np.array_equal(taught[::2], maps[f"{name[:-1]}_weights"][flip, :, ::-1] > 0)
            assert taught.any()
            assert np.array_equal(back[name][0][taught], expected[name][taught]), name


@pytest.mark.parametrize("most", [1, 6])
def test_decoding_mirrored_maps_finds_the_mirrored_places(most):
    codec = MoveNetCodec(input_size=(96, 64), max_persons=most, center_threshold=0.5)
    rng, flip = np.random.default_rng(6), list(COCO_17.flip)
    for _ in range(10):
        group = people(rng, codec, 1)
        maps = {
            name: values[None]
            for name, values in encoded(codec, group).items()
            if name in codec.outputs
        }
        (poses,) = codec.decode(codec.mirror(maps, shift=False))
        assert np.abs(poses.keypoints - (group * [-1, 1] + [95, 0])[:, flip]).max() < 1e-4
        twice = codec.mirror(codec.mirror(maps, shift=False), shift=False)
        for name in codec.outputs:
            assert np.allclose(twice[name], maps[name], atol=1e-6)


def test_at_most_so_many_people_and_the_likeliest_first():
    codec = replace(CODEC, max_persons=2)
    group = people(np.random.default_rng(7), codec, 3)
    maps = encoded(codec, group)
    places = np.argwhere(maps["centers"][0] == 1)
    for (y, x), height in zip(places, (0.5, 0.9, 0.7), strict=True):
        maps["centers"][0, y, x] = height
    maps["centers"][maps["centers"] < 0.5] = 0
    maps["centers"][0, places[:, 0], places[:, 1]] = 0.5, 0.9, 0.7
    for most, threshold, scores in (
        (2, 0.1, [0.9, 0.7]),
        (6, 0.6, [0.9, 0.7]),
        (6, 0.95, []),
        (6, 0.8, [0.9]),
    ):
        only = np.zeros_like(maps["centers"])
        only[0, places[:, 0], places[:, 1]] = 0.5, 0.9, 0.7
        found = one(
            replace(codec, max_persons=most, center_threshold=threshold), {**maps, "centers": only}
        )
        assert found.person_scores == pytest.approx(scores)


def test_a_joint_is_looked_for_within_its_person():
    codec = replace(CODEC, skeleton=THREE, input_size=(160, 64))
    near = np.array([[[20, 20], [30, 24], [24, 40]]], float)
    maps = encoded(codec, near, [[1, 1, 0]])
    maps["heatmaps"][2, 10, 35] = 1.0  # a stranger's, 29 cells from the regression
    maps["heatmaps"][2, 6, 6] = 0.01
    y, x = np.argwhere(maps["centers"][0] == 1)[0]
    maps["regressions"][4:6, y, x] = 6 - x, 10 - y
    found = one(codec, maps)
    assert (found.keypoints[0, 2] < 60).all()
    assert found.scores[0, 2] < 0.02


@pytest.mark.parametrize(
    ("keypoints", "visible", "boxes"),
    [
        ((1, 2, 2), (1, 2), None),
        ((3, 2), (3,), None),
        ((2, 3, 2), (1, 3), None),
        ((2, 3, 2), (2, 3), (1, 4)),
        ((2, 3, 3), (2, 3), (2, 4)),
    ],
)
def test_people_that_do_not_belong_together_are_refused(keypoints, visible, boxes):
    with pytest.raises(
        ValueError,
        match=r"expected keypoints \[P, 3, 2\], visible \[P, 3\] and boxes \[P, 4\], got",
    ):
        CODEC.encode(
            np.zeros(keypoints), np.zeros(visible), None if boxes is None else np.zeros(boxes)
        )


@pytest.mark.parametrize("wrong", ["centers", "heatmaps", "regressions", "offsets"])
def test_maps_of_another_shape_are_refused(wrong):
    channels = {"centers": 1, "heatmaps": 3, "regressions": 6, "offsets": 6}
    maps = {name: np.zeros((2, count, 16, 24)) for name, count in channels.items()}
    assert len(CODEC.decode(maps)) == 2
    for values in (maps[wrong][:, :, :15], maps[wrong][0], np.zeros((2, 7, 16, 24))):
        with pytest.raises(ValueError, match=r"expected \w+ \['N', \d, 16, 24\], got \[.*"):
            CODEC.decode({**maps, wrong: values})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"input_size": (190, 192)},
            r"the input size \(190, 192\) is not a multiple of the maps' stride 4",
        ),
        ({"input_size": (0, 192)}, "'codec.input_size': got 0, expected int from 1"),
        ({"sigma": 0.5}, "min_sigma <= sigma, got 1.0 and 0.5"),
        ({"min_sigma": 0.0}, "'codec.min_sigma': got 0.0, expected float above 0"),
        ({"max_persons": 0}, "'codec.max_persons': got 0, expected int from 1"),
        ({"offset_radius": -1.0}, "'codec.offset_radius': got -1.0"),
        ({"regression_radius": -1.0}, "'codec.regression_radius': got -1.0"),
    ],
)
def test_values_out_of_range_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        MoveNetCodec(**values)


def test_what_there_is_to_look_at():
    maps = {name: encoded(CODEC, [[[20, 20], [30, 24], [24, 40]]])[name] for name in CODEC.outputs}
    shown = CODEC.visualize(maps)
    assert list(shown) == ["centers", "head", "left_hand", "right_hand", "regressions", "offsets"]
    assert all(
        values.shape == (16, 24) and 0 <= values.min() <= values.max() <= 1
        for values in shown.values()
    )
    assert np.array_equal(shown["left_hand"], maps["heatmaps"][1])
    assert shown["regressions"].max() == 1
    assert not CODEC.visualize({name: np.zeros_like(values) for name, values in maps.items()})[
        "offsets"
    ].any()


def test_how_people_are_read_in_words():
    assert MoveNetCodec().describe() == "the most central person"
    assert CODEC.describe() == "up to 6 people with a centre above 0.1"


def test_the_reach_of_a_joint_is_a_share_of_its_person():
    points = np.array(
        [[[0.0, 0.0], [20.0, 4.0]], [[3.0, 3.0], [4.0, 3.0]], [[-5.0, 2.0], [30.0, 2.0]]]
    )
    clipped, reach = movenet_search.within_person(points, (24, 16))
    assert reach[:, 0] == pytest.approx([6.0, 2.0, 10.5])
    assert clipped[2].tolist() == [[0, 2], [23, 2]]


def test_cells_that_a_box_touches():
    touched = movenet_targets.touched(
        np.array([[0.9, -3.0, 2.0, 0.5], [9.0, 9.0, 12.0, 12.0]]), (4, 3)
    )
    assert touched.astype(int).tolist() == [[[1, 1, 1, 0], [0] * 4, [0] * 4], [[0] * 4] * 3]
