"""Every system overfits eight synthetic people: the test that catches what nobody thought of."""

import json
import re

import pytest

from paddle_pose.data.synthetic.dataset import write_coco


@pytest.fixture(scope="module")
def eight_people(tmp_path_factory, synthetic_mpii):
    """A data set whose training people are its validation people."""
    folder = tmp_path_factory.mktemp("eight")
    (folder / "images").symlink_to(synthetic_mpii / "images")
    (folder / "annotations").mkdir()
    for name in ("mpii_val.json", "mpii_gt_val.mat"):
        (folder / "annotations" / name).write_bytes(
            (synthetic_mpii / "annotations" / name).read_bytes()
        )
    (folder / "annotations" / "mpii_train.json").symlink_to(
        folder / "annotations" / "mpii_val.json"
    )
    return folder


# Steps, learning rate and reduction of each network.
REDUCED = {
    "hourglass_tiny_128": (200, 0.004, ()),
    "stacked_hourglass2_mpii_256": (
        300,
        0.002,
        ("model.num_stacks=1", "model.channels=64", "model.depth=3"),
    ),
    "hrnet_w32_mpii_256": (
        *(150, 0.004),
        ("model.width=16", "model.modules=(1,1,1)", "model.blocks=1", "model.stem_channels=16"),
    ),
    "simple_baseline_r50_mpii_256": (200, 0.004, ("model.width=8", "model.deconv_channels=32")),
}
# No flip test: these networks have never seen a mirrored person.
RECIPE = (
    *(
        "codec.input_size=(128,128)",
        "train.schedule=cosine",
        "train.schedule.warmup=20",
        "augment=none",
        "val.flip=false",
    ),
    *("train.eval_every=1000", "train.log_every=1"),
)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("config", REDUCED)
def test_eight_people_are_overfitted(config, eight_people, run_in, tmp_path):
    steps, learning_rate, reduction = REDUCED[config]
    changes = [part for text in (*RECIPE, *reduction) for part in ("-o", text)]
    done = run_in(
        tmp_path,
        *("train.py", "--config", config, "--dataset_root", eight_people, "--output", "run"),
        *("--epochs", steps, "--batch_size", 8, "--learning_rate", learning_rate, *changes),
        *("--init", "none"),
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    losses = [record["loss"] for record in records if record["kind"] == "train"]
    assert losses[-1] < losses[0] / 10
    assert records[-1]["Mean"] > 95


@pytest.fixture(scope="module")
def eight_groups(tmp_path_factory):
    """Eight images of 2 to 4 people, to train on and to validate with."""
    folder = write_coco(
        tmp_path_factory.mktemp("groups") / "data",
        num_train=0,
        num_val=8,
        size=(384, 192),
        persons=(2, 4),
    )
    learned = folder / "annotations" / "person_keypoints_train2017.json"
    learned.unlink()
    learned.symlink_to("person_keypoints_val2017.json")
    (folder / "train2017").rmdir()
    (folder / "train2017").symlink_to("val2017")
    return folder


# Offsets are learned last, and OKS of people this small sees a quarter of a cell: they are taught at fewer cells, and weigh
# more.
GROUPS = (
    *(
        "model.width=0.25",
        "codec.input_size=(192,96)",
        "codec.regression_radius=1.0",
        "codec.offset_radius=1.0",
    ),
    *("loss.offset=5.0", *RECIPE[1:]),
)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_eight_groups_are_overfitted(eight_groups, run_in, tmp_path):
    changes = [part for text in GROUPS for part in ("-o", text)]
    done = run_in(
        tmp_path,
        *(
            "train.py",
            "--config",
            "movenet_lightning_coco",
            "--dataset_root",
            eight_groups,
            "--output",
            "run",
        ),
        *("--epochs", 300, "--batch_size", 8, "--learning_rate", 0.015, *changes),
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    weights = tmp_path / "run" / "last" / "model.pdparams"
    done = run_in(tmp_path, "val.py", "--weights", weights, "--dataset_root", eight_groups)
    assert done.returncode == 0, done.stderr
    assert float(re.findall(r"\[EVAL\] AP=(\S+)", done.stdout)[0]) > 0.9
    done = run_in(
        tmp_path, "predict.py", eight_groups / "val2017", "--weights", weights, "--output", "drawn"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "drawn" / "predictions.json").read_text(encoding="utf-8"))[
        "images"
    ]
    truth = json.loads(
        (eight_groups / "annotations" / "person_keypoints_val2017.json").read_text(encoding="utf-8")
    )
    people = [
        [a for a in truth["annotations"] if a["image_id"] == image["id"]]
        for image in truth["images"]
    ]
    assert [len(image["persons"]) for image in found] == [len(group) for group in people]
