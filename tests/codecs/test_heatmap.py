import re

import numpy as np
import pytest

from paddle_pose.codecs.gaussian import draw_exact
from paddle_pose.codecs.heatmap import HeatmapCodec, peaks, quarter_offset
from paddle_pose.errors import InputError
from paddle_pose.geometry import Window, move
from paddle_pose.skeletons import COCO_17, MPII_16

CODECS = pytest.mark.parametrize(
    "codec",
    [
        HeatmapCodec(),
        HeatmapCodec(skeleton=COCO_17, input_size=(192, 256)),
        HeatmapCodec(decode_by="argmax"),
    ],
    ids=["mpii", "coco", "argmax"],
)


def decoded(codec, heatmaps):
    return codec.decode({"heatmaps": heatmaps[None, None]})[0]


@CODECS
def test_decoding_recovers_encoded_keypoints_within_half_a_cell(codec):
    rng = np.random.default_rng(0)
    joints = codec.skeleton.num_joints
    for _ in range(200):
        keypoints = rng.uniform(
            0, np.array(codec.input_size) - codec.stride / 2 - 0.01, (1, joints, 2)
        )
        maps = codec.encode(keypoints, np.ones((1, joints)))
        poses = decoded(codec, maps["heatmaps"])
        assert maps["weights"].tolist() == [1.0] * joints
        assert np.abs(poses.keypoints - keypoints).max() <= codec.stride / 2
        assert poses.scores.tolist() == [[1.0] * joints]


def test_the_quarter_offset_halves_the_error_of_peaks_between_cells():
    rng = np.random.default_rng(1)
    quarter = HeatmapCodec(input_size=(128, 96))
    argmax = HeatmapCodec(input_size=(128, 96), decode_by="argmax")
    for _ in range(100):
        keypoints = rng.uniform(12, (112, 80), (16, 2))
        heatmaps = draw_exact(keypoints / 4, quarter.map_size, 2.0)
        quarter_error = np.abs(decoded(quarter, heatmaps).keypoints - keypoints).max()
        argmax_error = np.abs(decoded(argmax, heatmaps).keypoints - keypoints).max()
        assert quarter_error <= 4 * 0.25 + 1e-6
        assert 4 * 0.25 < argmax_error <= 4 * 0.5 + 1e-6


def test_unlabelled_joints_have_empty_maps_for_any_coordinates():
    codec = HeatmapCodec(input_size=(64, 64))
    rng = np.random.default_rng(2)
    keypoints, visible = rng.uniform(0, 60, (1, 16, 2)), np.ones((1, 16))
    visible[0, [2, 5, 9]] = 0
    maps = codec.encode(keypoints, visible)
    keypoints[0, 2] = np.nan
    keypoints[0, 5] = np.inf
    keypoints[0, 9] = -1
    again = codec.encode(keypoints, visible)
    assert (maps["weights"] == visible[0]).all()
    assert not maps["heatmaps"][[2, 5, 9]].any()
    for name in maps:
        assert np.array_equal(maps[name], again[name])
        assert maps[name].dtype == np.float32
    # COCO's visibility values 1 and 2 are treated alike.
    assert np.array_equal(codec.encode(keypoints, visible * 2)["heatmaps"], maps["heatmaps"])


def test_joints_outside_the_map_have_weight_0_except_at_the_published_edge():
    codec = HeatmapCodec(input_size=(256, 256))
    keypoints = np.full((1, 16, 2), 100.0)
    keypoints[0, :4, 0] = -31.0, -35.0, 279.0, 1e6  # cells -7 (counted as published), -8, 70, far
    maps = codec.encode(keypoints, np.ones((1, 16)))
    assert maps["weights"][:5].tolist() == [1, 0, 0, 0, 1]
    assert not maps["heatmaps"][:4].any()


@pytest.mark.parametrize("skeleton", [MPII_16, COCO_17], ids=["mpii", "coco"])
def test_mirrored_maps_equal_the_maps_of_the_original_image(skeleton):
    codec = HeatmapCodec(skeleton=skeleton, input_size=(96, 64))
    joints, flip = skeleton.num_joints, list(skeleton.flip)
    rng = np.random.default_rng(3)
    # Mirroring a map moves cell x to w-1-x, that is px x to 4 (w-1) - x: exact for px on cells.
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


def test_decoding_uses_the_last_stage():
    codec = HeatmapCodec(input_size=(32, 32))
    heatmaps = np.zeros((2, 3, 16, 8, 8))
    heatmaps[:, 0, :, 1, 1] = 9
    heatmaps[0, 2, :, 4, 3] = 0.5
    heatmaps[1, 2, :, 5, 6] = 0.25
    first, second = codec.decode({"heatmaps": heatmaps})
    assert first.keypoints.tolist() == [[[12.0, 16.0]] * 16]
    assert second.keypoints.tolist() == [[[24.0, 20.0]] * 16]
    assert (first.person_scores.tolist(), second.person_scores.tolist()) == ([0.5], [0.25])


def test_a_5x5_map_calculated_by_hand():
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
    offset = quarter_offset(heatmap, cells)
    assert offset.tolist() == [[[0.25, -0.25]]]  # right 3 > left 1, above 4 > below 2
    at_the_border = quarter_offset(heatmap, cells - [1, 0])
    assert at_the_border.tolist() == [[[0.0, 0.0]]]


def test_a_joint_whose_map_has_no_positive_cell_is_placed_at_the_origin():
    codec = HeatmapCodec(input_size=(32, 32))
    heatmaps = np.full((16, 8, 8), -2.0)
    heatmaps[:, 4, 4] = -0.5
    poses = decoded(codec, heatmaps)
    assert not poses.keypoints.any()
    assert poses.scores.tolist() == [[-0.5] * 16]


UNBIASED = [
    HeatmapCodec(decode_by="dark", unbiased=True),
    HeatmapCodec(decode_by="dark", alignment="udp"),
    HeatmapCodec(decode_by="dark", alignment="udp", unbiased=True),
    HeatmapCodec(decode_by="dark", alignment="udp_warp", unbiased=True, dark_blur=3),
    HeatmapCodec(
        skeleton=COCO_17, input_size=(288, 384), sigma=3.0, decode_by="dark", unbiased=True
    ),
    HeatmapCodec(
        skeleton=COCO_17,
        input_size=(192, 256),
        decode_by="dark",
        alignment="udp",
        joint_sigmas=True,
    ),
    HeatmapCodec(decode_by="dark", unbiased=True, joint_sigmas=True),
]


@pytest.mark.parametrize(
    "codec", UNBIASED, ids=lambda c: f"{c.alignment}-{c.sigma}-{c.unbiased}-{c.joint_sigmas}"
)
def test_decoding_of_exact_targets_is_unbiased(codec):
    rng = np.random.default_rng(4)
    joints = codec.skeleton.num_joints
    edge = codec.stride * 3 * codec.sigmas.max()
    differences = []
    for _ in range(200):
        keypoints = rng.uniform(edge, np.array(codec.input_size) - edge, (1, joints, 2))
        poses = decoded(codec, codec.encode(keypoints, np.ones((1, joints)))["heatmaps"])
        differences.append(poses.keypoints - keypoints)
    assert np.abs(differences).max() < 0.1  # input px
    assert np.abs(np.mean(differences, axis=(0, 1, 2))).max() < 0.005


@pytest.mark.parametrize("decode_by", ["argmax", "quarter", "dark"])
def test_udp_places_the_corner_cells_on_the_corner_px(decode_by):
    codec = HeatmapCodec(input_size=(96, 64), alignment="udp", decode_by=decode_by)
    corners = np.zeros((1, 16, 2))
    corners[0, :4] = (0, 0), (95, 0), (0, 63), (95, 63)
    maps = codec.encode(corners, np.ones((1, 16)))["heatmaps"]
    top = [np.unravel_index(m.argmax(), m.shape) for m in maps[:4]]
    assert top == [(0, 0), (0, 23), (15, 0), (15, 23)]
    # UDP also refines peaks at the border, where the zeros beyond the map shift them outwards by
    # half a cell.
    tolerance = 2.5 if decode_by == "dark" else 1e-9
    assert np.abs(decoded(codec, maps).keypoints[0, :4] - corners[0, :4]).max() < tolerance


def test_udp_warp_has_the_window_of_udp_and_the_cells_and_mirrored_maps_of_published():
    codec, published = (
        HeatmapCodec(input_size=(96, 128), alignment=name, unbiased=True)
        for name in ("udp_warp", "published")
    )
    window = Window((70.0, 90.0), (150.0, 200.0), rotation=20.0, flip=True)
    udp, own = (window.to_input((96, 128), name) for name in ("udp", "udp_warp"))
    assert np.array_equal(udp, own)
    assert codec.cell_size.tolist() == [4.0, 4.0]
    maps = {"heatmaps": np.random.default_rng(0).random((2, 1, 16, 32, 24))}
    for shift in (False, True):
        mirrored = [one.mirror(maps, shift)["heatmaps"] for one in (codec, published)]
        assert np.array_equal(*mirrored)


def test_the_blur_of_dark_is_odd_and_part_of_its_description():
    assert HeatmapCodec(decode_by="dark", dark_blur=3).describe() == "dark (blur 3)"
    assert HeatmapCodec(decode_by="quarter", dark_blur=3).describe() == "quarter"
    with pytest.raises(InputError, match=r"codec\.dark_blur=4 is even; expected an odd number"):
        HeatmapCodec(dark_blur=4)


@pytest.mark.parametrize("shift", [False, True])
def test_udp_mirrors_without_a_shift_for_either_setting(shift):
    codec = HeatmapCodec(input_size=(96, 64), alignment="udp", decode_by="dark")
    flip, rng = list(MPII_16.flip), np.random.default_rng(5)
    keypoints = rng.uniform(0, (95, 63), (1, 16, 2))
    mirrored = move(keypoints, np.array([[-1.0, 0, 95], [0, 1, 0]]))[:, flip]
    maps = codec.encode(mirrored, np.ones((1, 16)))["heatmaps"][None, None]
    back = codec.mirror({"heatmaps": maps}, shift)["heatmaps"][0, 0]
    assert np.allclose(back, codec.encode(keypoints, np.ones((1, 16)))["heatmaps"], atol=1e-6)


def test_joint_sigmas_have_the_mean_sigma_and_the_skeletons_proportions():
    codec = HeatmapCodec(skeleton=COCO_17, input_size=(192, 256), joint_sigmas=True, unbiased=True)
    assert codec.sigmas.mean() == pytest.approx(2.0)
    assert np.allclose(codec.sigmas / codec.sigmas[0], np.array(COCO_17.sigmas) / COCO_17.sigmas[0])
    maps = codec.encode(np.full((1, 17, 2), 96.0), np.ones((1, 17)))["heatmaps"].astype(np.float64)
    deviation = np.sqrt((maps * (np.arange(48) - 24) ** 2).sum((1, 2)) / maps.sum((1, 2)))
    assert np.allclose(deviation, codec.sigmas, rtol=1e-3)
    windowed = HeatmapCodec(skeleton=COCO_17, input_size=(192, 256), joint_sigmas=True)
    maps = windowed.encode(np.full((1, 17, 2), 96.0), np.ones((1, 17)))["heatmaps"]
    assert (maps[:, 24] > 0).sum(axis=1).tolist() == (2 * np.trunc(3 * codec.sigmas) + 1).tolist()


def test_joints_whose_exact_gaussian_misses_the_map_have_weight_0():
    codec = HeatmapCodec(unbiased=True)
    keypoints = np.full((1, 16, 2), 100.0)
    keypoints[0, :4, 0] = -28.0, -28.1, 279.9, 280.0  # cells -7, 70
    assert codec.encode(keypoints, np.ones((1, 16)))["weights"][:5].tolist() == [1, 0, 1, 0, 1]


def test_udp_needs_two_cells():
    with pytest.raises(InputError, match=r"codec\.input_size.*codec\.stride"):
        HeatmapCodec(input_size=(4, 64), alignment="udp")


@pytest.mark.parametrize("shape", [(2, 16, 2), (1, 15, 2), (0, 16, 2), (16, 2)])
def test_anything_but_one_person_raises(shape):
    with pytest.raises(InputError, match=rf"\(1, 16, 2\).*{re.escape(str(shape))}"):
        HeatmapCodec().encode(np.zeros(shape), np.ones(shape[:-1]))


@pytest.mark.parametrize("shape", [(1, 16, 64, 64), (1, 1, 17, 64, 64), (1, 1, 16, 64, 32)])
def test_maps_of_a_different_shape_raise(shape):
    with pytest.raises(InputError, match=rf"16, 64, 64\].*{re.escape(str(list(shape)))}"):
        HeatmapCodec().decode({"heatmaps": np.zeros(shape)})


def test_an_input_size_that_is_not_a_multiple_of_the_stride_raises():
    with pytest.raises(InputError, match=r"codec\.input_size=\(250, 256\).*codec\.stride=4"):
        HeatmapCodec(input_size=(250, 256))


@pytest.mark.parametrize("size", [(256, 0), (-4, 4), (200_000, 256)])
def test_an_input_size_out_of_range_raises(size):
    with pytest.raises(InputError, match=r"codec\.input_size.*1 to 4096"):
        HeatmapCodec(input_size=size)
