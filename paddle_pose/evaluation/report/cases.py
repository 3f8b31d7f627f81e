"""Single people as images: the photograph where it is at hand, otherwise the drawn skeletons alone."""

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

TILE = (240, 240)
_QUALITY = 75


@dataclass(frozen=True)
class Ranking:
    """People by how well they were found.

    Attributes:
        worst: positions of people, the worst first.
        median: those round the middle that are not among them.
    """

    worst: tuple[int, ...]
    median: tuple[int, ...]


def ranking(found: MatchedPoses, worst: int, median: int) -> Ranking:
    """Ranks the people found, or all where nobody was, by the share of counted joints within reach.

    The mean distance, cut at 10 reaches, decides between equals.
    """
    distances = found.distances / found.reach
    labelled = found.counted.any(axis=1)
    people = np.flatnonzero(labelled & found.found if (labelled & found.found).any() else labelled)
    share = np.nanmean(
        np.where(np.isnan(distances[people]), np.nan, distances[people] <= 1.0), axis=1
    )
    away = np.nanmean(np.minimum(distances[people], 10.0), axis=1)
    order = people[np.lexsort((-away, share))]
    worst = min(worst, (len(order) + 1) // 2)
    middle = max(worst, (len(order) - median) // 2)
    return Ranking(tuple(order[:worst].tolist()), tuple(order[middle : middle + median].tolist()))


def tile(data: ReportData, n: int, kind: np.ndarray) -> str:
    """Returns a person as a figure: truth white, prediction in colours, and the kinds of the errors as words.

    Args:
        data: of the report.
        n: the person.
        kind: [N, K] from `errors.kinds`.
    """
    found = data.found
    counts = {name: int((kind[n] == k).sum()) for k, name in enumerate(KINDS)}
    good = counts["good"] + counts["jitter"]
    words = f"{good} of {int(found.counted[n].sum())} joints found"
    words += "".join(
        f", {number} {name}"
        for name, number in counts.items()
        if number and name not in ("good", "jitter")
    )
    source = data.images[n] if data.images else None
    caption = f"Person {n}{f' ({source.name})' if source else ''}: {words}"
    content = visualize.jpeg(_draw(found, n, source), _QUALITY)
    return page.figure(
        page.image(content, f"{caption}; truth white, prediction in colours"), caption
    )


def _draw(found: MatchedPoses, n: int, source: Path | None) -> np.ndarray:
    labelled = found.visible[n] > 0
    low, high = found.truth[n, labelled].min(axis=0), found.truth[n, labelled].max(axis=0)
    sides = np.maximum(high - low, found.sizes[n])  # a single joint is no box
    box = (*((low + high - sides) / 2), *sides)
    poses = Poses(found.predicted[n][None], np.ones((1, found.skeleton.num_joints)), np.ones(1))
    return draw_tile(
        source,
        TILE,
        geometry.box_window(box, TILE, 1.7).to_input(TILE),
        found.skeleton,
        truth=[Person(found.truth[n], found.visible[n], box, n)],
        poses=poses if found.found[n] else None,
    )
