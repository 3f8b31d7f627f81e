"""`zoo`: the table of the published models, and the description of one."""

import pytest

from paddle_pose.cli import download, zoo
from paddle_pose.errors import InputError
from paddle_pose.weights.zoo import PUBLISHED


def test_zoo_prints_a_line_per_model(capsys):
    assert zoo.main([]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(PUBLISHED)
    place = head.index("licence")
    assert {line[place:].split()[0] for line in lines} == {"Apache-2.0", "MIT", "BSD-3-Clause"}


def test_zoo_with_name_prints_all_fields(capsys):
    assert zoo.main(["nanodet_g"]) == 0
    text = capsys.readouterr().out
    model = PUBLISHED["nanodet_g"]
    for known in (
        model.archive.url,
        model.companions[0].sha256,
        "416x416",
        model.author,
        model.data_licence,
    ):
        assert known in text
    with pytest.raises(InputError, match="nanodet_g"):
        zoo.main(["nanodet_h"])


def test_download_takes_a_model_of_two_files_from_a_folder(shared, tmp_path, capsys):
    arguments = ["movenet_lightning", "--cache", str(tmp_path)]
    arguments += ["--from_file", str(shared / "data/movenet_tfjs")]
    assert download.main(arguments) == 0
    assert str(tmp_path / "movenet-lightning.json") in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.glob("[!.]*")) == [
        "movenet-lightning.bin",
        "movenet-lightning.json",
    ]
