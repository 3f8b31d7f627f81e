from pathlib import Path

import numpy as np
import pytest

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.codecs.movenet_multipose import MultiPoseCodec
from paddle_pose.data.framing import one_per_person
from paddle_pose.data.mpii import read_mpii
from paddle_pose.errors import InputError
from paddle_pose.evaluation.ranked_examples import draw_ranked_examples, rank_examples, tile_size
from paddle_pose.geometry import Window
from paddle_pose.io import images
from paddle_pose.metrics.pckh import PCKh
from paddle_pose.skeletons import MPII_16
from paddle_pose.structures import Person, Poses, Sample


def poses(keypoints):
    return Poses(keypoints[None], np.ones((1, len(keypoints))), np.ones(1))


@pytest.fixture
def predictions(synthetic_mpii):
    """Returns predictions of eight people, each worse than the one before."""
    samples = one_per_person(read_mpii(synthetic_mpii, "val"), (64, 64))
    people = [sample.persons[0] for sample in samples]
    return [
        (sample, poses(person.keypoints + 0.2 * n * person.head_size))
        for n, (sample, person) in enumerate(zip(samples, people, strict=True))
    ]


def test_people_are_ranked_from_best_to_worst(predictions):
    examples = rank_examples(PCKh(), predictions)
    assert [example.sample for example in examples] == [sample for sample, _ in predictions]
    assert [
        example.sample_score.quality for example in rank_examples(PCKh(), predictions[::-1])
    ] == [example.sample_score.quality for example in examples]


def test_people_without_ground_truth_are_left_out(predictions):
    box = (
        Sample(0, Path("a.jpg"), Window((32.0, 32.0), (64.0, 64.0)), ()),
        poses(np.zeros((16, 2))),
    )
    with pytest.raises(InputError):
        rank_examples(PCKh(), [box])
    assert len(rank_examples(PCKh(), [box, *predictions])) == len(predictions)


@pytest.mark.parametrize("size", [(64, 64), (48, 64)])
def test_a_grid_of_people(predictions, size):
    codec = HeatmapCodec(input_size=size)
    examples = rank_examples(PCKh(), predictions)
    width, height = tile_size(size)
    drawing = draw_ranked_examples(examples, codec)
    assert drawing.dtype == np.uint8
    assert drawing.shape[1] == 5 * width
    row = 40 + height  # px, of a caption and its tile
    assert drawing.shape[0] - 2 * row in (36, 72)  # one or two lines of text above two rows
    single = draw_ranked_examples(examples[:1], codec)
    assert single.shape[1] == width
    assert np.array_equal(single[-row:], drawing[-2 * row : -row, :width])
    assert (single[-row:-height] < 128).any(), "a caption"


def test_windows_of_all_aspect_ratios_are_drawn_without_stretching(tmp_path):
    path = tmp_path / "wide.png"
    images.write(path, np.full((40, 80, 3), 255, np.uint8))
    codec = MultiPoseCodec(skeleton=MPII_16)
    keypoints = np.full((16, 2), 20.0)
    person = Person(keypoints, np.ones(16, np.int64), (10.0, 10.0, 20.0, 20.0), 0, head_size=5.0)
    sample = Sample(0, path, codec.image_window((80, 40)), (person,))
    drawing = draw_ranked_examples(rank_examples(PCKh(), [(sample, poses(keypoints))]), codec)
    column = drawing[-320:, 200, 0]  # a square tile: the image fills half of it
    assert abs(int((column > 200).sum()) - 160) < 4
