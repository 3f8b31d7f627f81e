import os

import pytest

from paddle_pose.errors import InputError
from paddle_pose.io.outputs import RECORD, Outputs


def write(folder, text, *names, command="predict", keep=()):
    """Runs a command that writes files, and returns its `Outputs`."""
    outputs = Outputs(folder, command, keep)
    for name in names:
        with outputs.replacing(folder / name) as draft:
            draft.write_text(text)
    return outputs


def texts(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != RECORD
    }


def test_command_replaces_its_own_files(tmp_path):
    for text in ("first", "second", "third"):
        write(tmp_path, text, "a.json", "b/c.png")
        assert texts(tmp_path) == {"a.json": text, "b/c.png": text}
        assert Outputs(tmp_path, "predict").claim(tmp_path / "a.json") == tmp_path / "a.json"


def changed(folder):
    (folder / "a.json").write_text("mine")


def linked(folder):
    (folder / "mine.json").write_text("ours")  # foreign even with the content of the command
    (folder / "a.json").unlink()
    (folder / "a.json").symlink_to("mine.json")


def dangling(folder):
    (folder / "a.json").unlink()
    (folder / "a.json").symlink_to("nowhere")


def without_record(folder):
    (folder / RECORD).unlink()


def with_a_foreign_record(folder):
    (folder / RECORD).write_text('[1]\n{"file": "a.json"}\nnot json\n\0\n')


def with_a_folder(folder):
    (folder / "a.json").unlink()
    (folder / "a.json").mkdir()


FOREIGN = [changed, linked, dangling, without_record, with_a_foreign_record, with_a_folder]


@pytest.mark.parametrize("happens", FOREIGN)
def test_foreign_paths_are_not_replaced(happens, tmp_path):
    write(tmp_path, "ours", "a.json")
    happens(tmp_path)
    before, is_link = texts(tmp_path), (tmp_path / "a.json").is_symlink()
    outputs = Outputs(tmp_path, "predict")
    with pytest.raises(InputError, match=r"a\.json"):
        outputs.check([tmp_path / "a.json"])
    assert outputs.claim(tmp_path / "a.json") == tmp_path / "a_2.json"
    with pytest.raises(InputError, match=r"a\.json"):
        write(tmp_path, "new", "a.json")
    outputs.remove_old([".json"])
    assert texts(tmp_path) == before
    assert (tmp_path / "a.json").is_symlink() == is_link
    assert not (tmp_path / "nowhere").exists()


def test_file_of_another_command_is_foreign(tmp_path):
    write(tmp_path, "scores", "predictions.json", command="val")
    with pytest.raises(InputError):
        write(tmp_path, "poses", "predictions.json", command="predict")
    write(tmp_path, "poses", "a.png", command="predict")
    write(tmp_path, "again", "predictions.json", command="val")
    assert texts(tmp_path) == {"predictions.json": "again", "a.png": "poses"}


def test_file_created_while_the_command_runs_is_kept(tmp_path):
    outputs, place = Outputs(tmp_path, "predict"), tmp_path / "a.png"
    with outputs.replacing(outputs.claim(tmp_path / "draft.png")) as draft:
        draft.write_text("ours")
    assert outputs.claim(place) == place
    place.write_text("mine")
    with pytest.raises(InputError):
        outputs.put(tmp_path / "draft.png", place)
    assert place.read_text() == "mine"


def test_linked_folder_is_an_error(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/day").symlink_to(tmp_path / "mine")
    with pytest.raises(InputError, match="out/day"):
        Outputs(tmp_path / "out", "predict").claim(tmp_path / "out/day/x.png")
    assert not list((tmp_path / "mine").iterdir())


class Kill(BaseException):
    """An exception in the place of a kill."""


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("earlier", [("a.json",), ()])
def test_files_of_a_killed_run_belong_to_the_command(recorded, earlier, tmp_path, monkeypatch):
    write(tmp_path, "old", *earlier)
    outputs = Outputs(tmp_path, "predict")

    def killed(*arguments):
        if recorded:
            Outputs._record(outputs, *arguments)
        raise Kill

    monkeypatch.setattr(outputs, "_record", killed)
    with pytest.raises(Kill), outputs.replacing(tmp_path / "a.json") as draft:
        draft.write_text("new")
    assert texts(tmp_path) == dict.fromkeys(earlier, "old")
    for text in ("next", "last"):
        write(tmp_path, text, "a.json")
        assert texts(tmp_path) == {"a.json": text}


def test_truncated_record_is_continued(tmp_path):
    write(tmp_path, "old", "a.json", "b.json")
    record = tmp_path / RECORD
    record.write_text(record.read_text()[:-20])
    write(tmp_path, "new", "a.json", "c.json")
    write(tmp_path, "newer", "a.json", "c.json")
    assert texts(tmp_path) == {"a.json": "newer", "b.json": "old", "c.json": "newer"}
    with pytest.raises(InputError, match=r"b\.json"):
        write(tmp_path, "new", "b.json")


def test_unchanged_old_files_are_removed(tmp_path, caplog):
    caplog.set_level("INFO", logger="paddle_pose")
    write(tmp_path, "old", "a.png", "b.png", "c.png", "d.csv", "e.png")
    (tmp_path / "b.png").write_text("mine")
    (tmp_path / "mine.png").write_text("old")
    write(tmp_path, "new", "c.png", keep=[tmp_path / "e.png"]).remove_old([".png"])
    left = {"b.png": "mine", "c.png": "new", "d.csv": "old", "e.png": "old", "mine.png": "old"}
    assert texts(tmp_path) == left
    assert f"removed from {tmp_path}: a.png;" in caplog.text
    caplog.clear()
    write(tmp_path, "old", *(f"{number}.png" for number in range(5)))
    write(tmp_path, "new", "4.png").remove_old([".png"])
    assert f"removed from {tmp_path}: 6;" in caplog.text


def test_files_outside_the_folder_are_not_removed(tmp_path):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    write(out, "old", "day/a.png")
    (out / "day").rename(elsewhere)
    (out / "day").symlink_to(elsewhere)
    record = out / RECORD
    lines = [
        record.read_text().replace("day/a.png", name)
        for name in ("../elsewhere/a.png", f"{elsewhere}/a.png")
    ]
    record.write_text(record.read_text() + "".join(lines))
    write(out, "new", "b.png").remove_old([".png"])
    assert texts(elsewhere) == {"a.png": "old"}


def test_two_simultaneous_runs_share_a_folder(tmp_path):
    first, second = Outputs(tmp_path, "predict"), Outputs(tmp_path, "predict")
    for outputs in (first, second, first):
        with outputs.replacing(tmp_path / "a.json") as draft:
            draft.write_text("ours")
    assert texts(tmp_path) == {"a.json": "ours"}


def test_pipe_is_written_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write(tmp_path, "text", "pipe")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_record_does_not_grow_with_every_run(tmp_path):
    for number in range(20):
        write(tmp_path, str(number), "a.json", "b.json")
    assert len((tmp_path / RECORD).read_text().splitlines()) < 12
