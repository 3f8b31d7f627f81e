"""The people of an evaluation ranked by their scores, and an image of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paddle_pose import geometry, visualize
from paddle_pose.codecs.base import Codec
from paddle_pose.errors import InputError
from paddle_pose.evaluation.tiles import draw_tile
from paddle_pose.metrics.base import Metric, Prediction, SampleScore
from paddle_pose.structures import Poses, Sample

TILE = (320, 320)  # greatest (width, height) of a person's tile in px
COLUMNS = 5  # greatest number of tiles side by side
ROWS = 4  # greatest number of rows of tiles
_TEXT = 18  # px; height of capital letters, legible in half the size, too
_MIN_SCORE = 0.1  # predicted joints with a lower score are not drawn


@dataclass(frozen=True, eq=False)
class RankedExample:
    """One annotated person with the prediction and its score.

    Attributes:
        sample: Sample with the annotated person.
        poses: Predicted poses in image px.
        sample_score: Score of the prediction by the metric, and its caption.
    """

    sample: Sample
    poses: Poses
    sample_score: SampleScore


def rank_examples(metric: Metric, predictions: Sequence[Prediction]) -> list[RankedExample]:
    """Returns the annotated people of an evaluation, best predictions first.

    Args:
        metric: Metric that scores each person, see `Metric.score_sample`.
        predictions: (sample, poses in image px), as `evaluate` returns them; samples without
            annotated people are left out.

    Raises:
        InputError: If no sample has an annotated person.
    """
    examples = [
        RankedExample(sample, poses, metric.score_sample(sample, poses))
        for sample, poses in predictions
        if sample.persons
    ]
    if not examples:
        raise InputError(
            "predictions are drawn with their ground truth, which detected boxes do not have; use "
            "annotated boxes"
        )
    return sorted(examples, key=lambda example: example.sample_score.quality, reverse=True)


def draw_ranked_examples(examples: Sequence[RankedExample], codec: Codec) -> np.ndarray:
    """Returns an image of up to 20 people with ground truth and prediction, from best to worst.

    The people are chosen at even distances in the ranking.

    Args:
        examples: People as `rank_examples` returns them, at least one.
        codec: Codec that states the size and alignment of the input and the skeleton.

    Returns:
        uint8 RGB [h, w, 3] with a title and a grid of tiles, one per person.
    """
    chosen = (
        np.linspace(0, len(examples) - 1, min(COLUMNS * ROWS, len(examples))).round().astype(int)
    )
    tiles = [_draw(examples[index], codec) for index in chosen]
    words = [examples[index].sample_score.words for index in chosen]
    grid = visualize.grid(tiles, min(COLUMNS, len(tiles)), words, text=_TEXT)
    title = f"{len(tiles)} of {len(examples)} people from best to worst; white: ground truth"
    legend = "predicted: left blue, right orange, middle yellow"
    return np.vstack([_band(grid.shape[1], title, legend), grid])


def tile_size(input_size: tuple[int, int]) -> tuple[int, int]:
    """Returns the size of the largest tile within `TILE` that has the aspect ratio of an input.

    Args:
        input_size: (width, height) of the network's input in px.

    Returns:
        (width, height) in px, both rounded to multiples of 4.

    Example:
        >>> tile_size((192, 256)), tile_size((256, 256))
        ((240, 320), (320, 320))
    """
    factor = TILE[0] / max(input_size)
    return round(input_size[0] * factor / 4) * 4, round(input_size[1] * factor / 4) * 4


def _draw(example: RankedExample, codec: Codec) -> np.ndarray:
    """Returns the person's window, enlarged, with ground truth and prediction."""
    sample = example.sample
    size = tile_size(codec.input_size)
    window = sample.window
    if codec.sizes_vary:  # then the window need not have the tile's aspect ratio
        window = geometry.box_window(window.box, size, context=1.0)
    return draw_tile(
        sample.image_path,
        size,
        window.to_input(size, codec.alignment),
        codec.skeleton,
        truth=sample.persons,
        poses=example.poses,
        threshold=_MIN_SCORE,
        upright_rule=sample.upright_rule,
    )


def _band(width: int, *lines: str) -> np.ndarray:
    """Returns white text on black.

    Args:
        width: Width of the band in px; narrow bands get smaller text, one line each.
        lines: Lines of text; joined into one line where the band is wide enough.

    Returns:
        uint8 RGB [h, width, 3].
    """
    text = ["; ".join(lines)] if width >= 4 * TILE[0] else lines
    height = _TEXT if width >= 3 * TILE[0] else 7
    band = np.zeros((2 * height * len(text), width, 3), np.uint8)
    for row, line in enumerate(text):
        visualize.caption(band, line, (6, round((2 * row + 1.5) * height)), height)
    return band
