"""Scores of all decodings of one network's heatmaps, computed with one pass over the data."""

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
class Decoding:
    """One way of decoding heatmaps.

    Attributes:
        decode: Refinement of peaks, as in `HeatmapCodec.decode_by`.
        flip: Whether the maps are averaged with those of the mirrored image.
        shift: Whether the mirrored maps are shifted by one cell before that.
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
) -> dict[Decoding, Scores]:
    """Evaluates a network with all decodings of its heatmaps, and logs a table of the scores.

    Args:
        weights: Checkpoint or exported file.
        data: Folder of the data set; None uses the annotation files that the config names.
        config: Name of the config; None reads the one beside the weights.
        image_size: Input size of Hourglass-52 on MPII, as in txyugood's project; None uses the
            config's.
        overrides: Values that replace those of the config, by dotted key.
        device: "auto", "cpu" or "gpu".
        threads: Number of CPU threads; None uses the default number.
        progress: Factory of the progress display, which counts people.

    Returns:
        Scores of each decoding, without intervals.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file or a value is invalid, or the network does not predict heatmaps of
            single people.
    """
    weights = find_weights(weights)
    settings = registry.config_of(weights, config, image_size, overrides)
    if not isinstance(settings.codec, HeatmapCodec):
        raise InputError(
            f"{weights}: config {settings.name} has no heatmaps of single people, expected a "
            "network with a HeatmapCodec; others have one decoding only"
        )
    backend, _ = build.backend(settings, weights, device, threads, log=_log.info)
    samples = build.samples(settings, data, settings.data.val_split)
    metric = build.metric(settings, data)
    predictions = predict_by_decoding(
        backend,
        settings.codec,
        build.batches(settings, samples),
        progress(len(samples), "people"),
    )
    scores = {
        decoding: metric.compute_scores(found, intervals=False)
        for decoding, found in predictions.items()
    }
    _log.info(table(scores, metric.monitor))
    _log.info(
        f"Protocol: config {settings.name}, alignment {settings.codec.alignment}, checkpoint "
        f"{weights}, people {len(samples)}, boxes ground truth"
    )
    return scores


def decodings(codec: HeatmapCodec) -> list[Decoding]:
    """Returns all decodings of a codec's heatmaps.

    Args:
        codec: Codec of the heatmaps; with alignment "udp" mirrored maps are never shifted.
    """
    flips = [(False, False), (True, False)]
    if codec.alignment == "published":
        flips.append((True, True))
    return [
        Decoding(decode, flip, shift) for decode in get_args(Refinement) for flip, shift in flips
    ]


def predict_by_decoding(
    backend: Backend,
    codec: HeatmapCodec,
    batches: Iterable[tuple[np.ndarray, Sequence[Sample]]],
    progress: Progress = lambda done: None,
) -> dict[Decoding, list[Prediction]]:
    """Returns the predictions of `evaluate` for every decoding.

    The network runs twice per batch: on the images and on the mirrored images.

    Args:
        backend: Network that computes maps for images.
        codec: Codec of the network; its `decode_by` is ignored.
        batches: Batches of uint8 RGB images [N, H, W, 3] with their N samples.
        progress: Function that receives the number of processed samples after every batch.

    Returns:
        Samples with their poses in image px, by decoding.
    """
    predictions: dict[Decoding, list[Prediction]] = {decoding: [] for decoding in decodings(codec)}
    codecs = {decoding: replace(codec, decode_by=decoding.decode) for decoding in predictions}
    done = 0
    for images, samples in batches:
        plain = backend(images)
        mirrored = backend(np.ascontiguousarray(images[:, :, ::-1]))
        to_image = [sample.window.to_image(codec.input_size, codec.alignment) for sample in samples]
        for decoding, found in predictions.items():
            maps = averaged(plain, mirrored, codec, decoding.shift) if decoding.flip else plain
            decoded = codecs[decoding].decode(maps)
            for sample, poses, matrix in zip(samples, decoded, to_image, strict=True):
                found.append((sample, poses.moved(matrix)))
        done += len(samples)
        progress(done)
    return predictions


def table(scores: Mapping[Decoding, Scores], monitor: str) -> str:
    """Returns a text table with one line per decoding.

    Its columns are the monitored value and the same value at other thresholds.

    Args:
        scores: Scores of each decoding; at least one.
        monitor: Name of the monitored value, such as "Mean@0.1".
    """
    stem = monitor.split("@")[0]
    names = [name for name in next(iter(scores.values())).values if name.split("@")[0] == stem]
    lines = [f"{'decode':8}{'flip':>6}{'shift':>7}" + "".join(f"{name:>11}" for name in names)]
    for decoding, found in scores.items():
        flip, shift = ("yes" if chosen else "no" for chosen in (decoding.flip, decoding.shift))
        line = f"{decoding.decode:8}{flip:>6}{shift if decoding.flip else '-':>7}"
        lines.append(line + "".join(f"{found.values[name]:11.3f}" for name in names))
    return "\n".join(lines)
