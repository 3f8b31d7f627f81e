"""COCO's average precision (AP) and recall (AR) of keypoints.

The OKS of a person is the mean over the labelled joints of exp(-d^2 / (2 area (2 sigma)^2)). AP is
the mean precision over recall and over the OKS thresholds 0.50, 0.55, ... 0.95. A person's score is
the score of the box times the mean of the joint scores above 0.2; of two people with an OKS above
0.9, only the one with the higher score is kept.

Source: COCO's keypoint evaluation (pycocotools); rescoring and OKS-NMS: SimpleBaseline and HRNet.
Checked against: pycocotools (tests/parity/test_coco_matching.py), and a literal float64 restatement
    of OKS and AP on real annotations (tests/parity/test_coco_parity.py).
Differs: sizes without annotated people give NaN, not -1; annotations that could only give a wrong
    AP are refused.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.io import atomic, coco_json, coco_records
from paddle_pose.io.json_fields import numbers
from paddle_pose.io.json_files import read_json
from paddle_pose.metrics import coco_matching, resampling
from paddle_pose.metrics.base import Prediction, SampleScore, Scores
from paddle_pose.metrics.oks import oks, oks_nms
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Person, Poses, Sample

NAMES = ("AP", "AP50", "AP75", "AP(M)", "AP(L)", "AR", "AR50", "AR75", "AR(M)", "AR(L)")
"""Names of the ten numbers: the digits are an OKS threshold in percent, M and L people's sizes."""
_REMARKS = {
    "AP": "OKS 0.50:0.05:0.95",
    "AP(M)": "areas of 32^2 .. 96^2 px",
    "AP(L)": "areas above 96^2 px",
    "AR": "at most 20 people per image",
}


class GroundTruth:
    """Annotated people, to compare results with.

    Args:
        annotations: Path of an annotation file in COCO's format, or its content as read from JSON.
        skeleton: Skeleton of the poses to score; annotated joints are matched with its joints by
            name.
        boxes_from_keypoints: Whether people without an area get that of the box round their
            labelled joints; see `coco_records.examine`.

    Attributes:
        categories: Category ids of the people who count, in ascending order. All of them have the
            same joints. Of several categories, AP is the mean, as pycocotools computes it.
        shared: Text on the annotated joints that the skeleton has, as of `Skeleton.shared`; "" if
            it has all.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If the annotations are not in COCO's format, or could only give a wrong AP: an
            record is invalid, a person has no area, or no joint is labelled.
    """

    def __init__(
        self,
        annotations: str | Path | Mapping[str, Any],
        skeleton: Skeleton,
        *,
        boxes_from_keypoints: bool = False,
    ) -> None:
        file = coco_records.read(
            annotations, skeleton.joints, files=False, boxes_from_keypoints=boxes_from_keypoints
        )
        self._where = file.where
        people, self.shared = people_who_count(file, skeleton, without_area=boxes_from_keypoints)
        self._sigmas = np.asarray(skeleton.sigmas, np.float64)
        # Category of each person who counts, by annotation id.
        self._people = {person.id: person.category_id for person in people if person.num_labelled}
        self.categories = tuple(
            sorted({p.category_id for p in people if p.num_labelled and not p.crowd})
        )
        # Index of the image and of the category, by id.
        self._images = {n: k for k, n in enumerate(sorted(image.id for image in file.images))}
        self._kinds = {category: k for k, category in enumerate(self.categories)}
        self._truth = coco_matching.Truth(
            images=np.array([self._images[person.image_id] for person in people]),
            kinds=np.array([self._kinds.get(person.category_id, -1) for person in people]),
            keypoints=np.array([person.keypoints for person in people]),
            boxes=np.array([person.box for person in people], np.float64),
            areas=np.array([person.area for person in people]),
            crowd=np.array([person.crowd for person in people]),
        )

    def category_of(self, annotation_id: int) -> int | None:
        """Returns the category of an annotated person; None if nobody who counts has this id.

        Args:
            annotation_id: Id of the annotation.
        """
        return self._people.get(annotation_id)

    def as_one_kind(self) -> GroundTruth:
        """Returns the same people as people of the first category, for results of any of them."""
        one = copy.copy(self)
        one.categories = self.categories[:1]
        one._kinds = dict.fromkeys(self.categories, 0)
        # Regions of categories without labelled people do not count.
        one._truth = replace(self._truth, kinds=np.minimum(self._truth.kinds, 0))
        return one

    def score(self, results: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """Returns the ten numbers by name (`NAMES`), 0..1; NaN for sizes without annotated people.

        Args:
            results: One record for each predicted person: {"image_id": int, "category_id": int,
                "keypoints": list of 3K numbers, "score": float}. "keypoints" has x, y in image px
                and a third number, which is ignored, for each joint of the skeleton. An empty list
                scores 0.

        Raises:
            InputError: If a result belongs to an image that is not annotated.
        """
        values = coco_matching.numbers(self._matches(results), np.ones((1, len(self._images))))
        return {name: float(values[name][0]) for name in NAMES}

    def intervals(
        self, results: Sequence[Mapping[str, Any]], resamples: int = 200
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
        """
        matches = self._matches(results)
        intervals = resampling.bootstrap(
            lambda counts: coco_matching.numbers(matches, counts),
            len(self._images),
            resamples=resamples,
        )
        return {name: intervals[name] for name in NAMES}

    def _matches(
        self, results: Sequence[Mapping[str, Any]]
    ) -> dict[str, list[coco_matching.Matches]]:
        """Returns the matches of people and results.

        Args:
            results: Results as for `score`.

        Raises:
            InputError: If a result belongs to an image that is not annotated.
        """
        unknown = sorted({record["image_id"] for record in results} - self._images.keys())
        if unknown:
            raise InputError(
                f"{len(unknown)} images of the results are not in {self._where}, "
                f"e.g. {unknown[0]}; results and annotations must be of the same split"
            )
        points = np.array([record["keypoints"] for record in results], np.float64)
        found = coco_matching.Results(
            images=np.array([self._images[record["image_id"]] for record in results], np.int64),
            kinds=np.array([self._kinds.get(r["category_id"], -1) for r in results], np.int64),
            keypoints=points.reshape(len(results), len(self._sigmas), 3)[..., :2],
            scores=np.array([record["score"] for record in results], np.float64),
        )
        return coco_matching.match(
            self._truth, found, len(self._images), len(self.categories), self._sigmas
        )


def people_who_count(
    file: coco_records.AnnotationFile, skeleton: Skeleton, *, without_area: bool = False
) -> tuple[list[coco_records.PersonRecord], str]:
    """Returns the annotations with the joints of a skeleton, if AP can be computed from them.

    Args:
        file: Content of the annotation file.
        skeleton: Skeleton of the poses to score.
        without_area: Whether labelled people may lack an area; they become regions without labels.

    Returns:
        people: All annotations in the order of the file.
        shared: Text on the joints that file and skeleton have in common, see `Skeleton.shared`.

    Raises:
        InputError: If no joint is in common, a person has no area, or no joint is labelled.
    """
    records, shared = file.in_skeleton(skeleton)
    people = []
    for n, person in enumerate(records):
        if person.num_labelled and not person.crowd and not person.area > 0:
            if not without_area:
                raise InputError(
                    f"{file.where}: annotations[{n}] (id {person.id}): key 'area' is "
                    f"{person.stated_area}; {coco_json.AREA_HINT}; {coco_records.boxes_hint()}"
                )
            person = replace(person, keypoints=np.zeros_like(person.keypoints))
        people.append(person)
    if not any(person.num_labelled and not person.crowd for person in people):
        raise InputError(f"{file.where}: no labelled joint; AP cannot be computed")
    return people, shared


class CocoAP:
    """AP of poses against an annotation file, with rescoring and OKS-NMS; all numbers are 0..1.

    Args:
        annotations: Path of an annotation file in COCO's format, or its content as read from JSON.
        skeleton: Skeleton of the poses; its joints that the annotations do not have count as
            unlabelled.
        boxes_from_keypoints: Whether people without an area get that of the box round their
            labelled joints; see `coco_records.examine`.
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
    """

    monitor = "AP"
    summary: Sequence[str] = NAMES

    def __init__(
        self,
        annotations: str | Path | Mapping[str, Any],
        skeleton: Skeleton,
        *,
        boxes_from_keypoints: bool = False,
        whole_images: bool = False,
        joint_threshold: float = 0.2,
        nms_threshold: float = 0.9,
    ) -> None:
        self._truth = GroundTruth(annotations, skeleton, boxes_from_keypoints=boxes_from_keypoints)
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
        data = f"{len(kept)} {windows}, {len(results)} people after OKS-NMS"
        kinds = len(self._truth.categories)
        one_kind = kinds > 1 and any(self._category(sample) is None for sample, _ in kept)
        if kinds > 1:
            data += f", {kinds} categories " + ("as one" if one_kind else "(mean)")
        truth = self._truth.as_one_kind() if one_kind else self._truth
        if one_kind:
            results = [{**record, "category_id": truth.categories[0]} for record in results]
        values = truth.score(results)
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

    def _category(self, sample: Sample) -> int | None:
        """Returns the category of a sample's person; None if it is not known."""
        if self._whole_images or not sample.persons:
            return None
        return self._truth.category_of(sample.persons[0].annotation_id)

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
        first = self._truth.categories[0]
        known = [self._category(sample) for sample, poses in group for _ in poses.scores]
        categories = [first if category is None else category for category in known]
        return [
            {
                "image_id": image_id,
                "category_id": categories[n],
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
    path: str | Path,
    annotations: str | Path | Mapping[str, Any],
    skeleton: Skeleton,
    *,
    boxes_from_keypoints: bool = False,
) -> Scores:
    """Returns the scores, 0..1, of a results file of any program, without rescoring or NMS.

    Args:
        path: Results file; see `read_results`.
        annotations: Path of an annotation file in COCO's format, or its content as read from JSON.
        skeleton: Skeleton of the results; its joints that the annotations do not have count as
            unlabelled.
        boxes_from_keypoints: Whether people without an area get that of the box round their
            labelled joints; see `coco_records.examine`.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a record of the results is invalid or belongs to an image that is not
            annotated, or the annotations are invalid; see `GroundTruth`.
    """
    truth = GroundTruth(annotations, skeleton, boxes_from_keypoints=boxes_from_keypoints)
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
        if coco_json.check_id(record, "category_id", where) not in truth.categories:
            expected = " or ".join(map(str, truth.categories))
            raise InputError(
                f"{where}: key 'category_id' is {record['category_id']}; "
                f"the annotated people have {expected}"
            )
        points = record.get("keypoints")
        if not _finite(points, (count,)):
            got = f"{len(points)} values" if isinstance(points, list) else repr(points)
            reason = numbers(points)
            if isinstance(points, list) and isinstance(reason, str):
                got = f"{got}, which {reason}"
            raise InputError(
                f"{where}: key 'keypoints' must hold {count} numbers: x, y, score of every joint "
                f"of {skeleton.name}; got {got}"
            )
        if not _finite(record.get("score"), ()):
            raise InputError(f"{where}: key 'score' must be a number, got {record.get('score')!r}")
    return [
        {key: record[key] for key in ("image_id", "category_id", "keypoints", "score")}
        for record in results
    ]


def _finite(value: Any, shape: tuple[int, ...]) -> bool:
    """Returns whether a value from JSON is an array of finite numbers of this shape."""
    found = numbers(value)
    return not isinstance(found, str) and found.shape == shape and bool(np.isfinite(found).all())
