"""The records of an annotation file in COCO's format: one reader of every key.

Training, evaluation, scoring, `prepare_coco`, `--boxes` and the dataset check read annotation files
with it, so that they accept and refuse the same files. Its rules:

- ids are integers, and no image, image file or annotation occurs twice;
- numbers are JSON numbers of at most 1e9 px: texts and booleans are none. Sizes and areas are not
  negative;
- null is a missing value. A missing `iscrowd` is 0, missing `keypoints` (also an empty list) are
  joints that nobody labelled, a missing `area` is unknown;
- `iscrowd` is 0, 1, true or false;
- the coordinates of a joint with v = 0 have no meaning and may be null or NaN;
- limbs only serve drawing: those that do not fit the joints are left out.

Source: the format of COCO's person keypoints (Lin et al., ECCV 2014).
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.io import coco_json
from paddle_pose.io.json_fields import NUMBER_TYPES, numbers
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.structures import Box

_log = logging.getLogger("paddle_pose")

MAX_PX = 1e9
"""Largest coordinate, also of sides; no image that can be read has more pixels."""
AREA_OF_BOX = 0.53
"""Usual estimate of the ratio of a person's area to that of the box."""
MARGIN = 0.1
"""Margin of a box round the joints, as a fraction of their extent's longer side.

Source: on the people with 12 or more labelled joints of 60 images of COCO, the median distances of
the annotated box from the joints are 0.05 (left), 0.12 (top), 0.07 (right) and 0.09 (bottom).
"""


@dataclass(frozen=True)
class Problem:
    """Something in an annotation file that differs from the format.

    Attributes:
        code: Short name of the kind, such as "id_type".
        record: Name of the record, such as "annotations[3] (id 7)"; "" for the whole file.
        text: Description of what was found, what is expected and what to do, as the continuation
            of a sentence.
        brief: Description of what was found, in a few words, such as "id '7'".
        part: Name of the list with the record; "" for the whole file.
        index: Position of the record in the list, from 0.
        refused: Whether the file is refused; False if it is read in spite of the problem.
    """

    code: str
    record: str
    text: str
    brief: str = ""
    part: str = ""
    index: int = -1
    refused: bool = True

    def message(self, where: str) -> str:
        """Returns the problem as a sentence.

        Args:
            where: Name of the file.
        """
        return f"{where}: {self.record}: {self.text}" if self.record else f"{where}: {self.text}"


@dataclass(frozen=True)
class ImageRecord:
    """Record of the list "images".

    Attributes:
        id: Id of the image.
        file_name: File name; "" if it is not stated.
        size: (width, height) in px; NaN if it is not stated.
    """

    id: int
    file_name: str
    size: tuple[float, float]


@dataclass(frozen=True, eq=False)
class PersonRecord:
    """Record of the list "annotations".

    Attributes:
        id: Id of the annotation.
        image_id: Id of the image.
        category_id: Id of the category.
        crowd: Whether the record is a region with many people.
        keypoints: Keypoints [J, 3]: x and y in image px, and the visibility 0, 1 or 2; all are 0 if
            the record has none or they are invalid.
        box: Box (x, y, width, height) in image px as written; NaN if it is invalid.
        area: Area of the person's segment in px^2; 0 if unknown, NaN if it is invalid.
        stated_area: The area as the file states it, for messages: "missing" or the value.
    """

    id: int
    image_id: int
    category_id: int
    crowd: bool
    keypoints: np.ndarray
    box: Box
    area: float
    stated_area: str

    @functools.cached_property
    def num_labelled(self) -> int:
        """Number of labelled joints."""
        return int(np.count_nonzero(self.keypoints[:, 2]))

    def as_coco(self) -> dict[str, Any]:
        """Returns the record as COCO's format has it, with plain numbers of Python."""
        return {
            "id": self.id,
            "image_id": self.image_id,
            "category_id": self.category_id,
            "iscrowd": int(self.crowd),
            "keypoints": self.keypoints.ravel().tolist(),
            "num_keypoints": self.num_labelled,
            "bbox": list(self.box),
            "area": self.area,
        }


@dataclass(frozen=True, eq=False)
class AnnotationFile:
    """Content of an annotation file.

    Attributes:
        where: Name of the file in messages.
        joints: Names of the J joints of the keypoints.
        named: Whether the file states these names; False if they were assumed.
        limbs: Pairs of joints that the first category with joints connects.
        images: Images in the order of the file.
        people: Annotations in the order of the file.
    """

    where: str
    joints: tuple[str, ...]
    named: bool
    limbs: tuple[tuple[str, str], ...]
    images: tuple[ImageRecord, ...]
    people: tuple[PersonRecord, ...]

    def in_skeleton(self, skeleton: Skeleton) -> tuple[tuple[PersonRecord, ...], str]:
        """Returns the people with the joints of a skeleton, and a text on the joints in common.

        Joints are matched by name; those that the file lacks are not labelled.

        Args:
            skeleton: Skeleton of K joints.

        Returns:
            people: Annotations in the order of the file, with keypoints [K, 3].
            shared: Text on the joints that file and skeleton have in common, see `Skeleton.shared`.

        Raises:
            InputError: If file and skeleton have no joint in common.
        """
        shared = skeleton.shared(self.joints, self.where)
        if skeleton.joints == self.joints:
            return self.people, shared
        slots = np.array(skeleton.slots(self.joints))
        has = (slots >= 0)[:, None]
        people = tuple(
            replace(person, keypoints=np.where(has, person.keypoints[slots], 0.0))
            for person in self.people
        )
        return people, shared


def read(
    source: str | Path | Mapping[str, Any],
    joints: Sequence[str] = COCO_17.joints,
    *,
    files: bool = True,
    boxes_from_keypoints: bool = False,
) -> AnnotationFile:
    """Returns the content of an annotation file.

    Args:
        source: Path of the annotation file, or its content.
        joints: Names of the joints of files whose categories name none.
        files: Whether every image must have a file name and a size.
        boxes_from_keypoints: Whether people without a box or an area get those round their labelled
            joints; see `examine`.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file is refused, see `examine`; the message names file, record and key.
    """
    content, where = coco_json.load(source)
    found, problems = examine(
        content, where, joints, files=files, boxes_from_keypoints=boxes_from_keypoints
    )
    _raise_refused(problems, where)
    if found is None:
        raise InputError(f"{where}: not in COCO's format")
    return found


def examine(
    content: Any,
    where: str,
    joints: Sequence[str] = COCO_17.joints,
    *,
    files: bool = True,
    boxes_from_keypoints: bool = False,
) -> tuple[AnnotationFile | None, list[Problem]]:
    """Returns the content of an annotation file, and everything that is wrong with it.

    Args:
        content: Value that was read from the JSON file.
        where: Name of the file in messages.
        joints: Names of the joints of files whose categories name none.
        files: Whether an image without a file name or a size is refused.
        boxes_from_keypoints: Whether a person whose box is missing or empty gets the box of the
            labelled joints, extended by `MARGIN` on each side; and whether a person whose area is
            missing or 0 gets `AREA_OF_BOX` x width x height. Crowds, and people whose labelled
            joints are at one point, get neither an area nor another box.

    Returns:
        file: The content; None if the file does not have COCO's lists of records. Invalid values
            are replaced by those of a missing value.
        problems: All problems, in the order of the lists categories, images, annotations.
    """
    problems = _lists_problems(content)
    if problems:
        return None, problems
    names, limbs = _read_categories(content["categories"], problems)
    images = _read_images(content["images"], problems, files)
    people = _read_people(
        content["annotations"],
        names or tuple(joints),
        {image.id for image in images},
        problems,
        boxes_from_keypoints,
    )
    found = AnnotationFile(
        where=where,
        joints=names or tuple(joints),
        named=bool(names),
        limbs=limbs,
        images=images,
        people=people,
    )
    return found, problems


def boxes_hint() -> str:
    """Returns the sentence on what helps where people have no boxes or areas."""
    flag = argument("--boxes_from_keypoints", "data.boxes_from_keypoints=True")
    return f"{flag} takes boxes and areas that are missing from the labelled joints"


def read_categories(
    source: str | Path | Mapping[str, Any],
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Returns the joints and the limbs that the categories of an annotation file state.

    Limbs that do not fit the joints are left out, which is logged.

    Args:
        source: Path of the annotation file, or its content.

    Returns:
        joints: Names of the joints in the order of the keypoints; empty if no category states them.
        limbs: Pairs of names.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file does not have COCO's lists, or categories state different joints or
            a value that is not a list of names.
    """
    content, where = coco_json.load(source)
    problems = _lists_problems(content)
    names: tuple[str, ...] = ()
    limbs: tuple[tuple[str, str], ...] = ()
    if not problems:
        names, limbs = _read_categories(content["categories"], problems)
    _raise_refused(problems, where)
    for problem in problems:
        _log.warning(problem.message(where))
    return names, limbs


def _raise_refused(problems: Sequence[Problem], where: str) -> None:
    """Raises the first of the problems for which a file is refused, if any, as InputError."""
    refused = next((problem for problem in problems if problem.refused), None)
    if refused is not None:
        raise InputError(refused.message(where))


def _lists_problems(content: Any) -> list[Problem]:
    """Returns why a content does not have COCO's lists of records; empty if it has."""
    if not isinstance(content, Mapping):
        got = type(content).__name__
    else:
        kinds = {key: type(content[key]).__name__ for key in coco_json.LISTS if key in content}
        wrong = [f"{key!r} is {kind}" for key, kind in kinds.items() if kind != "list"]
        got = "; ".join([str(sorted(map(str, content))), *wrong])
        if not wrong and len(kinds) == len(coco_json.LISTS):
            return [
                Problem("not_coco", f"{key}[{n}]", f"must be a record, got {type(record).__name__}")
                for key in coco_json.LISTS
                for n, record in enumerate(content[key])
                if not isinstance(record, Mapping)
            ]
    return [
        Problem("not_coco", "", f"expected COCO's lists {', '.join(coco_json.LISTS)}, got {got}")
    ]


def is_crowd(record: Mapping[str, Any], where: str) -> bool:
    """Returns whether an annotation is a crowd region.

    Args:
        record: Record of the list "annotations".
        where: Name of the file and the record in messages.

    Raises:
        InputError: If the key "iscrowd" is neither missing, null, 0, 1, false nor true.
    """
    value = record.get("iscrowd")
    if value is None:
        return False
    if not isinstance(value, bool | int | float) or value not in (0, 1):
        raise InputError(f"{where}: {_CROWD_RULE}, got {value!r}")
    return bool(value)


_CROWD_RULE = "key 'iscrowd' must be the number 0 or 1"


class _Record:
    """One record while it is read: gives its problems their names."""

    def __init__(self, problems: list[Problem], part: str, index: int, number: Any = None) -> None:
        self._problems = problems
        self._part = part
        self._index = index
        self._number = number

    def add(self, code: str, text: str, brief: str, *, refused: bool = True) -> None:
        """Adds a problem; the arguments are attributes of `Problem`."""
        name = f"{self._part}[{self._index}]"
        if self._number is not None:
            name += f" (id {self._number})"
        self._problems.append(Problem(code, name, text, brief, self._part, self._index, refused))

    def read_id(self, record: Mapping[str, Any], key: str) -> Any:
        """Returns the id under a key; None if it is invalid."""
        value = record.get(key)
        if type(value) is not int:
            self.add(
                "id_type",
                f"{coco_json.id_rule(key)}, got {value!r}; {coco_json.ID_HINT}",
                f"{key} {value!r}"[:60],
            )
            return None
        return value


def _read_categories(
    records: Sequence[Mapping[str, Any]], problems: list[Problem]
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Returns the names of the joints and the limbs that the categories state."""
    found: dict[tuple[str, ...], int] = {}
    for n, record in enumerate(records):
        one = _Record(problems, "categories", n)
        one.read_id(record, "id")
        names = record.get("keypoints") or []
        if not isinstance(names, list | tuple) or not all(
            isinstance(name, str) and name for name in names
        ):
            one.add(
                "joint_names",
                f"key 'keypoints' must list the joints' names, got {names!r}",
                "keypoints",
            )
        elif len({name.casefold() for name in names}) != len(names):
            one.add(
                "joint_names",
                f"key 'keypoints' must list different names; got {', '.join(names)}",
                "names repeat",
            )
        elif names:
            found.setdefault(tuple(names), n)
    if len(found) > 1:
        text = (
            f"categories {', '.join(map(str, found.values()))} have different keypoints; expected "
            "one skeleton: put each kind of object into a separate file"
        )
        problems.append(Problem("joint_names", "", text))
    if not found:
        return (), ()
    names, first = next(iter(found.items()))
    same = [n for n, record in enumerate(records) if record.get("keypoints") == list(names)]
    n = next((n for n in same if records[n].get("skeleton")), first)
    return names, _read_limbs(records[n], names, _Record(problems, "categories", n))


def _read_limbs(
    record: Mapping[str, Any], names: tuple[str, ...], one: _Record
) -> tuple[tuple[str, str], ...]:
    """Returns the limbs that a category states, as pairs of names; the others are noted."""
    rows = record.get("skeleton") or []
    if not isinstance(rows, list | tuple):
        one.add(
            "limbs",
            "key 'skeleton' must be a list of pairs of positions in 'keypoints', counted from 1; "
            f"no limbs are drawn; got {rows!r}",
            f"skeleton {rows!r}",
            refused=False,
        )
        return ()
    pairs = [tuple(row) if isinstance(row, list | tuple) else (row,) for row in rows]
    ends = [end for pair in pairs for end in pair if type(end) is int]
    # Only a list that counts from 0 contains a 0, and then no position is the number of joints.
    first = 0 if 0 in ends and max(ends) < len(names) else 1
    known = dict(enumerate(names, first))
    limbs: list[tuple[str, str]] = []
    wrong = []
    for pair in pairs:
        points = [known.get(end) if type(end) is int else None for end in pair]
        if len(points) != 2 or points[0] is None or points[1] is None or points[0] == points[1]:
            wrong.append(pair)
        else:
            limbs.append((points[0], points[1]))
    if first == 0:
        one.add(
            "limbs",
            "key 'skeleton' counts joints from 0 and is read so; COCO's format counts from 1",
            "counted from 0",
            refused=False,
        )
    if wrong:
        listed = ", ".join(str(list(pair)) for pair in wrong[:5])
        one.add(
            "limbs",
            f"key 'skeleton' must hold pairs of positions in 1..{len(names)}; these are left out of"
            f" drawings: {listed}",
            f"{len(wrong)} left out: {listed}",
            refused=False,
        )
    return tuple(limbs)


def _read_images(
    records: Sequence[Mapping[str, Any]], problems: list[Problem], files: bool
) -> tuple[ImageRecord, ...]:
    """Returns the images of a file."""
    images = []
    by_id: dict[Any, int] = {}
    by_name: dict[str, int] = {}
    for n, record in enumerate(records):
        one = _Record(problems, "images", n)
        number = one.read_id(record, "id")
        if type(number) is int and by_id.setdefault(number, n) != n:
            one.add(
                "duplicate_id",
                f"key 'id' is {number}, as that of images[{by_id[number]}]; expected a different id"
                " for each image: people are matched with images by it",
                f"id {number}",
            )
        name = _read_name(record, one, files)
        same = str(PurePosixPath(name.replace("\\", "/"))) if name else ""
        if same and by_name.setdefault(same, n) != n and by_id.get(number) == n:
            one.add(
                "duplicate_file",
                f"key 'file_name' is {name}, as that of images[{by_name[same]}]; expected each file"
                " once: give its people one 'image_id' and delete the other record",
                f"{name}, as images[{by_name[same]}]",
            )
        images.append(ImageRecord(number, name, _read_size(record, one, files)))
    return tuple(images)


def _read_name(record: Mapping[str, Any], one: _Record, files: bool) -> str:
    """Returns the file name of an image; "" if it has none."""
    name = record.get("file_name")
    if name is None and not files:
        return ""
    if isinstance(name, str) and name and _is_possible(name):
        return name
    one.add(
        "no_name",
        f"key 'file_name' must be the image's file name, got {name!r}",
        f"file_name {name!r}"[:60],
    )
    return ""


def _is_possible(name: str) -> bool:
    """Returns whether a file can have this name: it has no null and no half of a character."""
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False


def _read_size(record: Mapping[str, Any], one: _Record, files: bool) -> tuple[float, float]:
    """Returns the (width, height) of an image in px; NaN if it is not stated."""
    sides = {"width": np.nan, "height": np.nan}
    for key in sides:
        value: Any = record.get(key)
        if value is None and not files:
            continue
        if type(value) in NUMBER_TYPES and 0 < value <= MAX_PX:
            sides[key] = float(value)
            continue
        side = numbers(value)
        if isinstance(side, str) or side.shape != () or not 0 < side <= MAX_PX:
            got = "it is missing" if key not in record else f"got {_shown(value)}"
            one.add(
                "no_size",
                f"key {key!r} must be the image's {key} in px, a number above 0; {got}",
                f"{key} {_shown(value) if key in record else 'missing'}",
            )
        else:
            sides[key] = float(side)
    return sides["width"], sides["height"]


def _read_people(
    records: Sequence[Mapping[str, Any]],
    joints: tuple[str, ...],
    image_ids: Collection[int],
    problems: list[Problem],
    boxes_from_keypoints: bool,
) -> tuple[PersonRecord, ...]:
    """Returns the annotations of a file, whose keypoints have the given joints."""
    people = []
    by_id: dict[int, int] = {}
    plain = _plain_keypoints(records, 3 * len(joints))
    for n, record in enumerate(records):
        one = _Record(problems, "annotations", n)
        number, image_id, category_id = (
            one.read_id(record, key) for key in ("id", "image_id", "category_id")
        )
        if type(number) is int and by_id.setdefault(number, n) != n:
            one.add(
                "duplicate_id",
                f"key 'id' is {number}, as that of annotations[{by_id[number]}]; expected a "
                "different id for each annotation: number them again",
                f"id {number}",
            )
        if type(image_id) is int and image_id not in image_ids:
            one.add(
                "unknown_image",
                f"image {image_id} is not in the list of images: correct 'image_id', or add the "
                "image",
                f"image_id {image_id}",
            )
        one = _Record(problems, "annotations", n, number)
        try:
            crowd = is_crowd(record, "")
        except InputError:
            crowd = False
            value = record.get("iscrowd")
            one.add("iscrowd", f"{_CROWD_RULE}, got {value!r}", f"iscrowd {value!r}")
        keypoints = plain[n] if n in plain else _read_keypoints(record, joints, one)
        area = _read_area(record, one)
        around = box_around(keypoints) if boxes_from_keypoints and not crowd else None
        box = _read_box(record, one, around, boxes_from_keypoints and not crowd)
        if boxes_from_keypoints and not area > 0 and not crowd and (keypoints[:, 2] > 0).any():
            area = AREA_OF_BOX * max(0.0, box[2]) * max(0.0, box[3])
        people.append(
            PersonRecord(
                id=number,
                image_id=image_id,
                category_id=category_id,
                crowd=crowd,
                keypoints=keypoints,
                box=box,
                area=area,
                stated_area=_shown(record["area"]) if "area" in record else "missing",
            )
        )
    return tuple(people)


def _plain_keypoints(records: Sequence[Mapping[str, Any]], count: int) -> dict[int, np.ndarray]:
    """Returns the keypoints [J, 3] of the annotations in which nothing has to be looked into.

    These are lists of numbers of which all are coordinates or visibilities. They are examined
    together, because most files have no others.

    Args:
        records: Annotations.
        count: Number of numbers that a list must have, 3J.

    Returns:
        Keypoints by the position of the annotation; for the others see `_read_keypoints`.
    """
    places = []
    for n, record in enumerate(records):
        value = record.get("keypoints")
        if (
            type(value) is list
            and len(value) == count
            and NUMBER_TYPES.issuperset(map(type, value))
        ):
            places.append(n)
    if not places:
        return {}
    try:
        rows = np.array([records[n]["keypoints"] for n in places], np.float64)
    except OverflowError:
        return {}
    rows = rows.reshape(len(places), -1, 3)
    flags = rows[..., 2]
    valid = ((flags == 0) | (flags == 1) | (flags == 2)).all(axis=1)
    valid &= (np.abs(rows) <= MAX_PX).all(axis=(1, 2))
    return {places[k]: rows[k] for k in np.flatnonzero(valid)}


def _read_keypoints(record: Mapping[str, Any], joints: tuple[str, ...], one: _Record) -> np.ndarray:
    """Returns the keypoints [J, 3] of an annotation."""
    count = 3 * len(joints)
    unlabelled = np.zeros((len(joints), 3))
    value = record.get("keypoints")
    if value is None or (isinstance(value, list | tuple) and not value):
        return unlabelled
    if not isinstance(value, list | tuple) or len(value) != count:
        got = f"{len(value)} numbers" if isinstance(value, list | tuple) else _shown(value)
        one.add(
            "joint_count",
            f"key 'keypoints' must hold 3 numbers for each of the {len(joints)} joints "
            f"{', '.join(joints)}: {count}, got {got}",
            f"{got} instead of {count}",
        )
        return unlabelled
    found = numbers(value)
    if isinstance(found, str):
        # null where nothing is labelled, as programs write that have NaN there
        flags = numbers(value[2::3])
        if not isinstance(flags, str) and flags.shape == (len(joints),):
            found = numbers(
                [
                    0.0 if part is None and flags[k // 3] == 0 else part
                    for k, part in enumerate(value)
                ]
            )
    if isinstance(found, str) or found.shape != (count,):
        reason = found if isinstance(found, str) else "does not hold numbers: it has lists"
        one.add("not_numbers", f"key 'keypoints' {reason}", "keypoints")
        return unlabelled
    rows = found.reshape(-1, 3)
    flags = rows[:, 2]
    if not ((flags == 0) | (flags == 1) | (flags == 2)).all():
        one.add(
            "visibility",
            "key 'keypoints' must hold x, y, v for each joint with v one of 0, 1, 2; got v = "
            f"{flags.tolist()}",
            f"v = {next(flag for flag in flags.tolist() if flag not in (0, 1, 2))}",
        )
        return unlabelled
    rows = np.where((flags[:, None] > 0) | (np.abs(rows) <= MAX_PX), rows, 0.0)
    if not (np.abs(rows) <= MAX_PX).all():
        one.add("not_numbers", f"key 'keypoints' holds {_beyond(rows)}", "keypoints")
        return unlabelled
    return rows


def _read_area(record: Mapping[str, Any], one: _Record) -> float:
    """Returns the area of an annotation in px^2; 0 if it is unknown, NaN if invalid."""
    value: Any = record.get("area")
    if value is None:
        return 0.0
    if type(value) in NUMBER_TYPES and 0 <= value <= MAX_PX**2:
        return float(value)
    area = numbers(value)
    if isinstance(area, str) or area.shape != () or not 0 <= area <= MAX_PX**2:
        one.add(
            "not_numbers",
            f"key 'area' must be a number of px^2, 0 or more, got {_shown(value)}",
            f"area {_shown(value)}",
        )
        return np.nan
    return float(area)


def _read_box(
    record: Mapping[str, Any], one: _Record, around: Box | None, is_optional: bool
) -> Box:
    """Returns the box of an annotation in image px; NaN if it is invalid.

    Args:
        record: Annotation.
        one: Receives the problems.
        around: Box that replaces a box that is missing or empty; None for none.
        is_optional: Whether the box may be missing; without `around` it then is empty.
    """
    value = record.get("bbox")
    invalid = (np.nan,) * 4
    if value is None and is_optional:
        return around or (0.0, 0.0, 0.0, 0.0)
    if value is None:
        one.add(
            "no_box",
            f"no key 'bbox': expected x, y, width, height in px; {boxes_hint()}",
            "no bbox",
        )
        return invalid
    found = numbers(value)
    if isinstance(found, str) or found.shape != (4,) or not (np.abs(found) <= MAX_PX).all():
        reason = found if isinstance(found, str) else ""
        if not isinstance(found, str):
            shape = f"must have shape (4,), got {found.shape}"
            reason = shape if found.shape != (4,) else f"holds {_beyond(found)}"
        one.add("not_numbers", f"key 'bbox' {reason}; expected x, y, width, height in px", "bbox")
        return invalid
    x, y, width, height = map(float, found)
    if min(width, height) < 0:
        one.add(
            "negative_box",
            f"key 'bbox' must be x, y, width, height in px with a width and height of 0 or more, "
            f"got {_shown(value)}",
            f"bbox {_shown(value)}",
        )
        return invalid
    if around is not None and min(width, height) == 0:
        return around
    return x, y, width, height


def box_around(keypoints: np.ndarray) -> Box | None:
    """Returns the box round the labelled ones of the keypoints [J, 3]; None if it has no size."""
    points = keypoints[keypoints[:, 2] > 0, :2]
    if not len(points):
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * float((high - low).max())
    if not (margin > 0 and np.isfinite(margin)):
        return None
    x, y = (low - margin).tolist()
    width, height = (high - low + 2 * margin).tolist()
    return x, y, width, height


def _beyond(values: np.ndarray) -> str:
    """Returns what is wrong with values of which some are no coordinates."""
    return f"a number beyond {MAX_PX:g} px" if np.isfinite(values).all() else "NaN or infinity"


def _shown(value: Any) -> str:
    """Returns a value for a message, cut to 60 characters."""
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
