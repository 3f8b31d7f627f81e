"""The demo: trains a small network on synthetic people, and shows what it learned."""

from __future__ import annotations

import json
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
from paddle_pose.io.locks import locked

_log = logging.getLogger("paddle_pose")

CONFIG = "hourglass_tiny_128"
FOLDER = OUTPUT / "demo"


@dataclass(frozen=True)
class DemoResult:
    """What a demo made and measured.

    Attributes:
        data: Folder of the synthetic people.
        weights: The last weights, which no test has chosen.
        images: What each image shows, by its path.
        scores: The metric's numbers by method.
        seconds: Time of the whole demo.
        training_seconds: Time of the training.
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
    """Trains a small network on synthetic people, and draws what it finds on others.

    Args:
        epochs: Passes over the training people; None as the config says.
        num_train: Number of people to train on.
        num_val: Number of other people to test with.
        seed: Seed of the people and of the training.
        device: "auto", "cpu" or "gpu".
        output: Folder of everything that the demo writes.
        interruption: What may end the training early; None for nothing.

    Raises:
        InputError: If the output folder holds people made with other numbers, or a run that is not
            the demo's.
        Interrupted: If the training was ended early.
    """
    started = time.perf_counter()
    changes: dict[str, int] = {"train.seed": seed}
    if epochs is not None:
        changes["train.epochs"] = epochs
    config = overrides.override(registry.find(CONFIG), changes)
    _log.info(
        f"1/3 Drawing {num_train} people to learn from and {num_val} others to be tested on; "
        "drawings of an earlier demo are used again"
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
        _log.info("3/3 Testing the last weights, which were not chosen by any test")
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
    """Tests the last weights of a run and draws what they find.

    Args:
        config: Config of the run.
        data: Data set with the people to test with.
        run_dir: Folder of the run; the images are written beside it.

    Returns:
        What each image shows by its path, and the metric's numbers by method.
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
            "skeletons found in unseen drawings, from best to worst;\n"
            "      one that fits although few joints count as found has left and right exchanged",
        ),
        folder / "heatmaps.png": (heatmaps, "where the network sees each joint of one of them"),
        folder / "loss_curve.png": (
            training_curves.draw([curves], curves.monitor()),
            "how the training went",
        ),
    }
    for path, (pixels, _) in drawn.items():
        images.write(path, pixels)
    return {path: what for path, (_, what) in drawn.items()}, scores


def _cleared(folder: Path) -> Path:
    """Removes the run of an earlier demo, and returns its folder.

    Raises:
        InputError: If the folder holds something else.
    """
    marker = folder / "config.json"
    if marker.is_file() and json.loads(marker.read_text(encoding="utf-8")).get("config") == CONFIG:
        _log.info(f"=> {folder} is an earlier demo's run: replacing it")
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise InputError(
            f"{folder} holds something that is not a run of the demo: give another --output"
        )
    return folder
