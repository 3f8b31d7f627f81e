"""Checks of data sets: recognised layouts, and findings of folders and annotation files."""

import shutil

import pytest

from paddle_pose.data.synthetic.dataset import write_coco, write_mpii
from paddle_pose.engine.check import check_annotations, check_dataset, layout_of
from paddle_pose.errors import InputError


@pytest.fixture(scope="module")
def mpii(tmp_path_factory):
    return write_mpii(
        tmp_path_factory.mktemp("mpii") / "data", num_train=3, num_val=2, size=(96, 96)
    )


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    return write_coco(
        tmp_path_factory.mktemp("coco") / "data", num_train=3, num_val=2, size=(96, 96)
    )


def codes(report):
    return {finding.code for finding in report.findings if finding.severity == "error"}


def test_layout_of_recognises_the_annotation_files(mpii, coco, tmp_path):
    assert layout_of(mpii) == "mpii"
    assert layout_of(coco) == "coco"
    assert layout_of(tmp_path / "nowhere") == "mpii"
    shutil.copytree(coco / "annotations", tmp_path / "annotations")
    shutil.copy(mpii / "annotations" / "mpii_val.json", tmp_path / "annotations")
    assert layout_of(tmp_path) == "mpii"


def test_check_dataset_uses_the_layout_of_the_folder(mpii, coco):
    done = []
    report = check_dataset(mpii, progress=lambda total, unit: done.append)
    assert report.counts == {"train": (3, 3), "val": (2, 2), "trainval": (5, 5)}
    assert done == [1, 2, 3, 4, 5]
    assert check_dataset(coco).counts == {"train": (3, 3), "val": (2, 2)}
    assert codes(check_dataset(coco, "mpii")) == {"missing_file"}
    assert codes(check_dataset(mpii, "coco")) == {"missing_file"}


def test_check_annotations_accepts_files_outside_a_layout(coco, tmp_path):
    annotations = {}
    for split in ("train", "val"):
        annotations[split] = tmp_path / f"{split}.json"
        shutil.copy(coco / "annotations" / f"person_keypoints_{split}2017.json", annotations[split])
    report = check_annotations(annotations, coco / "train2017")
    assert codes(report) == {"missing_image"}
    assert report.counts == {"train": (3, 3), "val": (2, 2)}
    assert (
        check_annotations({"train": annotations["train"]}, coco / "train2017").number("error") == 0
    )


def test_check_dataset_with_unknown_decode_raises(mpii):
    with pytest.raises(InputError, match="some"):
        check_dataset(mpii, decode="some")
