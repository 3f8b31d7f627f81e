"""Kills a real training many times, resumes it, and compares it with an uninterrupted one.

    python tests/faults/kill_and_resume.py --kills 100
    python tests/faults/kill_and_resume.py --kills 10 --processes 2

Of five kills on average one happens while the command starts, two at any moment of the training,
and two while a checkpoint is written. The script prints every kill with the incomplete files, and
ends with status 1 at the first difference. The tests run it with a few kills. Of several processes
one is killed, and `paddle.distributed.launch` must end the others.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_COMMON = (
    "--batch_size",
    "4",
    "-o",
    "codec.input_size=(64,64)",
    "-o",
    "train.schedule.warmup=3",
    "-o",
    "train.ema=0.9",
    "-o",
    "train.checkpoint_steps=2",
    "-o",
    "train.log_every=3",
)
FLAGS = {
    "hourglass": (
        "--config",
        "hourglass_tiny_128",
        "--epochs",
        "4",
        *_COMMON,
        "-o",
        "model.channels=(8,8,8,8)",
        "-o",
        "model.blocks=(1,1,1,1)",
        "-o",
        "model.stem_channels=8",
        "-o",
        "model.feature_channels=8",
    ),
    "movenet": (
        "--config",
        "movenet_lightning_coco",
        "--epochs",
        "12",
        *_COMMON,
        "-o",
        "model.width=0.25",
    ),
}
# Longest time of training before a kill, in which several checkpoints are written.
SECONDS = {"hourglass": 1.0, "movenet": 8.0}
FILES = (
    "last/model.pdparams",
    "last/model.pdopt",
    "last/ema.pdparams",
    "best_model/model.pdparams",
)
TIMES = {"batch_cost", "reader_cost", "ips"}

NOT_COMPARED = (
    "Resumed",
    "Done",
    "Recipe",
    "Data",
    "Total batch",
    "Disk",
    "A log line",
    "First step",
    "Nothing to train",  # it was killed after its last checkpoint
)
"""Beginnings of the lines of the log that differ between a resumed run and an uninterrupted one."""


def start(
    folder: Path,
    run: str,
    workers: int,
    resume: bool,
    processes: int = 1,
    network: str = "hourglass",
) -> subprocess.Popen[str]:
    """Starts `train.py`, whose output is appended to `<run>.txt`.

    Args:
        folder: Working folder.
        run: Name of the run's folder.
        workers: Number of loading threads.
        resume: Whether the run is resumed.
        processes: Number of processes that train together.
        network: Key of `FLAGS`.
    """
    launch = (
        "-m",
        "paddle.distributed.launch",
        "--nproc_per_node",
        str(processes),
        "--log_dir",
        f"{run}.logs",
    )
    where = (
        ("--resume", run)
        if resume
        else ("--output", run, *FLAGS[network], "--num_workers", str(workers))
    )
    command = [sys.executable, *launch] if processes > 1 else [sys.executable]
    command += [str(ROOT / "train.py"), "--dataset_root", "people", *where]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with (folder / f"{run}.txt").open("a", encoding="utf-8") as said:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdout=said, stderr=said, text=True
        )


def kill_sometime(
    process: subprocess.Popen[str], run_dir: Path, chance: random.Random, seconds: float = 1.0
) -> str:
    """Kills a training at a random moment.

    Args:
        process: Process of the training, or its launcher.
        run_dir: Folder of the run.
        chance: Random number generator.
        seconds: Longest time of training before the kill.

    Returns:
        A description of the kill; "" if the training ended before.
    """
    kind = chance.choice(("starting", "any", "any", "saving", "saving"))
    log = run_dir / "log.txt"
    length = log.stat().st_size if log.exists() else 0
    while (
        kind != "starting"
        and process.poll() is None
        and (not log.exists() or log.stat().st_size == length)
    ):
        time.sleep(0.002)  # until the training has begun
    moment = time.monotonic() + chance.uniform(0, 3 if kind == "starting" else seconds)
    while process.poll() is None and time.monotonic() < moment:
        time.sleep(0.001)
    if kind == "saving":
        while process.poll() is None and not half_done(run_dir):
            time.sleep(0.0001)
        time.sleep(chance.uniform(0, 0.03))
    if process.poll() is not None:
        return ""
    # Of several processes one is killed, and the launcher must end the others.
    candidates = children(process.pid) or [process.pid]
    os.kill(chance.choice(candidates), signal.SIGKILL)
    process.wait(timeout=120)
    return f"killed at {kind}, leaving {', '.join(half_done(run_dir)) or 'nothing incomplete'}"


def children(pid: int) -> list[int]:
    """Returns the ids of the child processes of a process."""
    listed = (Path("/proc") / str(pid) / "task" / str(pid) / "children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def half_done(run_dir: Path) -> list[str]:
    """Returns the names of checkpoints that are being written or replaced."""
    names = os.listdir(run_dir) if run_dir.exists() else []
    return sorted(name for name in names if name.endswith((".writing", ".old")))


def facts(run_dir: Path) -> dict[str, object]:
    """Returns everything that must be equal: tensors bit by bit, logged numbers, and the state."""
    records = [
        json.loads(line)
        for line in (run_dir / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    state = json.loads((run_dir / "last" / "state.json").read_text(encoding="utf-8"))
    log = (run_dir / "log.txt").read_text(encoding="utf-8").splitlines()
    return {
        **{name: (run_dir / name).read_bytes() for name in FILES},
        "metrics.jsonl": [
            {k: v for k, v in record.items() if k not in TIMES} for record in records
        ],
        "log.txt": [
            line.partition(", batch_cost")[0] for line in log if not line.startswith(NOT_COMPARED)
        ],
        "state.json": {key: value for key, value in state.items() if key != "log"},
    }


def stood_at(run_dir: Path) -> tuple[int, int]:
    """Returns (epoch, batch) of the newest complete checkpoint; (-1, 0) without a checkpoint."""
    from paddle_pose.training import checkpoint_policy

    folder = checkpoint_policy.newest(run_dir, log=lambda line: None)
    if folder is None:
        return -1, 0
    progress = json.loads((folder / "state.json").read_text(encoding="utf-8"))["progress"]
    return progress["epoch"], progress["batch"]


def kill_and_resume(
    folder: Path,
    kills: int,
    workers: int,
    seed: int,
    processes: int = 1,
    network: str = "hourglass",
) -> list[str]:
    """Kills and resumes trainings, and compares each with an uninterrupted one.

    Args:
        folder: Working folder.
        kills: Number of kills; the last training may add more.
        workers: Number of loading threads.
        seed: Seed of the moments of kills.
        processes: Number of processes that train together.
        network: Key of `FLAGS`.

    Returns:
        Descriptions of the differences; empty if there are none.
    """
    from paddle_pose.data.synthetic.dataset import write_coco, write_mpii

    write = write_coco if network == "movenet" else write_mpii
    write(folder / "people", num_train=24, num_val=8, seed=0, size=(128, 128))
    if start(folder, "straight", workers, False, processes, network).wait() != 0:
        return [
            "the uninterrupted training failed:\n"
            + (folder / "straight.txt").read_text(encoding="utf-8")
        ]
    expected = facts(folder / "straight")
    chance = random.Random(seed)
    done = 0
    rounds = 0
    while done < kills:
        rounds += 1
        run = f"killed{rounds}"
        stood = (-1, 0)
        run_dir = folder / run
        while True:
            process = start(
                folder, run, workers, (run_dir / "config.json").exists(), processes, network
            )
            doing = (
                kill_sometime(process, run_dir, chance, SECONDS[network])
                if done < kills
                else str(process.wait())[:0]
            )
            if not doing:
                break
            done += 1
            now = stood_at(run_dir)
            print(
                f"kill {done}, run {rounds}: {doing}; the newest complete checkpoint is at {now}",
                flush=True,
            )
            if now < stood:
                return [f"the checkpoint at {stood} was lost, the newest is at {now}"]
            stood = now
        if process.returncode != 0:
            return [
                f"run {rounds} ended with {process.returncode}:\n"
                + (folder / f"{run}.txt").read_text("utf-8")[-3000:]
            ]
        found = facts(run_dir)
        different = [name for name in expected if found[name] != expected[name]]
        if different:
            return [
                f"run {rounds} in {run_dir}: {name} differs from {folder / 'straight'}"
                for name in different
            ]
        print(f"run {rounds}: equal to the uninterrupted training bit by bit", flush=True)
        shutil.rmtree(run_dir)
    return []


def main() -> int:
    """Runs the comparison; returns 1 if there is a difference."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--kills", type=int, default=100, metavar="N", help="number of kills; default 100"
    )
    parser.add_argument(
        "--num_workers", type=int, default=2, metavar="N", help="loading threads; default 2"
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=1,
        metavar="N",
        help="processes that train together; default 1",
    )
    parser.add_argument(
        "--network",
        choices=tuple(FLAGS),
        default="hourglass",
        help="network that is trained; default hourglass",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of the moments of kills; default 0"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        problems = kill_and_resume(
            Path(folder),
            kills=arguments.kills,
            workers=arguments.num_workers,
            seed=arguments.seed,
            processes=arguments.processes,
            network=arguments.network,
        )
    print("\n".join(problems) or f"{arguments.kills} kills: no difference")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
