"""Several processes use one folder or file at the same time, and no result is lost or mixed.

A process that cannot continue names the one that it conflicts with.

`PADDLE_POSE_TEST_REPEATS=20` does each twenty times; which of the processes comes first is another
one each time.
"""

import hashlib
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from paddle_pose.data.synthetic.dataset import write_coco, write_mpii
from paddle_pose.io import manifest

ROOT = Path(__file__).resolve().parents[2]
REPEATS = range(int(os.environ.get("PADDLE_POSE_TEST_REPEATS", "1")))
CHANGES = (
    "codec.input_size=(64,64)",
    "model.channels=(8,8,8,8)",
    "model.blocks=(1,1,1,1)",
    "model.stem_channels=8",
    "model.feature_channels=8",
    "train.schedule.warmup=0",
    "train.log_every=1",
    "train.schedule=steps",
)
SMALL = (
    "--config",
    "hourglass_tiny_128",
    "--batch_size",
    4,
    "--num_workers",
    1,
    *(part for change in CHANGES for part in ("-o", change)),
)
ENDLESS = ("--epochs", 10**6, "-o", "train.eval_every=1000000", "-o", "train.checkpoint_steps=5")
GO = """
import sys, time
from pathlib import Path
number, folder = sys.argv[1:3]
{imports}
Path(folder, number + ".ready").touch()
while not Path(folder, "go").exists():
    time.sleep(0.001)
{work}
"""


_processes = []


@pytest.fixture(autouse=True)
def _none_is_left():
    """Ends the processes that a failed test leaves running."""
    yield
    while _processes:
        with _processes.pop() as process:
            process.kill()


def started(folder, *command):
    """Starts a process; `communicate` returns its output."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "no_proxy": "127.0.0.1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    _processes.append(
        subprocess.Popen(
            [sys.executable, *map(str, command)], cwd=folder, env=env, text=True, **pipes
        )
    )
    return _processes[-1]


def trainings(folder, count, *flags):
    """Starts the same training `count` times simultaneously."""
    return [started(folder, ROOT / "train.py", *SMALL, *flags) for _ in range(count)]


def first_to_end(processes):
    """Returns the process that ends first, and the other ones."""
    while all(process.poll() is None for process in processes):
        time.sleep(0.02)
    ended = next(process for process in processes if process.poll() is not None)
    return ended, [process for process in processes if process is not ended]


def at_once(folder, count, imports, work, *arguments):
    """Runs Python code in several processes that start together; returns the output of each."""
    folder.mkdir()
    code = GO.format(imports=imports, work=work)
    processes = [started(folder, "-c", code, number, folder, *arguments) for number in range(count)]
    while len(list(folder.glob("*.ready"))) < count:
        assert all(process.poll() is None for process in processes)
        time.sleep(0.01)
    (folder / "go").touch()
    printed = []
    for process in processes:
        out, err = process.communicate(timeout=200)
        assert process.returncode == 0, err
        printed.append(out)
    return printed


def contents(folder):
    """Returns the files of a folder without hidden files, which are locks and drafts."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("[!.]*")
        if path.is_file()
    }


def assert_one_training(run_dir):
    """Asserts that a log contains one training, and that its checkpoints are complete."""
    lines = map(json.loads, (run_dir / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    steps = [record["step"] for record in lines if record["kind"] == "train"]
    assert steps == list(range(1, len(steps) + 1))
    manifest.check(run_dir / "last")
    assert not list(run_dir.glob("*.owner"))


def assert_refused(process, by, run_dir):
    """Asserts status 2 and one message that names the folder and the process that uses it."""
    _, err = process.communicate(timeout=100)
    assert process.returncode == 2, err
    assert err.count("error: ") == 1
    assert "Traceback" not in err
    assert f"{by.pid} " in err
    assert str(run_dir) in err


def stopped(process):
    """Ends a training with SIGTERM."""
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 143, err


@pytest.mark.parametrize("repeat", REPEATS)
def test_simultaneous_trainings_without_output_get_separate_folders(
    synthetic_mpii, tmp_path, repeat
):
    processes = trainings(tmp_path, 2, "--dataset_root", synthetic_mpii, "--epochs", 1)
    for process in processes:
        _, err = process.communicate(timeout=200)
        assert process.returncode == 0, err
    runs = [tmp_path / "output" / name for name in ("hourglass_tiny_128", "hourglass_tiny_128-2")]
    assert sorted((tmp_path / "output").iterdir()) == runs
    for run_dir in runs:
        assert_one_training(run_dir)
    one, two = ((run_dir / "last/model.pdparams").read_bytes() for run_dir in runs)
    assert one == two, "each as if it were alone"


@pytest.mark.parametrize("repeat", REPEATS)
def test_second_training_in_one_folder_is_an_error(synthetic_mpii, tmp_path, repeat):
    processes = trainings(
        tmp_path, 2, "--dataset_root", synthetic_mpii, *ENDLESS, "--output", "run"
    )
    refused, (other,) = first_to_end(processes)
    assert_refused(refused, other, "run")
    wait_for(tmp_path / "run/last", other)
    stopped(other)
    assert_one_training(tmp_path / "run")


@pytest.mark.parametrize("repeat", REPEATS)
def test_second_resume_of_one_run_is_an_error(synthetic_mpii, tmp_path, repeat):
    flags = ("--dataset_root", synthetic_mpii, *ENDLESS)
    (first,) = trainings(tmp_path, 1, *flags, "--output", "run", "--max_hours", 1e-9)
    first.communicate(timeout=100)
    assert first.returncode == 124
    before = len((tmp_path / "run/metrics.jsonl").read_bytes())
    refused, (other,) = first_to_end(trainings(tmp_path, 2, *flags, "--resume", "run"))
    assert_refused(refused, other, "run")
    while len((tmp_path / "run/metrics.jsonl").read_bytes()) <= before:
        assert other.poll() is None
        time.sleep(0.02)
    stopped(other)
    assert_one_training(tmp_path / "run")


def wait_for(path, process):
    """Waits until a file or folder exists."""
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.02)


class Server(http.server.ThreadingHTTPServer):
    """A server of one file; its first answer pauses in the middle until `go_on` is set."""

    content = hashlib.sha256(b"").digest() * 100_000

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        self.half = threading.Event()
        self.go_on = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
        content = self.server.content[start:]
        middle = len(self.server.content) // 2
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header(
                "Content-Range", f"bytes {start}-{start + len(content) - 1}/{start + len(content)}"
            )
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if len(self.server.asked) == 1:
            self.wfile.write(content[:middle])
            self.server.half.set()
            self.server.go_on.wait(100)
            content = content[middle:]
        self.wfile.write(content)

    def log_message(self, *args):
        """Writes no log."""


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.go_on.set()
        running.shutdown()
        thread.join(5)


DOWNLOAD = """
file = RemoteFile("net", sys.argv[3], sys.argv[4])
print(hashlib.sha256(download(file, Path(sys.argv[5]), pause=0.01).read_bytes()).hexdigest())
"""
IMPORTS = "import hashlib; from paddle_pose.io.download import RemoteFile, download"


@pytest.mark.parametrize("repeat", REPEATS)
def test_simultaneous_downloads_of_one_file_all_succeed(server, tmp_path, repeat):
    server.go_on.set()
    digest, out = hashlib.sha256(server.content).hexdigest(), tmp_path / "out"
    url = f"http://127.0.0.1:{server.server_address[1]}/net.pth"
    printed = at_once(tmp_path / "at_once", 24, IMPORTS, DOWNLOAD, url, digest, out)
    assert [line.splitlines()[-1] for line in printed] == [digest] * 24
    assert contents(out) == {"net.pth": server.content}
    assert server.asked == [None], "fetched once"


@pytest.mark.parametrize("repeat", REPEATS)
def test_download_continues_a_killed_one(server, tmp_path, repeat):
    url = f"http://127.0.0.1:{server.server_address[1]}/net.pth"
    (tmp_path / "go").touch()
    flags = (tmp_path, url, hashlib.sha256(server.content).hexdigest(), tmp_path / "out")
    code = GO.format(imports=IMPORTS, work=DOWNLOAD)
    killed = started(tmp_path, "-c", code, 0, *flags)
    assert server.half.wait(100)
    part = tmp_path / "out/net.pth.part"
    wait_for(part, killed)
    waiting = started(tmp_path, "-c", code, 1, *flags)
    wait_for(tmp_path / "1.ready", waiting)
    assert waiting.poll() is None
    killed.kill()
    killed.communicate()
    _, err = waiting.communicate(timeout=100)
    assert waiting.returncode == 0, err
    assert contents(tmp_path / "out") == {"net.pth": server.content}
    assert len(server.asked) == 2


CACHE = """
crops, digest = CropCache(Path(sys.argv[4]), (64, 64), 1e9), hashlib.sha256()
for sample in build.samples(registry.find("hourglass_tiny_128"), sys.argv[3], "train"):
    pixels, matrix = crops(sample, sample.window)
    digest.update(pixels.tobytes() + matrix.tobytes())
print(digest.hexdigest(), crops._bytes)
"""


@pytest.mark.parametrize("repeat", REPEATS)
def test_crop_caches_in_one_folder_read_the_same_images(synthetic_mpii, tmp_path, repeat):
    imports = (
        "import hashlib; from paddle_pose import build; from paddle_pose.configs import registry; "
        "from paddle_pose.data.crop_cache import CropCache"
    )
    (alone,) = at_once(
        tmp_path / "alone", 1, imports, CACHE, synthetic_mpii, tmp_path / "crops_of_one"
    )
    printed = at_once(tmp_path / "at_once", 4, imports, CACHE, synthetic_mpii, tmp_path / "crops")
    assert {line.split()[0] for line in printed} == {alone.split()[0]}
    assert contents(tmp_path / "crops").keys() == contents(tmp_path / "crops_of_one").keys()
    assert contents(tmp_path / "crops") == contents(tmp_path / "crops_of_one")
    assert not list((tmp_path / "crops").rglob(".*")), "no drafts are left"


SYNTHETIC = "write_mpii(Path(sys.argv[3]), num_train=6, num_val=2, size=(96, 96))"
MPII = "print(prepare_mpii([Path(sys.argv[3])], Path(sys.argv[4])))"
COCO = "print(prepare_coco(Path(sys.argv[3]), Path(sys.argv[4])))"
MAKERS = {  # imports, work
    "synthetic": ("from paddle_pose.data.synthetic.dataset import write_mpii", SYNTHETIC),
    "mpii": ("from paddle_pose.data.prepare_mpii import prepare_mpii", MPII),
    "coco": ("from paddle_pose.data.prepare_coco import prepare_coco", COCO),
}


@pytest.mark.parametrize("repeat", REPEATS)
@pytest.mark.parametrize("maker", MAKERS)
def test_simultaneous_preparations_equal_a_single_one(maker, tmp_path, repeat):
    sources = {
        "synthetic": (),
        "mpii": (tmp_path / "source/drawn",),
        "coco": (tmp_path / "source/drawn",),
    }[maker]
    if sources:
        draw = {"mpii": write_mpii, "coco": write_coco}[maker]
        draw(sources[0], num_train=6, num_val=2, size=(96, 96))
    outcomes = []
    for name, count in (("alone", 1), ("at_once", 4)):
        printed = at_once(
            tmp_path / name, count, *MAKERS[maker], *sources, tmp_path / f"{name}_out"
        )
        outcomes.append(
            (
                {line.rpartition("\n")[0][-20:] for line in printed},
                contents(tmp_path / f"{name}_out"),
            )
        )
    (alone_printed, alone), (printed, found) = outcomes
    assert printed == alone_printed
    assert found == alone
    assert not list((tmp_path / "at_once_out").rglob("*.part*"))
