"""Analyses of predictions: accuracy by threshold, group of joints, constant shift, and score.

Distances and thresholds are in the unit of `MatchedPoses.units`; a *hit* is a joint whose distance
to the truth is at most the threshold. A joint *counts* if `MatchedPoses.counted` is True.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.metrics import resampling
from paddle_pose.metrics.errors import MatchedPoses

ANGLES = (0.0, 20.0, 45.0, 90.0, 180.0)
"""Bounds in degrees of the groups by the torso's angle; this project's choice."""


def hits(distances: np.ndarray, threshold: float) -> float:
    """Returns the percentage of hits among the joints that count, 0..100; NaN if none counts.

    Args:
        distances: Distances [...] of joints to the truth, as of `MatchedPoses.distances`; NaN does
            not count, infinity is a miss.
        threshold: Largest distance of a hit, inclusive, in the same unit.
    """
    counted = np.isfinite(distances) | np.isinf(distances)
    return float(100 * (distances[counted] <= threshold).mean()) if counted.any() else float("nan")


def curves(found: MatchedPoses, thresholds: Sequence[float]) -> dict[str, list[float]]:
    """Returns percentages of hits for each threshold, by joint and as "Mean".

    Args:
        found: People with their poses.
        thresholds: Largest distances of a hit, inclusive, in the unit of `found.units`.

    Returns:
        {name: percentages, 0..100, in the order of `thresholds`}. The names are those of the joints
        without left and right, such as "Upper neck", whose percentage is the plain mean of left and
        right; and "Mean", which weights joints by how often they count. Joints that never count are
        left out.
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
    """Returns the angles [N] in degrees between the true torsos and the vertical.

    Args:
        found: People with their poses; only `truth` and `visible` are used.

    Returns:
        Angles from 0 (upright) to 180 (head down) of the line from the midpoint of the shoulders to
        that of the hips; NaN if one of the four joints is not labelled.

    Raises:
        InputError: If the skeleton lacks a shoulder or a hip.
    """
    names = [f"{side}_{part}" for part in ("shoulder", "hip") for side in ("left", "right")]
    if not set(names) <= set(found.skeleton.joints):
        raise InputError(
            f"skeleton {found.skeleton.name!r} has no {', '.join(names)}: "
            "no torso angle can be measured"
        )
    slots = [found.skeleton.joints.index(name) for name in names]
    points = found.truth[:, slots]
    down = points[:, 2:].mean(axis=1) - points[:, :2].mean(axis=1)
    angles = np.degrees(np.abs(np.arctan2(down[:, 0], down[:, 1])))
    return np.where((found.visible[:, slots] > 0).all(axis=1), angles, np.nan)


def strata(found: MatchedPoses) -> dict[str, dict[str, np.ndarray]]:
    """Returns groups of the joints that count by visibility, size of the person, and torso angle.

    Args:
        found: People with their poses, N > 0.

    Returns:
        {criterion: {name of the group: its joints, bool [N, K]}}, where the criteria are
        "visibility" (only if a joint has the label 2), "size" (quartiles of `found.sizes`) and
        "torso angle" (by `ANGLES`; only if the skeleton has shoulders and hips). Groups without
        joints are left out.
    """
    parts: dict[str, dict[str, np.ndarray]] = {}
    if (found.visible > 1).any():
        parts["visibility"] = {"seen": found.visible > 1, "labelled, hidden": found.visible == 1}
    edges = np.quantile(found.sizes, (0.25, 0.5, 0.75))
    quartile = np.searchsorted(edges, found.sizes)
    names = (
        f"up to {edges[0]:.0f} px",
        f"{edges[0]:.0f} to {edges[1]:.0f} px",
        f"{edges[1]:.0f} to {edges[2]:.0f} px",
        f"above {edges[2]:.0f} px",
    )
    parts["size"] = {name: _joints_of(quartile == n, found) for n, name in enumerate(names)}
    if {"left_shoulder", "right_shoulder", "left_hip", "right_hip"} <= set(found.skeleton.joints):
        angles = torso_angles(found)
        parts["torso angle"] = {
            f"{low:.0f} to {high:.0f} degrees": _joints_of(
                (angles >= low) & (angles < high + (high == 180)), found
            )
            for low, high in pairwise(ANGLES)
        }
        parts["torso angle"]["torso not labelled"] = _joints_of(np.isnan(angles), found)
    groups: dict[str, dict[str, np.ndarray]] = {}
    for criterion, masks in parts.items():
        counted = {name: mask & found.counted for name, mask in masks.items()}
        groups[criterion] = {name: mask for name, mask in counted.items() if mask.any()}
    return groups


@dataclass(frozen=True)
class Bias:
    """The constant shift of all predictions that increases the percentage of hits most.

    Attributes:
        shift: (dx, dy) to add to every prediction, in the unit that `bias` was given: px, or the
            lengths of the people.
        before: Percentage of hits without the shift, 0..100.
        after: Percentage of hits with the shift, 0..100.
        held_out: 95 % interval (low, high) of the gain in percentage points on held-out people:
            each half of the people is shifted by the best shift of the other half.
    """

    shift: tuple[float, float]
    before: float
    after: float
    held_out: tuple[float, float]

    @property
    def gain(self) -> float:
        """Gain of the shift in percentage points, on the same people that determined the shift."""
        return self.after - self.before


def bias(
    found: MatchedPoses, threshold: float, lengths: np.ndarray | None = None, limit: float = 16.0
) -> Bias:
    """Returns the shift that, added to every prediction, makes the most joints correct.

    It is searched on a grid and then on a finer one around the best point.

    Args:
        found: People with their poses.
        threshold: Largest distance of a hit, inclusive, in the unit of `found.units`.
        lengths: Unit of shifts: the length [N] in px of a shift of 1 for each person, such as the
            person's size; None measures shifts in px.
        limit: Largest shift along an axis of the first grid, in the unit of shifts; give a smaller
            one, such as 0.25, with `lengths`. The steps of
            the two grids are `limit` / 16 and `limit` / 64.

    Returns:
        The shift with the most hits, or the shortest of several ones; (0, 0) if none is better.

    Raises:
        InputError: If `found.counted` is false for all joints.
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
        shift=best,
        before=100 * before.sum() / counted.sum(),
        after=100 * after.sum() / counted.sum(),
        held_out=intervals["gain"],
    )


@dataclass(frozen=True)
class Reliability:
    """Calibration of joint scores: how well they predict whether a joint is correct.

    Attributes:
        rows: (lower bound of the scores, upper bound, number of joints, mean score, percentage of
            correct joints) of each bin that contains joints, by increasing score. The upper bound
            is exclusive, except for the last bin, which ends at 1.
        ece: Expected calibration error in percentage points: the mean over the joints of the
            absolute difference between 100 x the mean score of their bin and the bin's percentage
            of correct joints.
        auc: Probability that a correct joint has a higher score than a wrong one; NaN if all are
            correct or all are wrong.
    """

    rows: tuple[tuple[float, float, int, float, float], ...]
    ece: float
    auc: float


def reliability(found: MatchedPoses, threshold: float, bins: int = 10) -> Reliability:
    """Returns how well the scores of joints predict whether they are correct.

    Args:
        found: People with their poses and scores; a score above 1 counts as 1. People without a
            pose are left out.
        threshold: Largest distance of a correct joint, inclusive, in the unit of `found.units`.
        bins: Number of bins of equal width from 0 to 1.

    Raises:
        InputError: If there are no scores, or no joint of a person with a pose counts.
    """
    used = found.counted & found.found[:, None]
    if found.scores is None or not used.any():
        raise InputError("there are no scores of joints that count")
    scores = np.clip(np.nan_to_num(found.scores[used]), 0, 1)
    correct = found.distances[used] <= threshold
    bin_of = np.minimum((scores * bins).astype(int), bins - 1)
    rows = tuple(
        (
            b / bins,
            (b + 1) / bins,
            int(here.sum()),
            float(scores[here].mean()),
            float(100 * correct[here].mean()),
        )
        for b in range(bins)
        if (here := bin_of == b).any()
    )
    ece = sum(count * abs(100 * mean - rate) for _, _, count, mean, rate in rows) / len(scores)
    return Reliability(rows, ece, _auc(scores, correct))


def weighed(
    values: Mapping[str, np.ndarray], found: MatchedPoses, thresholds: Sequence[float]
) -> list[tuple[str, int, list[float]]]:
    """Returns the number of joints and the percentages of hits of each group of joints.

    Args:
        values: Joints of each group by its name, bool [N, K], as of one criterion of `strata`.
        found: People with their poses.
        thresholds: Largest distances of a hit, inclusive, in the unit of `found.units`.

    Returns:
        (name, number of joints, percentages in the order of `thresholds`) of each group, in the
        order of `values`.
    """
    distances = found.distances
    return [
        (name, int(mask.sum()), [hits(distances[mask], threshold) for threshold in thresholds])
        for name, mask in values.items()
    ]


def _joints_of(chosen: np.ndarray, found: MatchedPoses) -> np.ndarray:
    """Returns the mask bool [N, K] of all joints of some people, bool [N]."""
    return np.broadcast_to(chosen[:, None], found.counted.shape)


def _person_hits(found: MatchedPoses, threshold: float, shifts: np.ndarray) -> np.ndarray:
    """Returns the number of hits [N] of each person after shifts [N, 2] in px."""
    squared = ((found.predicted + shifts[:, None] - found.truth) ** 2).sum(axis=-1)
    is_hit = found.counted & (squared <= (threshold * found.units) ** 2)
    numbers: np.ndarray = is_hit.sum(axis=1).astype(np.float64)
    return numbers


def _best_shift(
    found: MatchedPoses, people: np.ndarray, threshold: float, lengths: np.ndarray, limit: float
) -> tuple[float, float]:
    """Returns the shift with the most hits, in lengths.

    Args:
        found: People with their poses.
        people: People that count, bool [N].
        threshold: Largest distance of a hit, in the unit of `found.units`.
        lengths: Lengths [N] in px of a shift of 1 for each person.
        limit: Largest shift along an axis, in lengths.
    """
    used = found.counted & (found.found & people)[:, None]
    scale = np.broadcast_to(lengths[:, None], used.shape)[used]
    errors = (found.predicted - found.truth)[used] / scale[:, None]  # [M, 2] in lengths
    max_squared = (threshold * found.units[used] / scale) ** 2
    # Joints that no shift within the limit makes a hit are left out.
    reachable = (np.maximum(np.abs(errors) - limit, 0) ** 2).sum(axis=1) <= max_squared
    errors = errors[reachable]
    max_squared = max_squared[reachable]
    best = np.zeros(2)
    for half_width, step in ((limit, limit / 16), (limit / 16, limit / 64)):
        steps = round(half_width / step)
        offsets = np.arange(-steps, steps + 1) * step
        shifts = best + np.stack(np.meshgrid(offsets, offsets), axis=-1).reshape(-1, 2)
        smallest_first = np.argsort(np.hypot(shifts[:, 0], shifts[:, 1]), kind="stable")
        shifts = shifts[smallest_first]
        numbers = [
            np.count_nonzero(((errors + shift) ** 2).sum(axis=1) <= max_squared) for shift in shifts
        ]
        best = shifts[int(np.argmax(numbers))]
    return float(best[0]), float(best[1])


def _auc(scores: np.ndarray, correct: np.ndarray) -> float:
    """Returns the area under the ROC curve, from the mean rank of the correct joints.

    Args:
        scores: Scores [M]; equal ones share their mean rank.
        correct: Whether each joint is correct, bool [M].
    """
    num_correct = int(correct.sum())
    num_wrong = len(correct) - num_correct
    if not (num_correct and num_wrong):
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    above_lowest = ranks[correct].sum() - num_correct * (num_correct + 1) / 2
    return float(above_lowest / (num_correct * num_wrong))
