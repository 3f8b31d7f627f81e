"""The demo: trains a small network on synthetic people and draws its predictions."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from paddle_pose import build, visualize
from paddle_pose.backends.paddle import PaddleBackend
from paddle_pose.configs import overrides, registry
from paddle_pose.configs.specs import Config
from paddle_pose.data.dataset import batches
from paddle_pose.data.synthetic.dataset import is_synthetic
from paddle_pose.engine.pose_model import DEFAULT_DETECTOR, DEFAULT_MODEL, load_model
from paddle_pose.engine.run_folders import OUTPUT
from paddle_pose.engine.train import NUM_TRAIN, NUM_VAL, train_config, write_synthetic_data
from paddle_pose.engine.zoo import find_published, path_of_published
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
from paddle_pose.progress import ProgressFactory, no_progress

LOGGER = "paddle_pose.demo"
CONFIG = "hourglass_tiny_128"
EPOCHS = 2  # with 4000 people less than five minutes on two cores
FOLDER = OUTPUT / "demo"
EXAMPLE = Path("docs", "people.jpg")  # in a clone of the project
_TIMED_STEPS = 6
_log = logging.getLogger(LOGGER)


@dataclass(frozen=True)
class DemoResult:
    """Files and scores of a run of the demo.

    Attributes:
        data: Folder of the synthetic data set, in MPII's layout.
        run_dir: Folder of the training run.
        images: Caption of each written image, by the image's path.
        scores: PCKh in percent as {method: {name: value}}; the methods are the trained network and
            the mean pose of the training split.
        seconds: Duration of the whole demo in seconds.
        training_seconds: Duration of the training alone in seconds.
        missing_bytes: Size of the published networks for photographs that are not in the cache; 0
            if all are, and the photographs were predicted.
    """

    data: Path
    run_dir: Path
    images: Mapping[Path, str]
    scores: Mapping[str, Mapping[str, float]]
    seconds: float
    training_seconds: float
    missing_bytes: int


def run_demo(
    *,
    epochs: int = EPOCHS,
    num_train: int = NUM_TRAIN,
    num_val: int = NUM_VAL,
    photographs: Sequence[Path] = (),
    seed: int = 0,
    device: str = "auto",
    output: Path = FOLDER,
    interruption: Interruption | None = None,
    progress: ProgressFactory = no_progress,
) -> DemoResult:
    """Trains a small network on synthetic people and evaluates it on other synthetic people.

    At the end published networks predict photographs, if they are in the user's cache. Nothing is
    downloaded. What is being done is logged by the logger `LOGGER`.

    Args:
        epochs: Number of passes over the training split.
        num_train: Number of people in the training split.
        num_val: Number of people in the validation split.
        photographs: Image files to predict besides docs/people.jpg of a clone of the project.
        seed: Seed of the random generators of the data set and of the training.
        device: Device to compute on: "auto", "cpu" or "gpu".
        output: Folder of all files that the demo writes: the data set, the run and the images. A
            data set of the same numbers is reused; the run of an earlier demo is replaced.
        interruption: Handler of requests to stop the training early, such as Ctrl-C; None handles
            none.
        progress: Function that returns a progress callback, given the number of training steps and
            their name, see `progress.ProgressFactory`.

    Raises:
        FileNotFoundError: If a photograph is missing.
        InputError: If a photograph cannot be read, the output folder contains a data set made with
            other numbers, or a run that is not the demo's, or another process runs the demo in it.
        Interrupted: If the training was stopped early.
    """
    started = time.perf_counter()
    for path in photographs:  # before the minutes of training
        images.read_upright(path)
    changes = {"train.seed": seed, "train.epochs": epochs}
    config = overrides.override(registry.find(CONFIG), changes)
    _log.info(
        "The demo trains a small network on synthetic people. It has three parts:\n"
        f"  1. draw {num_train} synthetic people for training, and {num_val} others\n"
        f"  2. train {config.name} on them (passes over all images: {epochs})\n"
        f"  3. evaluate it on the {num_val} others, and draw its predictions\n"
        f"It downloads nothing, and writes to {output}."
    )
    output.mkdir(parents=True, exist_ok=True)
    with locked(output, what="this demo", wait=False):
        data = output / "synthetic_people"
        run_dir = _cleared(output / "run")
        seconds = estimate_seconds(config, num_train, num_val, device, drawn=is_synthetic(data))
        _log.info(
            f"By the speed of a few training steps, this will take about {_minutes(seconds)}."
        )
        _log.info("1/3 Drawing the people, or reusing those of an earlier demo")
        write_synthetic_data(config, data, num_train=num_train, num_val=num_val, seed=seed)
        _log.info(f"2/3 Training; for details see {run_dir / 'log.txt'}")
        began = time.perf_counter()
        train_config(
            config,
            data=data,
            run_dir=run_dir,
            device=device,
            interruption=interruption,
            progress=progress,
        )
        trained = time.perf_counter() - began
        _log.info(f"3/3 Evaluating on the {num_val} people that were not trained on")
        shown, scores = show(config, data, run_dir)
        missing = missing_bytes()
        if not missing:
            examples = [EXAMPLE] if EXAMPLE.is_file() else []
            shown |= draw_photographs([*examples, *photographs], output)
    return DemoResult(
        data=data,
        run_dir=run_dir,
        images=shown,
        scores=scores,
        seconds=time.perf_counter() - started,
        training_seconds=trained,
        missing_bytes=missing,
    )


def estimate_seconds(
    config: Config, num_train: int, num_val: int, device: str, *, drawn: bool
) -> float:
    """Returns the expected duration of the demo in seconds, from a short training.

    Args:
        config: Config to train.
        num_train: Number of people in the training split.
        num_val: Number of people in the validation split.
        device: Device to compute on.
        drawn: Whether the people are drawn already.
    """
    times: list[float] = []
    few = overrides.override(config, {"train.epochs": 1})
    people = _TIMED_STEPS * config.train.batch_size
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        data = write_synthetic_data(
            config, Path(folder, "people"), num_train=people, num_val=1, seed=0
        )
        drawing = (time.perf_counter() - began) / (people + 1)
        train_config(
            few,
            data=data,
            run_dir=Path(folder, "run"),
            device=device,
            progress=lambda total, unit: lambda step: times.append(time.perf_counter()),
        )
    step = float(np.median(np.diff(times)))
    # An evaluated person costs two forward passes, which take about as long as a training sample.
    # The people are evaluated after every epoch, and once more for the drawings.
    samples = config.train.epochs * num_train + (config.train.epochs + 1) * num_val
    return samples * step / config.train.batch_size + (not drawn) * drawing * (num_train + num_val)


def missing_bytes() -> int:
    """Returns the size of those published networks for photographs that are not in the cache."""
    missing = 0
    for name in (DEFAULT_DETECTOR, DEFAULT_MODEL):
        path = path_of_published(name)
        files = find_published(name).files
        missing += sum(
            file.size or 0 for file in files if not path.with_name(file.file_name).is_file()
        )
    return missing


def draw_photographs(photographs: Sequence[Path], folder: Path) -> dict[Path, str]:
    """Writes photographs with the poses of the people that published networks find in them.

    Args:
        photographs: Image files.
        folder: Folder to write photograph_1.png and so on to.

    Returns:
        Caption of each written image, by the image's path.
    """
    written = {}
    with load_model(DEFAULT_MODEL, device="cpu") as model:
        for number, path in enumerate(photographs, 1):
            found = model.predict(path)
            target = folder / f"photograph_{number}.png"
            images.write(target, np.asarray(found.draw()))
            written[target] = f"poses that {DEFAULT_MODEL} predicts in {path}"
    return written


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
            "predicted skeletons on validation images, from best to worst; where a\n"
            "      skeleton fits but few joints are correct, left and right are swapped",
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


def _minutes(seconds: float) -> str:
    """Returns a duration as text, rounded up to half a minute."""
    return f"{np.ceil(seconds / 30) / 2:g} min"


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
