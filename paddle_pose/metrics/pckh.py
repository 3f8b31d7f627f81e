"""PCKh: the share of joints found within half a head's size of the truth (MPII).

A joint is hit when its distance to the truth, divided by 0.6 x the head box's diagonal, is at most the threshold. Occluded
joints count, unlabelled ones do not. *Head* is head_top; the other groups are the plain mean of left and right; *Mean* is
weighted by how often each of 14 joints is labelled (pelvis and thorax are left out). *Mean@0.1* is at threshold 0.10;
HRNet, SimpleBaseline and PaddleDetection print their *Mean@0.1* at 0.11, given here as *Mean@0.11*.

Source: Andriluka et al. (CVPR 2014); HRNet's `mpii.py` for grouping and weighting.
Checked against: two published prediction files, whose published numbers come out to the digit (tests/parity).
Differs: nothing in the numbers; the threshold 0.11 is named for what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.io

from paddle_pose.metrics import intervals, predictions_file
from paddle_pose.metrics.base import Judgement
from paddle_pose.skeletons import MPII_16
from paddle_pose.structures import Poses, Sample

GROUPS = {
    "Head": ("head_top",),
    "Shoulder": ("left_shoulder", "right_shoulder"),
    "Elbow": ("left_elbow", "right_elbow"),
    "Wrist": ("left_wrist", "right_wrist"),
    "Hip": ("left_hip", "right_hip"),
    "Knee": ("left_knee", "right_knee"),
    "Ankle": ("left_ankle", "right_ankle"),
}
COUNTED = [j for j, name in enumerate(MPII_16.joints) if name not in ("pelvis", "thorax")]
# As published: the 11th and 12th of np.arange(0, 0.51, 0.01).
THRESHOLDS = {"Mean@0.1": 0.1, "Mean@0.11": 0.11}


def normalized_errors(predictions: np.ndarray, keypoints: np.ndarray, head_sizes: np.ndarray) -> np.ndarray:
    """Returns distances in head sizes.

    Args:
        predictions: [N, K, 2] px.
        keypoints: [N, K, 2] px in the same space.
        head_sizes: [N] px, 0.6 x the head box's diagonal.

    Returns:
        [N, K] float64.
    """
    distances = np.linalg.norm(np.asarray(predictions, np.float64) - keypoints, axis=-1)
    return distances / np.asarray(head_sizes, np.float64)[:, None]


def scores(hits: np.ndarray, labelled: np.ndarray) -> dict[str, float | np.ndarray]:
    """Turns counts into percentages by group.

    Args:
        hits: [..., 16] number of joints found, by slot.
        labelled: [..., 16] number of joints labelled, by slot.

    Returns:
        Groups, "Mean" (weighted by counts) and "Plain mean" (of the 14 joints) as [...] percentages; NaN for a joint that
        is never labelled.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = 100.0 * hits / labelled
        values = {
            group: rate[..., [MPII_16.joints.index(name) for name in names]].mean(axis=-1)
            for group, names in GROUPS.items()
        }
        values["Mean"] = 100.0 * hits[..., COUNTED].sum(axis=-1) / labelled[..., COUNTED].sum(-1)
        values["Plain mean"] = rate[..., COUNTED].mean(axis=-1)
    return values


def pckh(errors: np.ndarray, labelled: np.ndarray, counts: np.ndarray | None = None) -> dict[str, float | np.ndarray]:
    """Scores errors at 0.5, and the mean at 0.10 and 0.11.

    Args:
        errors: [N, 16] in head sizes.
        labelled: [N, 16] bool.
        counts: [B, N] how often each person is taken (bootstrap); once where None.

    Returns:
        Names of `scores`, "Mean@0.1" and "Mean@0.11": numbers, or [B] where counts are given.
    """
    counts = np.ones(len(errors)) if counts is None else counts
    total = counts @ labelled.astype(np.float64)
    values = scores(counts @ ((errors <= 0.5) & labelled).astype(np.float64), total)
    for name, threshold in THRESHOLDS.items():
        values[name] = scores(counts @ ((errors <= threshold) & labelled).astype(float), total)["Mean"]
    return values


def bootstrap(
    errors: np.ndarray, labelled: np.ndarray, resamples: int = 1000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Returns 95 % intervals of every number, resampling persons.

    Args:
        errors: [N, 16] in head sizes.
        labelled: [N, 16] bool.
        resamples: how many data sets of N persons are drawn with replacement.
        seed: of the draw.
    """
    return intervals.bootstrap(lambda counts: pckh(errors, labelled, counts), len(errors), resamples, seed)


def table(values: dict[str, float], spans: dict[str, tuple[float, float]], people: int) -> str:
    """Returns the numbers as a text table with their 95 % intervals."""
    lines = [f"PCKh in percent, {people} people, 95 % bootstrap intervals"]
    remarks = {
        "Mean": "@0.5, 14 joints weighted by count",
        "Plain mean": "@0.5, 14 joints alike",
        "Mean@0.1": "threshold 0.10 (mmpose, the original project)",
        "Mean@0.11": "threshold 0.11 (what HRNet, SimpleBaseline, PaddleDetection call @0.1)",
    }
    for name in (*GROUPS, "Mean", "Plain mean", "Mean@0.1", "Mean@0.11"):
        low, high = spans[name]
        span = f"{low:6.2f} .. {high:6.2f}"
        lines.append(f"  {name:<11}{values[name]:7.2f}   {span}   {remarks.get(name, '')}".rstrip())
    return "\n".join(lines)


class PCKh:
    """PCKh of predictions against the samples' own annotations.

    Attributes:
        monitor: "Mean@0.1", as the original project chooses its best epoch.
        headline: the nine names of its `[EVAL]` line.
    """

    monitor = "Mean@0.1"
    headline: Sequence[str] = (*GROUPS, "Mean", "Mean@0.1")

    def __init__(self) -> None:
        """Starts empty."""
        self._records: dict[int, tuple[Sample, np.ndarray, np.ndarray]] = {}

    def reset(self) -> None:
        """Forgets all samples."""
        self._records.clear()

    def update(self, sample: Sample, poses: Poses) -> None:
        """Takes one person's pose.

        Args:
            sample: with the one annotated person of its window; a sample given twice counts once.
            poses: in image px; the best one is scored.

        Raises:
            ValueError: If the sample has not exactly one person, or that person no head size.
        """
        if len(sample.persons) != 1:
            raise ValueError(f"{sample.image_path}: PCKh needs one person per sample")
        person = sample.persons[0]
        if not person.head_size > 0:
            raise ValueError(
                f"{sample.image_path}: person {person.annotation_id} has no head box, which PCKh measures in; "
                "mpii_gt_val.mat holds them, so evaluate on the validation split"
            )
        self._records[person.annotation_id] = (sample, poses.keypoints[0], poses.scores[0])

    def judge(self, sample: Sample, poses: Poses) -> Judgement:
        """Returns how many of the joints that count are found at 0.5; their mean error decides between equals."""
        person = sample.persons[0]
        errors = normalized_errors(poses.keypoints[:1], person.keypoints[None], np.array([person.head_size]))[0]
        errors = errors[COUNTED][person.visible[COUNTED] > 0]
        found, counted = int((errors <= 0.5).sum()), len(errors)
        error = float(errors.mean()) if counted else 0.0
        return Judgement((found / max(counted, 1), -error), f"{found} of {counted} joints found")

    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        if not self._records:
            raise ValueError("PCKh was asked for a score before it was given a pose")
        persons = [sample.persons[0] for sample, *_ in self._records.values()]
        predictions = np.stack([keypoints for _, keypoints, _ in self._records.values()])
        truth = np.stack([person.keypoints for person in persons])
        heads = np.array([person.head_size for person in persons])
        labelled = np.stack([person.visible for person in persons]) > 0
        return normalized_errors(predictions, truth, heads), labelled

    def accumulate(self) -> dict[str, float]:
        """Returns every number in percent.

        Raises:
            ValueError: If there were no poses.
        """
        return {name: float(value) for name, value in pckh(*self._arrays()).items()}

    def table(self) -> str:
        """Returns the numbers with their 95 % intervals as text."""
        return table(self.accumulate(), bootstrap(*self._arrays()), len(self._records))

    def save(self, folder: Path) -> list[Path]:
        """Writes `pred.mat` (`preds` [N, 16, 2], 1-based image px, in the annotations' order) and `predictions.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        ordered = [self._records[key] for key in sorted(self._records)]
        # As published: MPII's own files count pixels from 1.
        preds = np.stack([keypoints for _, keypoints, _ in ordered]) + 1.0
        scipy.io.savemat(folder / "pred.mat", {"preds": preds})
        predictions_file.write(folder / "predictions.json", MPII_16.joints, ordered)
        return [folder / "pred.mat", folder / "predictions.json"]
