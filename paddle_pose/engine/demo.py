"""The demo: trains a small network on synthetic people and draws its predictions."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from paddle_pose import build, visualize
from paddle_pose.backends.paddle import PaddleBackend
from paddle_pose.configs import overrides, registry
from paddle_pose.configs.specs import Config
from paddle_pose.data.dataset import batches
from paddle_pose.engine.run_folders import OUTPUT
from paddle_pose.engine.train import NUM_TRAIN, NUM_VAL, train_config, write_synthetic_data
from paddle_pose.errors import InputError
from paddle_pose.evaluation.evaluate import evaluate
from paddle_pose.evaluation.mean_pose import mean_pose_scores
from paddle_pose.evaluation.ranked_examples import TILE, draw_ranked_examples, rank_examples
from paddle_pose.evaluation.report import training_curves
from paddle_pose.inference.flip_test import FlipAverage
from paddle_pose.interruption import Interruption
from paddle_pose.io import images
from paddle_pose.io.json_files import read_json
from paddle_pose.io.locks import locked

_log = logging.getLogger("paddle_pose")

CONFIG = "hourglass_tiny_128"
FOLDER = OUTPUT / "demo"


@dataclass(frozen=True)
class DemoResult:
    """Files and scores of a run of the demo.

    Attributes:
        data: Folder of the synthetic data set, in MPII's layout.
        weights: Path of the last checkpoint's weights. The best checkpoint is not used, because it
            is selected on the validation split that is scored here.
        images: Caption of each written image, by the image's path.
        scores: PCKh in percent as {method: {name: value}}; the methods are the trained network and
            the mean pose of the training split.
        seconds: Duration of the whole demo in seconds.
        training_seconds: Duration of the training alone in seconds.
    """

    data: Path
    weights: Path
    images: Mapping[Path, str]
    scores: Mapping[str, Mapping[str, float]]
    seconds: float
    training_seconds: float


def run_demo(
    *,
    epochs: int | None = None,
    num_train: int = NUM_TRAIN,
    num_val: int = NUM_VAL,
    seed: int = 0,
    device: str = "auto",
    output: Path = FOLDER,
    interruption: Interruption | None = None,
) -> DemoResult:
    """Trains a small network on synthetic people and evaluates it on other synthetic people.

    Args:
        epochs: Number of passes over the training split; None takes the config's value.
        num_train: Number of people in the training split.
        num_val: Number of people in the validation split.
        seed: Seed of the random generators of the data set and of the training.
        device: Device to compute on: "auto", "cpu" or "gpu".
        output: Folder of all files that the demo writes: the data set, the run and the images. A
            data set of the same numbers is reused; the run of an earlier demo is replaced.
        interruption: Handler of requests to stop the training early, such as Ctrl-C; None handles
            none.

    Raises:
        InputError: If the output folder contains a data set made with other numbers, or a run that
            is not the demo's, or another process runs the demo in it.
        Interrupted: If the training was stopped early.
    """
    started = time.perf_counter()
    changes: dict[str, int] = {"train.seed": seed}
    if epochs is not None:
        changes["train.epochs"] = epochs
    config = overrides.override(registry.find(CONFIG), changes)
    _log.info(
        f"1/3 Drawing {num_train} synthetic people for training and {num_val} others for "
        "validation; images of an earlier demo are reused"
    )
    output.mkdir(parents=True, exist_ok=True)
    with locked(output, what="this demo", wait=False):
        data = write_synthetic_data(
            config,
            output / "synthetic_people",
            num_train=num_train,
            num_val=num_val,
            seed=seed,
        )
        _log.info(f"2/3 Training {config.name} for {config.train.epochs} epochs")
        run_dir = _cleared(output / "run")
        began = time.perf_counter()
        train_config(config, data=data, run_dir=run_dir, device=device, interruption=interruption)
        trained = time.perf_counter() - began
        _log.info("3/3 Evaluating the last weights, which are not selected by validation scores")
        shown, scores = show(config, data, run_dir)
    return DemoResult(
        data=data,
        weights=run_dir / "last" / "model.pdparams",
        images=shown,
        scores=scores,
        seconds=time.perf_counter() - started,
        training_seconds=trained,
    )


def show(
    config: Config, data: Path, run_dir: Path
) -> tuple[dict[Path, str], dict[str, dict[str, float]]]:
    """Evaluates the last weights of a run, and draws predictions, heatmaps and training curves.

    Args:
        config: Config of the run.
        data: Folder of the data set; its validation split is evaluated.
        run_dir: Folder of the run; the three images are written to the folder above it.

    Returns:
        images: Caption of each written image, by the image's path.
        scores: PCKh in percent as {method: {name: value}}, see `DemoResult`.
    """
    codec, skeleton = config.codec, config.codec.skeleton
    network = build.trained(config, run_dir / "last" / "model.pdparams")
    backend = FlipAverage(PaddleBackend(network), codec, config.val.shift)
    samples = build.samples(config, data, config.data.val_split)
    metric = build.metric(config, data)
    found = evaluate(backend, codec, batches(samples, codec, config.val.batch_size))
    scores = {f"{config.name} (ours)": metric.compute_scores(found, intervals=False).values}
    training = build.samples(config, data, config.data.train_split)
    scores["mean training pose"] = mean_pose_scores(training, samples, codec, metric)

    examples = rank_examples(metric, found)
    predictions = draw_ranked_examples(examples, codec)
    middle = examples[len(examples) // 2].sample
    ((crop, _),) = batches([middle], codec, 1)
    maps = backend(crop)["heatmaps"][0, -1]
    large = overrides.override(config, {"codec.input_size": TILE}).codec
    ((large_crop, _),) = batches([middle], large, 1)
    heatmaps = visualize.draw_heatmaps(large_crop[0], maps, skeleton)
    curves = replace(training_curves.read(run_dir), name=f"{config.name} on synthetic people")

    folder = run_dir.parent
    drawn = {
        folder / "predictions.png": (
            predictions,
            "predicted skeletons on validation images, from best to worst;\n"
            "      if a skeleton fits but few joints are correct, left and right are swapped",
        ),
        folder / "heatmaps.png": (heatmaps, "predicted heatmap of each joint of one person"),
        folder / "loss_curve.png": (
            training_curves.draw([curves], curves.monitor()),
            "training loss, learning rate and validation scores",
        ),
    }
    for path, (pixels, _) in drawn.items():
        images.write(path, pixels)
    return {path: what for path, (_, what) in drawn.items()}, scores


def _cleared(folder: Path) -> Path:
    """Removes the run of an earlier demo from a folder, and returns the folder.

    Args:
        folder: Folder of the run; it may be missing.

    Raises:
        InputError: If the folder contains anything but a run of the demo.
    """
    marker = folder / "config.json"
    if marker.is_file() and read_json(marker).get("config") == CONFIG:
        _log.info(f"=> Replacing {folder}, the run of an earlier demo")
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise InputError(
            f"{folder}: contains files that are not a run of the demo; expected an empty folder or "
            "such a run; choose another folder with --output"
        )
    return folder
