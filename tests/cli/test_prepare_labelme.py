"""`prepare_labelme`: its flags and output."""

import shlex

from paddle_pose.cli import check, prepare_labelme
from paddle_pose.data.synthetic.labelme import write_labelme
from paddle_pose.environment import command
from paddle_pose.io.json_files import read_json


def test_prepare_labelme_writes_both_files_and_prints_the_next_command(tmp_path, capsys):
    photos = write_labelme(
        tmp_path / "photos", {"a": "nose", "b": "left_ankle"}, num_images=4, size=(96, 96)
    )
    flags = [str(photos), "--output", str(tmp_path / "my data"), "--val_fraction", "0.5"]
    assert (
        prepare_labelme.main([*flags, "--joints", "b", "a", "--limb", "a", "b", "--limb", "b", "a"])
        == 0
    )
    content = read_json(tmp_path / "my data/val.json")
    assert content["categories"][0]["skeleton"] == [[2, 1], [1, 2]]
    assert sorted(path.name for path in (tmp_path / "my data").glob("*.json")) == [
        "train.json",
        "val.json",
    ]
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == (
        f"Next: {command('check')} --train_annotations '{tmp_path}/my data/train.json' "
        f"--val_annotations '{tmp_path}/my data/val.json' --images {photos}"
    )
    assert check.main(shlex.split(last.partition("check ")[2])) == 0
    assert "unlisted" not in capsys.readouterr().out, "labelme saves its files beside the images"
