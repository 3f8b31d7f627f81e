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
        shift: Whether the maps of the mirrored image are shifted by one cell before they are
            averaged; False without `flip`.
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
    """Returns the scores of a network with all decodings of its heatmaps, and logs them as a table.

    Args:
        weights: Checkpoint or exported file, or a folder with one, see `find_weights`.
        data: Folder of the data set; None uses the annotation files that the config names, or the
            folder that the run of the weights was trained on.
        config: Name of the config; None takes the config that is stored with the weights.
        image_size: Input size in px of Hourglass-52 on MPII, 256 or 384, which selects the config
            as in txyugood's project; None if `config` or the stored config does.
        overrides: Values that replace those of the config, by dotted key such as
            "val.batch_size"; None for none.
        device: "cpu", "gpu", "gpu:1" for the second GPU, or "auto" for the GPU if there is one,
            else the CPU.
        threads: Number of CPU threads; None for that of the backend.
        progress: Function that creates a progress display for the number of people and "people".

    Returns:
        Scores by the metric of the config of each decoding, see `decodings`; without intervals.

    Raises:
        FileNotFoundError: If a file is missing.
        MissingDependencyError: If the weights need a package that is not installed.
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
    if data is None:
        data = registry.data_to_evaluate(weights, settings, overrides)
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
    """Returns all decodings of a codec's heatmaps: every refinement with and without flip test.

    A skeleton that cannot be mirrored has none with the flip test.

    Args:
        codec: Codec of the heatmaps; each flip test comes without and with the shift, with
            alignment "udp" only without.
    """
    flips = [(False, False)]
    if codec.skeleton.can_flip:
        flips += [(True, False)] + [(True, True)] * (codec.alignment != "udp")
    return [
        Decoding(decode, flip, shift) for decode in get_args(Refinement) for flip, shift in flips
    ]


def predict_by_decoding(
    backend: Backend,
    codec: HeatmapCodec,
    batches: Iterable[tuple[np.ndarray, Sequence[Sample]]],
    progress: Progress = lambda done: None,
) -> dict[Decoding, list[Prediction]]:
    """Returns the predictions of a network for samples, once for every decoding.

    The network runs twice per batch: on the images and on the mirrored images.

    Args:
        backend: Network that predicts maps of images, see `Backend`.
        codec: Codec of the network; its `decode_by` is ignored.
        batches: Batches of uint8 RGB images [N, H, W, 3] with their N samples: the window of a
            sample is the image.
        progress: Function that receives the number of samples processed so far after every batch.

    Returns:
        For each of `decodings` a list of (sample, poses in image px), in the order of the batches.
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
    """Returns a text table with a header and one line per decoding.

    The columns are decode, flip, shift, then one value at all its thresholds, in the metric's unit.

    Args:
        scores: Scores of each decoding, as `compare_decoding` returns them; at least one.
        monitor: Name of the value, with or without a threshold, such as "Mean@0.1"; its part before
            "@" selects the columns.
    """
    stem = monitor.split("@")[0]
    names = [name for name in next(iter(scores.values())).values if name.split("@")[0] == stem]
    lines = [f"{'decode':8}{'flip':>6}{'shift':>7}" + "".join(f"{name:>11}" for name in names)]
    for decoding, found in scores.items():
        flip, shift = ("yes" if chosen else "no" for chosen in (decoding.flip, decoding.shift))
        line = f"{decoding.decode:8}{flip:>6}{shift if decoding.flip else '-':>7}"
        lines.append(line + "".join(f"{found.values[name]:11.3f}" for name in names))
    return "\n".join(lines)
