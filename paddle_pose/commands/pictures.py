"""Images of what an evaluation found, from the best person to the worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from paddle_pose.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from paddle_pose.codecs.heatmap import HeatmapCodec
    from paddle_pose.codecs.movenet import MoveNetCodec
    from paddle_pose.metrics.base import Metric, SampleScore
    from paddle_pose.structures import Poses, Sample

TILE = (320, 320)  # (width, height) that a person in the images has room for, px
COLUMNS, ROWS = 5, 4


class Kept:
    """A metric that also keeps the poses it was told of.

    Attributes:
        poses: (sample, poses in image px) in the order of the evaluation.
    """

    def __init__(self, metric: Metric) -> None:
        """Takes the metric that scores."""
        self._metric = metric
        self.monitor, self.summary = metric.monitor, metric.summary
        self.poses: list[tuple[Sample, Poses]] = []

    def reset(self) -> None:
        """Forgets all samples."""
        self.poses.clear()
        self._metric.reset()

    def update(self, sample: Sample, poses: Poses) -> None:
        """Keeps one sample's poses and tells the metric."""
        self.poses.append((sample, poses))
        self._metric.update(sample, poses)

    def accumulate(self) -> dict[str, float]:
        """Returns the metric's numbers."""
        return self._metric.accumulate()

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Returns the metric's intervals."""
        return self._metric.intervals()

    def table(self) -> str:
        """Returns the metric's table."""
        return self._metric.table()

    def save(self, folder: Path) -> list[Path]:
        """Writes the metric's files."""
        return self._metric.save(folder)

    def score_sample(self, sample: Sample, poses: Poses) -> SampleScore:
        """Returns the metric's judgement of one person."""
        return self._metric.score_sample(sample, poses)


@dataclass(frozen=True, eq=False)
class RankedExample:
    """One unseen person and what the network said.

    Attributes:
        sample: the person in the window.
        poses: predicted, in image px.
        sample_score: the metric's.
    """

    sample: Sample
    poses: Poses
    sample_score: SampleScore


def ranked(kept: Kept) -> list[RankedExample]:
    """Returns annotated people from the best found to the worst.

    Raises:
        InputError: If nobody is annotated.
    """
    shown = [
        RankedExample(sample, poses, kept.score_sample(sample, poses)) for sample, poses in kept.poses if sample.persons
    ]
    if not shown:
        raise InputError("images show people beside their truth, and detected boxes have none; use annotated boxes")
    return sorted(shown, key=lambda one: one.sample_score.quality, reverse=True)


def predictions_image(shown: Sequence[RankedExample], codec: HeatmapCodec | MoveNetCodec) -> np.ndarray:
    """Draws a grid of people, evenly chosen from the first to the last, over the truth in white.

    Returns:
        uint8 RGB [h, w, 3].
    """
    import numpy as np

    from paddle_pose import visualize

    chosen = np.linspace(0, len(shown) - 1, min(COLUMNS * ROWS, len(shown))).round().astype(int)
    tiles = [_tile(shown[index], codec) for index in chosen]
    grid = visualize.grid(tiles, columns=min(COLUMNS, len(tiles)))
    title = f"{len(tiles)} of {len(shown)} people from best to worst; white: truth"
    legend = "predicted: left blue, right orange, middle yellow"
    return np.vstack([_band(grid.shape[1], title, legend), grid])


def tile_size(input_size: tuple[int, int]) -> tuple[int, int]:
    """Returns the (width, height) of the largest tile with the shape of the input, in whole cells.

    Example:
        >>> tile_size((192, 256)), tile_size((256, 256))
        ((240, 320), (320, 320))
    """
    factor = TILE[0] / max(input_size)
    return round(input_size[0] * factor / 4) * 4, round(input_size[1] * factor / 4) * 4


def _tile(one: RankedExample, codec: HeatmapCodec | MoveNetCodec) -> np.ndarray:
    """Draws truth and prediction into the person's window, enlarged."""
    from paddle_pose import geometry, visualize
    from paddle_pose.data.dataset import crop

    sample = one.sample
    size = tile_size(codec.input_size)
    to_tile = sample.window.to_input(size, codec.alignment)
    image = crop(sample, sample.window, replace(codec, input_size=size))
    for person in sample.persons:
        if not person.crowd:
            truth = replace(person, keypoints=geometry.move(person.keypoints, to_tile))
            image = visualize.draw_truth(image, truth, codec.skeleton)
    image = visualize.draw_poses(image, one.poses.moved(to_tile), codec.skeleton, threshold=0.1)
    visualize.caption(image, one.sample_score.words, (4, 16), 0.5)
    return image


def _band(width: int, *lines: str) -> np.ndarray:
    """Returns lines of text on black, as wide as the image below: uint8 [h, width, 3]."""
    import numpy as np

    from paddle_pose import visualize

    text = ["; ".join(lines)] if width >= 4 * TILE[0] else lines
    band = np.zeros((24 * len(text) + 8, width, 3), np.uint8)
    for row, line in enumerate(text):
        visualize.caption(band, line, (6, 22 + 24 * row), 0.55 if width >= 2 * TILE[0] else 0.3)
    return band
