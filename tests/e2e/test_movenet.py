"""MoveNet through the real commands: the original's crops, and whole images of groups."""

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
    """Two drawn images to train on and two to validate with, two people in each."""
    folder = tmp_path_factory.mktemp("groups") / "data"
    return write_coco(folder, num_train=2, num_val=2, size=(128, 128), persons=(2, 2))


def test_the_originals_crops_are_made_learned_from_and_scored_by_its_accuracy(
    groups, run_in, tmp_path
):
    done = run_in(tmp_path, "prepare_coco", "--dataset_root", groups, "--output", "crops")
    assert done.returncode == 0, done.stderr
    done = run_in(
        tmp_path,
        *(
            "train.py",
            "--config",
            "movenet_original_coco",
            "--dataset_root",
            "crops",
            "--output",
            "run",
        ),
        *("--epochs", 1, "--batch_size", 2, "--num_workers", 1, *changes()),
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


def test_a_network_that_finds_nobody_scores_0(groups, run_in, tmp_path):
    """It ended the training: there was nothing that pycocotools could load."""
    done = run_in(
        tmp_path,
        *(
            "train.py",
            "--config",
            "movenet_lightning_coco",
            "--dataset_root",
            groups,
            "--output",
            "run",
        ),
        *(
            "--epochs",
            1,
            "--batch_size",
            2,
            "--num_workers",
            1,
            *changes("codec.center_threshold=0.99"),
        ),
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"\[EVAL\] epoch=0:AP=0 ", done.stdout)
    flags = ("--weights", "run/last/model.pdparams", "--output", "drawn")
    done = run_in(tmp_path, "predict.py", groups / "val2017", *flags, "--maps")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "drawn" / "predictions.json").read_text(encoding="utf-8"))
    assert [image["persons"] for image in found["images"]] == [[], []]
    assert len(list((tmp_path / "drawn").glob("*_maps_1.png"))) == 2
