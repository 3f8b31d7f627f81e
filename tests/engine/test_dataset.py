"""The data set of the Python API shows what a network receives."""

import numpy as np
import pytest

import paddle_pose as pp
from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.errors import InputError
from paddle_pose.io import images

CONFIG = "hourglass_tiny_128"


@pytest.fixture(scope="module")
def people(synthetic_mpii):
    return pp.Dataset(CONFIG, synthetic_mpii, split="val")


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coco")
    write_coco(folder, num_train=2, num_val=2, size=(160, 120), persons=(2, 2))
    return folder


def test_an_element_is_the_input_with_the_labelled_joints(people):
    assert len(people) == len(people[:]) == len(list(people)) == 8
    example = people[-1]
    assert example.image.shape == (128, 128, 3)
    visible = people.samples[-1].persons[0].visible
    assert (example.scores[0] > 0.2).tolist() == (visible > 0).tolist()
    x, y, width, height = example.boxes[0]
    keypoints = example.keypoints[0][visible > 0]
    assert ((keypoints >= (x, y)) & (keypoints <= (x + width, y + height))).mean() > 0.9
    assert np.array_equal(example.image, people[7].image)


def test_the_whole_image_contains_its_people_boxes_and_windows(people, groups):
    sample = people.samples[0]
    whole = people.whole_image(0)
    assert np.array_equal(whole.keypoints[0], sample.persons[0].keypoints)
    assert whole.boxes[0].tolist() == pytest.approx(sample.persons[0].box)
    assert whole.windows[0].tolist() == pytest.approx(sample.window.box)
    for framing, windows in (("person", 2), ("central_person", 2), ("image", 1)):
        data = pp.Dataset(
            "movenet_lightning_coco", groups, split="val", overrides={"data.framing": framing}
        )
        several = data.whole_image(0)
        assert (len(several), len(several.boxes), len(several.windows)) == (2, 2, windows)
        assert several.image.shape == (120, 160, 3)


def test_augmentation_depends_on_the_epoch_and_can_be_changed(synthetic_mpii):
    data = pp.Dataset("hourglass52_mpii_256", synthetic_mpii)
    first, second = data.augmented(0), data.augmented(0, epoch=1)
    assert np.array_equal(first.image, data.augmented(0).image)
    assert not np.array_equal(first.image, second.image)
    plain = pp.Dataset("hourglass52_mpii_256", synthetic_mpii, overrides={"augment": None})
    assert np.array_equal(plain.augmented(0).image, data[0].image)


@pytest.mark.parametrize(
    ("config", "titles"),
    [
        ("hourglass52_mpii_256", 16),
        ("simple_baseline_r50_coco_256x192", 17),
        ("movenet_lightning_coco", 20),
        ("rtmpose_s_coco_256x192", 17),
    ],
)
def test_targets_can_be_drawn(config, titles, synthetic_mpii, groups):
    data = pp.Dataset(config, synthetic_mpii if "mpii" in config else groups)
    targets = data.targets(0)
    assert set(data.config.codec.outputs) <= set(targets)
    assert len(data.config.codec.visualize(targets)) == titles
    pixels = data.draw_targets(0, columns=4, width=400).pixels
    columns = min(4, titles)
    assert pixels.shape[1] == pytest.approx(columns * 100, abs=8)


@pytest.mark.parametrize("config", ["hourglass52_mpii_256", "movenet_lightning_coco"])
def test_losses_of_the_targets_are_zero_and_of_zeros_are_not(config, synthetic_mpii, groups):
    data = pp.Dataset(config, synthetic_mpii if "mpii" in config else groups)
    targets = data.targets(0)
    stages = {"heatmaps": targets["heatmaps"][None]} if "mpii" in config else {}
    exact = targets | stages
    zeros = {name: np.zeros_like(values) for name, values in exact.items()}
    assert data.losses(0, exact) == pytest.approx(dict.fromkeys(data.losses(0, exact), 0.0))
    assert min(data.losses(0, zeros).values()) > 0


def test_a_network_draws_its_maps(tmp_path, synthetic_mpii):
    run = pp.train(
        CONFIG, data=synthetic_mpii, output=tmp_path / "run", overrides={"train.epochs": 1}
    )
    model = pp.load_model(run.best if run.best.exists() else run.last)
    data = pp.Dataset(model.config, synthetic_mpii, split="val")
    maps = model.draw_maps(data[0].image, columns=8, width=800)
    assert maps.pixels.shape[1] > 780
    two = model.draw_maps(data[0].image, ["head_top", "pelvis"], width=400)
    assert two.pixels.shape[1] == pytest.approx(400, abs=8)
    sample = data.samples[0]
    exact = model.predictor().crop(images.read(sample.image_path)[0], sample.persons[0].box)
    assert np.array_equal(exact, data[0].image), "the box gives the window of the sample"
    of_file = model.draw_maps(sample.image_path, ["head_top"], box=sample.persons[0].box)
    assert np.array_equal(of_file.pixels, model.draw_maps(exact, ["head_top"]).pixels)
    with pytest.raises(InputError, match="head_top"):
        model.draw_maps(data[0].image, ["nose"])


def test_an_unknown_config_is_an_error(synthetic_mpii):
    with pytest.raises(InputError, match="hourglass52_mpii_256"):
        pp.Dataset("hourglass52_mpii_265", synthetic_mpii)
