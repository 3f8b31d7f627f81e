"""Reads boxes of people by image, from COCO's annotations or detections or a plain JSON file."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.errors import InputError, did_you_mean
from paddle_pose.io import coco_json, coco_records
from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.json_fields import field
from paddle_pose.io.json_files import read_json
from paddle_pose.structures import Box

PERSON = 1  # COCO's category
PERSON_NAME = "person"
FORMS = (
    'expected {"image.jpg": [[x, y, width, height], ...]} in px with positive sizes,'
    " COCO's annotations {images, annotations, categories},"
    " or COCO's detections [{image_id, category_id, bbox, score}, ...]"
)
_MAX_CATEGORIES_LISTED = 10
_log = logging.getLogger("paddle_pose")


@dataclass(frozen=True)
class Boxes:
    """Person boxes by image, as `read_boxes` returns them.

    A box is (x, y, width, height) in image px; (x, y) is the upper left corner. The name of an
    image may include folders: it belongs to each path that ends with it, and the longest such name
    is used.

    Attributes:
        source: Path of the file that the boxes were read from.
        by_name: Lists of boxes by the name of an image or video.
        by_id: Lists of boxes by COCO's image id, for files without names; an id belongs to the
            image whose name is that number, such as 000000000139.jpg.
        ids: COCO's image ids by image name; empty if the file does not state them.
        complete: Whether an image that the file does not list has no people (COCO's formats). If
            False, nothing is known about such an image (the plain format).
    """

    source: Path
    by_name: Mapping[str, list[Box]]
    by_id: Mapping[int, list[Box]]
    ids: Mapping[str, int]
    complete: bool

    def of(self, path: Path) -> list[Box] | None:
        """Returns the boxes of an image; None if nothing is known about it, see `complete`.

        Args:
            path: Path of the image; for a frame of a video, that of the video.
        """
        name = _named(path, self.by_name)
        if name is not None:
            return self.by_name[name]
        if path.stem.isdigit() and int(path.stem) in self.by_id:
            return self.by_id[int(path.stem)]
        return [] if self.complete else None

    def image_id(self, path: Path) -> int | None:
        """Returns COCO's id of an image; None if the file of boxes does not state it.

        Args:
            path: Path of the image.
        """
        name = _named(path, self.ids)
        return None if name is None else self.ids[name]

    def check(self, paths: list[Path]) -> None:
        """Raises an error if the boxes do not belong to the given images.

        Args:
            paths: Paths of all images, at least one.

        Raises:
            InputError: If none of the images has a box (COCO's formats), or the file of boxes names
                an image that is not among `paths` (the plain format).
        """
        if self.complete:
            if not any(self.of(path) for path in paths):
                ids = (
                    "; without file names, image ids are matched with images named like"
                    " 000000000139.jpg"
                )
                raise InputError(
                    f"{self.source}: no box is for one of the images (the first one is"
                    f" {paths[0].name})" + (ids if self.by_id else "")
                )
            return
        here = {_named(path, self.by_name) for path in paths}
        unknown = sorted(set(self.by_name) - here)
        if unknown:
            raise InputError(
                f"{self.source}: boxes for {unknown[0]}, which is not among the images."
                + did_you_mean(
                    unknown[0], sorted({path.name for path in paths} | {str(p) for p in paths})
                )
            )


def read_boxes(path: Path, min_score: float = 0.0) -> Boxes:
    """Returns the boxes of people in a JSON file.

    The file has one of three formats; boxes are [x, y, width, height] in image px:

    - plain: {"image.jpg": [box, ...], ...}. With the name of a video, the boxes are used in each of
      its frames;
    - COCO's annotations: {"images": ..., "annotations": ..., "categories": ...};
    - COCO's detections: [{"image_id": ..., "category_id": ..., "bbox": box, "score": ...}, ...].

    In COCO's formats, empty boxes and crowd regions are left out. So are the boxes of other
    categories than people, whose number is logged. People are category 1 of detections, and the
    category with the name "person" (in any case) of annotations; if no category has that name, the
    boxes of all categories are returned, with a warning.

    Args:
        path: Path of the file.
        min_score: Lowest score of a detected box that is kept, inclusive, in the unit of the file
            (usually 0 to 1). Used for COCO's detections only.

    Returns:
        The boxes by file name, or by image id for COCO's detections; scores are not kept.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file is not valid JSON, has none of the three formats, or contains an
            invalid box; the message names the record and the key.
    """
    if not path.is_file():
        raise FileNotFoundError(f"--boxes {path}: not found")
    content = read_json(path)
    if isinstance(content, list):
        return _of_detections(path, content, min_score)
    if not isinstance(content, dict):
        raise InputError(f"{path}: {FORMS}; got {type(content).__name__}")
    if {"images", "annotations"} <= set(content):
        return _of_annotations(path)
    by_name = {}
    for name, rows in content.items():
        try:
            boxes = np.asarray(rows, np.float64).reshape(-1, 4) if len(rows) else np.zeros((0, 4))
        except (TypeError, ValueError) as problem:
            raise InputError(f"{path}: key {name!r}: {FORMS}") from problem
        if not (np.isfinite(boxes).all() and (boxes[:, 2:] > 0).all()):
            raise InputError(f"{path}: key {name!r}: {FORMS}")
        by_name[name] = [_box(box) for box in boxes]
    return Boxes(path, by_name, {}, {}, complete=False)


def describe_detections(path: Path) -> dict[str, Any]:
    """Returns what tells files of detected boxes apart, whatever their names are.

    Args:
        path: Path of a JSON list of COCO's detections.

    Returns:
        "detected_boxes", the number of boxes of people; "detected_scores", the lowest and the
        highest of their scores; "detections_sha256", the checksum of the file.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file is not a list of records, or a score is not a number.
    """
    records = read_json(path)
    if not isinstance(records, list):
        raise InputError(f"{path}: {FORMS}; got {type(records).__name__}")
    scores = [
        float(field(record, ("score",), (), f"{path}: record {n}"))
        for n, record in enumerate(records)
        if isinstance(record, Mapping) and record.get("category_id", PERSON) == PERSON
    ]
    limits = [min(scores), max(scores)] if scores else []
    return {
        "detected_boxes": len(scores),
        "detected_scores": limits,
        "detections_sha256": sha256_of(path),
    }


def _of_detections(path: Path, records: list[Any], min_score: float) -> Boxes:
    """Returns the boxes of COCO's detections."""
    others: Counter[str] = Counter()

    def keep(record: Mapping[str, Any], where: str) -> bool:
        category = record.get("category_id", PERSON)
        if category != PERSON:
            others[f"category_id {category}"] += 1
            return False
        return float(field(record, ("score",), (), where)) >= min_score

    by_id = _gather(path, "record ", records, keep)
    _log_left_out(path, others, f"people are category_id {PERSON}")
    return Boxes(path, {}, by_id, {}, complete=True)


def _of_annotations(path: Path) -> Boxes:
    """Returns the boxes of COCO's annotations."""
    coco, _ = coco_json.read(path)
    names_by_id = {
        category["id"]: str(category.get("name", category["id"])) for category in coco["categories"]
    }
    persons = {
        number for number, name in names_by_id.items() if name.strip().casefold() == PERSON_NAME
    }
    others: Counter[str] = Counter()

    def keep(record: Mapping[str, Any], where: str) -> bool:
        category = record.get("category_id")
        if category not in persons:
            others[names_by_id.get(category, f"category_id {category}")] += 1
        is_person = not persons or category in persons
        return is_person and not coco_records.is_crowd(record, where)

    by_id = _gather(path, "annotations", coco["annotations"], keep)
    if persons:
        _log_left_out(path, others, f"people are the category {PERSON_NAME}")
    elif names_by_id and others:
        _log.warning(
            "%s: no category is named %s: the boxes of all categories are taken (%s)",
            path,
            PERSON_NAME,
            _counted(others),
        )
    names = {}
    for n, image in enumerate(coco["images"]):
        if not isinstance(image.get("file_name"), str):
            raise InputError(
                f"{path}: images[{n}]: key 'file_name' must name the image; it has {sorted(image)}"
            )
        names[image["file_name"]] = image["id"]
    return Boxes(
        path,
        {name: by_id.get(number, []) for name, number in names.items()},
        {},
        names,
        complete=True,
    )


def _log_left_out(path: Path, others: Counter[str], rule: str) -> None:
    """Logs how many boxes of other categories than people are left out."""
    if others:
        _log.info(
            "%s: %d boxes of other categories left out (%s); %s",
            path,
            others.total(),
            _counted(others),
            rule,
        )


def _counted(numbers: Counter[str]) -> str:
    """Returns the numbers of boxes by category in words, the most frequent first.

    Example:
        >>> _counted(Counter({"dog": 3, "car": 9}))
        'car: 9, dog: 3'
    """
    most = numbers.most_common(_MAX_CATEGORIES_LISTED)
    words = [f"{name}: {number}" for name, number in most]
    rest = numbers.total() - sum(number for _, number in most)
    return ", ".join([*words, f"others: {rest}"] if rest else words)


def _gather(
    path: Path, what: str, records: list[Any], keep: Callable[[Mapping[str, Any], str], bool]
) -> dict[int, list[Box]]:
    """Returns the boxes of the records that are kept, by image id; empty boxes are left out."""
    boxes: dict[int, list[Box]] = {}
    for n, record in enumerate(records):
        where = f"{path}: {what}[{n}]"
        if not isinstance(record, Mapping):
            raise InputError(f"{where}: {FORMS}; got {type(record).__name__}")
        box = field(record, ("bbox",), (4,), where)
        image_id = coco_json.check_id(record, "image_id", where)
        if keep(record, where) and (box[2:] > 0).all():
            boxes.setdefault(image_id, []).append(_box(box))
    return boxes


def _named(path: Path, names: Mapping[str, Any]) -> str | None:
    """Returns the longest of the names that the path ends with; None where it ends with none.

    Backslashes in a name are taken as "/" where no other name fits.
    """
    ends = ["/".join(path.parts[n:]) for n in range(len(path.parts))]
    ends += [end.replace("/", "\\") for end in ends[:-1]]
    return next((end for end in ends if end in names), None)


def _box(numbers: np.ndarray) -> Box:
    """Returns a box as a tuple of Python's numbers."""
    x, y, width, height = map(float, numbers)
    return x, y, width, height
