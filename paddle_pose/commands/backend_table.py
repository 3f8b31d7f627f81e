"""`python scripts/backend_table.py`: how far every backend is from the live network, for every system."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paddle_pose.commands import export, options, train
from paddle_pose.errors import InputError

if TYPE_CHECKING:
    from paddle_pose.backends.base import Backend
    from paddle_pose.configs.specs import Config

# A config, and what makes it small enough to learn some drawings by heart in minutes.
REDUCED = {
    "hourglass_tiny_128": (),
    "stacked_hourglass2_mpii_256": (
        "model.num_stacks=1",
        "model.channels=64",
        "model.depth=3",
        "train.learning_rate=0.002",
    ),
    "hrnet_w32_mpii_256": ("model.width=16", "model.modules=(1,1,1)", "model.blocks=1", "model.stem_channels=16"),
    "simple_baseline_r50_mpii_256": ("model.width=8", "model.deconv_channels=32"),
}
RECIPE = (
    *("codec.input_size=(128,128)", "train.batch_size=8", "train.learning_rate=0.004", "train.schedule=cosine"),
    *("train.warmup=20", "train.eval_every=1000", "train.log_every=50"),
    # What is compared on is learned, so that the metric has something to lose. No mirror: none has been seen in training.
    *("data.train_split=trainval", "augment=none", "val.flip=false"),
)
BACKENDS = {  # what the table says: the suffix, whether in 8 bits
    "Paddle program": (".json", False),
    "ONNX Runtime": (".onnx", False),
    "OpenVINO": (".xml", False),
    "ONNX Runtime INT8": (".onnx", True),
    "OpenVINO INT8": (".xml", True),
}
NUM_CALIBRATION = 100
SHOWN = ("Mean", "Mean@0.1", "AP", "acc")  # of what a metric counts


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Exports networks for every backend and prints how far each file is from the live network, in input px "
        "and in the data set's metric. Without --weights a reduced network of every system learns some synthetic people first."
    )
    parser.add_argument(
        "--weights", nargs="+", type=Path, metavar="F", help="checkpoints with their config beside them"
    )
    parser.add_argument("--dataset_root", type=Path, metavar="D", help="their data; default: synthetic people")
    parser.add_argument("--epochs", type=int, default=75, metavar="N", help="of the reduced networks; default 75")
    parser.add_argument("--num_train", type=int, default=8, metavar="N", help="drawings to learn, besides; default 8")
    parser.add_argument("--num_val", type=int, default=24, metavar="N", help="drawings to compare on; default 24")
    options.add_threads(parser)
    parser.add_argument(
        "--output", type=Path, default=train.OUTPUT / "backends", metavar="DIR", help="default output/backends"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        MissingDependencyError: If a backend is not installed.
        InputError: If a checkpoint does not say which network it is for.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.environment import check_paddle

    check_paddle()
    from paddle_pose.configs import registry

    checkpoints = []
    for path in arguments.weights or []:
        config = registry.read_beside(path)
        if config is None:
            raise InputError(f"{path}: there is no config.json beside it that says which network it is for")
        checkpoints.append((config, path))
    if not checkpoints:
        checkpoints = [trained(name, arguments) for name in REDUCED]
    lines = [
        "| system | backend | greatest difference, input px | median | undecided | metric | against live | ms per image |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for config, path in checkpoints:
        root = arguments.dataset_root or drawn(config, arguments)
        lines += rows(config, path, root, arguments.threads)
    table = "\n".join(lines)
    print(table)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "backends.md").write_text(table + "\n", encoding="utf-8")
    return 0


def drawn(config: Config, arguments: argparse.Namespace) -> Path:
    """Returns a folder of synthetic people in the config's layout."""
    folder = arguments.output / f"drawn_{config.data.dataset}"
    return train.write_synthetic_data(config, folder, arguments.num_train, arguments.num_val)


def trained(name: str, arguments: argparse.Namespace) -> tuple[Config, Path]:
    """Returns a reduced system and its checkpoint, trained unless an earlier call has done so."""
    from paddle_pose.configs import overrides, registry

    pairs = [text.split("=", 1) for text in (*RECIPE, *REDUCED[name])]
    config = overrides.override(registry.find(name), dict(pairs) | {"train.epochs": arguments.epochs})
    run_dir = arguments.output / name
    weights = run_dir / "last" / "model.pdparams"
    if not run_dir.exists():
        begun = run_dir.with_name(f"{name}.training")
        shutil.rmtree(begun, ignore_errors=True)
        begun.mkdir(parents=True)
        train.run(config, dataset_root=drawn(config, arguments), run_dir=begun)
        begun.rename(run_dir)
    return registry.read_beside(weights) or config, weights


def rows(config: Config, weights: Path, root: Path, threads: int | None) -> Iterator[str]:
    """Yields a system's lines of the table: the live network, then every backend."""
    import numpy as np

    from paddle_pose import build
    from paddle_pose.backends.open import open_exported
    from paddle_pose.backends.paddle import PaddleBackend, set_device
    from paddle_pose.evaluation.evaluate import evaluate
    from paddle_pose.exporting.verify import compare
    from paddle_pose.inference.flip_test import FlipAverage

    set_device("cpu", threads)
    config, network = build.loaded(config, weights)
    live = PaddleBackend(network)
    validation = build.samples(config, root, config.data.val_split)
    training = build.samples(config, root, config.data.train_split)[:NUM_CALIBRATION]
    pictures = [images for images, _ in build.batches(config, validation)]
    calibration = np.concatenate([images for images, _ in build.batches(config, training)])
    metric = build.metric(config, root)

    def score(backend: Backend) -> dict[str, float]:
        looks = FlipAverage(backend, config.codec, config.val.shift) if config.val.flip else backend
        values = evaluate(looks, config.codec, build.batches(config, validation), metric)
        return {name: values[name] for name in SHOWN if name in values}

    def milliseconds(backend: Backend) -> float:
        started = time.perf_counter()
        for images in pictures:
            backend(images)
        return 1000 * (time.perf_counter() - started) / len(validation)

    reference = score(live)
    said = ", ".join(f"{name} {value:.2f}" for name, value in reference.items())
    yield f"| {config.name} | live Paddle | | | | {said} | | {milliseconds(live):.1f} |"
    with tempfile.TemporaryDirectory() as folder:
        for backend_name, (suffix, int8) in BACKENDS.items():
            target = Path(folder) / f"{backend_name.replace(' ', '_')}{suffix}"
            export.write(config, network, weights, target, calibration=calibration if int8 else None)
            exported = open_exported(target, "cpu", threads)
            found = compare(live, exported, config.codec, pictures, exact=not int8)
            values = score(exported)
            said = ", ".join(f"{name} {value:.2f}" for name, value in values.items())
            against = ", ".join(f"{value - reference[name]:+.2f}" for name, value in values.items())
            yield (
                f"| {config.name} | {backend_name} | {found.pixels.max():.4f} | {np.median(found.pixels):.4f} | "
                f"{found.undecided} of {found.undecided + len(found.pixels)} | {said} | "
                f"{against} | {milliseconds(exported):.1f} |"
            )
