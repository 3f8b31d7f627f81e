"""Evaluation: look, decode, move to image px, tell the metric."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from paddle_pose.backends.base import Backend
from paddle_pose.codecs.base import Codec
from paddle_pose.metrics.base import Metric
from paddle_pose.structures import Poses, Sample

Predictions = list[tuple[Sample, Poses]]
"""The samples of one batch with the poses found in them, in image px."""


def evaluate(
    backend: Backend,
    codec: Codec,
    batches: Iterable[tuple[np.ndarray, Sequence[Sample]]],
    metric: Metric,
    progress: Callable[[int], None] = lambda done: None,
    gather: Callable[[list[Predictions]], list[Predictions]] = lambda found: found,
) -> dict[str, float]:
    """Scores a backend on samples.

    Args:
        backend: turns images into maps; wrap it in `FlipAverage` for the flip test.
        codec: reads the maps.
        batches: uint8 images [N, H, W, 3] with their N samples.
        metric: is reset, fed and asked.
        progress: called with the number of samples done after every batch.
        gather: merges what several processes found in their batches, in the order of all batches.

    Returns:
        The metric's numbers.
    """
    metric.reset()
    done = 0
    found: list[Predictions] = []
    for images, samples in batches:
        found.append([])
        for sample, poses in zip(samples, codec.decode(backend(images)), strict=True):
            to_image = sample.window.to_image(codec.input_size, codec.alignment)
            found[-1].append((sample, poses.moved(to_image)))
        done += len(samples)
        progress(done)
    for batch in gather(found):
        for sample, poses in batch:
            metric.update(sample, poses)
    return metric.accumulate()
