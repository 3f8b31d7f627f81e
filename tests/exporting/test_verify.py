from dataclasses import replace

import numpy as np
import pytest

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.errors import InputError
from paddle_pose.exporting.verify import Difference, check_difference, compare, read_keypoints

CODEC = HeatmapCodec(input_size=(64, 64), unbiased=True)
IMAGES = np.zeros((2, 64, 64, 3), np.uint8)


def blobs(points=(21.0, 37.0)):
    keypoints = np.broadcast_to(points, (1, 16, 2))
    return np.repeat(CODEC.encode(keypoints, np.ones((1, 16)))["heatmaps"][None, None], 2, axis=0)


def backend(heatmaps):
    return lambda images: {"heatmaps": heatmaps[: len(images)]}


def compared(live, exported, **options):
    return compare(backend(live), backend(exported), CODEC, [IMAGES[:1], IMAGES], **options)


def test_equal_networks_have_no_difference():
    difference = compared(blobs(), blobs())
    assert (difference.maps, difference.pixels.max(), difference.undecided) == (0, 0, 0)
    assert len(difference.pixels) == 3 * 16
    assert "maps 0.0e+00 of their greatest value, keypoints 0.0000 input px" in str(difference)


def test_a_moved_joint_is_measured():
    other = blobs()
    other[1, 0, 5] = np.roll(other[1, 0, 5], 3, axis=1)
    difference = compared(blobs(), other)
    assert difference.maps > 0.5
    assert difference.pixels.max() == pytest.approx(12)
    assert (difference.pixels > 0).sum() == 1


def test_swapped_joints_are_measured():
    live = blobs()
    live[:, :, 3] = blobs((41.0, 9.0))[:, :, 3]
    assert compared(live, live[:, :, ::-1]).pixels.max() > 20


def test_keypoints_with_two_equal_peaks_are_undecided():
    live, exported = blobs(), blobs()
    live[:, 0, 7] = np.maximum(live[:, 0, 7], blobs((53.0, 13.0))[:, 0, 7])
    exported[:, 0, 7] = live[:, 0, 7] * np.linspace(1, 1 + 1e-6, 16)
    live[:, 0, 7] *= np.linspace(1 + 1e-6, 1, 16)
    difference = compared(live, exported)
    assert difference.undecided == 3
    assert difference.pixels.max() == 0
    assert compared(live, exported, exact=False).pixels.max() > 30


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_maps_that_are_not_finite_differ(value):
    other = blobs()
    other[0, 0, 0, 0, 0] = value
    assert compared(blobs(), other).maps == np.inf


def backends(keypoints):
    """Returns a network of maps and an exported one that returns these keypoints."""
    return {
        "live": backend(blobs()),
        "exported": lambda images: {"keypoints": keypoints[: len(images)]},
    }


def test_keypoints_decoded_in_the_graph_are_compared():
    keypoints = np.full((2, 16, 3), (21.0, 37.0, 1.0))
    keypoints[1, 2, 0] += 3
    output = {"name": "keypoints", "columns": ["x", "y", "score"], "unit": "input px"}
    difference = compare(**backends(keypoints), codec=CODEC, batches=[IMAGES], decoded=output)
    assert np.isnan(difference.maps)
    assert difference.pixels.max() == pytest.approx(3)
    assert "maps" not in str(difference)
    keypoints[0, 0, 1] = np.nan
    difference = compare(**backends(keypoints), codec=CODEC, batches=[IMAGES], decoded=output)
    assert difference.pixels.max() == np.inf


def test_another_number_of_people_differs():
    output = {"name": "keypoints", "columns": ["x", "y", "score"], "unit": "input px"}
    keypoints = np.full((2, 3, 16, 3), (21.0, 37.0, 1.0))
    difference = compare(**backends(keypoints), codec=CODEC, batches=[IMAGES], decoded=output)
    assert difference.pixels.min() == np.inf


def test_keypoints_of_googles_files_are_read():
    output = np.zeros((2, 1, 17, 3))
    output[1, 0, 4] = (0.5, 0.25, 0.9)
    poses = read_keypoints(output, ["y", "x", "score"], "fraction", (192, 128))
    assert poses[1].keypoints[0, 4].tolist() == [48, 64]
    assert poses[1].scores[0, 4] == 0.9
    assert poses[1].person_scores == pytest.approx([0.9 / 17])


def test_a_difference_without_keypoints_has_a_summary():
    empty = replace(compared(blobs(), blobs()), pixels=np.zeros(0))
    assert "over 0 keypoints" in str(empty)


def test_int8_compares_every_person_with_the_nearest_one():
    codec = MoveNetCodec(input_size=(96, 96), max_persons=4)
    left, right = np.array([20.0, 40.0]), np.array([70.0, 40.0])
    spread = np.random.default_rng(0).uniform(-8, 8, (17, 2))

    def network(*people):
        """Returns a network that finds people at these points."""
        maps = codec.encode(
            np.array([person + spread for person in people]), np.ones((len(people), 17))
        )
        return lambda images: {name: maps[name][None] for name in codec.outputs}

    image = np.zeros((1, 96, 96, 3), np.uint8)
    difference = compare(network(left, right), network(left), codec, [image], exact=False)
    distances = np.sort(difference.pixels.reshape(2, 17).max(axis=1))
    assert distances == pytest.approx([0, 50], abs=0.01)
    assert np.isinf(compare(network(left, right), network(left), codec, [image]).pixels).any()


NEAR = np.full(9, 0.1)
FAR = np.array([0.1] * 8 + [30.0])


def test_small_differences_are_accepted():
    check_difference(Difference(1e-6, NEAR), int8=False)
    check_difference(Difference(float("nan"), NEAR), int8=False)
    check_difference(Difference(0.1, FAR), int8=True)


@pytest.mark.parametrize(
    ("difference", "int8", "tolerance"),
    [
        (Difference(1e-6, FAR), False, None),
        (Difference(0.01, NEAR), False, None),
        (Difference(1e-6, NEAR), False, 0.05),
        (Difference(float("inf"), NEAR), False, None),
        (Difference(float("nan"), np.full(3, np.inf)), False, None),
        (Difference(0.1, FAR[::-1] + 5), True, None),
    ],
)
def test_large_differences_are_refused(difference, int8, tolerance):
    with pytest.raises(InputError, match=f"{len(difference.pixels)} keypoints"):
        check_difference(difference, int8=int8, tolerance=tolerance)


def test_a_comparison_without_keypoints_is_refused():
    with pytest.raises(InputError, match="no keypoint"):
        check_difference(Difference(0.0, np.zeros(0), 16), int8=False)
