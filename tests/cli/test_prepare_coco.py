"""`prepare_coco`: its flags and output."""

from helpers.coco_folders import annotation, write_folder

from paddle_pose.cli import prepare_coco
from paddle_pose.environment import command


def test_prepare_coco_makes_a_split_and_prints_the_next_command(tmp_path, capsys):
    write_folder(tmp_path / "coco", [annotation(1), annotation(2)], ids=(1, 2))
    output = tmp_path / "the crops"
    flags = ["--dataset_root", str(tmp_path / "coco"), "--output", str(output), "--splits", "val"]
    assert prepare_coco.main(flags) == 0
    printed = capsys.readouterr()
    config = "--config movenet_lightning_coco -o data.dataset=movenet_crops"
    assert printed.out.splitlines()[-2:] == [
        "Total write 2",
        f"Next: {command('train')} {config} --dataset_root '{output}'",
    ]
    assert "2/2" in printed.err
    assert sorted(path.name for path in output.rglob("[!.]*")) == [
        "1_0.jpg",
        "2_0.jpg",
        "imgs",
        "val2017.json",
    ]
