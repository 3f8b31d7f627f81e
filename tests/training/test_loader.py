import dataclasses

import numpy as np
import pytest

from paddle_pose import build
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.configs.overrides import override
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.data.augment import Augment
from paddle_pose.data.dataset import PoseDataset
from paddle_pose.data.framing import one_per_person
from paddle_pose.data.mpii import read_mpii
from paddle_pose.errors import InputError
from paddle_pose.training.loader import EpochLoader
from paddle_pose.training.process_group import ProcessGroup

CODEC = HeatmapCodec(input_size=(64, 64))


@pytest.fixture
def samples(synthetic_mpii):
    return one_per_person(read_mpii(synthetic_mpii, "train"), CODEC.input_size)


def loader(samples, batch_size=3, num_workers=0, seed=0):
    return EpochLoader(PoseDataset(samples, CODEC, Augment(), seed), batch_size, num_workers, seed)


def indices(batches):
    return [batch["index"].tolist() for batch in batches]


def test_epoch_order_depends_on_seed_and_epoch_only(samples):
    first = loader(samples)
    assert indices(first.epoch(5)) == indices(loader(samples).epoch(5))
    later = indices(first.epoch(6))  # independent of earlier epochs
    assert later == indices(loader(samples).epoch(6))
    assert later != indices(first.epoch(5))
    assert indices(loader(samples, seed=1).epoch(5)) != indices(first.epoch(5))


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_epoch_has_no_sample_twice_and_no_partial_batch(samples, batch_size):
    loaded = loader(samples, batch_size)
    batches = indices(loaded.epoch(0))
    assert len(batches) == len(loaded) == 8 // batch_size
    assert {len(batch) for batch in batches} == {batch_size}
    indices_read = [index for batch in batches for index in batch]
    assert len(set(indices_read)) == len(indices_read)
    if batch_size == 3:
        assert set(indices_read) | {
            i for epoch in range(9) for batch in indices(loaded.epoch(epoch)) for i in batch
        } == {*range(8)}


def test_loader_makes_one_batch_of_too_few_samples(samples):
    loaded = loader(samples[:2], batch_size=64)
    assert len(loaded) == 1
    assert sorted(indices(loaded.epoch(0))[0]) == [0, 1]


def test_batches_are_identical_with_any_number_of_workers(samples):
    alone, threads = list(loader(samples).epoch(2)), list(loader(samples, num_workers=3).epoch(2))
    assert len(alone) == len(threads) == 2
    for a, b in zip(alone, threads, strict=True):
        assert a.keys() == b.keys() == {"image", "targets", "index"}
        pairs = [
            (a["image"], b["image"]),
            *((a["targets"][n], b["targets"][n]) for n in a["targets"]),
        ]
        assert all(np.array_equal(x.numpy(), y.numpy()) for x, y in pairs)
        assert a["image"].shape == [3, 64, 64, 3]
        assert str(a["image"].dtype) == "paddle.uint8"
        assert a["targets"]["heatmaps"].shape == [3, 16, 16, 16]
        assert a["targets"]["weights"].shape == [3, 16]


@pytest.mark.parametrize("num_workers", [0, 3])
def test_epoch_names_a_missing_image(samples, tmp_path, num_workers):
    missing = dataclasses.replace(samples[4], image_path=tmp_path / "missing.jpg")
    with pytest.raises(FileNotFoundError, match=r"missing\.jpg: not found"):
        list(loader([*samples[:4], missing], batch_size=1, num_workers=num_workers).epoch(0))


def test_loader_rejects_numbers_out_of_range(samples):
    with pytest.raises(InputError, match="training set"):
        loader([])
    with pytest.raises(ValueError, match="batch_size 0"):
        loader(samples, batch_size=0)
    with pytest.raises(ValueError, match="num_workers -2"):
        loader(samples, num_workers=-2)


def test_loader_logs_that_half_body_windows_are_off(samples, capsys):
    config = override(
        CONFIGS["hourglass_tiny_128"], {"augment.half_body": 0.3, "train.num_workers": 0}
    )
    build.loader(config, samples)
    assert capsys.readouterr().out == ""
    headless = dataclasses.replace(CODEC.skeleton, name="headless", upper=())
    build.loader(override(config, {"codec.skeleton": headless}), samples)
    assert (
        "Half-body windows (augment.half_body=0.3) are off: skeleton headless has 16"
        in capsys.readouterr().out
    )
    for silent in ({"augment.half_body": 0}, {"augment": None}):
        build.loader(override(config, {"codec.skeleton": headless, **silent}), samples)
        assert capsys.readouterr().out == ""


@pytest.mark.parametrize("start", [0, 1])
def test_epoch_starts_at_a_batch_without_reading_earlier_ones(samples, start, monkeypatch):
    loaded = loader(samples, batch_size=3)
    whole = indices(loaded.epoch(4))
    read = []
    original = PoseDataset.example
    monkeypatch.setattr(
        PoseDataset, "example", lambda self, key: read.append(key[1]) or original(self, key)
    )
    assert indices(loaded.epoch(4, start)) == whole[start:]
    assert read == [index for batch in whole[start:] for index in batch]
    assert indices(loaded.epoch(4, len(loaded))) == []


@pytest.mark.parametrize("size", [2, 3])
def test_processes_together_read_the_batches_of_one_process(samples, size):
    alone = indices(loader(samples, batch_size=2 * size).epoch(1))
    process_groups = [ProcessGroup(rank, size) for rank in range(size)]
    parts = [
        indices(EpochLoader(PoseDataset(samples, CODEC), 2, 0, 0, process_group).epoch(1))
        for process_group in process_groups
    ]
    assert [
        [index for part in step for index in part] for step in zip(*parts, strict=True)
    ] == alone


def test_loader_rejects_more_processes_than_samples(samples):
    with pytest.raises(ValueError, match="2 training samples for 3 processes"):
        EpochLoader(PoseDataset(samples[:2], CODEC), 1, 0, 0, ProcessGroup(0, 3))
    assert len(EpochLoader(PoseDataset(samples[:5], CODEC), 4, 0, 0, ProcessGroup(0, 2))) == 1


@pytest.mark.parametrize("damage", ["missing", "cut"])
@pytest.mark.parametrize("num_workers", [0, 2])
def test_bad_image_raises_or_is_replaced_by_the_next(samples, tmp_path, damage, num_workers):
    bad = tmp_path / "bad.jpg"
    if damage == "cut":
        bad.write_bytes(samples[3].image_path.read_bytes()[:40])
    broken = [
        dataclasses.replace(s, image_path=bad) if n in (3, 7) else s for n, s in enumerate(samples)
    ]
    dataset = PoseDataset(broken, CODEC, Augment(), 0)
    with pytest.raises((FileNotFoundError, ValueError), match=r"bad\.jpg: "):
        list(EpochLoader(dataset, 2, num_workers, 0).epoch(0))
    replaced = list(EpochLoader(dataset, 2, num_workers, 0, replace_bad=True).epoch(0))
    whole = list(loader(samples, 2).epoch(0))
    expected = [[{3: 4, 7: 0}.get(i, i) for i in batch] for batch in indices(whole)]
    assert indices(replaced) == expected
    lines = [line for batch in replaced for line in batch.get("replaced", ())]
    assert len(lines) == 2
    assert all(line.startswith(f"{bad}: ") for line in lines)


def test_replace_bad_raises_other_errors_and_if_no_image_is_readable(samples, tmp_path):
    def defect(sample, window):
        raise ValueError("a defect")

    dataset = PoseDataset(samples, CODEC, reader=defect)
    with pytest.raises(ValueError, match="a defect"):
        next(iter(EpochLoader(dataset, 2, 0, 0, replace_bad=True).epoch(0)))
    missing = [
        dataclasses.replace(sample, image_path=tmp_path / "missing.jpg") for sample in samples
    ]
    with pytest.raises(
        ValueError,
        match=r"none of the 8 training images .*missing\.jpg",
    ):
        next(iter(EpochLoader(PoseDataset(missing, CODEC), 2, 0, 0, replace_bad=True).epoch(0)))
