"""Compares every backend with the live network: `python benchmarks/backend_table.py`."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from paddle_pose import environment

environment.configure_cpu()  # before Paddle is imported
environment.require_paddle()

import numpy as np

from paddle_pose import build
from paddle_pose.backends.base import Backend
from paddle_pose.backends.open import open_exported
from paddle_pose.backends.paddle import PaddleBackend, set_device
from paddle_pose.cli import logs, options
from paddle_pose.configs import registry
from paddle_pose.configs.specs import Config
from paddle_pose.data.synthetic.dataset import write_coco, write_mpii
from paddle_pose.errors import InputError, PaddlePoseError
from paddle_pose.evaluation.evaluate import evaluate
from paddle_pose.exporting.verify import compare
from paddle_pose.exporting.write import write_export
from paddle_pose.inference.flip_test import FlipAverage

# Changes by config that make its network small enough to be overfitted to a few synthetic people
# in minutes.
REDUCED = {
    "hourglass_tiny_128": (),
    "stacked_hourglass2_mpii_256": (
        "model.num_stacks=1",
        "model.channels=64",
        "model.depth=3",
        "train.learning_rate=0.002",
    ),
    "hrnet_w32_mpii_256": (
        "model.width=16",
        "model.modules=(1,1,1)",
        "model.blocks=1",
        "model.stem_channels=16",
    ),
    "simple_baseline_r50_mpii_256": ("model.width=8", "model.deconv_channels=32"),
}
RECIPE = (
    "codec.input_size=(128,128)",
    "train.batch_size=8",
    "train.learning_rate=0.004",
    "train.schedule=cosine",
    "train.schedule.warmup=20",
    "train.eval_every=1000",
    "train.log_every=50",
    # The validation people are trained on, too, so that the metric is high enough to drop. No flip
    # test: without augmentation the network has seen no mirrored person.
    "data.train_split=trainval",
    "augment=none",
    "val.flip=false",
)
BACKENDS = {  # name in the table: (suffix of the exported file, whether it computes in 8 bits)
    "Paddle program": (".json", False),
    "ONNX Runtime": (".onnx", False),
    "OpenVINO": (".xml", False),
    "ONNX Runtime INT8": (".onnx", True),
    "OpenVINO INT8": (".xml", True),
}
SYNTHETIC = {"mpii": write_mpii, "coco": write_coco}  # writers of synthetic people by layout
NUM_CALIBRATION = 100  # training images from which the ranges of INT8 are determined
SUMMARY = ("Mean", "Mean@0.1", "AP", "acc")  # values of a metric that the table shows


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the flags."""
    parser = options.Parser(
        description="Exports networks for every backend and prints how far each file is from the"
        " live network, in input px and in the data set's metric. Without --weights a reduced"
        " network of every system is trained on a few synthetic people first."
    )
    parser.add_argument(
        "--weights",
        nargs="+",
        type=Path,
        metavar="F",
        help="checkpoints with their config beside them",
    )
    parser.add_argument(
        "--dataset_root",
        type=Path,
        metavar="D",
        help="data set of the checkpoints; default: synthetic people",
    )
    parser.add_argument(
        "--epochs",
        type=int,
        default=75,
        metavar="N",
        help="epochs to train the reduced networks for; default 75",
    )
    parser.add_argument(
        "--num_train",
        type=int,
        default=8,
        metavar="N",
        help="synthetic people to train on beside those to compare on; default 8",
    )
    parser.add_argument(
        "--num_val",
        type=int,
        default=24,
        metavar="N",
        help="synthetic people to compare on; default 24",
    )
    options.add_threads(parser)
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("output/backends"),
        metavar="DIR",
        help="folder for the table, trainings and synthetic people; default output/backends",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table and writes it to `backends.md`.

    Args:
        argv: Flags; None for those of the command line.

    Returns:
        The exit status.

    Raises:
        FileNotFoundError: If a file is missing.
        MissingDependencyError: If a backend is not installed.
        InputError: If a checkpoint has no config beside it.
    """
    arguments = build_parser().parse_args(argv)
    checkpoints = []
    for path in arguments.weights or []:
        config = registry.read_beside(path)
        if config is None:
            raise InputError(
                f"{path}: expected a config.json beside it that states the network, found none"
            )
        checkpoints.append((config, path))
    if not checkpoints:
        checkpoints = [trained(name, arguments) for name in REDUCED]
    lines = [
        "| system | backend | greatest difference, input px | median | undecided | metric"
        " | against live | ms per image |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for config, path in checkpoints:
        root = arguments.dataset_root or synthetic_data(config.data.dataset, arguments)
        lines += rows(config, path, root, arguments.threads)
    table = "\n".join(lines)
    print(table)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "backends.md").write_text(table + "\n", encoding="utf-8")
    return 0


def synthetic_data(layout: str, arguments: argparse.Namespace) -> Path:
    """Returns a folder of synthetic people, which is written if it is missing.

    Args:
        layout: Layout of the data set, "mpii" or "coco".
        arguments: Parsed flags.
    """
    return SYNTHETIC[layout](
        arguments.output / f"synthetic_{layout}",
        num_train=arguments.num_train,
        num_val=arguments.num_val,
        seed=0,
        size=(160, 160),
    )


def trained(name: str, arguments: argparse.Namespace) -> tuple[Config, Path]:
    """Returns the config and the checkpoint of a reduced network.

    The network is trained unless an earlier call has trained it.

    Args:
        name: Name of the config, a key of `REDUCED`.
        arguments: Parsed flags.
    """
    run_dir = arguments.output / name
    weights = run_dir / "last" / "model.pdparams"
    if not run_dir.exists():
        data = synthetic_data(registry.find(name).data.dataset, arguments)
        unfinished = run_dir.with_name(f"{name}.training")
        shutil.rmtree(unfinished, ignore_errors=True)
        command = [
            sys.executable,
            str(ROOT / "train.py"),
            "--config",
            name,
            "--dataset_root",
            str(data),
        ]
        command += ["--epochs", str(arguments.epochs), "--output", str(unfinished)]
        for override in (*RECIPE, *REDUCED[name]):
            command += ["-o", override]
        subprocess.run(command, check=True)
        unfinished.rename(run_dir)
    config = registry.read_beside(weights)
    if config is None:
        raise InputError(
            f"{weights}: there is no config.json beside it; delete {run_dir} to train again"
        )
    return config, weights


def rows(config: Config, weights: Path, root: Path, threads: int | None) -> Iterator[str]:
    """Yields the lines of a network in the table: live, then with every backend.

    Args:
        config: Config of the network.
        weights: Checkpoint of the network.
        root: Folder of the data set.
        threads: Threads to compute with; None for all cores.
    """
    set_device("cpu", threads)
    config, network = build.loaded(config, weights)
    live = PaddleBackend(network)
    validation = build.samples(config, root, config.data.val_split)
    training = build.samples(config, root, config.data.train_split)[:NUM_CALIBRATION]
    batches = [images for images, _ in build.batches(config, validation)]
    calibration = np.concatenate([images for images, _ in build.batches(config, training)])
    metric = build.metric(config, root)

    def score(backend: Backend) -> dict[str, float]:
        scored = (
            FlipAverage(backend, config.codec, config.val.shift) if config.val.flip else backend
        )
        predictions = evaluate(scored, config.codec, build.batches(config, validation))
        values = metric.compute_scores(predictions, intervals=False).values
        return {name: values[name] for name in SUMMARY if name in values}

    def milliseconds(backend: Backend) -> float:
        started = time.perf_counter()
        for images in batches:
            backend(images)
        return 1000 * (time.perf_counter() - started) / len(validation)

    reference = score(live)
    shown = ", ".join(f"{name} {value:.2f}" for name, value in reference.items())
    yield f"| {config.name} | live Paddle | | | | {shown} | | {milliseconds(live):.1f} |"
    with tempfile.TemporaryDirectory() as folder:
        for backend_name, (suffix, int8) in BACKENDS.items():
            target = Path(folder) / f"{backend_name.replace(' ', '_')}{suffix}"
            write_export(
                config, network, weights, target, calibration=calibration if int8 else None
            )
            exported = open_exported(target, "cpu", threads)
            difference = compare(live, exported, config.codec, batches, exact=not int8)
            values = score(exported)
            shown = ", ".join(f"{name} {value:.2f}" for name, value in values.items())
            against = ", ".join(f"{value - reference[name]:+.2f}" for name, value in values.items())
            pixels, undecided = difference.pixels, difference.undecided
            yield (
                f"| {config.name} | {backend_name} | {pixels.max():.4f} | {np.median(pixels):.4f} |"
                f" {undecided} of {undecided + len(pixels)} | {shown} | {against} |"
                f" {milliseconds(exported):.1f} |"
            )


if __name__ == "__main__":
    logs.attach()
    environment.ignore_paddle_warnings()
    try:
        sys.exit(main())
    except (PaddlePoseError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
