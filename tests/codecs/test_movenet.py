from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from paddle_pose.codecs import movenet_search, movenet_targets
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.configs.movenet import ALL
from paddle_pose.errors import InputError
from paddle_pose.skeletons import COCO_17, MPII_16, Skeleton

ONE = Skeleton(
    name="one", joints=("head",), mirror_pairs=(), limbs=(), sigmas=(0.05,), weights=(1.0,)
)
THREE = Skeleton(
    name="three",
    joints=("head", "left_hand", "right_hand"),
    mirror_pairs=(("left_hand", "right_hand"),),
    limbs=(),
    sigmas=(0.05, 0.1, 0.1),
    weights=(1.0, 1.0, 1.0),
)
# With fire717's large blobs the most central cell may be one cell away from the centre, so that
# regressions must be written there as well.
KERNELS = [{"kernel": "gaussian"}, {"kernel": "fire717", "regression_radius": 1.0}]
VARIANTS = [
    {**kernel, "center": center, "regression_unit": unit, "max_persons": max_persons}
    for kernel, center, unit, max_persons in product(
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
    """Returns people [count, K, 2] in the window.

    No two of them have the same joint in one cell, and their centres are at least two cells apart.
    """
    size, joints = np.array(codec.input_size), codec.skeleton.num_joints
    chosen = np.zeros((0, joints, 2))
    while len(chosen) < count:
        low, high = np.sort(rng.uniform(0, size, (2, 2)), axis=0)
        group = np.concatenate([chosen, rng.uniform(low, high, (1, joints, 2))])
        box_centers = (group.min(axis=1) + group.max(axis=1)) / 2
        centers = box_centers if codec.center == "box" else group.mean(axis=1)
        center_cells = np.floor(centers / codec.stride)
        distances = np.abs(center_cells - center_cells[-1]).max(axis=-1)
        cells = np.floor(group / codec.stride)
        if (distances[:-1] >= 2).all() and (cells[:-1] != cells[-1]).any(axis=-1).all():
            chosen = group
    return chosen


def decode_one(codec, maps):
    """Returns the poses in the maps of one sample, without a batch axis."""
    return codec.decode({name: maps[name][None] for name in codec.outputs})[0]


def encoded(codec, keypoints, visible=None, boxes=None):
    """Returns the targets of people whose joints are all labelled unless `visible` is given."""
    keypoints = np.asarray(keypoints, float)
    visible = np.ones(keypoints.shape[:2]) if visible is None else np.asarray(visible)
    return codec.encode(keypoints, visible, boxes)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(str(x) for x in v.values()))
@pytest.mark.parametrize(
    ("skeleton", "size", "stride"), SHAPES, ids=["coco", "mpii", "three", "one"]
)
def test_decoding_recovers_encoded_keypoints_exactly(variant, skeleton, size, stride):
    codec = MoveNetCodec(skeleton=skeleton, input_size=size, stride=stride, **variant)
    rng = np.random.default_rng(0)
    for count in (1, 1, 1, 2, 3, 6):
        group = people(rng, codec, count)
        found = decode_one(codec, encoded(codec, group))
        errors = np.abs(found.keypoints[:, None] - group).max(axis=(2, 3))  # [found, P]
        if codec.max_persons == 1:
            assert errors.shape == (1, count)
            assert errors.min() < 1e-4
        else:
            assert sorted(errors.argmin(axis=1)) == list(range(count))
            assert errors.min(axis=1).max() < 1e-4
        assert found.scores.min() == found.person_scores.min() == 1


TRAINED = [config for config in ALL if config.codec.trainable]


@pytest.mark.parametrize("config", TRAINED, ids=lambda config: config.name)
@pytest.mark.parametrize("max_persons", [1, 6])
def test_decoding_of_every_config_is_exact_for_a_person_anywhere(config, max_persons):
    """The single-person decoding may select a cell next to the centre of a large person.

    Regressions must be written there as well.
    """
    codec = replace(config.codec, max_persons=max_persons, input_size=(96, 64), center="box")
    size, rng = np.array(codec.input_size), np.random.default_rng(1)
    keypoints = rng.uniform(size / 2 - 12, size / 2 + 12, (1, 17, 2))
    # The weighting selects cells that are closer to the middle of the map than these joints.
    keypoints[0, 2:11] = size / 2 + 1 + 4 * np.array(list(product((-1, 0, 1), repeat=2)))
    keypoints[0, :2] = (1, 1), size - 1  # as large as the window
    for middle in product(range(18, 80, 4), range(10, 56, 4)):
        # The part of this box that lies in the window is centred on `middle`.
        low, high = np.where(
            middle < size / 2,
            (-size, 2 * np.array(middle)),
            (2 * np.array(middle) - size, 2 * size),
        )
        maps = encoded(codec, keypoints, None, np.hstack([low, high - low])[None])
        assert maps["centers"][0, middle[1] // 4, middle[0] // 4] == 1
        assert np.abs(decode_one(codec, maps).keypoints - keypoints).max() < 1e-4


@pytest.mark.parametrize(
    "variant", VARIANTS[::2], ids=lambda v: "-".join(str(x) for x in v.values())
)
def test_targets_do_not_depend_on_the_order_of_the_people(variant):
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


def test_an_unlabelled_joint_has_weight_0_in_its_persons_box():
    keypoints = np.array([[[10, 10], [30, 10], [10, 42]], [[60, 20], [84, 20], [70, 50]]], float)
    # Cells 2..8 x 2..11 and 14..22 x 4..14.
    boxes = np.array([[8, 8, 24, 36], [56, 16, 32, 40]], float)
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


def test_the_blob_of_a_labelled_joint_has_weight_1_inside_an_ignored_box():
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


def test_a_crowd_is_ignored_except_for_the_people_in_it():
    keypoints = np.array([[[20, 20], [30, 24], [24, 40]], [[np.nan, np.nan]] * 3], float)
    boxes = np.array([[16, 16, 20, 28], [12, 8, 60, 50]], float)  # crowd: cells 3..18 x 2..14
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


@pytest.mark.parametrize("coordinate", [np.nan, np.inf, -1e9, 20.0])
def test_the_coordinates_of_unlabelled_joints_are_ignored(coordinate):
    keypoints, visible = np.array([[[20, 20], [30, 24], [24, 40]]], float), [[1, 0, 1]]
    for boxes in (None, np.array([[8.0, 8.0, 40.0, 40.0]])):
        expected = encoded(CODEC, keypoints, visible, boxes)
        keypoints[0, 1] = coordinate
        maps = encoded(CODEC, keypoints, visible, boxes)
        for name, values in expected.items():
            assert np.isfinite(maps[name]).all()
            assert np.array_equal(values, maps[name])
        assert not maps["heatmaps"][1].any()


def test_joints_and_people_outside_the_window_are_treated_as_unlabelled():
    box = np.array([[60.0, 20, 60, 30]])
    # The second joint lies on the first px beyond the right edge.
    keypoints = np.array([[[70, 22], [96, 24], [80, 40]]], float)
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


def test_targets_without_people():
    maps = CODEC.encode(np.zeros((0, 3, 2)), np.zeros((0, 3)))
    assert not any(
        maps[name].any() for name in (*CODEC.outputs, "regression_weights", "offset_weights")
    )
    assert (maps["center_weights"] == 1).all()
    assert (maps["heatmap_weights"] == 1).all()
    assert decode_one(CODEC, maps).keypoints.shape == (0, 3, 2)
    assert decode_one(replace(CODEC, max_persons=1), maps).keypoints.shape == (1, 3, 2)


@pytest.mark.parametrize("unit", ["cell", "map"])
@pytest.mark.parametrize("center", ["box", "keypoints"])
def test_regressions_point_to_the_joints_cell_and_offsets_to_the_joint(unit, center):
    codec = replace(
        CODEC, regression_unit=unit, center=center, regression_radius=0.0, offset_radius=0.0
    )
    keypoints = np.array([[[41, 9], [63.5, 30], [22, 54.25]]])
    maps = encoded(codec, keypoints, None, np.array([[16.0, 8, 50, 50]]))
    x, y = (10, 8) if center == "box" else (10, 7)  # (41, 33) and (42.17, 31.08)
    assert maps["centers"][0, y, x] == 1
    assert np.argwhere(maps["regression_weights"]).tolist() == [[k, y, x] for k in range(3)]
    scale = (24, 16) if unit == "map" else (1, 1)
    vectors = maps["regressions"][:, y, x].reshape(3, 2) * scale
    assert np.allclose(vectors + np.array([x, y]), [[10, 2], [15, 7], [5, 13]], atol=1e-5)
    offsets = maps["offsets"].reshape(3, 2, 16, 24)
    assert offsets[0, :, 2, 10].tolist() == [0.25, 0.25]
    assert offsets[1, :, 7, 15].tolist() == [0.875, 0.5]
    assert offsets[2, :, 13, 5].tolist() == [0.5, 0.5625]
    assert np.count_nonzero(maps["offset_weights"]) == 3


@pytest.mark.parametrize(("radius", "cells"), [(0.0, 1), (1.0, 5), (2.0, 13), (3.0, 29)])
def test_vectors_are_written_within_the_radius_for_the_nearest_person(radius, cells):
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
            position, cell = (10.5, 10) if abs(x - 10) < abs(x - 13) else (13.75, 13)
            assert maps["offsets"][0, 8, x] == position - x
            assert maps["regressions"][0, 8, x] == cell - x


def test_at_equal_distance_the_vector_of_the_larger_person_is_written():
    codec = replace(CODEC, skeleton=ONE)
    keypoints = np.array([[[40.0, 33.0]], [[56.0, 33.0]]])
    boxes = np.array([[36.0, 28, 8, 8], [16, 0, 80, 64]])
    for order in ([0, 1], [1, 0]):
        offsets = encoded(codec, keypoints[order], None, boxes[order])["offsets"]
        assert offsets[0, 8, 12] == 2  # to cell 14, not to cell 10


@pytest.mark.parametrize("kernel", ["gaussian", "fire717"])
def test_peaks_are_exactly_1_for_all_people(kernel):
    codec = MoveNetCodec(kernel=kernel)
    rng = np.random.default_rng(3)
    group = rng.uniform(0, 192, (5, 17, 2))
    maps = encoded(codec, group)
    assert maps["heatmaps"].max() == maps["centers"].max() == 1
    cells = np.floor(group / 4).astype(int)
    assert (maps["heatmaps"][np.arange(17), cells[..., 1], cells[..., 0]] == 1).all()
    centers = np.floor((group.min(axis=1) + group.max(axis=1)) / 8).astype(int)
    assert (maps["centers"][0, centers[:, 1], centers[:, 0]] == 1).all()


def test_gaussians_shrink_with_the_person_down_to_min_sigma():
    for relative_area, sigma in ((1.0, 2.0), (0.36, 1.2), (0.01, 1.0)):
        side = 192 * relative_area**0.5
        maps = encoded(
            MoveNetCodec(skeleton=ONE), [[[97.0, 97.0]]], None, np.array([[0, 0, side, side]])
        )
        assert maps["heatmaps"][0, 24, 25] == pytest.approx(np.exp(-1 / (2 * sigma**2)), rel=1e-5)


def fire717_maps(keypoints, visible, boxes, size):
    """Returns heatmaps and centres by a literal restatement of fire717's target generation.

    Its defects are corrected: blobs are complete squares and merged by their maximum, and
    unlabelled joints do not set whole channels to zero.
    """
    heatmaps, centers = np.zeros((17, size, size)), np.zeros((1, size, size))

    def blob(map_, cell, sigma):
        radius = (sigma + 6) // 2
        for y in range(cell[1] - radius, cell[1] + radius + 1):
            for x in range(cell[0] - radius, cell[0] + radius + 1):
                if 0 <= x < size and 0 <= y < size:
                    value = np.exp(-3 * np.sqrt((x - cell[0]) ** 2 + (y - cell[1]) ** 2) / radius)
                    map_[y, x] = max(map_[y, x], value)

    for points, labelled, (x, y, width, height) in zip(keypoints, visible, boxes, strict=True):
        fractions = points[labelled > 0] / (4 * size)
        area = np.prod(fractions.max(axis=0) - fractions.min(axis=0))
        sigma = 3 if area < 0.16 else 5 if area < 0.3 else 7
        for joint in np.nonzero(labelled)[0]:
            blob(heatmaps[joint], (points[joint] // 4).astype(int), sigma)
        blob(centers[0], (int((x + width / 2) // 4), int((y + height / 2) // 4)), sigma + 2)
    return heatmaps, centers


def test_fire717_kernel_equals_a_literal_restatement():
    codec = MoveNetCodec(kernel="fire717")
    rng = np.random.default_rng(4)
    drawn_values = set()
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
        drawn_values |= set(np.round(maps["heatmaps"].astype(float), 4).flat)
    # Values one cell from the peak show that the smallest and the largest radius were used.
    assert {round(float(np.exp(-3 / radius)), 4) for radius in (4, 6)} <= drawn_values


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(str(x) for x in v.values()))
def test_mirrored_maps_equal_the_maps_of_the_original_image(variant):
    codec = MoveNetCodec(input_size=(96, 64), **variant)
    flip, rng = list(COCO_17.flip), np.random.default_rng(5)
    for _ in range(5):
        keypoints = rng.integers(0, (96, 64), (3, 17, 2)).astype(float)
        if codec.center == "keypoints":  # make the mean of the keypoints an integer px
            keypoints[:, 8:16] = [95, 63] - keypoints[:, :8]
            keypoints[:, 16] = rng.integers(0, 2, (3, 2)) * 17 + 39
        visible = (
            np.ones((3, 17), int) if codec.center == "keypoints" else rng.integers(0, 3, (3, 17))
        )
        # Boxes whose centre is an integer px.
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
            weights = f"{name[:-1]}_weights"
            written = expected[weights].repeat(2, axis=0) > 0
            assert np.array_equal(written[::2], maps[weights][flip, :, ::-1] > 0)
            assert written.any()
            assert np.array_equal(back[name][0][written], expected[name][written]), name


@pytest.mark.parametrize("max_persons", [1, 6])
def test_decoding_mirrored_maps_returns_the_mirrored_keypoints(max_persons):
    codec = MoveNetCodec(input_size=(96, 64), max_persons=max_persons, center_threshold=0.5)
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


def test_at_most_max_persons_above_the_threshold_are_returned_best_first():
    codec = replace(CODEC, max_persons=2)
    group = people(np.random.default_rng(7), codec, 3)
    maps = encoded(codec, group)
    cells = np.argwhere(maps["centers"][0] == 1)
    centers = np.zeros_like(maps["centers"])
    centers[0, cells[:, 0], cells[:, 1]] = 0.5, 0.9, 0.7
    for max_persons, threshold, scores in (
        (2, 0.1, [0.9, 0.7]),
        (6, 0.6, [0.9, 0.7]),
        (6, 0.95, []),
        (6, 0.8, [0.9]),
    ):
        limited = replace(codec, max_persons=max_persons, center_threshold=threshold)
        poses = decode_one(limited, {**maps, "centers": centers})
        assert poses.person_scores == pytest.approx(scores)


def test_a_joint_is_searched_for_within_its_person():
    codec = replace(CODEC, skeleton=THREE, input_size=(160, 64))
    near = np.array([[[20, 20], [30, 24], [24, 40]]], float)
    maps = encoded(codec, near, [[1, 1, 0]])
    maps["heatmaps"][2, 10, 35] = 1.0  # another person's joint, 29 cells from the regression
    maps["heatmaps"][2, 6, 6] = 0.01
    y, x = np.argwhere(maps["centers"][0] == 1)[0]
    maps["regressions"][4:6, y, x] = 6 - x, 10 - y
    found = decode_one(codec, maps)
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
def test_arrays_whose_shapes_do_not_match_raise(keypoints, visible, boxes):
    with pytest.raises(InputError, match=r"\[P, 3, 2\].*\[P, 3\].*\[P, 4\]"):
        CODEC.encode(
            np.zeros(keypoints), np.zeros(visible), None if boxes is None else np.zeros(boxes)
        )


@pytest.mark.parametrize("wrong", ["centers", "heatmaps", "regressions", "offsets"])
def test_maps_of_a_different_shape_raise(wrong):
    channels = {"centers": 1, "heatmaps": 3, "regressions": 6, "offsets": 6}
    maps = {name: np.zeros((2, count, 16, 24)) for name, count in channels.items()}
    assert len(CODEC.decode(maps)) == 2
    for values in (maps[wrong][:, :, :15], maps[wrong][0], np.zeros((2, 7, 16, 24))):
        with pytest.raises(InputError, match=r"\w+ .*\[N, \d, 16, 24\].*\["):
            CODEC.decode({**maps, wrong: values})


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ({"input_size": (190, 192)}, r"codec\.input_size=\(190, 192\).*codec\.stride=4"),
        ({"input_size": (0, 192)}, r"'codec\.input_size'.* 0\b"),
        ({"sigma": 0.5}, r"codec\.min_sigma=1\.0.*codec\.sigma=0\.5"),
        ({"min_sigma": 0.0}, r"'codec\.min_sigma'.* 0\.0\b"),
        ({"max_persons": 0}, r"'codec\.max_persons'.* 0\b"),
        ({"offset_radius": -1.0}, r"'codec\.offset_radius'.* -1\.0\b"),
        ({"regression_radius": -1.0}, r"'codec\.regression_radius'.* -1\.0\b"),
    ],
)
def test_invalid_values_raise(values, pattern):
    with pytest.raises(InputError, match=pattern):
        MoveNetCodec(**values)


def test_visualized_images():
    maps = {name: encoded(CODEC, [[[20, 20], [30, 24], [24, 40]]])[name] for name in CODEC.outputs}
    images = CODEC.visualize(maps)
    assert list(images) == ["centers", "head", "left_hand", "right_hand", "regressions", "offsets"]
    assert all(
        values.shape == (16, 24) and 0 <= values.min() <= values.max() <= 1
        for values in images.values()
    )
    assert np.array_equal(images["left_hand"], maps["heatmaps"][1])
    assert images["regressions"].max() == 1
    empty = {name: np.zeros_like(values) for name, values in maps.items()}
    assert not CODEC.visualize(empty)["offsets"].any()


def test_description_of_the_decoding():
    assert MoveNetCodec().describe() == "the most central person"
    assert CODEC.describe() == "up to 6 people with a centre above 0.1"


def test_the_search_radius_of_a_joint_depends_on_the_size_of_its_person():
    points = np.array(
        [[[0.0, 0.0], [20.0, 4.0]], [[3.0, 3.0], [4.0, 3.0]], [[-5.0, 2.0], [30.0, 2.0]]]
    )
    clipped, max_distance = movenet_search.within_person(points, (24, 16))
    assert max_distance[:, 0] == pytest.approx([6.0, 2.0, 10.5])
    assert clipped[2].tolist() == [[0, 2], [23, 2]]


def test_cells_covered_by_a_box():
    boxes = np.array([[0.9, -3.0, 2.0, 0.5], [9.0, 9.0, 12.0, 12.0]])
    covered = movenet_targets.covered_cells(boxes, (4, 3))
    assert covered.astype(int).tolist() == [[[1, 1, 1, 0], [0] * 4, [0] * 4], [[0] * 4] * 3]
