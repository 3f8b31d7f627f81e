"""Trains a reduced Hourglass-52 in this project and in mmpose, and compares what they learn.

    python benchmarks/learning.py --data D [--seeds 0 1 2] [--peer_python .peers/bin/python]

Both sides get the same network, data, amounts of augmentation, schedule and number of steps, and
the same seeds; the numbers are those of the last weights, PCKh with flip test, shift and
quarter-cell refinement, computed by this project. A side that was measured is not trained again,
and an interrupted training is continued. D is a data set in MPII's layout. With --train_people N
the networks are trained on N people of its training split, and compared on all others of both
splits: the more people are compared, the less of the difference is chance. Its records must then
have a `head_size` in px, since MPII's file of head boxes has the validation split only; people
whose head size is 0 are not compared.

The comparison claims parity only if the 95 % interval of the mean difference (t distribution over
the pairs) lies within +-1.5.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from scipy.io import savemat

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

MARGIN = 1.5  # PCKh points within which the interval has to lie
SETTINGS: dict[str, Any] = {
    "input_size": 128,
    "sigma": 2,
    "channels": [64, 64, 96, 128],
    "blocks": [1, 1, 1, 2],
    "feature_channels": 64,
    "scale": 0.5,  # truncated normal numbers, mmpose's defaults
    "rotation": 80,
    "rotation_probability": 0.6,
    "batch_size": 32,
    "epochs": 30,
    "milestones": [21, 27],
    "learning_rate": 1.5e-3,
    "warmup": 100,  # steps
    "warmup_start": 0.001,
    "threads": 1,
}
METRICS = ("Mean", "Mean@0.1")
SIDES = ("ours", "mmpose")


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="data set in MPII's layout")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds (%(default)s)"
    )
    parser.add_argument(
        "--sides", nargs="+", choices=SIDES, default=SIDES, help="sides to train (both)"
    )
    parser.add_argument("--train_people", type=int, help="people to train on (the training split)")
    parser.add_argument("--peer_python", type=Path, default=ROOT / ".peers" / "bin" / "python")
    parser.add_argument("--output", type=Path, default=ROOT / "output" / "learning")
    parser.add_argument("--show", action="store_true", help="print the stored numbers only")
    for name in ("epochs", "threads"):
        parser.add_argument(f"--{name}", type=int, default=SETTINGS[name], help="(%(default)s)")
    return parser


def main() -> None:
    """Trains what is missing, and prints the table."""
    arguments = build_parser().parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    if arguments.train_people is not None and not arguments.show:
        arguments.data = divided(arguments.data, arguments.train_people, arguments.output / "data")
    share = arguments.epochs / SETTINGS["epochs"]
    settings = {
        **SETTINGS,
        "epochs": arguments.epochs,
        "milestones": [round(share * epoch) for epoch in SETTINGS["milestones"]],
        "threads": arguments.threads,
        "train_people": arguments.train_people,
    }
    runs: dict[tuple[str, int], dict[str, float]] = {}
    for seed in arguments.seeds:
        for side, function in zip(SIDES, (train_ours, train_mmpose), strict=True):
            result = arguments.output / f"{side}-{seed}.json"
            if not result.exists() and not arguments.show and side in arguments.sides:
                started = time.monotonic()
                scores = function(arguments, {**settings, "seed": seed})
                minutes = (time.monotonic() - started) / 60
                stored = {**scores, "minutes": minutes, "settings": settings}
                result.write_text(json.dumps(stored, indent=1) + "\n")
            if result.exists():
                stored = json.loads(result.read_text())
                if stored["settings"] != settings:
                    sys.exit(f"{result}: measured with other settings; name another --output")
                runs[side, seed] = stored
    print(table(runs, arguments.seeds))


def divided(data: Path, count: int, folder: Path) -> Path:
    """Returns a data set with the same people, of which the training split has fewer.

    Args:
        data: Folder of a data set in MPII's layout.
        count: Number of people of the training split, the first of a random order; all others with
            a head size are in the validation split.
        folder: Folder to write it to.
    """
    annotations = folder / "annotations"
    annotations.mkdir(parents=True, exist_ok=True)
    train, rest = (
        json.loads((data / "annotations" / f"mpii_{split}.json").read_text())
        for split in ("train", "val")
    )
    order = np.random.default_rng(0).permutation(len(train)).tolist()
    others = [*rest, *(train[number] for number in order[count:])]
    if any("head_size" not in record for record in others):
        sys.exit(f"{data}: --train_people needs the key 'head_size' in every record")
    splits = {
        "train": [train[number] for number in order[:count]],
        "val": [record for record in others if record["head_size"] > 0],
    }
    for split, records in splits.items():
        (annotations / f"mpii_{split}.json").write_text(json.dumps(records))
    sizes = np.array([record["head_size"] for record in splits["val"]])
    second = np.outer([1, 1], sizes) / (0.6 * np.sqrt(2))  # 0.6 x the diagonal is the head size
    savemat(
        annotations / "mpii_gt_val.mat",
        {
            "headboxes_src": np.stack([np.zeros_like(second), second]),
            "jnt_missing": 1 - np.array([record["joints_vis"] for record in splits["val"]]).T,
            "pos_gt_src": np.array([record["joints"] for record in splits["val"]]).transpose(
                1, 2, 0
            ),
        },
    )
    if not (folder / "images").is_symlink():
        (folder / "images").symlink_to((data / "images").resolve())
    return folder


def train_ours(arguments: argparse.Namespace, settings: dict[str, Any]) -> dict[str, float]:
    """Returns this project's numbers."""
    folder = arguments.output / f"ours-{settings['seed']}"
    overrides = {
        "model.channels": settings["channels"],
        "model.blocks": settings["blocks"],
        "model.feature_channels": settings["feature_channels"],
        "codec.input_size": [settings["input_size"]] * 2,
        "codec.sigma": settings["sigma"],
        "augment.truncated": True,
        "augment.scale": settings["scale"],
        "augment.rotation": settings["rotation"] / 2,
        "augment.rotation_probability": settings["rotation_probability"],
        "train.total_batch": settings["batch_size"],
        "train.batch_size": settings["batch_size"],
        "train.epochs": settings["epochs"],
        "train.learning_rate": settings["learning_rate"],
        "train.schedule.warmup": settings["warmup"],
        "train.schedule.warmup_start": settings["warmup_start"],
        "train.schedule.milestones": settings["milestones"],
        "train.eval_every": settings["epochs"],
        "train.seed": settings["seed"],
    }
    code = (
        "import json, sys\n"
        "import paddle_pose as pp\n"
        "data, folder, overrides = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])\n"
        'run = pp.train("hourglass52_mpii_256", data=data, output=folder, overrides=overrides,\n'
        '               resume="auto", device="cpu", init="none", progress=None)\n'
        "print(json.dumps(pp.evaluate(run.last, data=data).values))\n"
    )
    last = run(
        [sys.executable, "-c", code, str(arguments.data), str(folder), json.dumps(overrides)],
        settings,
    )
    values = json.loads(last)
    return {name: values[name] for name in METRICS}


def train_mmpose(arguments: argparse.Namespace, settings: dict[str, Any]) -> dict[str, float]:
    """Returns mmpose's numbers, scored by this project."""
    folder = arguments.output / f"mmpose-{settings['seed']}"
    script = ROOT / "benchmarks" / "peers" / "mmpose_learning.py"
    run(
        [
            str(arguments.peer_python),
            str(script),
            str(arguments.data),
            str(folder),
            json.dumps(settings),
        ],
        settings,
    )
    code = (
        "import json, sys\n"
        "import paddle_pose as pp\n"
        "print(json.dumps(pp.score_file(sys.argv[1], data=sys.argv[2]).values))\n"
    )
    preds = folder / "preds.mat"
    last = run([sys.executable, "-c", code, str(preds), str(arguments.data)], settings)
    values = json.loads(last)
    return {name: values[name] for name in METRICS}


def run(command: list[str], settings: dict[str, Any]) -> str:
    """Returns the last line that a command prints; ends this program if it fails."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": str(settings["threads"]),
    }
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT
    )
    if done.returncode:
        sys.exit(f"{' '.join(command[:2])}: status {done.returncode}")
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def table(runs: dict[tuple[str, int], dict[str, float]], seeds: list[int]) -> str:
    """Returns each run's numbers, and the mean differences with their intervals."""
    lines = [f"{'seed':>4}  {'side':6}  {'Mean':>6}  {'Mean@0.1':>8}  {'minutes':>7}"]
    for (side, seed), scores in sorted(runs.items(), key=lambda item: (item[0][1], item[0][0])):
        lines.append(
            f"{seed:4}  {side:6}  {scores['Mean']:6.2f}  {scores['Mean@0.1']:8.2f}  "
            f"{scores['minutes']:7.1f}"
        )
    pairs = [seed for seed in seeds if ("ours", seed) in runs and ("mmpose", seed) in runs]
    for metric in METRICS:
        differences = np.array(
            [runs["ours", seed][metric] - runs["mmpose", seed][metric] for seed in pairs]
        )
        if len(pairs) < 2:
            lines.append(f"{metric}: {len(pairs)} pairs; an interval needs two")
            continue
        half = stats.t.ppf(0.975, len(pairs) - 1) * differences.std(ddof=1) / np.sqrt(len(pairs))
        low, high = differences.mean() - half, differences.mean() + half
        verdict = "parity" if low >= -MARGIN and high <= MARGIN else "parity is not shown"
        lines.append(
            f"{metric}, ours - mmpose, {len(pairs)} pairs: {differences.mean():+.2f} "
            f"({low:+.2f} .. {high:+.2f}); within +-{MARGIN}: {verdict}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
