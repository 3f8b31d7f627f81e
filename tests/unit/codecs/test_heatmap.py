import numpy as np
import pytest

from paddle_pose.codecs.gaussian import draw_exact
from paddle_pose.codecs.heatmap import HeatmapCodec, peaks, quarter_offset
from paddle_pose.geometry import move
from paddle_pose.skeletons import COCO_17, MPII_16

CODECS = pytest.mark.parametrize(
    "codec",
    [HeatmapCodec(), HeatmapCodec(skeleton=COCO_17, input_size=(192, 256)), HeatmapCodec(decode_by="argmax")],
    ids=["mpii", "coco", "argmax"],
)


def decoded(codec, heatmaps):
    return codec.decode({"heatmaps": heatmaps[None, None]})[0]


@CODECS
def test_what_is_encoded_is_decoded_within_half_a_cell(codec):
    rng = np.random.default_rng(0)
    joints = codec.skeleton.num_joints
    for _ in range(200):
        keypoints = rng.uniform(0, np.array(codec.input_size) - codec.stride / 2 - 0.01, (1, joints, 2))
        maps = codec.encode(keypoints, np.ones((1, joints)))
        poses = decoded(codec, maps["heatmaps"])
        assert maps["weights"].tolist() == [1.0] * joints
        assert np.abs(poses.keypoints - keypoints).max() <= codec.stride / 2
        assert poses.scores.tolist() == [[1.0] * joints]


def test_the_quarter_halves_the_error_of_blobs_between_cells():
    rng = np.random.default_rng(1)
    quarter, argmax = HeatmapCodec(input_size=(128, 96)), HeatmapCodec(input_size=(128, 96), decode_by="argmax")
    for _ in range(100):
        keypoints = rng.uniform(12, (112, 80), (16, 2))
        heatmaps = draw_exact(keypoints / 4, quarter.map_size, 2.0)
        assert np.abs(decoded(quarter, heatmaps).keypoints - keypoints).max() <= 4 * 0.25 + 1e-6
        assert 4 * 0.25 < np.abs(decoded(argmax, heatmaps).keypoints - keypoints).max() <= 4 * 0.5 + 1e-6


def test_unlabelled_joints_have_empty_maps_whatever_their_coordinates():
    codec = HeatmapCodec(input_size=(64, 64))
    rng = np.random.default_rng(2)
    keypoints, visible = rng.uniform(0, 60, (1, 16, 2)), np.ones((1, 16))
    visible[0, [2, 5, 9]] = 0
    maps = codec.encode(keypoints, visible)
    keypoints[0, 2], keypoints[0, 5], keypoints[0, 9] = np.nan, np.inf, -1
    again = codec.encode(keypoints, visible)
    assert (maps["weights"] == visible[0]).all()
    assert not maps["heatmaps"][[2, 5, 9]].any()
    for name in maps:
        assert np.array_equal(maps[name], again[name])
        assert maps[name].dtype == np.float32
    # COCO's two values of visibility are alike here
    assert np.array_equal(codec.encode(keypoints, visible * 2)["heatmaps"], maps["heatmaps"])


def test_joints_outside_do_not_count_but_for_the_published_oddity():
    codec = HeatmapCodec(input_size=(256, 256))
    keypoints = np.full((1, 16, 2), 100.0)
    keypoints[0, :4, 0] = -31.0, -35.0, 279.0, 1e6  # cells -7, -8, 70, far away
    maps = codec.encode(keypoints, np.ones((1, 16)))
    assert maps["weights"][:5].tolist() == [1, 0, 0, 0, 1]
    assert not maps["heatmaps"][:4].any()


@pytest.mark.parametrize("skeleton", [MPII_16, COCO_17], ids=["mpii", "coco"])
def test_a_mirrored_pictures_maps_return_to_the_unmirrored_frame(skeleton):
    codec = HeatmapCodec(skeleton=skeleton, input_size=(96, 64))
    joints, flip = skeleton.num_joints, list(skeleton.flip)
    rng = np.random.default_rng(3)
    # a map of w cells mirrors cell x to w-1-x, which is px 4 (w-1) - x: exact for px at cells
    keypoints = 4.0 * rng.integers(0, codec.map_size, (1, joints, 2))
    visible = (rng.random((1, joints)) < 0.7).astype(int)
    mirrored = move(keypoints, np.array([[-1.0, 0, 92], [0, 1, 0]]))[:, flip]
    maps = codec.encode(mirrored, visible[:, flip])["heatmaps"][None, None]
    back = codec.mirror({"heatmaps": maps}, shift=False)["heatmaps"][0, 0]
    expected = codec.encode(keypoints, visible)["heatmaps"]
    assert expected.any()
    assert np.array_equal(back, expected)
    shifted = codec.mirror({"heatmaps": maps}, shift=True)["heatmaps"][0, 0]
    assert np.array_equal(shifted[..., 1:], expected[..., :-1])
    assert np.array_equal(shifted[..., 0], expected[..., 0])
    twice = codec.mirror(codec.mirror({"heatmaps": maps}, shift=False), shift=False)["heatmaps"]
    assert np.array_equal(twice, maps)


def test_decoding_reads_the_last_stage():
    codec = HeatmapCodec(input_size=(32, 32))
    heatmaps = np.zeros((2, 3, 16, 8, 8))
    heatmaps[:, 0, :, 1, 1] = 9
    heatmaps[0, 2, :, 4, 3] = 0.5
    heatmaps[1, 2, :, 5, 6] = 0.25
    first, second = codec.decode({"heatmaps": heatmaps})
    assert first.keypoints.tolist() == [[[12.0, 16.0]] * 16]
    assert second.keypoints.tolist() == [[[24.0, 20.0]] * 16]
    assert (first.person_scores.tolist(), second.person_scores.tolist()) == ([0.5], [0.25])


def test_a_5x5_map_by_hand():
    heatmap = np.array(
        [
            [0, 0, 0, 0, 0],
            [0, 0, 4, 1, 0],
            [0, 1, 9, 3, 0],
            [0, 0, 2, 0, 0],
            [0, 0, 0, 0, 0],
        ],
        float,
    )[None, None]
    cells, heights = peaks(heatmap)
    assert (cells.tolist(), heights.tolist()) == ([[[2.0, 2.0]]], [[9.0]])
    assert quarter_offset(heatmap, cells).tolist() == [[[0.25, -0.25]]]  # 3 > 1 to the right, 4 > 2 above
    assert quarter_offset(heatmap, cells - [1, 0]).tolist() == [[[0.0, 0.0]]]  # at the border: stays


def test_a_map_without_a_positive_cell_is_read_at_the_origin():
    codec = HeatmapCodec(input_size=(32, 32))
    heatmaps = np.full((16, 8, 8), -2.0)
    heatmaps[:, 4, 4] = -0.5
    poses = decoded(codec, heatmaps)
    assert not poses.keypoints.any()
    assert poses.scores.tolist() == [[-0.5] * 16]


@pytest.mark.parametrize("shape", [(2, 16, 2), (1, 15, 2), (0, 16, 2), (16, 2)])
def test_other_than_one_person_cannot_be_encoded(shape):
    with pytest.raises(ValueError, match=r"one person, keypoints \[1, 16, 2\]"):
        HeatmapCodec().encode(np.zeros(shape), np.ones(shape[:-1]))


@pytest.mark.parametrize("shape", [(1, 16, 64, 64), (1, 1, 17, 64, 64), (1, 1, 16, 64, 32)])
def test_maps_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="expected heatmaps"):
        HeatmapCodec().decode({"heatmaps": np.zeros(shape)})


@pytest.mark.parametrize("size", [(250, 256), (256, 0), (-4, 4)])
def test_an_input_of_no_whole_number_of_cells_is_refused(size):
    with pytest.raises(ValueError, match="not a multiple"):
        HeatmapCodec(input_size=size)
