"""Evaluation: look, decode, move to image px, tell the metric."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from paddle_pose.backends.base import Backend
from paddle_pose.codecs.base import Codec
from paddle_pose.metrics.base import Metric
from paddle_pose.structures import Sample


def evaluate(
    backend: Backend,
    codec: Codec,
    batches: Iterable[tuple[np.ndarray, Sequence[Sample]]],
    metric: Metric,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, float]:
    """Scores a backend on samples.

    Args:
        backend: turns images into maps; wrap it in `FlipAverage` for the flip test.
        codec: reads the maps.
        batches: uint8 images [N, H, W, 3] with their N samples.
        metric: is reset, fed and asked.
        progress: called with the number of samples done after every batch.

    Returns:
        The metric's numbers.
    """
    metric.reset()
    done = 0
    for images, samples in batches:
        for sample, poses in zip(samples, codec.decode(backend(images)), strict=True):
            to_image = sample.window.to_image(codec.input_size, codec.alignment)
            metric.update(sample, poses.moved(to_image))
        done += len(samples)
        progress(done)
    return metric.accumulate()
