"""Decoder of NanoDet: cells, strides, the order of outputs, and precision."""

import numpy as np
import pytest

from paddle_pose.inference.detection.nanodet import NanoDetDecoder, expected_distances

SIZE = (64, 64)
CELLS = {8: 64, 16: 16, 32: 4, 64: 1}


def level_outputs(strides, classes=80, bins=8, person=0):
    """Returns the outputs of each stride; one cell of stride 16 detects a person, no other does."""
    outputs = {}
    for stride in strides:
        scores = np.zeros((1, CELLS[stride], classes), np.float32)
        distances = np.zeros((1, CELLS[stride], 4, bins), np.float32)
        if stride == 16:
            scores[0, 6, person] = 0.9  # column 2, row 1
            for side, reach in enumerate((1, 0, 1, 2)):  # left, top, right, bottom
                distances[0, 6, side, reach] = 60.0
        outputs[f"score{stride}"] = scores
        outputs[f"distance{stride}"] = distances.reshape(1, CELLS[stride], 4 * bins)
    return outputs


@pytest.mark.parametrize("bins", [8, 11])
@pytest.mark.parametrize("classes", [1, 80])
def test_a_cell_gives_a_box_around_its_centre(classes, bins):
    person = classes - 1
    corners, scores = NanoDetDecoder(person=person).decode(
        level_outputs((8, 16, 32), classes, bins, person), SIZE
    )
    best = int(scores.argmax())
    assert best == 64 + 6
    x, y = 2 * 16 + 7.5, 1 * 16 + 7.5
    np.testing.assert_allclose(corners[best], [x - 16, y, x + 16, y + 32], atol=1e-6)


def test_a_fourth_stride_is_nanodet_plus_whose_centres_are_at_multiples_of_the_stride():
    corners, scores = NanoDetDecoder().decode(level_outputs((8, 16, 32, 64)), SIZE)
    np.testing.assert_allclose(corners[int(scores.argmax())], [16, 16, 48, 48], atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_outputs_does_not_matter(seed):
    outputs = list(level_outputs((8, 16, 32)).items())
    expected = NanoDetDecoder().decode(dict(outputs), SIZE)
    mixed = [outputs[n] for n in np.random.default_rng(seed).permutation(len(outputs))]
    got = NanoDetDecoder().decode(dict(mixed), SIZE)
    assert np.array_equal(got[0], expected[0])
    assert np.array_equal(got[1], expected[1])


def test_a_single_output_is_scores_then_distances():
    outputs = level_outputs((8, 16, 32), classes=1, bins=11)
    expected = NanoDetDecoder().decode(outputs, SIZE)
    whole = [
        np.concatenate([outputs[f"{kind}{s}"] for s in (8, 16, 32)], axis=1)
        for kind in ("score", "distance")
    ]
    got = NanoDetDecoder().decode({"output": np.concatenate(whole, axis=2)}, SIZE)
    assert np.array_equal(got[0], expected[0])
    assert np.array_equal(got[1], expected[1])


@pytest.mark.parametrize(
    "outputs",
    [
        pytest.param({"output": np.zeros((1, 84, 85))}, id="channels"),
        pytest.param({"output": np.zeros((1, 80, 112))}, id="cells"),
        pytest.param({"a": np.zeros((1, 64, 80)), "b": np.zeros((1, 16, 32))}, id="pairs"),
    ],
)
def test_other_outputs_are_refused(outputs):
    with pytest.raises(ValueError, match="NanoDet"):
        NanoDetDecoder().decode(outputs, SIZE)


def test_large_logits_do_not_overflow():
    np.testing.assert_allclose(
        expected_distances(np.eye(8, dtype=np.float32)[[3] * 4].reshape(1, 32) * 5e4), 3.0
    )


def test_half_precision_logits_are_summed_in_single_precision():
    logits = np.random.default_rng(0).normal(0, 4, (500, 44)).astype(np.float16)
    single = expected_distances(logits.astype(np.float32))
    assert np.array_equal(expected_distances(logits), single)
