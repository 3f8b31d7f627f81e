"""`prepare_mpii`: its output and exit status."""

import shutil

from paddle_pose.cli import prepare_mpii
from paddle_pose.environment import command


def test_prepare_mpii_of_complete_data_prints_the_next_commands(synthetic_mpii, tmp_path, capsys):
    assert prepare_mpii.main([str(synthetic_mpii), "--output", str(tmp_path / "out")]) == 0
    root = f"--dataset_root {tmp_path / 'out'}"
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"Next: {command('check')} {root}",
        f"Then: {command('train')} {root} --image_size 256",
    ]


def test_prepare_mpii_of_incomplete_data_returns_1(synthetic_mpii, tmp_path, capsys):
    source = shutil.copytree(synthetic_mpii, tmp_path / "source")
    (source / "annotations" / "mpii_gt_val.mat").unlink()
    assert prepare_mpii.main([str(source), "--output", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("Missing: ")
    assert "mpii_gt_val.mat" in printed.err
    assert (
        printed.out.splitlines()[-1]
        == f"Next: {command('check')} --dataset_root {tmp_path / 'out'}"
    )
    assert (
        prepare_mpii.main([str(source / "images"), "--output", str(tmp_path / "images_only")]) == 1
    )
    printed = capsys.readouterr()
    assert printed.err.startswith("Missing: ")
    assert "Next: " not in printed.out
