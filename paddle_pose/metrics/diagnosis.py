"""Looks into predictions: accuracy over thresholds, among kinds of people, under a constant shift, and by score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.metrics import resampling
from paddle_pose.metrics.errors import MatchedPoses

ANGLES = (0.0, 20.0, 45.0, 90.0, 180.0)


def hits(distances: np.ndarray, threshold: float) -> float:
    """Returns the percentage of counted joints, those that are not NaN, within a threshold; NaN where there is none."""
    counted = np.isfinite(distances) | np.isinf(distances)
    return float(100 * (distances[counted] <= threshold).mean()) if counted.any() else float("nan")


def curves(found: MatchedPoses, thresholds: Sequence[float]) -> dict[str, list[float]]:
    """Returns percentages within each threshold, in units, by joint (the plain mean of left and right), and "Mean".

    "Mean" weighs joints by how often they are counted. Joints that are never counted are left out.
    """
    distances = found.distances
    sides: dict[str, list[int]] = {}
    for k, name in enumerate(found.skeleton.joints):
        if found.counted[:, k].any():
            sides.setdefault(name.removeprefix("left_").removeprefix("right_"), []).append(k)
    lines = {
        name.replace("_", " ").capitalize(): [
            float(np.mean([hits(distances[:, k], threshold) for k in slots]))
            for threshold in thresholds
        ]
        for name, slots in sides.items()
    }
    return {**lines, "Mean": [hits(distances, threshold) for threshold in thresholds]}


def torso_angles(found: MatchedPoses) -> np.ndarray:
    """Returns [N] degrees between mid-shoulders -> mid-hips and straight down; NaN where one of the four is unlabelled.

    Raises:
        InputError: If the skeleton has no shoulders and hips.
    """
    names = [f"{side}_{part}" for part in ("shoulder", "hip") for side in ("left", "right")]
    if not set(names) <= set(found.skeleton.joints):
        raise InputError(
            f"skeleton {found.skeleton.name!r} has no {', '.join(names)}: no torso to measure"
        )
    slots = [found.skeleton.joints.index(name) for name in names]
    points = found.truth[:, slots]
    down = points[:, 2:].mean(axis=1) - points[:, :2].mean(axis=1)
    angles = np.degrees(np.abs(np.arctan2(down[:, 0], down[:, 1])))
    return np.where((found.visible[:, slots] > 0).all(axis=1), angles, np.nan)


def strata(found: MatchedPoses) -> dict[str, dict[str, np.ndarray]]:
    """Splits the joints by visibility, the person's size and the torso's angle.

    Returns:
        For each way, the parts' names and their [N, K] bool. A way that the truth says nothing about is left out.
    """
    parts: dict[str, dict[str, np.ndarray]] = {}
    if (found.visible > 1).any():
        parts["visibility"] = {"seen": found.visible > 1, "labelled, hidden": found.visible == 1}
    edges = np.quantile(found.sizes, (0.25, 0.5, 0.75))
    place = np.searchsorted(edges, found.sizes)
    names = (
        f"up to {edges[0]:.0f} px",
        f"{edges[0]:.0f} to {edges[1]:.0f} px",
        f"{edges[1]:.0f} to {edges[2]:.0f} px",
        f"above {edges[2]:.0f} px",
    )
    parts["size"] = {name: _people(place == n, found) for n, name in enumerate(names)}
    if {"left_shoulder", "right_shoulder", "left_hip", "right_hip"} <= set(found.skeleton.joints):
        angles = torso_angles(found)
        parts["torso angle"] = {
            f"{low:.0f} to {high:.0f} degrees": _people(
                (angles >= low) & (angles < high + (high == 180)), found
            )
            for low, high in pairwise(ANGLES)
        }
        parts["torso angle"]["torso not labelled"] = _people(np.isnan(angles), found)
    counted = {
        way: {k: v & found.counted for k, v in by_name.items()} for way, by_name in parts.items()
    }
    return {way: {k: v for k, v in by_name.items() if v.any()} for way, by_name in counted.items()}


@dataclass(frozen=True)
class Bias:
    """The constant shift of all predictions that raises the percentage of hits most.

    Attributes:
        shift: (dx, dy) to add to every prediction, px or person's sizes.
        before: percentage of hits as they are.
        after: with the shift.
        held_out: 95 % interval of the gain on people that had no part in choosing the shift: each half of the people gets the
            other half's.
    """

    shift: tuple[float, float]
    before: float
    after: float
    held_out: tuple[float, float]

    @property
    def gain(self) -> float:
        """Points gained."""
        return self.after - self.before


def bias(
    found: MatchedPoses, threshold: float, lengths: np.ndarray | None = None, limit: float = 16.0
) -> Bias:
    """Searches the best shift on a grid, then on a finer one round it.

    Args:
        found: the people.
        threshold: in units, at which a joint is a hit.
        lengths: [N] px that a shift of 1 moves each person; 1 px where None.
        limit: largest shift along an axis. Steps are a 16th of it, then a 64th.

    Returns:
        The best shift; the smallest one of equals.

    Raises:
        InputError: If nothing counts.
    """
    if not found.counted.any():
        raise InputError("no joint counts, so no shift can be better than another")
    lengths = np.ones(len(found.counted)) if lengths is None else lengths
    even = np.arange(len(found.counted)) % 2 == 0
    best = _best_shift(found, np.ones_like(even), threshold, lengths, limit)
    halves = [_best_shift(found, half, threshold, lengths, limit) for half in (~even, even)]
    counted = found.counted.sum(axis=1).astype(np.float64)
    before = _person_hits(found, threshold, np.zeros((len(even), 2)))
    after = _person_hits(found, threshold, np.outer(lengths, best))
    shifts = np.where(even[:, None], halves[0], halves[1]) * lengths[:, None]
    gain = 100 * (_person_hits(found, threshold, shifts) - before)
    with np.errstate(invalid="ignore", divide="ignore"):
        intervals = resampling.bootstrap(
            lambda counts: {"gain": (counts @ gain) / (counts @ counted)}, len(gain)
        )
    return Bias(
        best,
        100 * before.sum() / counted.sum(),
        100 * after.sum() / counted.sum(),
        intervals["gain"],
    )


@dataclass(frozen=True)
class Reliability:
    """How far scores say what they promise.

    Attributes:
        rows: (lowest score, highest score, joints, mean score, percent correct) of each bin that holds joints.
        ece: expected calibration error in points: the mean gap between 100 x score and percent correct, by joints.
        auc: probability that a correct joint has a higher score than a wrong one; NaN where all are alike.
    """

    rows: tuple[tuple[float, float, int, float, float], ...]
    ece: float
    auc: float


def reliability(found: MatchedPoses, threshold: float, bins: int = 10) -> Reliability:
    """Compares scores with hits.

    Args:
        found: with scores; above 1 counts as 1.
        threshold: in units, at which a joint is correct.
        bins: of equal width.

    Raises:
        InputError: If there are no scores, or nothing counts.
    """
    used = found.counted & found.found[:, None]
    if found.scores is None or not used.any():
        raise InputError("there are no scores of joints that count")
    scores = np.clip(np.nan_to_num(found.scores[used]), 0, 1)
    correct = found.distances[used] <= threshold
    place = np.minimum((scores * bins).astype(int), bins - 1)
    rows = tuple(
        (
            b / bins,
            (b + 1) / bins,
            int(here.sum()),
            float(scores[here].mean()),
            float(100 * correct[here].mean()),
        )
        for b in range(bins)
        if (here := place == b).any()
    )
    ece = sum(count * abs(100 * mean - rate) for _, _, count, mean, rate in rows) / len(scores)
    return Reliability(rows, ece, _auc(scores, correct))


def weighed(
    values: Mapping[str, np.ndarray], found: MatchedPoses, thresholds: Sequence[float]
) -> list[tuple[str, int, list[float]]]:
    """Returns (part, joints, percentages within each threshold) for parts of `strata`."""
    distances = found.distances
    return [
        (name, int(part.sum()), [hits(distances[part], threshold) for threshold in thresholds])
        for name, part in values.items()
    ]


def _people(chosen: np.ndarray, found: MatchedPoses) -> np.ndarray:
    return np.broadcast_to(chosen[:, None], found.counted.shape)


def _person_hits(found: MatchedPoses, threshold: float, shifts: np.ndarray) -> np.ndarray:
    """Returns [N] hits of each person after a shift [N, 2] px."""
    squared = ((found.predicted + shifts[:, None] - found.truth) ** 2).sum(axis=-1)
    hits: np.ndarray = (
        (found.counted & (squared <= (threshold * found.units) ** 2)).sum(axis=1).astype(np.float64)
    )
    return hits


def _best_shift(
    found: MatchedPoses, people: np.ndarray, threshold: float, lengths: np.ndarray, limit: float
) -> tuple[float, float]:
    """Returns the shift, in lengths, with most hits among some people, [N] bool."""
    used = found.counted & (found.found & people)[:, None]
    scale = np.broadcast_to(lengths[:, None], used.shape)[used]
    away = (found.predicted - found.truth)[used] / scale[:, None]  # [M, 2] in lengths
    squared = (threshold * found.units[used] / scale) ** 2
    near = (np.maximum(np.abs(away) - limit, 0) ** 2).sum(axis=1) <= squared
    away, squared = away[near], squared[near]  # no shift reaches the others
    middle = np.zeros(2)
    for step in (limit / 16, limit / 64):
        reach = limit if step == limit / 16 else limit / 16
        moves = np.arange(-round(reach / step), round(reach / step) + 1) * step
        shifts = middle + np.stack(np.meshgrid(moves, moves), axis=-1).reshape(-1, 2)
        shifts = shifts[np.argsort(np.hypot(*shifts.T), kind="stable")]
        number = [
            np.count_nonzero(((away + shift) ** 2).sum(axis=1) <= squared) for shift in shifts
        ]
        middle = shifts[int(np.argmax(number))]
    return float(middle[0]), float(middle[1])


def _auc(scores: np.ndarray, correct: np.ndarray) -> float:
    """Returns the area under the ROC curve: mean rank, ties shared."""
    right = int(correct.sum())
    wrong = len(correct) - right
    if not (right and wrong):
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((ranks[place][correct].sum() - right * (right + 1) / 2) / (right * wrong))
