"""Augmentation: distributions of windows, hidden rectangles and pixel values; half-body windows."""

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from paddle_pose import geometry
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.data.augment import Augment, half_body_window, supports_half_body
from paddle_pose.geometry import Window
from paddle_pose.skeletons import COCO_17, MPII_16, SKELETONS
from paddle_pose.structures import Person, Sample

SAMPLE = Sample(0, Path("a.jpg"), Window((50.0, 60.0), (100.0, 200.0)), ())
STILL = Augment(flip=0.0, scale=0.0, rotation=0.0)
EACH = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)


def windows(augment, count=4000, seed=0, sample=SAMPLE, skeleton=MPII_16):
    rng = np.random.default_rng(seed)
    return [augment.window(sample, skeleton, rng) for _ in range(count)]


def is_upper(skeleton):
    return np.array([name in skeleton.upper for name in skeleton.joints])


def standing(skeleton, seed=0):
    """Returns a sample of a person whose upper joints have y < 100, and the lower ones y > 100."""
    joints = skeleton.num_joints
    keypoints = np.random.default_rng(seed).uniform((20, 10), (80, 90), (joints, 2))
    keypoints[~is_upper(skeleton)] += (0, 100)
    person = Person(keypoints, np.ones(joints, np.int64), (20.0, 10.0, 60.0, 180.0), 0)
    return Sample(0, Path("a.jpg"), Window((50.0, 100.0), (150.0, 200.0)), (person,))


def labelled_only(sample, slots):
    """Returns a sample whose joints are labelled in some slots only; the others are NaN."""
    (person,) = sample.persons
    visible = np.zeros_like(person.visible)
    visible[slots] = 1
    keypoints = np.where(visible[:, None] > 0, person.keypoints, np.nan)
    return replace(sample, persons=(replace(person, keypoints=keypoints, visible=visible),))


def test_same_generator_state_gives_same_windows():
    assert windows(Augment(), 20) == windows(Augment(), 20)
    assert windows(Augment(), 20) != windows(Augment(), 20, seed=1)


@pytest.mark.parametrize(
    "augment", [Augment(), Augment(flip=0.2, scale=0.25, rotation=30.0, rotation_probability=0.9)]
)
def test_windows_have_the_published_distributions(augment):
    sampled = windows(augment)
    factors = np.array([window.size[0] / 100.0 for window in sampled])
    angles = np.array([window.rotation for window in sampled])
    turned = angles[angles != 0]
    sigma = 3 / np.sqrt(len(sampled))  # three standard deviations of a frequency
    assert all(window.center == (50.0, 60.0) for window in sampled)
    assert all(window.size[1] == pytest.approx(2 * window.size[0]) for window in sampled)
    assert np.mean([window.flip for window in sampled]) == pytest.approx(augment.flip, abs=sigma)
    assert len(turned) / len(sampled) == pytest.approx(augment.rotation_probability, abs=sigma)
    # A normal distribution clipped at one standard deviation has 16 % at each end.
    assert (factors.min(), factors.max()) == pytest.approx((1 - augment.scale, 1 + augment.scale))
    for end in (factors.min(), factors.max()):
        assert np.mean(np.isclose(factors, end)) == pytest.approx(0.159, abs=sigma)
    assert factors.mean() == pytest.approx(1, abs=0.03)
    # Clipped at two, it has 2.3 % at each end, which hardly reduces the standard deviation.
    assert np.abs(turned).max() == pytest.approx(2 * augment.rotation)
    assert turned.std() == pytest.approx(0.96 * augment.rotation, rel=0.04)
    assert abs(turned.mean()) < 0.06 * augment.rotation


def test_disabled_options_change_nothing():
    assert set(windows(Augment(0.0, 0.0, 0.0, 0.0), 50)) == {SAMPLE.window}
    assert all(window.flip for window in windows(Augment(flip=1.0), 50))


def test_rotation_does_not_change_scale_and_flip():
    plain = windows(Augment(rotation_probability=0.0), 50)
    rotated = windows(Augment(rotation_probability=1.0), 50)
    assert [(w.size, w.flip) for w in plain] == [(w.size, w.flip) for w in rotated]


@EACH
@pytest.mark.parametrize("upper", [True, False], ids=["upper", "lower"])
def test_half_body_window_is_the_published_one_and_contains_its_joints(skeleton, upper):
    sample = standing(skeleton)
    window = half_body_window(sample, skeleton, prefer_upper=upper)
    chosen = sample.persons[0].keypoints[is_upper(skeleton) == upper]
    width, height = np.ptp(chosen, axis=0)
    assert window.center == pytest.approx(chosen.mean(axis=0))
    assert window.size[0] == pytest.approx(1.5 * max(width, height * 0.75))
    assert window.size[0] / window.size[1] == pytest.approx(150 / 200)
    assert (window.rotation, window.flip) == (0.0, False)
    shown = geometry.move(chosen, window.to_input((192, 256)))
    assert (shown >= 0).all()
    assert (shown <= (192, 256)).all()


@EACH
def test_upper_half_is_chosen_with_probability_069(skeleton):
    sample = standing(skeleton)
    halves = [half_body_window(sample, skeleton, prefer_upper=upper) for upper in (True, False)]
    sampled = windows(replace(STILL, half_body=0.3), 6000, 0, sample, skeleton)
    upper, lower = (np.mean([window == half for window in sampled]) for half in halves)
    assert set(sampled) == {sample.window, *halves}
    assert upper + lower == pytest.approx(0.3, abs=3 * np.sqrt(0.21 / 6000))
    # The probability that a standard normal number is below 0.5.
    assert upper / (upper + lower) == pytest.approx(0.6915, abs=3 * np.sqrt(0.21 / 1800))


@EACH
def test_half_with_two_labelled_joints_is_replaced_by_the_other(skeleton):
    upper, lower = np.flatnonzero(is_upper(skeleton)), np.flatnonzero(~is_upper(skeleton))
    for few, many in ((upper, lower), (lower, upper)):
        if len(many) < 7:
            continue
        sample = labelled_only(standing(skeleton), [*few[:2], *many])
        both = {half_body_window(sample, skeleton, prefer_upper=prefer) for prefer in (True, False)}
        assert len(both) == 1
        assert both.pop().center == pytest.approx(sample.persons[0].keypoints[many].mean(axis=0))
    three = labelled_only(standing(skeleton), [*upper, *lower[:3]])
    assert half_body_window(three, skeleton, prefer_upper=False).center[1] > 100


def cases_without_half_body(sample):
    """Returns (reason, sample, skeleton) of each reason to return the sample's own window."""
    (person,) = sample.persons
    return [
        ("eight labelled joints", labelled_only(sample, range(8)), COCO_17),
        (
            "the joints coincide",
            replace(sample, persons=(replace(person, keypoints=np.ones((17, 2))),)),
            COCO_17,
        ),
        ("no person", replace(sample, persons=()), COCO_17),
        ("two people", replace(sample, persons=(person, person)), COCO_17),
        ("no upper body", sample, replace(COCO_17, upper=())),
    ]


@pytest.mark.parametrize(
    ("reason", "sample", "skeleton"),
    cases_without_half_body(standing(COCO_17)),
    ids=lambda value: str(value)[:20],
)
def test_without_half_body_the_own_window_is_returned(reason, sample, skeleton):
    assert {half_body_window(sample, skeleton, prefer_upper=upper) for upper in (True, False)} == {
        sample.window
    }
    assert set(windows(replace(STILL, half_body=1.0), 20, 0, sample, skeleton)) == {sample.window}


def test_nine_labelled_joints_give_a_half_body_window():
    sample = labelled_only(standing(COCO_17), range(9))
    assert half_body_window(sample, COCO_17, prefer_upper=True) != sample.window


@EACH
def test_half_body_needs_an_upper_body_and_more_than_eight_joints(skeleton):
    assert supports_half_body(skeleton)
    assert not supports_half_body(replace(skeleton, upper=()))
    small = replace(
        skeleton,
        joints=skeleton.upper[:8],
        mirror_pairs=(),
        limbs=(),
        sigmas=(0.1,) * 8,
        weights=(1.0,) * 8,
        upper=skeleton.upper[:4],
    )
    assert not supports_half_body(small)


def test_shifted_windows_keep_their_size_and_are_uniform():
    augment = replace(STILL, shift=0.16)
    sampled = windows(augment)
    offsets = np.array([(np.array(window.center) - (50, 60)) / (100, 200) for window in sampled])
    moved = offsets[(offsets != 0).any(axis=1)]
    assert {window.size for window in sampled} == {SAMPLE.window.size}
    assert len(moved) / len(sampled) == pytest.approx(0.3, abs=3 * np.sqrt(0.21 / 4000))
    assert np.abs(moved).max() == pytest.approx(0.16, rel=0.01)
    assert np.abs(moved).max() <= 0.16
    assert np.allclose(moved.std(axis=0), 0.32 / np.sqrt(12), rtol=0.05)  # uniform
    assert np.allclose(moved.mean(axis=0), 0, atol=0.01)
    assert all(
        window.center != (50.0, 60.0)
        for window in windows(replace(augment, shift_probability=1.0), 50)
    )


def test_truncated_numbers_follow_the_truncated_normal_distribution():
    """Density of a standard normal number under the condition |x| < 1, at 10 places."""
    augment = replace(
        STILL,
        truncated=True,
        scale=0.4,
        rotation=40.0,
        rotation_probability=0.6,
        shift=0.16,
    )
    sampled = windows(augment)
    angles = np.array([window.rotation for window in sampled])
    offsets = np.array([(np.array(window.center) - (50, 60)) / (100, 200) for window in sampled])
    numbers = {
        "scale": np.array([window.size[0] / 100 - 1 for window in sampled]) / 0.4,
        "rotation": angles[angles != 0] / 80,
        "shift": offsets[(offsets != 0).any(axis=1)].ravel() / 0.16,
    }
    assert len(numbers["rotation"]) / len(sampled) == pytest.approx(0.6, abs=0.03)
    edges = np.linspace(-1, 1, 11)
    cumulated = np.array([math.erf(edge / math.sqrt(2)) for edge in edges])
    expected = np.diff(cumulated) / (cumulated[-1] - cumulated[0])
    for name, values in numbers.items():
        assert np.abs(values).max() <= 1, name
        shares = np.histogram(values, edges)[0] / len(values)
        tolerance = 4 * np.sqrt(expected * (1 - expected) / len(values))
        assert (np.abs(shares - expected) < tolerance).all(), name


def test_half_body_and_shift_do_not_change_the_other_options():
    sample = standing(COCO_17)
    several = Augment(half_body=1.0, shift=0.16, shift_probability=1.0, occlusion=1.0)
    for seed in range(20):
        (plain,), (varied,) = (
            windows(augment, 1, seed, sample, COCO_17) for augment in (Augment(), several)
        )
        assert (varied.rotation, varied.flip) == (plain.rotation, plain.flip)
        halves = [
            half_body_window(sample, COCO_17, prefer_upper=upper).size[0] for upper in (True, False)
        ]
        factor = plain.size[0] / sample.window.size[0]
        assert any(varied.size[0] == pytest.approx(half * factor) for half in halves)
        assert varied.center not in {sample.window.center}


def test_hidden_rectangles_have_the_configured_sizes_and_frequency():
    augment, rng = Augment(occlusion=0.5), np.random.default_rng(0)
    sampled = [augment.hidden((192, 256), rng) for _ in range(4000)]
    x, y, width, height = np.array([rectangle for rectangle in sampled if rectangle is not None]).T
    assert len(x) / len(sampled) == pytest.approx(0.5, abs=3 * 0.5 / np.sqrt(4000))
    assert (width.min(), width.max()) == (38, 77)  # 0.2 and 0.4 of 192
    assert (height.min(), height.max()) == (51, 102)  # 0.2 and 0.4 of 256
    assert abs(np.corrcoef(width, height)[0, 1]) < 0.07  # independent of each other
    for corner, size, side in ((x, width, 192), (y, height, 256)):
        assert corner.min() == 0
        assert (corner + size).max() == side


def test_without_occlusion_the_generator_is_not_used():
    rng = np.random.default_rng(0)
    assert Augment().hidden((192, 256), rng) is None
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state
    assert Augment(occlusion=1.0, occlusion_size=(1.0, 1.0)).hidden((192, 256), rng) == (
        0,
        0,
        192,
        256,
    )


NOISE = np.random.default_rng(7).integers(0, 256, (24, 20, 3)).astype(np.uint8)


def changed(augment, image=NOISE, count=400, seed=0):
    """Returns `count` images of the augmentation, after checking that the input is not modified."""
    rng, before = np.random.default_rng(seed), image.copy()
    images = [augment.pixels(image, rng) for _ in range(count)]
    assert np.array_equal(image, before)
    assert all((one.shape, one.dtype) == (image.shape, np.uint8) for one in images)
    return images


def test_without_pixel_options_the_generator_is_not_used():
    rng = np.random.default_rng(0)
    off = Augment(half_body=0.3, shift=0.1, occlusion=1.0, brightness_contrast_probability=1.0)
    assert np.array_equal(off.pixels(NOISE, rng), NOISE)
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


def shifted_hsv(image, channel, shift):
    """Returns an image with one HSV channel shifted by mmdetection's arithmetic."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV).astype(np.int64)
    hsv[..., channel] = (
        (hsv[..., 0] + shift) % 180 if channel == 0 else np.clip(hsv[..., channel] + shift, 0, 255)
    )
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)


@pytest.mark.parametrize(
    ("channel", "name", "delta"), [(0, "hue", 5), (1, "saturation", 7), (2, "value", 7)]
)
def test_hsv_shifts_have_the_published_distribution(channel, name, delta):
    shifts = range(1 - delta, delta)  # truncated towards zero: the ends never occur
    expected = {
        shifted_hsv(NOISE, channel, shift).tobytes(): shift for shift in shifts if shift
    } | {NOISE.tobytes(): 0}
    sampled = np.array(
        [
            expected[one.tobytes()]
            for one in changed(replace(STILL, **{f"{name}_delta": delta}), count=2000)
        ]
    )
    assert set(sampled) == set(shifts)
    assert np.mean(sampled == 0) == pytest.approx(0.5 + 0.5 / delta, abs=3 * 0.5 / np.sqrt(2000))
    assert abs(sampled.mean()) < 3 * delta / np.sqrt(6 * 2000)


@pytest.mark.parametrize(
    ("name", "filtered"),
    [
        ("blur", lambda size: cv2.blur(NOISE, (size, size))),
        ("median_blur", lambda size: cv2.medianBlur(NOISE, size)),
    ],
    ids=["blur", "median_blur"],
)
def test_blurs_have_the_configured_frequency_and_three_sizes(name, filtered):
    expected = {filtered(size).tobytes(): size for size in (3, 5, 7)} | {NOISE.tobytes(): 0}
    sampled = np.array(
        [expected[one.tobytes()] for one in changed(replace(STILL, **{name: 0.25}), count=2000)]
    )
    assert np.mean(sampled > 0) == pytest.approx(0.25, abs=3 * np.sqrt(0.1875 / 2000))
    assert np.allclose(
        [np.mean(sampled[sampled > 0] == size) for size in (3, 5, 7)], 1 / 3, atol=0.07
    )


def test_contrast_scales_deviations_from_the_channel_mean():
    image = np.array([100, 150, 40, 60], np.uint8).repeat(3).reshape(2, 2, 3)
    image[..., 1] = 90
    sampled = np.array(
        changed(replace(STILL, contrast=0.5, brightness_contrast_probability=1.0), image, 2000)
    ).astype(int)
    assert (sampled[..., 1] == 90).all()
    factors = (sampled[:, 0, 1, 0] - sampled[:, 1, 0, 0]) / 110  # between the levels 150 and 40
    assert factors.min() == pytest.approx(0.5, abs=0.02)
    assert factors.max() == pytest.approx(1.5, abs=0.02)
    assert factors.std() == pytest.approx(1 / np.sqrt(12), rel=0.05)
    means = sampled[..., 0].mean(axis=(1, 2))
    assert np.abs(means - 87.5).max() <= 1  # levels are truncated, not rounded


def test_brightness_is_added_and_clipped():
    sampled = np.array(changed(replace(STILL, brightness=0.2), count=2000)).astype(int)
    moved = sampled - NOISE
    free = (sampled > 0) & (sampled < 255)
    same = [np.ptp(one[where]) for one, where in zip(moved, free, strict=True)]
    assert max(same) == 0
    offsets = np.array([one[where][0] for one, where in zip(moved, free, strict=True)])
    assert (offsets.min(), offsets.max()) == (-51, 50)  # +-0.2 x 255, truncated
    assert np.mean(offsets == 0) == pytest.approx(0.6, abs=0.05)


def test_blur_does_not_change_the_value_shift():
    alone = changed(replace(STILL, value_delta=30), count=50)
    blurred = changed(replace(STILL, value_delta=30, blur=1.0), count=50)
    for one, other in zip(alone, blurred, strict=True):
        assert any(np.array_equal(other, cv2.blur(one, (size, size))) for size in (3, 5, 7))
    several = Augment(
        hue_delta=5, saturation_delta=30, value_delta=30, blur=0.1, median_blur=0.1, contrast=0.2
    )
    assert np.array_equal(changed(several), changed(several))
    assert not np.array_equal(changed(several), changed(several, seed=1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hue_delta": 91}, "'augment.hue_delta': got 91, expected int from 0 to 90"),
        ({"value_delta": 0.5}, "'augment.value_delta'"),
        ({"contrast": 1.5}, "'augment.contrast'"),
        ({"blur": -0.1}, "'augment.blur'"),
        ({"half_body": 30.0}, r"'augment.half_body': got 30.0, expected float from 0 to 1"),
        ({"flip": -0.1}, "'augment.flip': got -0.1"),
        ({"occlusion": float("nan")}, "'augment.occlusion': got nan"),
        ({"scale": -0.5}, "'augment.scale': got -0.5, expected float from 0"),
        ({"shift": -1.0}, "augment.shift"),
        ({"occlusion_size": (0.4, 0.2)}, r"augment.occlusion_size is \(0.4, 0.2\)"),
        ({"occlusion_size": (0.0, 0.2)}, "augment.occlusion_size"),
        ({"occlusion_size": (0.2, 1.2)}, "augment.occlusion_size"),
        ({"padding_size": (0.2, 0.1)}, "augment.padding_size"),
        ({"crop_size": (0.1, 0.5)}, "augment.crop_size"),
        ({"joint_occlusion_size": (0.0, 0.1)}, "augment.joint_occlusion_size"),
        ({"joint_disc": 1.1}, "augment.joint_disc"),
        ({"joint_disc_size": (0.2, 0.1)}, r"augment.joint_disc_size is \(0.2, 0.1\)"),
        ({"joint_disc_offset": -0.1}, "augment.joint_disc_offset"),
        ({"color_distortion_amounts": (0.2, 0.2, 0.1, 2.0)}, "augment.color_distortion_amounts"),
        ({"noise": 256}, "augment.noise"),
    ],
)
def test_amounts_out_of_range_raise(changes, message):
    with pytest.raises(ValueError, match=message):
        Augment(**changes)


ORIGINAL = CONFIGS["movenet_original_coco"].augment
CROWD = Person(np.zeros((17, 2)), np.zeros(17, np.int64), (0.0, 0.0, 9.0, 9.0), 1, crowd=True)
ALONE = standing(COCO_17)
IN_COMPANY = replace(ALONE, persons=(*ALONE.persons, CROWD))


def share_of(condition):
    """Returns the share of a condition, and three standard deviations of it."""
    share = np.mean(condition)
    return share, 3 * np.sqrt(share * (1 - share) / len(condition))


@pytest.mark.parametrize("sample", [ALONE, IN_COMPANY], ids=["alone", "in company"])
def test_movenets_samples_are_changed_in_one_way_as_often_as_published(sample):
    drawn = windows(ORIGINAL, 20_000, 0, sample, COCO_17)
    before = sample.window
    factors = np.array([window.size[0] / before.size[0] for window in drawn])
    angles = np.array([window.rotation for window in drawn])
    offsets = np.array([np.subtract(w.center, before.center) / before.size for w in drawn])
    moved = (offsets != 0).any(axis=1)
    enlarged = factors > 1
    cut = factors < 1
    turned = angles != 0
    only_moved = moved & (factors == 1)
    for changed_so, published in ((enlarged, 0.1), (cut, 0.4), (turned, 0.045)):
        share, tolerance = share_of(changed_so)
        assert share == pytest.approx(published, abs=tolerance)
    share, tolerance = share_of(only_moved)
    assert share == pytest.approx(0.1 if sample is ALONE else 0, abs=tolerance)
    assert (enlarged.astype(int) + cut + turned + only_moved).max() == 1
    assert np.mean([window.flip for window in drawn]) == pytest.approx(0.5, abs=0.011)
    assert 1.12 <= factors[enlarged].min() < 1.125 < 1.235 < factors[enlarged].max() <= 1.24
    assert 0.4 <= factors[cut].min() < 0.405 < 0.795 < factors[cut].max() <= 0.8
    assert 23 < np.abs(angles).max() <= 24
    assert angles[turned].std() == pytest.approx(48 / np.sqrt(12), rel=0.05)  # uniform
    if sample is ALONE:
        lengths = np.abs(offsets[only_moved])
        assert 0.05 <= lengths.min() < 0.055 < 0.195 < lengths.max() <= 0.2
        assert np.abs(offsets[only_moved].mean(axis=0)).max() < 0.01
        seen = offsets * [[-1 if window.flip else 1, 1] for window in drawn]
        assert -0.15 <= seen[cut].min() < -0.13
        assert seen[cut].max() <= 0
    else:
        assert not moved.any()


def test_exclusive_probabilities_beyond_1_leave_the_later_ones_less():
    augment = replace(ORIGINAL, padding=0.7, crop=0.4)
    drawn = windows(augment, 4000, 0, ALONE, COCO_17)
    assert all(window.size != ALONE.window.size for window in drawn)
    cut = np.mean([window.size[0] < ALONE.window.size[0] for window in drawn])
    assert cut == pytest.approx(0.3, abs=3 * np.sqrt(0.21 / 4000))


def test_colours_are_distorted_together_in_40_of_100_images():
    image = np.tile(np.array([200, 60, 90], np.uint8), (8, 8, 1))
    image[::2] -= 40
    drawn = np.array(changed(replace(STILL, color_distortion=0.4), image, 2000)).astype(int)
    distorted = (drawn != image).any(axis=(1, 2, 3))
    share, tolerance = share_of(distorted)
    assert share == pytest.approx(0.4, abs=tolerance)
    only_brightness = replace(
        STILL, color_distortion=1.0, color_distortion_amounts=(0.0, 0.2, 0.0, 0.0)
    )
    levels = np.array(changed(only_brightness, image, 500)).astype(int)[:, 1, 1, 2]
    assert (levels.min(), levels.max()) == pytest.approx((90 - 51, 90 + 51), abs=3)
    hues = np.array(
        [
            cv2.cvtColor(one[:1, :1], cv2.COLOR_RGB2HSV)[0, 0, 0]
            for one in drawn[distorted].astype(np.uint8)
        ]
    ).astype(int)
    before = int(cv2.cvtColor(image[:1, :1], cv2.COLOR_RGB2HSV)[0, 0, 0])
    turned = (hues - before + 90) % 180 - 90
    assert 14 <= np.abs(turned).max() <= 26  # 18 of 180, and what contrast and clipping add


def test_a_distortion_by_nothing_but_the_hue_is_opencvs_arithmetic():
    augment = replace(STILL, color_distortion=1.0, color_distortion_amounts=(0.0, 0.0, 0.1, 0.0))
    hue = cv2.cvtColor(NOISE, cv2.COLOR_RGB2HSV)[..., 0].astype(float)
    rest = cv2.cvtColor(NOISE, cv2.COLOR_RGB2HSV)
    for seed in range(20):
        (one,) = changed(augment, count=1, seed=seed)
        rng = np.random.default_rng(seed)
        rng.random()
        shift = 18 * rng.uniform(-1, 1, 4)[2]
        rest[..., 0] = ((hue + shift) % 180).astype(np.uint8)
        assert np.array_equal(one, cv2.cvtColor(rest, cv2.COLOR_HSV2RGB))


def test_noise_is_uniform_and_in_40_of_100_images():
    image = np.full((24, 20, 3), 100, np.uint8)
    drawn = np.array(changed(replace(STILL, noise=15), image, 2000)).astype(int) - 100
    noisy = drawn.any(axis=(1, 2, 3))
    share, tolerance = share_of(noisy)
    assert share == pytest.approx(0.4, abs=tolerance)
    assert (drawn.min(), drawn.max()) == (-15, 14)  # cut, not rounded
    assert drawn[noisy].std() == pytest.approx(30 / np.sqrt(12), rel=0.02)
    (bright,) = changed(replace(STILL, noise=15, noise_probability=1.0), image + 154, 1)
    assert bright.max() == 255


def test_squares_of_one_grey_level_lie_on_joints_in_30_of_100_images():
    image = np.tile(np.array([7, 77, 177], np.uint8), (192, 192, 1))
    joints = np.array([(50.0, 60.0), (150.0, 30.0), (191.0, 2.0)])
    augment, rng = replace(STILL, joint_occlusion=0.3), np.random.default_rng(0)
    sizes, centers = [], []
    count = 3000
    levels = set()
    for _ in range(count):
        one = augment.pixels(image, rng, joints)
        rows, columns = np.nonzero((one != image).any(axis=-1))
        if len(rows):
            colors = one[rows, columns]
            assert np.ptp(colors) == 0
            levels.add(int(colors[0, 0]))
            sizes.append((np.ptp(columns) + 1, np.ptp(rows) + 1))
            centers.append((columns.min() + sizes[-1][0] / 2, rows.min() + sizes[-1][1] / 2))
    assert len(sizes) / count == pytest.approx(0.3, abs=3 * np.sqrt(0.21 / count))
    whole = np.array(sizes)[np.array(centers)[:, 0] < 160]
    assert set(map(tuple, whole)) == {(6, 6), (8, 8), (10, 10)}  # half sides of 3 to 6 px, cut
    nearest = np.argmin(np.linalg.norm(np.array(centers)[:, None] - joints, axis=-1), axis=1)
    assert np.allclose(np.bincount(nearest) / len(sizes), 1 / 3, atol=0.06)
    assert len(levels) > 200
    assert (min(levels), max(levels)) <= (10, 255)
    for nowhere in (None, np.zeros((0, 2))):
        always = replace(augment, joint_occlusion=1.0)
        assert np.array_equal(always.pixels(image, np.random.default_rng(0), nowhere), image)


def test_black_discs_lie_near_joints_in_half_of_the_images():
    width, height = 192, 256
    image = np.full((height, width, 3), 200, np.uint8)
    joints = np.array([(60.0, 70.0), (130.0, 128.0), (70.0, 190.0)])
    augment, rng = replace(STILL, joint_disc=0.5), np.random.default_rng(0)
    radii, offsets, chosen = [], [], []
    count = 1500
    for _ in range(count):
        one = augment.pixels(image, rng, joints)
        black = (one == 0).all(axis=-1)
        assert ((one == 200).all(axis=-1) | black).all()
        if black.any():
            rows, columns = np.nonzero(black)
            center = np.array([columns.mean(), rows.mean()])
            inside = np.hypot(columns - center[0], rows - center[1])
            radii.append(np.sqrt(black.sum() / np.pi))
            assert inside.max() < radii[-1] + 1.5  # a disc, not a square
            chosen.append(np.argmin(np.linalg.norm(joints - center, axis=1)))
            offsets.append(center - joints[chosen[-1]])
    assert len(radii) / count == pytest.approx(0.5, abs=3 * 0.5 / np.sqrt(count))
    radii, offsets = np.array(radii), np.array(offsets)
    assert (radii.min(), radii.max()) == pytest.approx((0.1 * width, 0.2 * width), abs=0.5)
    assert radii.std() == pytest.approx(0.1 * width / np.sqrt(12), rel=0.05)  # uniform
    assert np.allclose(offsets.std(axis=0), 0.05 * width, rtol=0.06)
    assert np.abs(offsets.mean(axis=0)).max() < 1
    assert np.allclose(np.bincount(chosen) / len(chosen), 1 / 3, atol=0.06)


def test_black_discs_change_no_other_option_and_need_a_joint():
    plain = replace(STILL, noise=15, noise_probability=1.0, joint_occlusion=1.0)
    joints = np.array([(10.0, 12.0)])
    for seed in range(10):
        one = plain.pixels(NOISE, np.random.default_rng(seed), joints)
        other = replace(plain, joint_disc=1.0).pixels(NOISE, np.random.default_rng(seed), joints)
        black = (other == 0).all(axis=-1)
        assert black.any()
        assert np.array_equal(one[~black], other[~black])
    only = replace(STILL, joint_disc=1.0)
    for nowhere in (None, np.zeros((0, 2))):
        assert np.array_equal(only.pixels(NOISE, np.random.default_rng(0), nowhere), NOISE)


def test_the_originals_options_use_no_chance_where_they_are_off():
    rng = np.random.default_rng(0)
    off = replace(Augment(), exclusive=True, noise_probability=1.0)
    assert np.array_equal(off.pixels(NOISE, rng, np.ones((1, 2))), NOISE)
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state
