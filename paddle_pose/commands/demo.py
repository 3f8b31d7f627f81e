"""`make demo`: draws people, trains a small network on them for some minutes, and shows what it learned."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paddle_pose.commands import options, train
from paddle_pose.commands.pictures import TILE, Kept, predictions_image, ranked
from paddle_pose.environment import run
from paddle_pose.errors import InputError

if TYPE_CHECKING:
    from paddle_pose.configs.specs import Config

CONFIG = "hourglass_tiny_128"


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        prog="python -m paddle_pose.commands.demo",
        description="Draws people, trains a small network on them with the code of train.py, and writes images "
        "of what it finds in drawings it has not seen. `make demo` runs it as it is.",
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the drawings; default as the config")
    parser.add_argument("--num_train", type=int, default=train.NUM_TRAIN, metavar="N", help="drawings to learn from")
    parser.add_argument("--num_val", type=int, default=train.NUM_VAL, metavar="N", help="drawings to be tested on")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the drawings and of the training")
    options.add_device(parser)
    parser.add_argument("--output", type=Path, default=train.OUTPUT / "demo", metavar="DIR", help="default output/demo")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the demo.

    Raises:
        InputError: If the output folder holds drawings made with other numbers, or a run that is not the demo's.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.environment import check_paddle

    check_paddle()
    from paddle_pose.configs import overrides, registry

    started = time.perf_counter()
    changes: dict[str, Any] = {"train.seed": arguments.seed}
    if arguments.epochs is not None:
        changes["train.epochs"] = arguments.epochs
    config = overrides.override(registry.find(CONFIG), changes)
    folder = arguments.output
    print(
        f"1/3 Drawing {arguments.num_train} people to learn from and {arguments.num_val} others to be tested on; "
        "drawings of an earlier demo are used again",
        flush=True,
    )
    data = train.write_synthetic_data(
        config, folder / "synthetic_people", arguments.num_train, arguments.num_val, arguments.seed
    )
    print(f"2/3 Training {config.name} for {config.train.epochs} epochs", flush=True)
    run_dir = _cleared(folder / "run")
    began = time.perf_counter()
    train.run(config, dataset_root=data, run_dir=run_dir, device=arguments.device)
    trained = time.perf_counter() - began
    print("3/3 Testing the last weights, which were not chosen by any test", flush=True)
    images, scores = show(config, data, run_dir)
    whole = time.perf_counter() - started
    weights = run_dir / "last" / "model.pdparams"
    print(f"\nPCKh in percent on {arguments.num_val} drawings that were not trained on:")
    print(f"  {'':<26}{'Mean':>7}{'Mean@0.1':>11}")
    for name, values in scores.items():
        print(f"  {name:<26}{values['Mean']:>7.1f}{values['Mean@0.1']:>11.1f}")
    print(f"Time: {_minutes(whole)}, of which training {_minutes(trained)}.")
    print("\nLook at:")
    for path, what in images.items():
        print(f"  {path}: {what}")
    print(
        "\nNext:\n"
        f"  python predict.py {data / 'images' / '100000001.jpg'} --weights {weights}\n"
        "      finds the person in a drawing like these; this network has never seen a photograph\n"
        f"  python val.py --weights {weights} --dataset_root {data}\n"
        "      evaluates joint by joint\n"
        "  python train.py --dataset_root D\n"
        "      trains Hourglass-52 on MPII; the README says how to prepare D"
    )
    return 0


def show(config: Config, data: Path, run_dir: Path) -> tuple[dict[Path, str], dict[str, dict[str, float]]]:
    """Tests a run's last weights and draws what they find.

    Args:
        config: of the run.
        data: data set with the unseen people.
        run_dir: of the run; the images go beside it.

    Returns:
        What each image shows by its path, and the metric's numbers by method.
    """
    from paddle_pose import build, visualize
    from paddle_pose.backends.paddle import PaddleBackend
    from paddle_pose.data.dataset import batches
    from paddle_pose.evaluation.evaluate import evaluate
    from paddle_pose.evaluation.mean_pose import mean_pose_scores
    from paddle_pose.inference.flip_test import FlipAverage
    from paddle_pose.io import images

    codec, skeleton = config.codec, config.codec.skeleton
    network = build.trained(config, run_dir / "last" / "model.pdparams")
    backend = FlipAverage(PaddleBackend(network), codec, config.val.shift)
    samples = build.samples(config, data, config.data.val_split)
    kept = Kept(build.metric(config, data))
    scores = {f"{config.name} (ours)": evaluate(backend, codec, batches(samples, codec, config.val.batch_size), kept)}
    training = build.samples(config, data, config.data.train_split)
    scores["mean training pose"] = mean_pose_scores(training, samples, codec, build.metric(config, data))

    shown = ranked(kept)
    predictions = predictions_image(shown, codec)
    middle = shown[len(shown) // 2].sample
    ((crop, _),) = batches([middle], codec, 1)
    maps = backend(crop)["heatmaps"][0, -1]
    ((large_crop, _),) = batches([middle], replace(codec, input_size=TILE), 1)
    heatmaps = visualize.draw_heatmaps(large_crop[0], maps, skeleton)
    lines = (run_dir / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    curves = visualize.draw_curves(list(map(json.loads, lines)), f"{config.name} on synthetic people")

    folder = run_dir.parent
    pictures = {
        folder / "predictions.png": (
            predictions,
            "skeletons found in unseen drawings, from best to worst;\n"
            "      one that fits although few joints count as found has left and right exchanged",
        ),
        folder / "heatmaps.png": (heatmaps, "where the network sees each joint of one of them"),
        folder / "loss_curve.png": (curves, "how the training went"),
    }
    for path, (pixels, _) in pictures.items():
        images.write(path, pixels)
    return {path: what for path, (_, what) in pictures.items()}, scores


def _cleared(folder: Path) -> Path:
    """Removes the run of an earlier demo.

    Raises:
        InputError: If the folder holds something else.
    """
    marker = folder / "config.json"
    if marker.is_file() and json.loads(marker.read_text(encoding="utf-8")).get("config") == CONFIG:
        print(f"=> {folder} is an earlier demo's run: replacing it")
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} holds something that is not a run of the demo: give another --output")
    return folder


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


if __name__ == "__main__":
    # Measured: on cores that do anything else too, two threads take four times as long as one to train so small a network.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    run("demo")
