"""Preparation of MPII: where files belong, and what a data set lacks."""

import pytest

from paddle_pose.data.prepare_mpii import path_in_layout, prepare_mpii


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("mpii/images/1.jpg", "images/1.jpg"),
        ("images/1.PNG", "images/1.PNG"),
        ("valid.json", "annotations/mpii_val.json"),
        ("annot/train.json", "annotations/mpii_train.json"),
        ("annot/mpii_test.json", "annotations/mpii_test.json"),
        ("detections_our_format.mat", "annotations/mpii_gt_val.mat"),
        ("mpii_human_pose_v1_u12_1.mat", "annotations/mpii_human_pose_v1_u12_1.mat"),
        ("1.jpg", None),
        ("mpii/README.txt", None),
        ("mpii/images/.1.part.jpg", None),
    ],
)
def test_path_of_a_file_in_the_layout(name, path):
    assert path_in_layout(name) == path


def test_complete_folder_lacks_nothing(synthetic_mpii, tmp_path):
    prepared = prepare_mpii([synthetic_mpii], tmp_path / "out")
    assert prepared.missing == ()
    assert prepared.has_both
    assert len(list((tmp_path / "out" / "images").iterdir())) == 16


def test_unfinished_file_of_a_killed_run_is_left_out(synthetic_mpii, tmp_path):
    (tmp_path / "images").mkdir()
    for path in (synthetic_mpii / "images").iterdir():
        (tmp_path / "images" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "images" / ".1.part.jpg").write_bytes(b"half")
    prepared = prepare_mpii([tmp_path / "images", synthetic_mpii / "annotations"], tmp_path / "out")
    assert prepared.missing == ()
    assert not (tmp_path / "out" / "images" / ".1.part.jpg").exists()


def test_images_without_annotations(synthetic_mpii, tmp_path):
    prepared = prepare_mpii([synthetic_mpii / "images"], tmp_path / "out")
    assert len(prepared.missing) == 1
    assert not prepared.has_both
