from dataclasses import replace

import numpy as np
import pytest

from paddle_pose import build
from paddle_pose.configs.schema import CONFIGS, override
from paddle_pose.datasets.stick_figures import write_mpii

CONFIG = override(CONFIGS["hourglass_tiny_128"], {"train.batch_size": 4, "train.num_workers": 0})


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return write_mpii(tmp_path_factory.mktemp("drawn"), num_train=8, num_val=4, seed=0, size=(480, 480))


def epoch(config, root):
    loader = build.loader(config, build.samples(config, root, "train"))
    return np.concatenate([batch["image"].numpy() for batch in loader.epoch(0)])


def test_the_cache_changes_grey_levels_only_and_the_same_way_every_time(drawn, tmp_path):
    cached = replace(CONFIG, data=replace(CONFIG.data, cache=str(tmp_path / "cache")))
    plain, first, again = epoch(CONFIG, drawn), epoch(cached, drawn), epoch(cached, drawn)
    assert list(tmp_path.glob("cache/*/*.crop"))
    assert np.array_equal(first, again)
    assert 0 < np.abs(plain.astype(int) - first).mean() < 6


def test_reduced_decoding_is_chosen_for_training_and_for_evaluation_apart(drawn):
    training = override(CONFIG, {"data.reduced": True})
    assert 0 < np.abs(epoch(CONFIG, drawn).astype(int) - epoch(training, drawn)).mean() < 6
    samples = build.samples(CONFIG, drawn, "val")
    shown = [
        np.concatenate([images for images, _ in build.batches(config, samples)])
        for config in (CONFIG, training, override(CONFIG, {"val.reduced": True}))
    ]
    assert np.array_equal(shown[0], shown[1])
    assert 0 < np.abs(shown[0].astype(int) - shown[2]).mean() < 6
