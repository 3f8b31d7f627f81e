"""Evaluation: runs a network on samples, decodes its maps, and transforms the poses to image px."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from paddle_pose.backends.base import Backend
from paddle_pose.codecs.base import Codec
from paddle_pose.metrics.base import Prediction
from paddle_pose.structures import Sample


def evaluate(
    backend: Backend,
    codec: Codec,
    batches: Iterable[tuple[np.ndarray, Sequence[Sample]]],
    progress: Callable[[int], None] = lambda done: None,
    gather: Callable[[list[list[Prediction]]], list[list[Prediction]]] = lambda batches: batches,
) -> list[Prediction]:
    """Returns the predicted poses of samples, as `Metric.compute_scores` takes them.

    Args:
        backend: Network that predicts maps of images, see `Backend`; a `FlipAverage` of it for the
            flip test.
        codec: Codec of the maps.
        batches: Batches of uint8 RGB images [N, H, W, 3] with their N samples: the window of a
            sample is the image.
        progress: Function that receives the number of samples processed so far after every batch.
        gather: Function that receives this process's predictions, one list per batch, and returns
            the lists of all processes that evaluate together, in the order of all batches. The
            default is for a single process.

    Returns:
        (sample, poses in image px) in the order of the batches.
    """
    done = 0
    predicted: list[list[Prediction]] = []
    for images, samples in batches:
        decoded = codec.decode(backend(images))
        size = images.shape[2], images.shape[1]
        predicted.append(
            [
                (sample, poses.moved(sample.window.to_image(size, codec.alignment)))
                for sample, poses in zip(samples, decoded, strict=True)
            ]
        )
        done += len(samples)
        progress(done)
    return [prediction for batch in gather(predicted) for prediction in batch]
