from dataclasses import replace

import numpy as np
import pytest

from paddle_pose.codecs.simcc import SimCCCodec
from paddle_pose.errors import InputError

PLAIN = SimCCCodec(input_size=(96, 128))
VARIANTS = {
    "argmax": PLAIN,
    "dark": replace(PLAIN, decode_by="dark"),
    "three-bins-per-px": replace(PLAIN, split_ratio=3.0, sigma=(7.0, 8.0)),
}


def encoded(codec, keypoints, visible=None):
    """Returns the vectors of N people, and their weights."""
    visible = np.ones(keypoints.shape[:2]) if visible is None else visible
    maps = codec.encode_batch(list(keypoints[:, None]), list(visible[:, None]))
    return {name: maps[name] for name in codec.outputs}, maps["weights"]


@pytest.mark.parametrize("codec", VARIANTS.values(), ids=VARIANTS)
def test_what_is_encoded_is_decoded_to_half_a_bin(codec):
    rng = np.random.default_rng(0)
    keypoints = rng.uniform(8, np.array(codec.input_size) - 8, (20, 17, 2))
    maps, weights = encoded(codec, keypoints)
    found = np.concatenate([poses.keypoints for poses in codec.decode(maps)])
    assert np.abs(found - keypoints).max() <= 0.5 / codec.split_ratio + 1e-3
    assert (weights == 1).all()
    scores = np.concatenate([poses.scores for poses in codec.decode(maps)])
    np.testing.assert_allclose(scores, 1.0)


def test_dark_finds_peaks_between_bins():
    codec = replace(PLAIN, decode_by="dark")
    keypoints = np.random.default_rng(1).uniform(20, 76, (5, 17, 2))
    vectors = {}
    for axis, name in enumerate(codec.outputs):
        steps = np.arange(codec.bins[axis]) - keypoints[..., axis, None] * codec.split_ratio
        vectors[name] = np.exp(-(steps**2) / (2 * codec.sigma[axis] ** 2)).astype(np.float32)
    found = np.concatenate([poses.keypoints for poses in codec.decode(vectors)])
    coarse = np.concatenate([poses.keypoints for poses in PLAIN.decode(vectors)])
    assert np.abs(found - keypoints).max() < 0.02
    assert np.abs(coarse - keypoints).max() > 0.2


def test_a_joint_outside_counts_as_long_as_its_gaussian_reaches_in():
    x = np.array([-9.0, -7.0, 5.0, 95.0, 102.0, 104.0])  # 3 sigma are 7.35 px
    keypoints = np.full((1, 17, 2), 40.0)
    keypoints[0, : len(x), 0] = x
    maps, weights = encoded(PLAIN, keypoints)
    assert weights[0, : len(x)].tolist() == [0, 1, 1, 1, 1, 0]
    peaks = maps["simcc_x"][0].max(axis=-1)
    assert (peaks[[0, 5]] == 0).all()
    assert (peaks[[1, 4]] > 0).all()
    assert (peaks[[1, 4]] < 1).all()


def test_unlabelled_joints_have_empty_rows_whatever_their_coordinates_are():
    keypoints = np.full((1, 17, 2), 40.0)
    keypoints[0, 3] = np.nan
    visible = np.ones((1, 17))
    visible[0, 3] = 0
    maps, weights = encoded(PLAIN, keypoints, visible)
    assert weights[0, 3] == 0
    assert weights.sum() == 16
    assert not any(values[0, 3].any() for values in maps.values())


def test_mirrored_vectors_are_those_of_the_mirrored_joints():
    rng = np.random.default_rng(2)
    keypoints = rng.integers(20, 76, (3, 17, 2)).astype(float)
    width = PLAIN.input_size[0]
    mirrored = keypoints[:, list(PLAIN.skeleton.flip)].copy()
    mirrored[..., 0] = width - 0.5 - mirrored[..., 0]  # bins are reversed, as published
    expected, _ = encoded(PLAIN, keypoints)
    found = PLAIN.mirror(encoded(PLAIN, mirrored)[0], shift=True)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_nothing_above_zero_is_bin_minus_one():
    maps = {
        name: np.full((1, 17, bins), -0.5)
        for name, bins in zip(PLAIN.outputs, PLAIN.bins, strict=True)
    }
    for codec in (PLAIN, replace(PLAIN, decode_by="dark")):
        (poses,) = codec.decode(maps)
        assert (poses.keypoints == -0.5).all()
        assert (poses.scores == -0.5).all()


def test_images_of_vectors_peak_at_the_joints():
    keypoints = np.full((1, 17, 2), 40.0)
    maps, _ = encoded(PLAIN, keypoints)
    images = PLAIN.visualize({name: values[0] for name, values in maps.items()})
    assert list(images) == list(PLAIN.skeleton.joints)
    for image in images.values():
        assert image.shape == PLAIN.bins[::-1]
        assert np.unravel_index(image.argmax(), image.shape) == (80, 80)
        assert image.max() == pytest.approx(1.0)


def test_output_spec_states_bins_per_px():
    shapes = {"simcc_x": (1, 17, 192), "simcc_y": (1, 17, 256)}
    assert [spec.split_ratio for spec in PLAIN.output_spec(shapes)] == [2.0, 2.0]
    with pytest.raises(InputError, match="simcc_y"):
        PLAIN.output_spec({**shapes, "simcc_y": (1, 17, 128)})


def test_sizes_that_are_no_whole_bins_are_refused():
    with pytest.raises(InputError, match="split_ratio"):
        replace(PLAIN, split_ratio=1.3)


def test_another_number_of_people_is_refused():
    with pytest.raises(InputError, match="one person"):
        PLAIN.encode(np.zeros((2, 17, 2)), np.ones((2, 17)))
