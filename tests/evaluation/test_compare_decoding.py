from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.evaluation.compare_decoding import Reading, predict_by_reading, readings, table
from paddle_pose.evaluation.evaluate import evaluate
from paddle_pose.geometry import Window
from paddle_pose.inference.flip_test import FlipAverage
from paddle_pose.metrics.base import Scores
from paddle_pose.structures import Sample


def keypoints(predictions):
    return np.array([poses.keypoints for _, poses in predictions])


@pytest.mark.parametrize("alignment", ["published", "udp"])
def test_every_reading_is_that_of_an_evaluation_of_its_own_from_two_looks(alignment):
    codec = HeatmapCodec(input_size=(64, 64), alignment=alignment)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (2, 64, 64, 3)).astype(np.uint8) for _ in range(2)]
    sample = Sample(0, Path("a.jpg"), Window((32.0, 32.0), (64.0, 64.0)), ())
    batches = [(pictures, [sample, sample]) for pictures in images]
    looks = []

    def backend(pictures):
        looks.append(len(pictures))
        return {
            "heatmaps": np.random.default_rng(int(pictures[0, 0, 0, 0])).random((2, 1, 16, 16, 16))
        }

    done = []
    predictions = predict_by_reading(backend, codec, batches, done.append)
    assert (looks, done) == ([2] * 4, [2, 4])
    assert list(predictions) == readings(codec)
    assert len(predictions) == (9 if alignment == "published" else 6)
    for reading, found in predictions.items():
        through = FlipAverage(backend, codec, reading.shift) if reading.flip else backend
        alone = evaluate(through, replace(codec, decode_by=reading.decode), batches)
        assert [one for one, _ in found] == [sample] * 4
        assert np.array_equal(keypoints(found), keypoints(alone))
    assert len({keypoints(found).tobytes() for found in predictions.values()}) == len(predictions)


def test_the_table_has_the_monitored_number_at_every_threshold():
    values = {"Ankle": 1.0, "Mean": 87.25, "Plain mean": 2.0, "Mean@0.1": 23.5}
    scores = {
        Reading("dark", True, False): Scores(values, ""),
        Reading("argmax", False, False): Scores({**values, "Mean": 80.0}, ""),
    }
    assert [line.split() for line in table(scores, "Mean@0.1").splitlines()] == [
        ["decode", "flip", "shift", "Mean", "Mean@0.1"],
        ["dark", "yes", "no", "87.250", "23.500"],
        ["argmax", "no", "-", "80.000", "23.500"],
    ]
