import errno
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from paddle_pose.errors import InputError
from paddle_pose.io import locks
from paddle_pose.io.locks import locked

HOLD = """
import sys, time
from pathlib import Path
from paddle_pose.io.locks import locked
with locked(Path(sys.argv[1]), what="it", wait=False):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture(params=["folder", "file", "new file"])
def place(tmp_path, request):
    path = tmp_path / "place"
    if request.param == "folder":
        path.mkdir()
    elif request.param == "file":
        path.write_text("mine")
    return path


@pytest.fixture
def holder(place):
    """Returns another process that holds the lock."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, place], stdout=subprocess.PIPE, env=env
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_locked_path_names_its_process_and_is_free_after_a_kill(place, holder):
    with pytest.raises(InputError) as caught, locked(place, what="it", wait=False):
        pass
    for part in (str(place), str(holder.pid), socket.gethostname()):
        assert part in str(caught.value)
    with pytest.raises(InputError, match=str(holder.pid)), locked(place, what="it", wait=False):
        pytest.fail("a look at a lock must not make it forget its owner")
    holder.kill()
    holder.wait()
    with (
        locked(place, what="it", wait=False),
        pytest.raises(InputError) as caught,
        locked(place, what="it", wait=False),
    ):
        pass
    assert f"process {os.getpid()} " in str(caught.value), "the new owner, not the dead one"


def test_waiting_ends_with_the_other_process(place, holder, monkeypatch):
    said = []
    monkeypatch.setattr(locks._log, "info", lambda line: (said.append(line), holder.kill()))
    with locked(place, what="it", wait=True):
        assert holder.wait() != 0
    (line,) = said
    assert str(holder.pid) in line


def test_threads_hold_the_lock_one_at_a_time(place):
    inside, most = [], []

    def work(number):
        with locked(place, what="it", wait=True):
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 4
    assert not list(place.parent.rglob("*.owner"))


def test_error_in_the_block_releases_the_lock(place):
    with pytest.raises(KeyboardInterrupt), locked(place, what="it", wait=False):
        raise KeyboardInterrupt
    with locked(place, what="it", wait=False):
        pass


@pytest.mark.parametrize(
    "problem",
    [
        NotImplementedError("no flock"),
        OSError(errno.ENOLCK, "No locks available"),
        OSError(errno.EROFS, "Read-only file system"),
    ],
    ids=["system", "network", "read-only"],
)
def test_file_system_without_locks_is_logged_once(monkeypatch, tmp_path, caplog, problem):
    def acquire(self, **options):
        raise problem

    monkeypatch.setattr(locks.FileLock, "acquire", acquire)
    done = []
    for number in range(2):
        with locked(tmp_path, what="it", wait=False):
            done.append(number)
    assert done == [0, 1]
    assert len(caplog.records) == 1
    assert not list(tmp_path.glob("*.owner"))


def test_other_errors_of_the_disk_are_raised(monkeypatch, tmp_path):
    def acquire(self, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(locks.FileLock, "acquire", acquire)
    with pytest.raises(OSError, match="No space"), locked(tmp_path, what="it", wait=False):
        pytest.fail("went on")


def test_only_empty_folders_are_removed(tmp_path):
    for name in ("empty", "used"):
        (tmp_path / name).mkdir()
        with locked(tmp_path / name, what="it", wait=False):
            pass
    (tmp_path / "used" / "file").write_text("mine")
    for name in ("empty", "used", "missing"):
        locks.remove_unused(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["used"]
    assert (tmp_path / "used" / "file").read_text() == "mine"
