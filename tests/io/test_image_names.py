"""Names of image files from other systems."""

from pathlib import Path

import pytest

from paddle_pose.io import image_names
from paddle_pose.io.frames import find
from paddle_pose.io.image_names import located, why_missing
from paddle_pose.io.images import check_present


@pytest.fixture
def folder(tmp_path):
    for name in ("day/Photo 1.JPG", "day/b.jpg", "caf\u00e9.png", "0a1b-scan.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def test_backslashes_separate_folders_where_the_file_is_there(folder):
    assert located(folder, "day\\b.jpg") == folder / "day" / "b.jpg"
    assert located(folder, "night\\b.jpg") == folder / "night\\b.jpg"
    (folder / "night\\b.jpg").touch()
    (folder / "night").mkdir()
    (folder / "night" / "b.jpg").touch()
    assert located(folder, "night\\b.jpg") == folder / "night\\b.jpg"


@pytest.mark.parametrize(
    ("name", "nearest", "reason"),
    [
        ("day/photo 1.jpg", "Photo 1.JPG", ""),
        ("photo 1.jpg", "day/Photo 1.JPG", ""),
        ("b.png", "day/b.jpg", ""),
        ("elsewhere\\b.jpg", "day/b.jpg", "backslashes"),
        ("C:\\Users\\me\\b.jpg", "day/b.jpg", "backslashes"),
        ("https://host/data/b.jpg", "day/b.jpg", "URL"),
        ("http://host/data/Photo%201.JPG?size=2", "day/Photo 1.JPG", "URL"),
        ("https://host/files/?d=day%2Fb.jpg", "day/b.jpg", "URL"),
        ("file:///C:/b.jpg", "day/b.jpg", "URL"),
        ("cafe\u0301.png", "caf\u00e9.png", ""),
        ("scan.jpg", "0a1b-scan.jpg", ""),
        ("ffff-b.jpg", "day/b.jpg", ""),
        ("other.jpg", None, ""),
    ],
)
def test_the_nearest_file_is_stated(folder, name, nearest, reason):
    text = why_missing(folder / name)
    assert reason in text
    assert (text == "") == (nearest is None)
    if nearest is not None:
        assert f"the nearest file is {nearest} in {folder}" in text
    with pytest.raises(FileNotFoundError) as caught:
        check_present([folder / name])
    assert text in str(caught.value)


def test_the_whole_file_system_is_not_searched(monkeypatch):
    monkeypatch.setattr(image_names, "_nearest", lambda folder, wanted: pytest.fail(str(folder)))
    assert why_missing(Path("/no such folder/deeper/a.jpg")) == ""


def test_relative_paths_are_searched_below_the_working_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert "the nearest file is day/b.jpg in ." in why_missing(Path("night/b.jpg"))
    with pytest.raises(FileNotFoundError, match=r"nearest file is Photo 1\.JPG in day"):
        find(["day/photo 1.jpg"])


def test_folders_that_do_not_exist_are_no_error(tmp_path):
    assert why_missing(tmp_path / "none" / "a.jpg") == ""
