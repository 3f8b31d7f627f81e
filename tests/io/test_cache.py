"""The folders of downloaded files."""

from pathlib import Path

import platformdirs
import pytest

from paddle_pose.io.cache import EARLIER_FOLDER, cache_for, user_cache


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PADDLE_POSE_HOME", str(tmp_path / "home"))


def test_environment_variable_names_the_cache(tmp_path, monkeypatch):
    assert user_cache() == tmp_path / "home"
    monkeypatch.setenv("PADDLE_POSE_HOME", "~/models")
    assert user_cache() == Path.home() / "models"
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv("PADDLE_POSE_HOME")
        else:
            monkeypatch.setenv("PADDLE_POSE_HOME", unset)
        assert user_cache() == Path(platformdirs.user_cache_dir("paddle_pose", appauthor=False))


def test_files_of_earlier_versions_are_found(tmp_path):
    EARLIER_FOLDER.mkdir(parents=True)
    Path(EARLIER_FOLDER, "a.json").touch()
    assert cache_for(["a.json"]) == EARLIER_FOLDER
    assert cache_for(["a.json", "a.bin"]) == tmp_path / "home"
    assert cache_for(["a.json"], tmp_path / "mine") == tmp_path / "mine"
    assert cache_for([]) == tmp_path / "home"
