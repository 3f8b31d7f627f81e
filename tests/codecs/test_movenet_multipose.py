"""MultiPose's decoding, compared with a restatement in loops; windows and sizes of its inputs."""

import math

import numpy as np
import pytest

from paddle_pose.codecs.movenet_multipose import MultiPoseCodec
from paddle_pose.errors import InputError
from paddle_pose.geometry import Window, move
from paddle_pose.skeletons import COCO_17

JOINTS = COCO_17.num_joints
WIDTH, HEIGHT = 16, 24
CODEC = MultiPoseCodec(input_size=(64, 96), min_score=0.0)


def maps_of(seed=0, peaks=(), level=0.3):
    """Returns random maps of one image; centres are low except at the peaks (x, y, value)."""
    rng = np.random.default_rng(seed)
    centers = rng.uniform(0, 0.01, (1, 1, HEIGHT, WIDTH))
    for x, y, value in peaks:
        centers[0, 0, y, x] = value
    maps = {
        "centers": centers,
        "heatmaps": rng.uniform(0, level, (1, JOINTS, HEIGHT, WIDTH)) ** 2,
        "regressions": rng.normal(0, 4, (1, 2 * JOINTS, HEIGHT, WIDTH)),
        "offsets": rng.normal(0, 0.5, (1, 2 * JOINTS, HEIGHT, WIDTH)),
        "box_sizes": rng.normal(6, 6, (1, 2, HEIGHT, WIDTH)),
        "box_offsets": rng.normal(0, 1, (1, 2, HEIGHT, WIDTH)),
    }
    return {name: values.astype(np.float32) for name, values in maps.items()}


def restated(maps):
    """Returns the rows [6, 56] of one image by the rules of the published graph, in loops."""
    c = maps["centers"][0, 0]
    height, width = c.shape
    values = []
    for y in range(height):
        for x in range(width):
            near = c[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]
            is_peak = abs(float(c[y, x]) - float(near.max())) < 1.0132789611816406e-06
            values.append((-float(c[y, x]) if is_peak else 0.0, y * width + x))
    people = []
    for value, place in sorted(values)[:6]:
        y, x = divmod(place, width)
        size = [max(float(maps["box_sizes"][0, axis, y, x]), 0) for axis in (1, 0)]
        shift = [float(maps["box_offsets"][0, axis, y, x]) for axis in (1, 0)]
        middle = (y + shift[0], x + shift[1])
        limits = (height, width)
        low = [min(max(middle[a] - size[a] / 2, 0), limits[a]) for a in (0, 1)]
        high = [min(max(middle[a] + size[a] / 2, 0), limits[a]) for a in (0, 1)]
        vectors = maps["regressions"][0, :, y, x].reshape(JOINTS, 2)
        points = [(y + float(vy), x + float(vx)) for vx, vy in vectors]
        people.append((-value, low, high, points))

    def weighted(person, joint, y, x):
        _, low, high, points = person
        if not (low[0] <= y < high[0] and low[1] <= x < high[1]):
            return 0.0
        distance = (y - points[joint][0]) ** 2 + (x - points[joint][1]) ** 2
        weight = math.exp(-distance / (0.300048828125 * min(height, width)))
        return float(maps["heatmaps"][0, joint, y, x]) * weight

    rows = []
    for person in people:
        row, scores = [], []
        for joint in range(JOINTS):
            cells = [(y, x) for y in range(height) for x in range(width)]
            y, x = max(cells, key=lambda cell: weighted(person, joint, *cell))
            score = max(weighted(other, joint, y, x) for other in people)
            dx, dy = maps["offsets"][0, 2 * joint : 2 * joint + 2, y, x]
            row += [(y + dy) / height, (x + dx) / width, score]
            scores.append(score)
        counted = [score for score in scores if score > 0.126953125]
        total = person[0] * sum(counted) / max(1, len(counted))
        low, high = person[1:3]
        row += [low[0] / height, low[1] / width, high[0] / height, high[1] / width, total]
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize(
    "peaks",
    [
        [(3, 4, 0.9), (12, 15, 0.8), (4, 5, 0.7)],
        [(0, 0, 0.9), (15, 23, 0.9), (0, 23, 0.4)],
        [],
    ],
    ids=["neighbours", "corners", "nobody"],
)
@pytest.mark.parametrize("level", [0.3, 1.0])
def test_people_equal_the_rules_restated_in_loops(peaks, level):
    maps = maps_of(len(peaks), peaks, level)
    np.testing.assert_allclose(CODEC.people(maps)[0], restated(maps), rtol=0, atol=1e-6)


def test_equal_peaks_are_taken_row_by_row_and_a_plateau_is_many_peaks():
    maps = maps_of()
    maps["centers"][:] = 0.25
    maps["box_sizes"][:] = 0
    maps["box_offsets"][:] = 0
    boxes = CODEC.people(maps)[0, :, -5:-1]
    assert np.allclose(boxes[:, 0], 0)
    assert np.allclose(boxes[:, 1] * WIDTH, np.arange(6))


def test_a_joint_whose_weights_are_all_zero_lies_at_the_first_cell():
    maps = maps_of(peaks=[(8, 8, 0.9)])
    maps["box_sizes"][:] = -5  # counts as 0: no cell lies in the box
    maps["offsets"][:] = 0
    joints = CODEC.people(maps)[0, 0, :-5].reshape(JOINTS, 3)
    assert not joints.any()


def test_a_neighbouring_peak_gets_the_better_joint_score():
    maps = maps_of(peaks=[(8, 8, 0.9), (13, 8, 0.5)])
    maps["regressions"][:] = 0
    maps["box_sizes"][:] = 40
    maps["heatmaps"][:] = 0
    maps["heatmaps"][:, :, 8, 8] = 0.8
    first, second = CODEC.people(maps)[0, :2, :-5].reshape(2, JOINTS, 3)
    assert np.allclose(first, second)
    assert np.allclose(second[:, 2], 0.8)


def test_decoding_returns_people_in_input_px_with_boxes_best_first():
    maps = maps_of(peaks=[(3, 4, 0.2), (12, 15, 0.8)], level=1.0)
    rows = CODEC.people(maps)[0].astype(float)
    (poses,) = CODEC.decode(maps)
    assert np.all(np.diff(poses.person_scores) <= 0)
    order = np.argsort(-rows[:, -1], kind="stable")
    joints = rows[order, :-5].reshape(6, JOINTS, 3)
    assert np.allclose(poses.keypoints, joints[..., [1, 0]] * (64, 96))
    assert np.allclose(poses.scores, joints[..., 2])
    corners = rows[order][:, [-4, -5, -2, -3]] * (64, 96, 64, 96)
    assert np.allclose(poses.boxes[:, :2], corners[:, :2])
    assert np.allclose(poses.boxes[:, :2] + poses.boxes[:, 2:], corners[:, 2:])


def test_people_below_the_lowest_score_or_above_the_number_are_left_out():
    maps = maps_of(peaks=[(3, 4, 0.9), (12, 15, 0.8)], level=1.0)
    (everybody,) = CODEC.decode(maps)
    limit = float(everybody.person_scores[1])
    (above,) = MultiPoseCodec(input_size=(64, 96), min_score=limit).decode(maps)
    assert len(above.scores) == len(above.boxes) == 2
    (best,) = MultiPoseCodec(input_size=(64, 96), max_persons=1).decode(maps)
    assert np.array_equal(best.keypoints, everybody.keypoints[:1])


def test_people_decoded_in_a_graph_are_read():
    maps = maps_of(peaks=[(3, 4, 0.9)])
    decoded = MultiPoseCodec(input_size=(64, 96), min_score=0.0, outputs=("people",))
    (expected,) = CODEC.decode(maps)
    (found,) = decoded.decode({"people": CODEC.people(maps)})
    for name in ("keypoints", "scores", "person_scores", "boxes"):
        assert np.array_equal(getattr(found, name), getattr(expected, name))
    (spec,) = decoded.output_spec({"people": (1, 6, 56)})
    assert (spec.columns[0], spec.columns[-1], len(spec.columns)) == (
        "nose y",
        "person score",
        56,
    )
    with pytest.raises(InputError, match=r"\[1, 6, 57\]"):
        decoded.decode({"people": np.zeros((1, 6, 57))})
    with pytest.raises(InputError, match="flip"):
        decoded.mirror({"people": np.zeros((1, 6, 56))}, shift=False)


def test_maps_and_people_are_drawn():
    maps = {name: values[0] for name, values in maps_of(peaks=[(3, 4, 0.9)]).items()}
    shown = CODEC.visualize(maps)
    assert list(shown) == ["centers", *COCO_17.joints, "regressions", "offsets"]
    assert {image.shape for image in shown.values()} == {(HEIGHT, WIDTH)}
    decoded = MultiPoseCodec(input_size=(64, 96), outputs=("people",))
    assert decoded.visualize({"people": np.ones((6, 56))})["people"].shape == (6, 56)


def test_maps_of_a_mirrored_image_give_mirrored_people():
    maps = maps_of(peaks=[(3, 4, 0.9), (12, 15, 0.8)], level=1.0)
    (poses,) = CODEC.decode(maps)
    (back,) = CODEC.decode(CODEC.mirror(CODEC.mirror(maps, False), False))
    assert np.allclose(back.keypoints, poses.keypoints, atol=1e-4)
    (mirrored,) = CODEC.decode(CODEC.mirror(maps, shift=False))
    best = mirrored.keypoints[0, list(COCO_17.flip)]
    # Weights are the same on both sides; boxes hold other cells only at their ends.
    agrees = np.abs(np.stack([63 - best[:, 0], best[:, 1]], -1) - poses.keypoints[0]) < 1e-3
    assert agrees.all(axis=1).mean() > 0.7
    x, _, width, _ = mirrored.boxes[0]
    assert 63 - (x + width) == pytest.approx(poses.boxes[0, 0], abs=1.01)


@pytest.mark.parametrize(
    ("image", "size"),
    [
        ((640, 480), (256, 192)),
        ((427, 640), (192, 256)),
        ((100, 100), (256, 256)),
        ((4000, 30), (256, 32)),
        ((640, 482), (256, 224)),
    ],
)
def test_the_input_follows_the_image_which_lies_at_its_top_left(image, size):
    codec = MultiPoseCodec()
    window = codec.image_window(image)
    assert codec.size_of(window) == size
    to_input = window.to_input(size)
    scale = 256 / max(image)
    assert np.allclose(
        move(np.array([[0, 0], image]), to_input), [[0, 0], np.multiply(image, scale)]
    )


def test_a_fixed_size_holds_every_image_at_its_top_left():
    codec = MultiPoseCodec(input_size=(256, 192)).with_fixed_size()
    window = codec.image_window((100, 400))
    assert codec.size_of(window) == (256, 192)
    assert codec.size_of(Window((0.0, 0.0), (10.0, 90.0))) == (256, 192)
    corners = move(np.array([[0, 0], [100, 400]]), window.to_input((256, 192)))
    assert np.allclose(corners, [[0, 0], [48, 192]])


@pytest.mark.parametrize(
    "changes", [{"input_size": (256, 250)}, {"max_persons": 7}, {"outputs": ("centers",)}]
)
def test_values_that_do_not_fit_are_refused(changes):
    with pytest.raises(InputError, match=next(iter(changes))):
        MultiPoseCodec(**changes)


def test_it_has_no_targets():
    assert not MultiPoseCodec.trainable
    with pytest.raises(InputError, match="not trained"):
        CODEC.encode(np.zeros((1, 17, 2)), np.ones((1, 17)))
