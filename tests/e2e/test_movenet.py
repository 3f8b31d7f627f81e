"""MoveNet with the real commands, on crops of single people and on images of groups."""

import json
import re

import pytest

from paddle_pose.data.synthetic.dataset import write_coco

TINY = (
    "model.width=0.25",
    "codec.input_size=(64,64)",
    "train.log_every=1",
    "augment=none",
    "train.eval_every=10",
)


def changes(*more):
    return [part for text in (*TINY, *more) for part in ("-o", text)]


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    """Returns a data set of two training and two validation images with two people each."""
    folder = tmp_path_factory.mktemp("groups") / "data"
    return write_coco(folder, num_train=2, num_val=2, size=(128, 128), persons=(2, 2))


def test_movenet_crops_are_prepared_trained_on_and_scored_by_fire717_accuracy(
    groups, run_in, tmp_path
):
    done = run_in(tmp_path, "prepare_coco", "--dataset_root", groups, "--output", "crops")
    assert done.returncode == 0, done.stderr
    done = run_in(
        tmp_path,
        "train.py",
        "--config",
        "movenet_original_coco",
        "--dataset_root",
        "crops",
        "--output",
        "run",
        "--epochs",
        1,
        "--batch_size",
        2,
        "--num_workers",
        1,
        *changes(),
    )
    assert done.returncode == 0, done.stderr
    assert (
        len(
            re.findall(
                r"^.TRAIN. .*center_loss=\S+ heatmap_loss=\S+ regression_loss=\S+ offset_loss=",
                done.stdout,
                re.M,
            )
        )
        == 2
    )
    assert re.search(r"\[EVAL\] epoch=0:absent=\S+ acc=\S+ ", done.stdout)
    flags = ("--weights", "run/last/model.pdparams", "--dataset_root", "crops")
    done = run_in(tmp_path, "val.py", *flags)
    assert done.returncode == 0, done.stderr
    assert (
        "Accuracy of fire717's MoveNet (radius 0.161 of the side, absent joints count), 4 people"
        in done.stdout
    )
    (path,) = (tmp_path / "output" / "val").glob("*/scores.json")
    scores = json.loads(path.read_text(encoding="utf-8"))["values"]
    assert 0 <= scores["pck@5/192"] <= 1
    assert 0 <= scores["acc"] <= 1


def test_network_without_detections_scores_0(groups, run_in, tmp_path):
    """Regression: pycocotools cannot load an empty list of results, which ended the training."""
    done = run_in(
        tmp_path,
        "train.py",
        "--config",
        "movenet_lightning_coco",
        "--dataset_root",
        groups,
        "--output",
        "run",
        "--epochs",
        1,
        "--batch_size",
        2,
        "--num_workers",
        1,
        *changes("codec.center_threshold=0.99"),
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"\[EVAL\] epoch=0:AP=0 ", done.stdout)
    flags = ("--weights", "run/last/model.pdparams", "--output", "drawn")
    done = run_in(tmp_path, "predict.py", groups / "val2017", *flags, "--maps")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "drawn" / "predictions.json").read_text(encoding="utf-8"))
    assert [image["persons"] for image in found["images"]] == [[], []]
    assert len(list((tmp_path / "drawn").glob("*_maps_1.png"))) == 2
