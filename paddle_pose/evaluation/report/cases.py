"""Examples of people as images: the skeletons on the photograph, or on grey if there is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from paddle_pose import geometry, visualize
from paddle_pose.evaluation.report import page
from paddle_pose.evaluation.report.report_data import ReportData
from paddle_pose.evaluation.tiles import draw_tile
from paddle_pose.metrics.errors import KINDS, MatchedPoses
from paddle_pose.structures import Person, Poses

TILE = (240, 240)  # (width, height) of an image in px
_JPEG_QUALITY = 75


@dataclass(frozen=True)
class Ranking:
    """People selected by the quality of their predictions.

    Attributes:
        worst: Indices 0..N-1 of the worst people in `MatchedPoses`, the worst first.
        median: Indices of the people around the median who are not among the worst, worse first.
    """

    worst: tuple[int, ...]
    median: tuple[int, ...]


def ranking(found: MatchedPoses, worst: int, median: int) -> Ranking:
    """Returns the worst and the median people.

    People are ranked by the fraction of their counted joints whose distance to the truth is at most
    `MatchedPoses.reach`; between equals the mean distance decides, each distance limited to 10
    times the reach. People without a prediction are ranked only if nobody has one.

    Args:
        found: N people with their predictions.
        worst: Highest number of worst people; at most half of the people, rounded up, are returned.
        median: Highest number of people around the median.
    """
    distances = found.distances / found.reach
    labelled = found.counted.any(axis=1)
    people = np.flatnonzero(labelled & found.found if (labelled & found.found).any() else labelled)
    within_reach = np.nanmean(
        np.where(np.isnan(distances[people]), np.nan, distances[people] <= 1.0), axis=1
    )
    mean_distance = np.nanmean(np.minimum(distances[people], 10.0), axis=1)
    order = people[np.lexsort((-mean_distance, within_reach))]
    worst = min(worst, (len(order) + 1) // 2)
    middle = max(worst, (len(order) - median) // 2)
    return Ranking(tuple(order[:worst].tolist()), tuple(order[middle : middle + median].tolist()))


def tile(data: ReportData, n: int, kind: np.ndarray) -> str:
    """Returns an HTML figure of a person: ground truth in white, prediction in colours, and errors.

    Args:
        data: Predictions of N people matched with the ground truth.
        n: Index 0..N-1 of the person.
        kind: Type of error of every joint, [N, K], as `metrics.errors.kinds` returns it.

    Raises:
        InputError: If the person's image cannot be decoded.
        OSError: If Pillow cannot write JPEG.
    """
    found = data.found
    counts = {name: int((kind[n] == k).sum()) for k, name in enumerate(KINDS)}
    good = counts["good"] + counts["jitter"]
    summary = f"{good} of {int(found.counted[n].sum())} joints found"
    summary += "".join(
        f", {number} {name}"
        for name, number in counts.items()
        if number and name not in ("good", "jitter")
    )
    source = data.images[n] if data.images else None
    caption = f"Person {n}{f' ({source.name})' if source else ''}: {summary}"
    content = visualize.jpeg(_draw(data, n, source), _JPEG_QUALITY)
    alt = f"{caption}; ground truth white, prediction in colours"
    return page.figure(page.image(content, alt), caption)


def _draw(data: ReportData, n: int, source: Path | None) -> np.ndarray:
    """Returns the image of a person, uint8 RGB [h, w, 3].

    Args:
        data: People with their predictions.
        n: Index of the person.
        source: Path of the photograph; None draws on grey.
    """
    found = data.found
    labelled = found.visible[n] > 0
    low, high = found.truth[n, labelled].min(axis=0), found.truth[n, labelled].max(axis=0)
    sides = np.maximum(high - low, found.sizes[n])  # the box of a single joint would be empty
    box = (*((low + high - sides) / 2), *sides)
    poses = Poses(found.predicted[n][None], np.ones((1, found.skeleton.num_joints)), np.ones(1))
    return draw_tile(
        source,
        TILE,
        geometry.box_window(box, TILE, 1.7).to_input(TILE),
        found.skeleton,
        truth=[Person(found.truth[n], found.visible[n], box, n)],
        poses=poses if found.found[n] else None,
        upright_rule=data.upright_rule,
    )
