"""What is made of MPII's files, and what is left out."""

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
def test_where_a_file_belongs(name, path):
    assert path_in_layout(name) == path


def test_a_complete_folder_lacks_nothing(synthetic_mpii, tmp_path):
    prepared = prepare_mpii([synthetic_mpii], tmp_path / "out")
    assert prepared.missing == ()
    assert prepared.has_both
    assert len(list((tmp_path / "out" / "images").iterdir())) == 16


def test_a_draft_of_a_killed_run_is_no_part_of_the_data(synthetic_mpii, tmp_path):
    (tmp_path / "images").mkdir()
    for path in (synthetic_mpii / "images").iterdir():
        (tmp_path / "images" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "images" / ".1.part.jpg").write_bytes(b"half")
    prepared = prepare_mpii([tmp_path / "images", synthetic_mpii / "annotations"], tmp_path / "out")
    assert prepared.missing == ()
    assert not (tmp_path / "out" / "images" / ".1.part.jpg").exists()


def test_images_alone_lack_annotations(synthetic_mpii, tmp_path):
    prepared = prepare_mpii([synthetic_mpii / "images"], tmp_path / "out")
    assert len(prepared.missing) == 1
    assert not prepared.has_both
