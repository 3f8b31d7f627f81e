"""Published files by name: found, refused with the nearest name, and under our names once for all."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from paddle_pose.configs import registry
from paddle_pose.engine import zoo
from paddle_pose.errors import InputError
from paddle_pose.weights.zoo import PUBLISHED

NAME = "google_movenet_lightning_int8"


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A file that is the published one by its checksum."""
    path = tmp_path / "copy.tflite"
    path.write_bytes(b"weights")
    monkeypatch.setitem(PUBLISHED, NAME, replace(PUBLISHED[NAME], sha256=hashlib.sha256(b"weights").hexdigest()))
    return path


def test_an_unknown_name_names_the_nearest_and_all():
    assert zoo.find_published(NAME) is PUBLISHED[NAME]
    with pytest.raises(InputError) as refused:
        zoo.find_published("google_movenet_lightening_int8")
    message = str(refused.value)
    assert f"Did you mean {NAME!r}?" in message
    assert all(name in message for name in PUBLISHED)


def test_weights_that_are_nowhere_name_the_nearest_published_ones(tmp_path):
    with pytest.raises(FileNotFoundError) as refused:
        zoo.locate("google_movenet_lightning_int", tmp_path)
    assert "google_movenet_lightning_int:" in str(refused.value)
    assert f"{NAME!r}?" in str(refused.value)
    with pytest.raises(FileNotFoundError) as refused:
        zoo.locate(str(tmp_path / "best" / "model.pdparams"), tmp_path, what="detector")
    assert "Did you mean" not in str(refused.value)


def test_a_file_comes_before_a_published_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert zoo.is_published(NAME)
    Path(NAME).write_bytes(b"mine")
    assert not zoo.is_published(NAME)
    assert zoo.locate(NAME, tmp_path / "published") == Path(NAME)
    assert not (tmp_path / "published").exists()


def test_a_file_is_converted_once(copy, tmp_path, monkeypatch):
    asked = []

    def convert(config, source, target, force):
        asked.append((config.name, source, force))
        target.parent.mkdir()
        for name in (target.name, registry.FILE_NAME):
            target.with_name(name).write_text("written")

    monkeypatch.setattr(zoo, "convert", convert)
    folder = tmp_path / "published"
    for _ in range(2):
        assert zoo.converted(NAME, folder, copy) == folder / NAME / "model.safetensors"
    fetched = folder / PUBLISHED[NAME].file_name
    assert asked == [(PUBLISHED[NAME].config, fetched, True)]
    assert fetched.read_bytes() == b"weights"


def test_several_that_want_a_file_convert_it_once(copy, tmp_path, monkeypatch):
    asked = []

    def convert(config, source, target, force):
        asked.append(target)
        target.parent.mkdir()
        others.wait(10)
        for name in (target.name, registry.FILE_NAME):
            target.with_name(name).write_text("written")

    monkeypatch.setattr(zoo, "convert", convert)
    others, folder = threading.Event(), tmp_path / "published"
    zoo.fetch(NAME, folder, copy)
    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(zoo.converted, NAME, folder) for _ in range(4)]
        others.set()
        assert {one.result() for one in found} == {folder / NAME / "model.safetensors"}
    assert len(asked) == 1


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_description_holds_everything_known(name):
    file = PUBLISHED[name]
    text = zoo.description(file)
    for known in (file.name, file.url, file.sha256, file.config, file.source, file.file_name, file.protocol):
        assert known in text
    assert all(f"{metric} {value}" in text for metric, value in file.published)
    assert (" train " if file.purpose == "start" else " val ") in zoo.usage(file, Path("net.pth"))
