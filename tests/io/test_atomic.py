import os

import pytest

from paddle_pose.io import atomic


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_text_and_bytes_are_written_with_their_folders(tmp_path):
    atomic.write_text(tmp_path / "a" / "b" / "é.txt", "größer\n")
    assert (tmp_path / "a" / "b" / "é.txt").read_bytes() == "größer\n".encode()
    atomic.write_bytes(tmp_path / "c.bin", b"\0\r\n", sync=True)
    assert (tmp_path / "c.bin").read_bytes() == b"\0\r\n"
    assert names(tmp_path) == ["a", "c.bin"]


def test_older_file_is_replaced(tmp_path):
    (tmp_path / "a.txt").write_text("a longer text than the new one")
    atomic.write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_error_leaves_the_old_file(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")

    def write(path):
        with atomic.replacing(path) as draft:
            assert draft.parent == path.parent
            assert draft.suffix == path.suffix, (
                "writers that look at the suffix write the same format"
            )
            draft.write_text("half of")
            raise error

    for name in ("a.txt", "b.txt"):
        with pytest.raises(error):
            write(tmp_path / name)
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_error_before_writing_is_raised_unchanged(tmp_path):
    with pytest.raises(ZeroDivisionError), atomic.replacing(tmp_path / "a.txt"):
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    (tmp_path / "a.txt").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        atomic.write_text(tmp_path / "a.txt", "new", sync=True)
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_two_writers_have_separate_drafts(tmp_path):
    with atomic.replacing(tmp_path / "a.txt") as one, atomic.replacing(tmp_path / "a.txt") as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert (tmp_path / "a.txt").read_text() == "one", "the last one to end"
    assert names(tmp_path) == ["a.txt"]


def test_next_run_replaces_the_draft_of_a_killed_one(tmp_path):
    (tmp_path / ".a.part.txt").write_text("half")
    atomic.write_text(tmp_path / "a.txt", "whole", concurrent=False)
    assert names(tmp_path) == ["a.txt"]


def test_error_names_the_file_and_not_its_draft(tmp_path):
    with (
        pytest.raises(OSError, match="No space") as caught,
        atomic.replacing(tmp_path / "a.txt") as draft,
    ):
        raise OSError(28, "No space left on device", str(draft))
    assert caught.value.filename == str(tmp_path / "a.txt")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
def test_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        atomic.write_text(pipe, "through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
