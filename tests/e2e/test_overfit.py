"""Every system overfits eight synthetic people: this finds errors that no other test expects."""

import json
import re
from collections import Counter

import pytest

from paddle_pose.data.synthetic.dataset import write_coco


@pytest.fixture(scope="module")
def eight_people(tmp_path_factory, synthetic_mpii):
    """Returns a data set in which the people to train on and to validate with are the same."""
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


# Small networks and inputs, so that the file takes two to three minutes of a CPU. Exact targets and
# DARK's decoding find joints between the few cells of such inputs. There is no flip test: without
# augmentation the networks have seen no mirrored person.
RECIPE = (
    "train.schedule=cosine",
    "train.schedule.warmup=20",
    "augment=none",
    "val.flip=false",
    "train.eval_every=1000",
    "train.log_every=1",
)
HEATMAPS = (
    "codec.input_size=(64,64)",
    "codec.sigma=1.5",
    "codec.unbiased=true",
    "codec.decode_by=dark",
)
VECTORS = (
    "codec.input_size=(96,96)",
    "codec.sigma=(4.0,4.0)",
    "final_augment=none",
    "train.final_augment_epoch=0",
)
# Config: learning rate, and changes that make the network smaller or fit the people's joints.
REDUCED = {
    "hourglass_tiny_128": (0.004, ()),
    "rtmpose_m_mpii_256": (0.004, ("model.deepen=0.167", "model.widen=0.25")),
    "stacked_hourglass2_mpii_256": (
        0.006,
        ("model.num_stacks=1", "model.channels=64", "model.depth=2"),
    ),
    "hrnet_w32_mpii_256": (
        0.004,
        ("model.width=16", "model.modules=(1,1,1)", "model.blocks=1", "model.stem_channels=16"),
    ),
    "simple_baseline_r50_mpii_256": (0.004, ("model.width=8", "model.deconv_channels=32")),
    "tinypose_coco_128x96": (
        0.008,
        ("codec.skeleton=mpii_16", "data.dataset=mpii", "model.modules=(1,1,1)"),
    ),
}


def flags_of(changes):
    return [part for change in changes for part in ("-o", change)]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("config", REDUCED)
def test_eight_people_are_overfitted(config, eight_people, run_in, tmp_path):
    learning_rate, reduction = REDUCED[config]
    codec = VECTORS if config.startswith("rtmpose") else HEATMAPS
    done = run_in(
        tmp_path,
        "train.py",
        "--config",
        config,
        "--dataset_root",
        eight_people,
        "--output",
        "run",
        "--epochs",
        150,
        "--batch_size",
        8,
        "--init",
        "none",
        "--learning_rate",
        learning_rate,
        *flags_of((*codec, *RECIPE, *reduction)),
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
    """Returns a data set of eight images with 2 to 4 people, to train on and to validate with."""
    folder = write_coco(
        tmp_path_factory.mktemp("groups") / "data",
        num_train=0,
        num_val=8,
        size=(384, 192),
        persons=(2, 4),
    )
    train = folder / "annotations" / "person_keypoints_train2017.json"
    train.unlink()
    train.symlink_to("person_keypoints_val2017.json")
    (folder / "train2017").rmdir()
    (folder / "train2017").symlink_to("val2017")
    return folder


# Offsets are learned last, and the OKS of people this small depends on a quarter of a cell: offsets
# are trained near the joints only, and have a larger weight.
GROUPS = (
    "model.width=0.25",
    "codec.input_size=(128,64)",
    "codec.regression_radius=1.0",
    "codec.offset_radius=1.0",
    "loss.offset=5.0",
)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_eight_groups_are_overfitted(eight_groups, run_in, tmp_path):
    done = run_in(
        tmp_path,
        "train.py",
        "--config",
        "movenet_lightning_coco",
        "--dataset_root",
        eight_groups,
        "--output",
        "run",
        "--epochs",
        200,
        "--batch_size",
        8,
        "--learning_rate",
        0.02,
        *flags_of((*GROUPS, *RECIPE)),
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    weights = tmp_path / "run" / "last" / "model.pdparams"
    done = run_in(tmp_path, "val.py", "--weights", weights, "--dataset_root", eight_groups)
    assert done.returncode == 0, done.stderr
    assert float(re.findall(r"\[EVAL\] AP=(\S+)", done.stdout)[0]) > 0.9
    done = run_in(
        tmp_path, "predict.py", eight_groups / "val2017", "--weights", weights, "--output", "poses"
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "poses" / "predictions.json").read_text(encoding="utf-8"))
    truth = json.loads(
        (eight_groups / "annotations" / "person_keypoints_val2017.json").read_text(encoding="utf-8")
    )
    num_people = Counter(annotation["image_id"] for annotation in truth["annotations"])
    assert [len(image["persons"]) for image in results["images"]] == [
        num_people[image["id"]] for image in truth["images"]
    ]
