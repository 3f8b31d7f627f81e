from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.evaluation.compare_decoding import Decoding, decodings, predict_by_decoding, table
from paddle_pose.evaluation.evaluate import evaluate
from paddle_pose.geometry import Window
from paddle_pose.inference.flip_test import FlipAverage
from paddle_pose.metrics.base import Scores
from paddle_pose.structures import Sample


def keypoints(predictions):
    return np.array([poses.keypoints for _, poses in predictions])


@pytest.mark.parametrize("alignment", ["published", "udp"])
def test_each_decoding_equals_a_separate_evaluation_and_the_network_runs_twice(alignment):
    codec = HeatmapCodec(input_size=(64, 64), alignment=alignment)
    rng = np.random.default_rng(0)
    batch_images = [rng.integers(0, 256, (2, 64, 64, 3)).astype(np.uint8) for _ in range(2)]
    sample = Sample(0, Path("a.jpg"), Window((32.0, 32.0), (64.0, 64.0)), ())
    batches = [(images, [sample, sample]) for images in batch_images]
    runs = []

    def backend(images):
        runs.append(len(images))
        return {
            "heatmaps": np.random.default_rng(int(images[0, 0, 0, 0])).random((2, 1, 16, 16, 16))
        }

    done = []
    predictions = predict_by_decoding(backend, codec, batches, done.append)
    assert (runs, done) == ([2] * 4, [2, 4])
    assert list(predictions) == decodings(codec)
    assert len(predictions) == (9 if alignment == "published" else 6)
    for decoding, found in predictions.items():
        network = FlipAverage(backend, codec, decoding.shift) if decoding.flip else backend
        expected = evaluate(network, replace(codec, decode_by=decoding.decode), batches)
        assert [predicted for predicted, _ in found] == [sample] * 4
        assert np.array_equal(keypoints(found), keypoints(expected))
    assert len({keypoints(found).tobytes() for found in predictions.values()}) == len(predictions)


def test_the_table_has_the_monitored_value_at_every_threshold():
    values = {"Ankle": 1.0, "Mean": 87.25, "Plain mean": 2.0, "Mean@0.1": 23.5}
    scores = {
        Decoding("dark", flip=True, shift=False): Scores(values, ""),
        Decoding("argmax", flip=False, shift=False): Scores({**values, "Mean": 80.0}, ""),
    }
    assert [line.split() for line in table(scores, "Mean@0.1").splitlines()] == [
        ["decode", "flip", "shift", "Mean", "Mean@0.1"],
        ["dark", "yes", "no", "87.250", "23.500"],
        ["argmax", "no", "-", "80.000", "23.500"],
    ]


def test_a_skeleton_that_cannot_be_mirrored_has_no_flip_test():
    codec = HeatmapCodec()
    assert any(decoding.flip for decoding in decodings(codec))
    fixed = replace(codec, skeleton=replace(codec.skeleton, can_flip=False))
    assert {decoding.flip for decoding in decodings(fixed)} == {False}
    assert len({decoding.decode for decoding in decodings(fixed)}) == len(decodings(fixed))
