import json
import threading
from dataclasses import replace

import numpy as np
import pytest

from paddle_pose import build
from paddle_pose.configs.overrides import override
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.data import dataset
from paddle_pose.data.synthetic.dataset import write_coco, write_mpii
from paddle_pose.errors import InputError

CONFIG = override(CONFIGS["hourglass_tiny_128"], {"train.batch_size": 4, "train.num_workers": 0})


@pytest.fixture(scope="module")
def synthetic_root(tmp_path_factory):
    return write_mpii(
        tmp_path_factory.mktemp("synthetic"), num_train=8, num_val=4, seed=0, size=(480, 480)
    )


def epoch(config, root):
    """Returns the images of the first training epoch."""
    loader = build.loader(config, build.samples(config, root, "train"))
    return np.concatenate([batch["image"].numpy() for batch in loader.epoch(0)])


def test_the_cache_changes_only_grey_levels_and_is_deterministic(synthetic_root, tmp_path):
    cached = replace(CONFIG, data=replace(CONFIG.data, cache=str(tmp_path / "cache")))
    plain = epoch(CONFIG, synthetic_root)
    first = epoch(cached, synthetic_root)
    again = epoch(cached, synthetic_root)
    assert list(tmp_path.glob("cache/*/*.crop"))
    assert np.array_equal(first, again)
    assert 0 < np.abs(plain.astype(int) - first).mean() < 6


def test_reduced_decoding_is_set_separately_for_training_and_evaluation(synthetic_root):
    training = override(CONFIG, {"data.reduced": True})
    difference = epoch(CONFIG, synthetic_root).astype(int) - epoch(training, synthetic_root)
    assert 0 < np.abs(difference).mean() < 6
    samples = build.samples(CONFIG, synthetic_root, "val")
    plain, with_training, with_evaluation = (
        np.concatenate([images for images, _ in build.batches(config, samples)])
        for config in (CONFIG, training, override(CONFIG, {"val.reduced": True}))
    )
    assert np.array_equal(plain, with_training)
    assert 0 < np.abs(plain.astype(int) - with_evaluation).mean() < 6


MPII, COCO = CONFIGS["hourglass52_mpii_256"], CONFIGS["hrnet_w32_coco_256x192"]
CROPS = override(COCO, {"data.dataset": "movenet_crops"})


@pytest.mark.parametrize(
    ("config", "metric", "expected"),
    [
        (MPII, "auto", "PCKh"),
        (MPII, "pckh", "PCKh"),
        (MPII, "pck", "PCK"),
        (COCO, "auto", "CocoAP"),
        (COCO, "ap", "CocoAP"),
        (COCO, "pck", "PCK"),
        (COCO, "fire717_accuracy", "Fire717Accuracy"),
        (CROPS, "auto", "Fire717Accuracy"),
        (CROPS, "pck", "PCK"),
    ],
)
def test_the_metric_is_that_of_the_config_or_of_the_data_set(tmp_path, config, metric, expected):
    root = write_coco(tmp_path, num_train=0, num_val=1, size=(64, 64))
    assert type(build.metric(override(config, {"val.metric": metric}), root)).__name__ == expected


@pytest.mark.parametrize(
    ("config", "metric", "pattern"),
    [
        (MPII, "ap", "'ap'.*'mpii'.*pckh, pck, fire717_accuracy"),
        (COCO, "pckh", "'pckh'.*'coco'.*ap, pck, fire717_accuracy"),
        (CROPS, "ap", "'ap'.*'movenet_crops'.*fire717_accuracy, pck"),
    ],
)
def test_a_metric_without_its_annotations_raises(tmp_path, config, metric, pattern):
    with pytest.raises(InputError, match=pattern):
        build.metric(override(config, {"val.metric": metric}), tmp_path)


def test_a_missing_data_folder_raises():
    with pytest.raises(InputError, match=r"^data is missing"):
        build.samples(MPII, None, "train")


def test_every_data_set_has_a_reader_and_a_standard_metric():
    assert build.READERS.keys() == build.USUAL_METRIC.keys()
    assert set(build.USUAL_METRIC.values()) <= build.METRICS.keys()


def test_images_without_labelled_people_are_used_for_evaluation_only(tmp_path, capsys):
    root = write_coco(tmp_path, num_train=4, num_val=4, size=(64, 64))
    for split in ("train", "val"):
        path = root / "annotations" / f"person_keypoints_{split}2017.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        people = content["annotations"]
        people[0]["iscrowd"] = 1
        people[1]["keypoints"], people[1]["num_keypoints"] = [0] * 51, 0
        del people[2]
        path.write_text(json.dumps(content), encoding="utf-8")
    config = CONFIGS["movenet_lightning_coco"]
    (sample,) = build.samples(config, root, "train")
    assert sample.image_id == 4
    logged = capsys.readouterr().out
    assert "=> load 1 samples" in logged
    assert "=> left out of training: 3 images" in logged
    samples = build.samples(config, root, "val")
    assert [[person.crowd for person in sample.persons] for sample in samples] == [
        [True],
        [True],
        [],
        [False],
    ]
    assert "left out of training" not in capsys.readouterr().out


@pytest.mark.parametrize(("scaled", "factor"), [("false", 1), ("true", 3)])
def test_scale_learning_rate_multiplies_the_rate(synthetic_root, tmp_path, scaled, factor):
    changes = {
        "train.accumulate": 3,
        "train.batch_size": 1,
        "train.schedule.warmup": 0,
        "train.schedule": "steps",
    }
    config = override(CONFIG, {**changes, "train.scale_learning_rate": scaled})
    samples = build.samples(config, synthetic_root, "train")
    loader = build.loader(config, samples)
    trainer = build.trainer(
        config, build.model(config), tmp_path, loader, data={"training": samples}
    )
    trainer.fit(loader, epochs=1)
    trainer.log.close()
    assert [len(batch["image"]) for batch in loader.epoch(0)] == [3, 3]
    first = json.loads((tmp_path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["lr"] == pytest.approx(factor * config.train.learning_rate)


@pytest.mark.parametrize(("total", "factor"), [(12, 0.25), (3, 1), (1, 3)])
def test_the_scaled_rate_of_a_recipe_with_a_total_batch_is_relative_to_it(
    synthetic_root, tmp_path, total, factor
):
    changes = {
        "train.total_batch": total,
        "train.accumulate": 3,
        "train.batch_size": 1,
        "train.schedule": "steps",
        "train.schedule.warmup": 0,
        "train.scale_learning_rate": True,
    }
    config = override(CONFIG, changes)
    samples = build.samples(config, synthetic_root, "train")
    loader = build.loader(config, samples)
    trainer = build.trainer(
        config, build.model(config), tmp_path, loader, data={"training": samples}
    )
    trainer.log.close()
    assert trainer._schedule(0) == pytest.approx(factor * config.train.learning_rate)


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("name", ["movenet_lightning_coco", "movenet_lightning_coco_centernet"])
def test_movenet_learns_the_same_from_targets_of_the_device(tmp_path, name, accumulate):
    """Images of one to three people, so that batches are padded."""
    root = write_coco(tmp_path / "coco", num_train=6, num_val=1, size=(96, 96), persons=(1, 3))
    changes = {
        "codec.input_size": (64, 64),
        "model.width": 0.25,
        "train.batch_size": 3 // accumulate,
        "train.accumulate": accumulate,
        "train.num_workers": 0,
        "train.log_every": 1,
        "train.schedule.warmup": 0,
        "train.learning_rate": 1e-4,
    }
    losses = {}
    for on_device in (False, True):
        config = override(CONFIGS[name], {**changes, "train.device_targets": on_device})
        samples = build.samples(config, root, "train")
        assert {len(sample.persons) for sample in samples} > {1}
        loader = build.loader(config, samples)
        (batch, *_) = loader.epoch(0)
        assert ("targets" in batch) != on_device
        trainer = build.trainer(
            config,
            build.model(config),
            tmp_path / str(on_device),
            loader,
            data={"training": samples},
        )
        trainer.fit(loader, epochs=2)
        trainer.log.close()
        lines = (tmp_path / str(on_device) / "metrics.jsonl").read_text().splitlines()
        losses[on_device] = [json.loads(line)["loss"] for line in lines]
    assert len(losses[True]) >= 4
    np.testing.assert_allclose(losses[True][0], losses[False][0], rtol=1e-6)
    np.testing.assert_allclose(losses[True], losses[False], rtol=1e-3)


def finished(trainer, loader, epochs):
    """Returns the weights after training until `epochs` epochs are completed."""
    trainer.fit(loader, epochs=epochs)
    trainer.log.close()
    return {name: tensor.numpy() for name, tensor in trainer.model.state_dict().items()}


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("first_epochs", [1, 2], ids=["before", "after"])
def test_resuming_around_the_final_augment_epoch_equals_an_uninterrupted_run(
    synthetic_root, tmp_path, first_epochs, num_workers
):
    stages = {
        "final_augment.value_delta": 40,
        "final_augment.rotation": 10,
        "train.final_augment_epoch": 1,
    }
    config = override(CONFIG, {"codec.input_size": (64, 64), "train.schedule.warmup": 0, **stages})
    samples = build.samples(config, synthetic_root, "train")

    def trainer(name, workers):
        loader = build.loader(override(config, {"train.num_workers": workers}), samples)
        return build.trainer(
            config, build.model(config), tmp_path / name, loader, data={"training": samples}
        ), loader

    uninterrupted = finished(*trainer("uninterrupted", 0), epochs=3)
    finished(*trainer("interrupted", num_workers), epochs=first_epochs)
    resumed, loader = trainer("interrupted", num_workers)
    resumed.resume(tmp_path / "interrupted" / "last")
    weights = finished(resumed, loader, epochs=3)
    assert all(np.array_equal(weights[name], uninterrupted[name]) for name in uninterrupted)
    without_switch = override(config, {"train.final_augment_epoch": 0})
    loader = build.loader(without_switch, samples)
    other = build.trainer(
        without_switch, build.model(config), tmp_path / "other", loader, data={"training": samples}
    )
    assert any(
        not np.array_equal(values, uninterrupted[name])
        for name, values in finished(other, loader, epochs=3).items()
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"final_augment.flip": 0.1}, "train.final_augment_epoch=0"),
        (
            {"final_augment.flip": 0.1, "train.final_augment_epoch": 9, "train.epochs": 9},
            "train.final_augment_epoch=9",
        ),
        ({"final_augment.flip": 0.1, "train.final_augment_epoch": 8, "train.epochs": 9}, ""),
        ({"train.final_augment_epoch": 8}, "from epoch 8"),
    ],
    ids=["none", "never", "too late", "used", "switched off"],
)
def test_an_unused_or_missing_final_augmentation_is_logged(
    synthetic_root, capsys, changes, expected
):
    samples = build.samples(CONFIG, synthetic_root, "train")
    capsys.readouterr()
    build.loader(override(CONFIG, changes), samples)
    logged = capsys.readouterr().out
    assert expected in logged
    assert bool(logged) == bool(expected)


@pytest.mark.parametrize("threads", [0, 3])
def test_evaluations_read_with_the_threads_of_training(synthetic_root, monkeypatch, threads):
    config = override(CONFIG, {"train.num_workers": threads, "val.batch_size": 4})
    samples = build.samples(config, synthetic_root, "val")
    readers, waiting = [], iter(range(threads))
    each = threading.Barrier(max(1, threads))
    original = dataset.crop

    def crop(*args):
        readers.append(threading.current_thread())
        if next(waiting, None) is not None:
            each.wait(60)  # so that each thread gets a sample
        return original(*args)

    monkeypatch.setattr(dataset, "crop", crop)
    ((images, _),) = build.batches(config, samples)
    assert len(images) == len(readers) == 4
    assert (threading.current_thread() in readers) == (threads == 0)
    assert len(set(readers)) == max(1, threads)
