from pathlib import Path

import numpy as np
import pytest

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.data.framing import one_per_person
from paddle_pose.data.mpii import read_mpii
from paddle_pose.errors import InputError
from paddle_pose.evaluation.ranked_examples import KeepingMetric, draw_ranked_examples, rank_examples, tile_size
from paddle_pose.geometry import Window
from paddle_pose.metrics.pckh import PCKh
from paddle_pose.structures import Poses, Sample


def poses(keypoints):
    return Poses(keypoints[None], np.ones((1, len(keypoints))), np.ones(1))


@pytest.fixture
def metric(synthetic_mpii):
    """A metric with eight people, each found worse than the one before."""
    kept = KeepingMetric(PCKh())
    for n, sample in enumerate(one_per_person(read_mpii(synthetic_mpii, "val"), (64, 64))):
        person = sample.persons[0]
        kept.update(sample, poses(person.keypoints + 0.2 * n * person.head_size))
    return kept


def test_the_metric_scores_as_the_one_within(metric):
    alone = PCKh()
    for sample, found in metric.poses:
        alone.update(sample, found)
    assert metric.accumulate() == alone.accumulate()
    assert metric.intervals() == alone.intervals()
    assert metric.table() == alone.table()
    assert (metric.monitor, metric.summary) == (alone.monitor, alone.summary)
    metric.reset()
    assert metric.poses == []


def test_people_are_ranked_from_the_best_to_the_worst(metric):
    examples = rank_examples(metric)
    assert [example.sample for example in examples] == [sample for sample, _ in metric.poses]
    metric.poses.reverse()
    assert [example.sample_score.quality for example in rank_examples(metric)] == [
        example.sample_score.quality for example in examples
    ]


def test_people_without_a_truth_are_not_drawn():
    kept = KeepingMetric(PCKh())
    kept.poses.append((Sample(0, Path("a.jpg"), Window((32.0, 32.0), (64.0, 64.0)), ()), poses(np.zeros((16, 2)))))
    with pytest.raises(InputError):
        rank_examples(kept)


@pytest.mark.parametrize("size", [(64, 64), (48, 64)])
def test_a_grid_of_people(metric, size):
    codec = HeatmapCodec(input_size=size)
    examples = rank_examples(metric)
    width, height = tile_size(size)
    drawing = draw_ranked_examples(examples, codec)
    assert drawing.dtype == np.uint8
    assert drawing.shape[1] == 5 * width
    assert drawing.shape[0] - 2 * height in (32, 56)  # one or two lines above two rows
    alone = draw_ranked_examples(examples[:1], codec)
    assert alone.shape[1] == width
    assert np.array_equal(alone[-height:], drawing[-2 * height : -height, :width])
