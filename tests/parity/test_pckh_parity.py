"""PCKh of two published prediction files, and against a literal float64 implementation.

Source: predictions hg_s1_b1 and hg_s2_b1 and their published accuracies of bearpaw/pytorch-pose, as
collected in anibali/eval-mpii-pose; they are part of the test data.
"""

import numpy as np
import pytest
import scipy.io
from parity import reference

from paddle_pose.data.framing import one_per_person
from paddle_pose.data.mpii import read_mpii
from paddle_pose.io.mpii_predictions import read_predictions
from paddle_pose.metrics.pckh import GROUPS, PCKh, counted
from paddle_pose.skeletons import MPII_16
from paddle_pose.structures import Poses

PUBLISHED = {
    "hg_s2_b1": ((95.80, 94.57, 88.12, 83.31, 86.24, 80.88, 77.44), 87.299, 86.757, 23.91, 28.08),
    "hg_s1_b1": ((95.12, 93.61, 85.53, 79.56, 84.51, 78.28, 73.38), 85.085, 84.461, 22.81, 26.85),
}


@pytest.fixture(scope="module")
def val(shared):
    samples = one_per_person(read_mpii(shared / "data" / "mpii_val", "val"), (256, 256))

    def score(name, shift=0.0):
        path = shared / "data" / "mpii_val" / "predictions" / f"{name}.mat"
        predictions = [
            (sample, Poses((points - 1 + shift)[None], np.ones((1, 16)), np.ones(1)))
            for sample, points in zip(samples, read_predictions(path, len(samples)), strict=True)
        ]
        return PCKh().compute_scores(predictions, intervals=False).values

    return score


@pytest.mark.parametrize("name", PUBLISHED)
def test_pckh_of_published_predictions_equals_the_published_values(val, name):
    groups, mean, plain, tenth, eleven_hundredths = PUBLISHED[name]
    values = val(name)
    assert [round(values[group], 2) for group in GROUPS] == list(groups)
    assert round(values["Mean"], 3) == mean
    assert round(values["Plain mean"], 3) == plain
    assert round(values["Mean@0.1"], 2) == tenth
    assert round(values["Mean@0.11"], 2) == eleven_hundredths


def test_pckh_changes_if_predictions_are_shifted_by_one_pixel(val):
    """The shift from 1-based to 0-based must be made once; it matters most at 0.1."""
    correct = val("hg_s2_b1")
    shifted = [val("hg_s2_b1", shift) for shift in (1.0, -1.0)]
    loose = [abs(values["Mean"] - correct["Mean"]) for values in shifted]
    strict = [abs(values["Mean@0.1"] - correct["Mean@0.1"]) for values in shifted]
    assert np.allclose(loose, 0.2, atol=0.05)
    assert np.allclose(strict, 4.7, atol=0.3)


def test_pckh_equals_the_literal_implementation(shared):
    folder = shared / "data" / "mpii_val"
    content = scipy.io.loadmat(folder / "annotations" / "mpii_gt_val.mat")
    preds = read_predictions(folder / "predictions" / "hg_s1_b1.mat", 2958)
    truth = content["pos_gt_src"].transpose(2, 0, 1)
    boxes, missing = content["headboxes_src"].transpose(2, 0, 1), content["jnt_missing"].T
    samples = one_per_person(read_mpii(folder, "val"), (256, 256))[:300]
    predictions = [
        (sample, Poses((points - 1)[None], np.ones((1, 16)), np.ones(1)))
        for sample, points in zip(samples, preds, strict=False)
    ]
    values = PCKh().compute_scores(predictions, intervals=False).values
    first = slice(0, 300)
    rates, mean = reference.pckh(preds[first], truth[first], missing[first], boxes[first], 0.5)
    assert values["Mean"] == pytest.approx(mean, abs=1e-9)
    assert values["Plain mean"] == pytest.approx(rates[counted(MPII_16)].mean(), abs=1e-9)
    slots = [(9,), (12, 13), (11, 14), (10, 15), (2, 3), (1, 4), (0, 5)]
    for group, joints in zip(GROUPS, slots, strict=True):
        assert values[group] == pytest.approx(rates[list(joints)].mean(), abs=1e-9)
    for name, index in (("Mean@0.1", 10), ("Mean@0.11", 11)):
        threshold = np.arange(0, 0.51, 0.01)[index]
        mean = reference.pckh(preds[first], truth[first], missing[first], boxes[first], threshold)[
            1
        ]
        assert values[name] == pytest.approx(mean, abs=1e-9)
