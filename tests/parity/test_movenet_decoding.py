"""Decoding of MoveNet's maps against literal float64 implementations of the rules.

The rules are Google's for a single person and this project's for several people.
"""

import numpy as np
import pytest
from parity.movenet_reference import decode_many, decode_single

from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.skeletons import Skeleton

THREE = Skeleton("three", ("a", "b", "c"), (), (), (0.05, 0.1, 0.1), (1.0, 1.0, 1.0))
SIZES = [(8, 8), (12, 7), (5, 9), (1, 6)]


def codec(size, max_persons=1, threshold=0.1):
    width, height = size
    return MoveNetCodec(
        THREE, (4 * width, 4 * height), max_persons=max_persons, center_threshold=threshold
    )


def random_maps(rng, size, scale=2.0):
    """Returns maps with sharp to nearly constant probabilities, and vectors that lead anywhere."""
    width, height = size
    sharp = rng.choice([0.1, 1.0, 5.0])
    return {
        "centers": 1 / (1 + np.exp(-sharp * rng.normal(size=(1, height, width)))),
        "heatmaps": 1 / (1 + np.exp(-sharp * rng.normal(size=(3, height, width)))),
        "regressions": scale * rng.normal(size=(6, height, width)),
        "offsets": scale * rng.normal(size=(6, height, width)),
    }


def rounded(maps):
    """Returns maps with few different values, so that comparisons often meet equal values."""
    return {
        name: np.round(values, 1 if name in ("centers", "heatmaps") else 0)
        for name, values in maps.items()
    }


def decoded(by, maps):
    (poses,) = by.decode({name: values[None] for name, values in maps.items()})
    return poses


def check_single(size, maps):
    expected = decode_single(
        maps["centers"][0], maps["heatmaps"], maps["regressions"], maps["offsets"]
    )
    poses = decoded(codec(size), maps)
    assert poses.keypoints[0] == pytest.approx(
        4 * np.array([position for position, _ in expected]), abs=1e-9
    )
    assert poses.scores[0].tolist() == [score for _, score in expected]
    assert poses.person_scores == pytest.approx([np.mean([score for _, score in expected])])


def check_many(size, maps, max_persons, threshold):
    arguments = (
        maps["centers"][0],
        maps["heatmaps"],
        maps["regressions"],
        maps["offsets"],
        threshold,
        max_persons,
    )
    expected = decode_many(*arguments)
    poses = decoded(codec(size, max_persons, threshold), maps)
    assert len(poses.scores) == len(expected)
    for n, (score, positions, scores) in enumerate(expected):
        assert poses.person_scores[n] == pytest.approx(score)
        assert poses.scores[n].tolist() == scores
        assert poses.keypoints[n] == pytest.approx(4 * np.array(positions), abs=1e-9)
    return len(expected)


@pytest.mark.parametrize("size", SIZES)
def test_single_person_decoding_equals_the_literal_implementation(size):
    rng = np.random.default_rng(0)
    for number in range(80):
        maps = random_maps(rng, size, scale=rng.choice([0.5, 3.0]))
        check_single(size, rounded(maps) if number % 2 else maps)


@pytest.mark.parametrize("size", SIZES)
def test_multi_person_decoding_equals_the_literal_implementation(size):
    rng = np.random.default_rng(1)
    counts = []
    for number in range(60):
        maps = random_maps(rng, size, scale=rng.choice([0.5, 3.0]))
        counts.append(
            check_many(
                size, rounded(maps) if number % 3 == 0 else maps, int(rng.integers(2, 7)), 0.5
            )
        )
    assert min(counts) < max(counts) > 1


def flat(size, value=0.5):
    width, height = size
    shapes = {"centers": 1, "heatmaps": 3, "regressions": 6, "offsets": 6}
    return {
        name: np.full((count, height, width), value if count in (1, 3) else 0.0)
        for name, count in shapes.items()
    }


@pytest.mark.parametrize("size", [(8, 8), (7, 7), (7, 8)])
def test_constant_maps_are_read_at_the_centre(size):
    maps = flat(size)
    check_single(size, maps)
    middle = [4.0 * (side // 2) for side in size]
    assert decoded(codec(size), maps).keypoints.tolist() == [[middle] * 3]
    # Of equal cells the first one is the peak, so there is one person, in the corner.
    assert check_many(size, maps, 6, 0.5) == 1
    assert not decoded(codec(size, 6), maps).keypoints.any()


@pytest.mark.parametrize("corner", [(0, 0), (7, 0), (0, 5), (7, 5)])
def test_centres_and_joints_at_the_border_are_decoded(corner):
    size = (8, 6)
    x, y = corner
    maps = flat(size, 0.01)
    maps["centers"][0, y, x] = 0.9
    maps["heatmaps"][:, 5 - y, 7 - x] = 0.8
    maps["regressions"][0::2, y, x] = 3 * (7 - 2 * x)  # far outside
    maps["regressions"][1::2, y, x] = 3 * (5 - 2 * y)
    maps["offsets"][:, 5 - y, 7 - x] = 0.25
    check_single(size, maps)
    assert check_many(size, maps, 6, 0.5) == 1
    for max_persons in (1, 6):
        poses = decoded(codec(size, max_persons, 0.5), maps)
        assert poses.keypoints.tolist() == [[[4 * (7 - x + 0.25), 4 * (5 - y + 0.25)]] * 3]
        assert poses.scores.tolist() == [[0.8] * 3]


def test_single_person_decoding_prefers_the_central_person():
    size = (16, 8)
    maps = flat(size, 0.0)
    maps["centers"][0, 4, [2, 11]] = 1.0
    maps["heatmaps"][:, 4, [2, 11]] = 1.0
    check_single(size, maps)
    assert decoded(codec(size), maps).keypoints.tolist() == [[[44.0, 16.0]] * 3]
    assert check_many(size, maps, 6, 0.5) == 2
    assert check_many(size, maps, 2, 1.0) == 2
    maps["centers"][0, 4, 2] = 0.0
    assert check_many(size, maps, 6, 0.5) == 1
