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
from paddle_pose.metrics.base import Metric
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
) -> dict[Reading, Metric]:
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
        The metric of each reading, with all samples in it.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file or a value does not fit, or the network has no heatmaps of single
            people.
    """
    weights = Path(weights)
    settings = registry.config_of(weights, config, image_size, overrides)
    if not isinstance(settings.codec, HeatmapCodec):
        raise InputError(f"{weights}: {settings.name} has no heatmaps of single people, so one way to decode")
    backend, _ = build.backend(settings, weights, device, threads, say=_log.info)
    samples = build.samples(settings, data, settings.data.val_split)
    metrics = {reading: build.metric(settings, data) for reading in readings(settings.codec)}
    compare(
        backend,
        settings.codec,
        build.batches(settings, samples),
        metrics,
        progress(len(samples), "people"),
    )
    _log.info(table(metrics))
    _log.info(
        f"Protocol: config {settings.name}, alignment {settings.codec.alignment}, checkpoint {weights}, "
        f"people {len(samples)}, boxes ground truth"
    )
    return metrics


def readings(codec: HeatmapCodec) -> list[Reading]:
    """Returns every way of reading the codec's maps; "udp" alignment knows no shift."""
    flips = [(False, False), (True, False)]
    if codec.alignment == "published":
        flips.append((True, True))
    return [Reading(decode, flip, shift) for decode in get_args(Refinement) for flip, shift in flips]


def compare(
    backend: Backend,
    codec: HeatmapCodec,
    batches: Iterable[tuple[np.ndarray, Sequence[Sample]]],
    metrics: dict[Reading, Metric],
    progress: Progress = lambda done: None,
) -> None:
    """Runs the network on every batch and its mirror image, and updates each reading's metric.

    Args:
        backend: Turns images into maps.
        codec: Codec of the network; its `decode_by` does not matter.
        batches: uint8 images [N, H, W, 3] with their N samples.
        metrics: Metric of each reading; reset and updated.
        progress: Receives the number of samples done after every batch.
    """
    codecs = {reading: replace(codec, decode_by=reading.decode) for reading in metrics}
    for metric in metrics.values():
        metric.reset()
    done = 0
    for images, samples in batches:
        plain = backend(images)
        mirrored = backend(np.ascontiguousarray(images[:, :, ::-1]))
        to_image = [sample.window.to_image(codec.input_size, codec.alignment) for sample in samples]
        for reading, metric in metrics.items():
            maps = averaged(plain, mirrored, codec, reading.shift) if reading.flip else plain
            decoded = codecs[reading].decode(maps)
            for sample, poses, matrix in zip(samples, decoded, to_image, strict=True):
                metric.update(sample, poses.moved(matrix))
        done += len(samples)
        progress(done)


def table(metrics: dict[Reading, Metric]) -> str:
    """Returns a line per reading: the monitored number, and the same at other thresholds."""
    values = {reading: metric.accumulate() for reading, metric in metrics.items()}
    first = next(iter(metrics))
    stem = metrics[first].monitor.split("@")[0]
    names = [name for name in values[first] if name.split("@")[0] == stem]
    lines = [f"{'decode':8}{'flip':>6}{'shift':>7}" + "".join(f"{name:>11}" for name in names)]
    for reading, numbers in values.items():
        flip, shift = ("yes" if chosen else "no" for chosen in (reading.flip, reading.shift))
        line = f"{reading.decode:8}{flip:>6}{shift if reading.flip else '-':>7}"
        lines.append(line + "".join(f"{numbers[name]:11.3f}" for name in names))
    return "\n".join(lines)
