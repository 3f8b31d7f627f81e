"""COCO's average precision (AP) and recall (AR) of keypoints.

The OKS of a person is the mean over the labelled joints of exp(-d^2 / (2 area (2 sigma)^2)). AP is
the mean precision over recall and over the OKS thresholds 0.50, 0.55, ... 0.95. A person's score is
the score of the box times the mean of the joint scores above 0.2; of two people with an OKS above
0.9, only the one with the higher score is kept.

Source: COCO's keypoint evaluation (pycocotools); rescoring and OKS-NMS: SimpleBaseline and HRNet.
Checked against: a literal float64 restatement of OKS and AP on real annotations
    (tests/parity/test_coco_parity.py).
Differs: sizes without annotated people give NaN, not -1; annotations that could only give a wrong
    AP are refused.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import needed
from paddle_pose.errors import InputError
from paddle_pose.io import atomic, coco_json
from paddle_pose.io.json_files import read_json
from paddle_pose.metrics import resampling
from paddle_pose.metrics.base import Prediction, SampleScore, Scores
from paddle_pose.metrics.oks import oks, oks_nms
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Person, Poses, Sample

_PYCOCOTOOLS = "pycocotools>=2.0.7"
NAMES = ("AP", "AP50", "AP75", "AP(M)", "AP(L)", "AR", "AR50", "AR75", "AR(M)", "AR(L)")
"""Names of the ten numbers: the digits are an OKS threshold in percent, M and L people's sizes."""
_REMARKS = {
    "AP": "OKS 0.50:0.05:0.95",
    "AP(M)": "areas of 32^2 .. 96^2 px",
    "AP(L)": "areas above 96^2 px",
    "AR": "at most 20 people per image",
}


class GroundTruth:
    """Annotated people, prepared for pycocotools.

    Args:
        annotations: Path of an annotation file in COCO's format, or its content as read from JSON.
        skeleton: Skeleton of the poses to score; annotated joints are matched with its joints by
            name.

    Attributes:
        category: Category id of the people.
        shared: Text on the annotated joints that the skeleton has, as of `Skeleton.shared`; "" if
            it has all.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If the annotations are not in COCO's format, or could only give a wrong AP: an
            id is not an integer, a person has no area, no joint is labelled, or people have several
            categories.
        MissingDependencyError: If pycocotools is not installed.
    """

    def __init__(self, annotations: str | Path | Mapping[str, Any], skeleton: Skeleton) -> None:
        content, self._where = coco_json.read(annotations)
        moved, self.shared = coco_json.in_skeleton(content, self._where, skeleton)
        self._sigmas = np.asarray(skeleton.sigmas, np.float64)
        records = [self._checked(n, record) for n, record in enumerate(moved)]
        categories = {
            record["category_id"]
            for record in records
            if record["num_keypoints"] and not record["iscrowd"]
        }
        if len(categories) != 1:
            what = (
                f"people of the categories {sorted(categories)}, expected one category"
                if categories
                else "no labelled joint"
            )
            raise InputError(f"{self._where}: {what}; AP cannot be computed")
        self.category = categories.pop()
        self._tools = needed("pycocotools.coco", _PYCOCOTOOLS, "train")
        self._coco = self._tools.COCO()
        self._coco.dataset = {**content, "annotations": records}
        self._images = {image["id"] for image in content["images"]}
        with contextlib.redirect_stdout(io.StringIO()):
            self._coco.createIndex()

    def score(self, results: Sequence[dict[str, Any]]) -> dict[str, float]:
        """Returns the ten numbers by name (`NAMES`), 0..1; NaN for sizes without annotated people.

        Args:
            results: One record for each predicted person: {"image_id": int, "category_id": int,
                "keypoints": list of 3K numbers, "score": float}. "keypoints" has x, y in image px
                and a third number, which is ignored, for each joint of the skeleton. An empty list
                scores 0.

        Raises:
            InputError: If a result belongs to an image that is not annotated.
            MissingDependencyError: If pycocotools is not installed.
        """
        evaluation = self._evaluated(results)
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation.accumulate()
            evaluation.summarize()
        return {
            name: float(value) if value >= 0 else float("nan")
            for name, value in zip(NAMES, evaluation.stats, strict=True)
        }

    def intervals(
        self, results: Sequence[dict[str, Any]], resamples: int = 200
    ) -> dict[str, tuple[float, float]]:
        """Returns the 95 % intervals of the ten numbers by bootstrap over the images.

        An image that is drawn several times counts as so many images; the matches of people and
        results stay the same.

        Args:
            results: Results as for `score`.
            resamples: Number of data sets that are drawn.

        Returns:
            (low, high), 0..1, by name; NaN for a number that is never defined.

        Raises:
            InputError: If a result belongs to an image that is not annotated.
            MissingDependencyError: If pycocotools is not installed.
        """
        evaluation = self._evaluated(results)
        images = len(evaluation.params.imgIds)
        return resampling.bootstrap(
            lambda counts: _numbers(evaluation, counts), images, resamples=resamples
        )

    def _evaluated(self, results: Sequence[dict[str, Any]]) -> Any:
        """Returns pycocotools' COCOeval with the matches of people and results.

        Args:
            results: Results as for `score`.

        Raises:
            InputError: If a result belongs to an image that is not annotated.
        """
        unknown = sorted({record["image_id"] for record in results} - self._images)
        if unknown:
            raise InputError(
                f"{len(unknown)} images of the results are not in {self._where}, "
                f"e.g. {unknown[0]}; results and annotations must be of the same split"
            )
        evaluate = needed("pycocotools.cocoeval", _PYCOCOTOOLS, "train").COCOeval
        found = self._tools.COCO()  # pycocotools cannot load an empty list
        found.dataset = {**self._coco.dataset, "annotations": []}
        with contextlib.redirect_stdout(io.StringIO()):
            found.createIndex()
            if results:
                found = self._coco.loadRes([dict(record) for record in results])
            evaluation = evaluate(self._coco, found, "keypoints")
            evaluation.params.kpt_oks_sigmas = self._sigmas
            evaluation.params.catIds = [self.category]
            evaluation.evaluate()
        return evaluation

    def _checked(self, n: int, record: Mapping[str, Any]) -> dict[str, Any]:
        """Returns a copy of the n-th annotation as pycocotools needs it."""
        labelled = sum(v > 0 for v in record["keypoints"][2::3])
        crowd = int(record.get("iscrowd", 0))
        if labelled and not crowd and not record.get("area", 0) > 0:
            raise InputError(
                f"{self._where}: annotations[{n}] (id {record['id']}): "
                f"key 'area' is {record.get('area', 'missing')}; {coco_json.AREA_HINT}"
            )
        # Numbered from 1: pycocotools takes a match with id 0 for no match.
        changes = {"id": n + 1, "num_keypoints": labelled, "iscrowd": crowd}
        return {"area": 0.0, **record, **changes}


def _numbers(evaluation: Any, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the ten numbers of data sets in which images occur several times or not at all.

    Args:
        evaluation: COCOeval with the matches of people and results.
        counts: Number of times [B, I] that each of B data sets contains each image, in the order of
            `evaluation.params.imgIds`.

    Returns:
        Numbers [B], 0..1, by name; NaN where a data set has no annotated person of that size.
    """
    images = len(evaluation.params.imgIds)
    values: dict[str, np.ndarray] = {}
    for n, size in enumerate(("", "(M)", "(L)")):
        of_images = evaluation.evalImgs[n * images : (n + 1) * images]
        precision, recall = _of_size(of_images, counts, np.asarray(evaluation.params.recThrs))
        values |= {f"AP{size}": precision.mean(axis=1), f"AR{size}": recall.mean(axis=1)}
        if not size:
            # The OKS thresholds are 0.50:0.05:0.95.
            values |= {"AP50": precision[:, 0], "AP75": precision[:, 5]}
            values |= {"AR50": recall[:, 0], "AR75": recall[:, 5]}
    return {name: values[name] for name in NAMES}


def _of_size(
    of_images: Sequence[dict[str, Any] | None], counts: np.ndarray, recalls: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean precision and the recall, [B, T] each, at the T OKS thresholds.

    Args:
        of_images: Matches of each of I images for one size of people, as pycocotools makes them;
            None for images with neither people nor results.
        counts: Number of times [B, I] that each data set contains each image.
        recalls: Recalls at which the precision is read, ascending.
    """
    used = [(n, found) for n, found in enumerate(of_images) if found is not None]
    shape = (len(counts), 10)
    people = np.zeros(len(counts))
    for n, found in used:
        people += counts[:, n] * (np.asarray(found["gtIgnore"]) == 0).sum()
    scores = np.concatenate([np.zeros(0), *(found["dtScores"] for _, found in used)])
    if not len(scores):
        nothing = np.where(people > 0, 0.0, np.nan)[:, None] * np.ones(shape)
        return nothing, nothing
    order = np.argsort(-scores, kind="mergesort")
    image_of = np.concatenate([np.full(len(found["dtScores"]), n) for n, found in used])[order]
    matched = np.concatenate([found["dtMatches"] for _, found in used], axis=1)[:, order] > 0
    ignored = np.concatenate([found["dtIgnore"] for _, found in used], axis=1)[:, order] > 0
    kept = ~ignored
    # Precision and recall are needed where the recall grows, at the right results, only.
    hits = [np.flatnonzero(row) for row in matched & kept]
    precision, recall = np.full(shape, np.nan), np.full(shape, np.nan)
    for b in np.flatnonzero(people > 0):
        weights = counts[b, image_of]
        total = np.cumsum(weights * kept, axis=1)
        for t, places in enumerate(hits):
            right = np.cumsum(weights[places])
            # The precision at a recall is the highest one at this or a higher recall.
            highest = right / np.maximum(total[t, places], np.spacing(1))
            highest = np.append(np.maximum.accumulate(highest[::-1])[::-1], 0.0)
            at = right / people[b]
            recall[b, t] = at[-1] if len(at) else 0.0
            precision[b, t] = highest[np.searchsorted(at, recalls, side="left")].mean()
    return precision, recall


class CocoAP:
    """AP of poses against an annotation file, with rescoring and OKS-NMS; all numbers are 0..1.

    Args:
        annotations: Path of an annotation file in COCO's format, or its content as read from JSON.
        skeleton: Skeleton of the poses; its joints that the annotations do not have count as
            unlabelled.
        whole_images: Whether a sample is an image with any number of people instead of the window
            of one person. The score of a person is then `Poses.person_scores`, and the area for
            OKS-NMS that of the box around the joints; otherwise the score is that of the box times
            the mean of the joint scores, and the area that of the window.
        joint_threshold: Score above which a joint counts for that mean.
        nms_threshold: OKS of two people above which the one with the lower score is left out.

    Attributes:
        monitor: "AP".
        summary: All ten names, `NAMES`.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If the annotations are invalid; see `GroundTruth`.
        MissingDependencyError: If pycocotools is not installed.
    """

    monitor = "AP"
    summary: Sequence[str] = NAMES

    def __init__(
        self,
        annotations: str | Path | Mapping[str, Any],
        skeleton: Skeleton,
        *,
        whole_images: bool = False,
        joint_threshold: float = 0.2,
        nms_threshold: float = 0.9,
    ) -> None:
        self._truth = GroundTruth(annotations, skeleton)
        self._sigmas = skeleton.sigmas
        self._whole_images = whole_images
        self._joint_threshold = joint_threshold
        self._nms_threshold = nms_threshold

    def compute_scores(
        self, predictions: Sequence[Prediction], *, intervals: bool = True
    ) -> Scores:
        """Returns the ten numbers, 0..1: 0 without poses, NaN for sizes without annotated people.

        Args:
            predictions: Samples with their poses in image px; if a sample (image, window and score)
                occurs twice, the last one counts.
            intervals: Without effect; `GroundTruth.intervals` computes intervals, which takes much
                longer than the numbers.

        Raises:
            InputError: If there are no predictions, or one is of an image that is not annotated.
        """
        kept = _last_of_each_box(predictions)
        if not kept:
            raise InputError("AP needs predictions, got none: evaluate at least one sample")
        results = self._results(kept)
        detected = sum(not sample.persons for sample, _ in kept)
        if self._whole_images:
            windows = "whole images"
        elif not detected:
            windows = "ground-truth boxes"
        else:
            windows = "detected boxes" if detected == len(kept) else "mixed boxes"
        values = self._truth.score(results)
        data = f"{len(kept)} {windows}, {len(results)} people after OKS-NMS"
        return Scores(values, table(values, data, self._truth.shared))

    def save(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Writes `keypoints_results.json`, the results that are scored, and returns its path.

        Args:
            predictions: Samples with their poses in image px.
            folder: Folder of the file, a JSON list of records as for `GroundTruth.score`.

        Raises:
            OSError: If the file cannot be written.
        """
        path = folder / "keypoints_results.json"
        atomic.write_text(path, json.dumps(self._results(_last_of_each_box(predictions))))
        return [path]

    def score_sample(self, sample: Sample, poses: Poses) -> SampleScore:
        """Returns the mean over the annotated people of the OKS with the most similar pose, 0..1.

        Args:
            sample: Sample with annotated people; 0 if none of them has a labelled joint.
            poses: Predicted poses in image px.
        """
        people = [person for person in sample.persons if person.visible.any() and not person.crowd]
        if not people:
            return SampleScore((0.0,), "no joint labelled")
        best = [self._oks(poses, person).max(initial=0.0) for person in people]
        mean = float(np.mean(best))
        words = f"OKS {mean:.2f}" + (f", {len(people)} people" if len(people) > 1 else "")
        return SampleScore((mean,), words)

    def _oks(self, poses: Poses, person: Person) -> np.ndarray:
        """Returns the OKS [P] of each pose with an annotated person."""
        return oks(
            poses.keypoints,
            person.keypoints,
            area=person.area,
            sigmas=self._sigmas,
            labelled=person.visible > 0,
        )

    def _results(self, predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
        """Returns the results of the people that OKS-NMS keeps, image by image."""
        by_image: dict[int, list[Prediction]] = {}
        for sample, poses in predictions:
            by_image.setdefault(sample.image_id, []).append((sample, poses))
        return [
            record
            for image_id, group in by_image.items()
            for record in self._of_image(image_id, group)
        ]

    def _of_image(self, image_id: int, group: Sequence[Prediction]) -> list[dict[str, Any]]:
        """Returns the results of one image."""
        keypoints = np.concatenate([poses.keypoints for _, poses in group])
        joint_scores = np.concatenate([poses.scores for _, poses in group])
        if self._whole_images:
            scores = np.concatenate([poses.person_scores for _, poses in group])
            # Joints on a line parallel to an axis have a box without an area.
            areas = np.maximum(np.ptp(keypoints, axis=1).prod(axis=1), 1.0)
        else:
            box_scores = np.concatenate(
                [np.full(len(poses.scores), sample.score) for sample, poses in group]
            )
            counted = joint_scores > self._joint_threshold
            sums = (joint_scores * counted).sum(axis=1)
            scores = box_scores * sums / np.maximum(counted.sum(axis=1), 1)
            areas = np.concatenate(
                [np.full(len(poses.scores), np.prod(sample.window.size)) for sample, poses in group]
            )
        rounded = [np.round(keypoints, 3), np.round(joint_scores, 5)[..., None]]
        triples = np.concatenate(rounded, axis=2)
        kept = oks_nms(keypoints, scores, areas, self._sigmas, threshold=self._nms_threshold)
        return [
            {
                "image_id": image_id,
                "category_id": self._truth.category,
                "keypoints": triples[n].ravel().tolist(),
                "score": float(scores[n]),
            }
            for n in kept
        ]


def _last_of_each_box(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Returns the last prediction of each box."""
    return list(
        {
            (sample.image_id, sample.window, sample.score): (sample, poses)
            for sample, poses in predictions
        }.values()
    )


def table(values: Mapping[str, float], data: str, shared: str = "") -> str:
    """Returns the ten numbers as a text table.

    Args:
        values: Numbers, 0..1, by each name of `NAMES`.
        data: Text for the first line that states what was scored.
        shared: Text on the joints that were compared, as of `Skeleton.shared`; "" for all joints.
    """
    lines = [f"COCO keypoints, {data}", *([f"cross-evaluation: {shared}"] if shared else [])]
    lines += [
        f"  {name:<6}{values[name]:8.4f}   {_REMARKS.get(name, '')}".rstrip() for name in NAMES
    ]
    return "\n".join(lines)


def score_results(
    path: str | Path, annotations: str | Path | Mapping[str, Any], skeleton: Skeleton
) -> Scores:
    """Returns the scores, 0..1, of a results file of any program, without rescoring or NMS.

    Args:
        path: Results file; see `read_results`.
        annotations: Path of an annotation file in COCO's format, or its content as read from JSON.
        skeleton: Skeleton of the results; its joints that the annotations do not have count as
            unlabelled.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a record of the results is invalid or belongs to an image that is not
            annotated, or the annotations are invalid; see `GroundTruth`.
        MissingDependencyError: If pycocotools is not installed.
    """
    truth = GroundTruth(annotations, skeleton)
    values = truth.score(read_results(path, truth, skeleton))
    return Scores(values, table(values, f"{path} as it is: no rescoring, no NMS", truth.shared))


def read_results(path: str | Path, truth: GroundTruth, skeleton: Skeleton) -> list[dict[str, Any]]:
    """Returns the records of a results file, each with the keys that `GroundTruth.score` needs.

    Args:
        path: JSON file with a list of {"image_id", "category_id", "keypoints", "score"}; see
            `GroundTruth.score`. Other keys are left out of the result.
        truth: Annotated people, whose category the records must have.
        skeleton: Skeleton of the results, whose K joints give the length 3K of "keypoints".

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If the file is not a JSON list with at least one record, or a record is invalid;
            the message names the record and the key.
    """
    results = read_json(Path(path))
    count = 3 * skeleton.num_joints
    if not isinstance(results, list):
        raise InputError(f"{path}: expected a list of results, got {type(results).__name__}")
    if not results:
        raise InputError(f"{path}: the list is empty; expected at least one result")
    for n, record in enumerate(results):
        where = f"{path}: record {n}"
        if not isinstance(record, dict):
            raise InputError(f"{where}: expected a record, got {type(record).__name__}")
        coco_json.check_id(record, "image_id", where)
        if coco_json.check_id(record, "category_id", where) != truth.category:
            raise InputError(
                f"{where}: key 'category_id' is {record['category_id']}; "
                f"the annotated people have {truth.category}"
            )
        numbers = record.get("keypoints")
        if not isinstance(numbers, list) or len(numbers) != count or not _finite(numbers):
            got = f"{len(numbers)} values" if isinstance(numbers, list) else repr(numbers)
            raise InputError(
                f"{where}: key 'keypoints' must hold {count} numbers: x, y, score of every joint "
                f"of {skeleton.name}; got {got}"
            )
        if not _finite([record.get("score")]):
            raise InputError(f"{where}: key 'score' must be a number, got {record.get('score')!r}")
    return [
        {key: record[key] for key in ("image_id", "category_id", "keypoints", "score")}
        for record in results
    ]


def _finite(numbers: Sequence[Any]) -> bool:
    """Returns whether all values are finite numbers; bools are not."""
    return all(type(number) in (int, float) and np.isfinite(number) for number in numbers)
