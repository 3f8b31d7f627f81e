"""Every system overfits a few synthetic people: this finds errors that no other test expects."""

import json
import re
from collections import Counter

import pytest

from paddle_pose.data.synthetic.dataset import write_coco, write_mpii

COPIES = 10  # of each training person, so that few checkpoints of epochs are written


@pytest.fixture(scope="module")
def few_people(tmp_path_factory):
    """Returns data sets by their number of people, who are both trained on and validated with."""
    folders = {}
    for count, copies in ((4, COPIES), (8, 1)):
        folders[count] = folder = tmp_path_factory.mktemp("people")
        write_mpii(folder, num_train=count, num_val=count, seed=0, size=(256, 256))
        val, train = (folder / "annotations" / f"mpii_{split}.json" for split in ("val", "train"))
        train.write_text(json.dumps(copies * json.loads(val.read_text(encoding="utf-8"))))
    return folders


# Small networks and inputs, so that the file takes about three minutes of a CPU. Exact targets and
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
# Config: people, epochs, learning rate, and changes for a smaller network or the people's joints.
REDUCED = {
    "hourglass_tiny_128": (4, 14, 0.004, ()),
    "rtmpose_m_mpii_256": (8, 150, 0.004, ("model.deepen=0.167", "model.widen=0.25")),
    "stacked_hourglass2_mpii_256": (
        4,
        14,
        0.006,
        ("model.num_stacks=1", "model.channels=64", "model.depth=2"),
    ),
    "hrnet_w32_mpii_256": (
        4,
        14,
        0.004,
        ("model.width=16", "model.modules=(1,1,1)", "model.blocks=1", "model.stem_channels=16"),
    ),
    "simple_baseline_r50_mpii_256": (8, 150, 0.004, ("model.width=8", "model.deconv_channels=32")),
    "tinypose_coco_128x96": (
        4,
        14,
        0.008,
        ("codec.skeleton=mpii_16", "data.dataset=mpii", "model.modules=(1,1,1)"),
    ),
}


def flags_of(changes):
    return [part for change in changes for part in ("-o", change)]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("config", REDUCED)
def test_few_people_are_overfitted(config, few_people, run_in, tmp_path):
    people, epochs, learning_rate, reduction = REDUCED[config]
    codec = VECTORS if config.startswith("rtmpose") else HEATMAPS
    done = run_in(
        tmp_path,
        "train.py",
        "--config",
        config,
        "--dataset_root",
        few_people[people],
        "--output",
        "run",
        "--epochs",
        epochs,
        "--batch_size",
        people,
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
def four_groups(tmp_path_factory):
    """Returns a data set of four images with 2 to 4 people, as `few_people`."""
    folder = write_coco(
        tmp_path_factory.mktemp("groups") / "data",
        num_train=0,
        num_val=4,
        size=(384, 192),
        persons=(2, 4),
    )
    val, train = (
        folder / "annotations" / f"person_keypoints_{split}2017.json" for split in ("val", "train")
    )
    content = json.loads(val.read_text(encoding="utf-8"))
    images, annotations = content["images"], content["annotations"]
    content["images"], content["annotations"] = [], []
    for copy in range(COPIES):
        first = copy * 1_000_000  # of the identifiers
        for image in images:
            name = f"{copy}_{image['file_name']}"
            (folder / "train2017" / name).symlink_to(folder / "val2017" / image["file_name"])
            content["images"].append({**image, "id": first + image["id"], "file_name": name})
        content["annotations"] += [
            {**one, "id": first + one["id"], "image_id": first + one["image_id"]}
            for one in annotations
        ]
    train.write_text(json.dumps(content), encoding="utf-8")
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
def test_four_groups_are_overfitted(four_groups, run_in, tmp_path):
    done = run_in(
        tmp_path,
        "train.py",
        "--config",
        "movenet_lightning_coco",
        "--dataset_root",
        four_groups,
        "--output",
        "run",
        "--epochs",
        200 // COPIES,
        "--batch_size",
        4,
        "--learning_rate",
        0.02,
        *flags_of((*GROUPS, *RECIPE)),
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    weights = tmp_path / "run" / "last" / "model.pdparams"
    done = run_in(tmp_path, "val.py", "--weights", weights, "--dataset_root", four_groups)
    assert done.returncode == 0, done.stderr
    assert float(re.findall(r"\[EVAL\] AP=(\S+)", done.stdout)[0]) > 0.9
    done = run_in(
        tmp_path, "predict.py", four_groups / "val2017", "--weights", weights, "--output", "poses"
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "poses" / "predictions.json").read_text(encoding="utf-8"))
    truth = json.loads(
        (four_groups / "annotations" / "person_keypoints_val2017.json").read_text(encoding="utf-8")
    )
    num_people = Counter(annotation["image_id"] for annotation in truth["annotations"])
    assert [len(image["persons"]) for image in results["images"]] == [
        num_people[image["id"]] for image in truth["images"]
    ]
