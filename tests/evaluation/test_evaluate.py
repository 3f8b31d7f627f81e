from pathlib import Path

import numpy as np
import pytest

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.codecs.movenet_multipose import MultiPoseCodec
from paddle_pose.data.dataset import batches, input_keypoints
from paddle_pose.data.framing import one_per_person
from paddle_pose.data.mpii import read_mpii
from paddle_pose.evaluation.evaluate import evaluate
from paddle_pose.geometry import Window
from paddle_pose.metrics.pckh import PCKh
from paddle_pose.structures import Person, Sample
from paddle_pose.training.process_group import ProcessGroup, interleave

CODEC = HeatmapCodec(input_size=(128, 128))


def oracle(samples, calls):
    """Returns a backend that returns the targets of the samples, in order."""
    waiting = iter(samples)

    def backend(images):
        calls.append(len(images))
        targets = [
            CODEC.encode(*input_keypoints(s, s.window, CODEC))
            for _, s in zip(images, waiting, strict=False)
        ]
        return {"heatmaps": np.stack([maps["heatmaps"] for maps in targets])[:, None]}

    return backend


def test_targets_evaluated_as_maps_are_nearly_perfect(synthetic_mpii):
    samples = one_per_person(read_mpii(synthetic_mpii, "val"), CODEC.input_size)
    calls = []
    done = []
    loaded = batches(samples, CODEC, 3, num_workers=0)
    predictions = evaluate(oracle(samples, calls), CODEC, loaded, done.append)
    assert (calls, done) == ([3, 3, 2], [3, 6, 8])
    assert PCKh().compute_scores(predictions).values["Mean"] > 99


def test_poses_are_returned_in_image_px_with_their_samples():
    window = Window((300.0, 200.0), (256.0, 256.0))  # two image px per input px
    person = Person(np.zeros((16, 2)), np.ones(16, np.int64), (0.0, 0.0, 1.0, 1.0), 0)
    samples = [Sample(n, Path(f"{n}.jpg"), window, (person,)) for n in range(3)]
    heatmaps = np.zeros((3, 1, 16, 32, 32))
    for n in range(3):
        heatmaps[n, ..., 10, 5 + n] = 1
    images = np.zeros((3, 128, 128, 3), np.uint8)
    predictions = evaluate(lambda _: {"heatmaps": heatmaps}, CODEC, [(images, samples)])
    assert [sample for sample, _ in predictions] == samples
    for n, (_, poses) in enumerate(predictions):
        assert np.allclose(poses.keypoints, [172 + 2 * 4 * (5 + n), 72 + 2 * 4 * 10])


def test_the_window_is_the_whole_input_whatever_its_size():
    codec = MultiPoseCodec(min_score=0.0)
    window = codec.image_window((640, 480))
    maps = {
        name: np.zeros((1, channels, 48, 64), np.float32)
        for name, channels in zip(codec.outputs, (1, 17, 34, 34, 2, 2), strict=True)
    }
    maps["centers"][..., 20, 30] = 0.9
    maps["heatmaps"][..., 20, 30] = 1
    maps["box_sizes"][:] = 10
    images = np.zeros((1, 192, 256, 3), np.uint8)
    sample = Sample(0, Path("0.jpg"), window, ())
    ((_, poses),) = evaluate(lambda _: maps, codec, [(images, [sample])])
    assert np.allclose(poses.keypoints[0], [300, 200])  # 2.5 image px per input px


def test_several_processes_return_the_predictions_of_one(synthetic_mpii):
    samples = one_per_person(read_mpii(synthetic_mpii, "val"), CODEC.input_size)
    calls = []
    found = []
    alone = evaluate(oracle(samples, calls), CODEC, batches(samples, CODEC, 3, num_workers=0))

    def keep(part):
        found.append(part)
        return []

    process_groups = [ProcessGroup(rank, 2) for rank in range(2)]
    for process_group in process_groups:
        groups = process_group.shard([samples[0:3], samples[3:6], samples[6:8]])
        own = [sample for group in groups for sample in group]
        own_batches = batches(samples, CODEC, 3, num_workers=1, shard=process_group.shard)
        assert evaluate(oracle(own, calls), CODEC, own_batches, gather=keep) == []
    assert calls == [3, 3, 2, 3, 2, 3], "each batch runs in one process and is not split"
    images = np.zeros((0, 128, 128, 3), np.uint8)
    together = evaluate(
        oracle([], calls), CODEC, [(images, [])][:0], gather=lambda own: interleave(found)
    )
    assert [sample for sample, _ in together] == [sample for sample, _ in alone] == list(samples)
    for (_, one), (_, other) in zip(alone, together, strict=True):
        assert np.array_equal(one.keypoints, other.keypoints)


def test_a_backend_that_returns_too_few_maps_is_an_error():
    samples = [Sample(0, Path("0.jpg"), Window((0.0, 0.0), (1.0, 1.0)), ())] * 2
    maps = {"heatmaps": np.zeros((1, 1, 16, 32, 32))}
    with pytest.raises(ValueError, match="shorter"):
        evaluate(lambda _: maps, CODEC, [(np.zeros((2, 128, 128, 3), np.uint8), samples)])
