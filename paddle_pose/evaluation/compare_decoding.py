"""Scores of every way of reading one network's heatmaps, in one pass over the network."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from paddle_pose import build
from paddle_pose.backends.base import Backend
from paddle_pose.codecs.heatmap import HeatmapCodec, Refinement
from paddle_pose.configs import registry
from paddle_pose.errors import InputError
from paddle_pose.inference.flip_test import averaged
from paddle_pose.io.weights_files import find_weights
from paddle_pose.metrics.base import Prediction, Scores
from paddle_pose.progress import Progress, ProgressFactory, no_progress
from paddle_pose.structures import Sample

_log = logging.getLogger("paddle_pose")


@dataclass(frozen=True)
class Reading:
    """One way of reading maps.

    Attributes:
        decode: `HeatmapCodec.decode_by`.
        flip: Whether the maps are averaged with those of the mirrored image.
        shift: Whether the mirrored maps are moved by one cell first.
    """

    decode: Refinement
    flip: bool
    shift: bool


def compare_decoding(
    weights: str | Path,
    data: str | Path | None = None,
    *,
    config: str | None = None,
    image_size: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    device: str = "auto",
    threads: int | None = None,
    progress: ProgressFactory = no_progress,
) -> dict[Reading, Scores]:
    """Scores a weights file with every way of reading its maps, and logs the table.

    Args:
        weights: Checkpoint or exported file.
        data: Folder of the data set; None where the config names annotation files.
        config: Name of the config, where none is beside the file.
        image_size: Input size of Hourglass-52 on MPII, as in txyugood's project; None for none.
        overrides: Values by dotted key that replace the config's.
        device: "auto", "cpu" or "gpu".
        threads: Threads to compute with on the CPU; None for the usual number.
        progress: Shows how many people are done.

    Returns:
        The scores of each reading, without intervals.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file or a value does not fit, or the network has no heatmaps of single
            people.
    """
    weights = find_weights(weights)
    settings = registry.config_of(weights, config, image_size, overrides)
    if not isinstance(settings.codec, HeatmapCodec):
        raise InputError(
            f"{weights}: {settings.name} has no heatmaps of single people, so one way to decode"
        )
    backend, _ = build.backend(settings, weights, device, threads, log=_log.info)
    samples = build.samples(settings, data, settings.data.val_split)
    metric = build.metric(settings, data)
    predictions = predict_by_reading(
        backend,
        settings.codec,
        build.batches(settings, samples),
        progress(len(samples), "people"),
    )
    scores = {
        reading: metric.compute_scores(found, intervals=False)
        for reading, found in predictions.items()
    }
    _log.info(table(scores, metric.monitor))
    _log.info(
        f"Protocol: config {settings.name}, alignment {settings.codec.alignment}, checkpoint {weights}, "
        f"people {len(samples)}, boxes ground truth"
    )
    return scores


def readings(codec: HeatmapCodec) -> list[Reading]:
    """Returns every way of reading the codec's maps; "udp" alignment knows no shift."""
    flips = [(False, False), (True, False)]
    if codec.alignment == "published":
        flips.append((True, True))
    return [
        Reading(decode, flip, shift) for decode in get_args(Refinement) for flip, shift in flips
    ]


def predict_by_reading(
    backend: Backend,
    codec: HeatmapCodec,
    batches: Iterable[tuple[np.ndarray, Sequence[Sample]]],
    progress: Progress = lambda done: None,
) -> dict[Reading, list[Prediction]]:
    """Returns what `evaluate` returns for every reading, from two runs of the network: on each batch and its mirror image.

    Args:
        backend: Network that turns images into maps.
        codec: Codec of the network; its `decode_by` does not matter.
        batches: uint8 images [N, H, W, 3] with their N samples.
        progress: Receives the number of samples done after every batch.

    Returns:
        Samples with their poses in image px.
    """
    predictions: dict[Reading, list[Prediction]] = {reading: [] for reading in readings(codec)}
    codecs = {reading: replace(codec, decode_by=reading.decode) for reading in predictions}
    done = 0
    for images, samples in batches:
        plain = backend(images)
        mirrored = backend(np.ascontiguousarray(images[:, :, ::-1]))
        to_image = [sample.window.to_image(codec.input_size, codec.alignment) for sample in samples]
        for reading, found in predictions.items():
            maps = averaged(plain, mirrored, codec, reading.shift) if reading.flip else plain
            decoded = codecs[reading].decode(maps)
            for sample, poses, matrix in zip(samples, decoded, to_image, strict=True):
                found.append((sample, poses.moved(matrix)))
        done += len(samples)
        progress(done)
    return predictions


def table(scores: Mapping[Reading, Scores], monitor: str) -> str:
    """Returns a line per reading: the monitored number, and the same at other thresholds.

    Args:
        scores: Scores of each reading; at least one.
        monitor: Name of the monitored number.
    """
    stem = monitor.split("@")[0]
    names = [name for name in next(iter(scores.values())).values if name.split("@")[0] == stem]
    lines = [f"{'decode':8}{'flip':>6}{'shift':>7}" + "".join(f"{name:>11}" for name in names)]
    for reading, one in scores.items():
        flip, shift = ("yes" if chosen else "no" for chosen in (reading.flip, reading.shift))
        line = f"{reading.decode:8}{flip:>6}{shift if reading.flip else '-':>7}"
        lines.append(line + "".join(f"{one.values[name]:11.3f}" for name in names))
    return "\n".join(lines)
