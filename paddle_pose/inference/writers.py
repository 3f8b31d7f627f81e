"""Files of predicted poses: JSON, COCO's results format, CSV.

Each file receives every frame. It can be closed at any moment, is complete for the frames so far,
and gets its name only then.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol, TypedDict

import numpy as np

from paddle_pose.io import atomic
from paddle_pose.io.frames import Frame, Source
from paddle_pose.structures import Poses

Replacing = Callable[[Path], AbstractContextManager[Path]]
"""Returns a context with a draft of a file, which replaces the file at the end of the context."""

SPACE = (
    "pixels of the upright image, 0-based, (x, y); boxes and windows are (x, y, width, height): "
    "a person's box, and the part of the image that the network saw; "
    "seconds since a video's beginning"
)


class _TrackId(TypedDict, total=False):
    id: int


class PersonRecord(_TrackId):
    """A person in the files, in image px; `id` only with tracking.

    `box` and `window` are (x, y, width, height), or empty if there is none; `keypoints` is K points
    (x, y), `scores` K numbers.
    """

    score: float
    box: list[float]
    window: list[float]
    keypoints: list[list[float]]
    scores: list[float]


class CocoRecord(TypedDict):
    """A person in COCO's results format; `keypoints` is K triples (x, y, score) in one list."""

    image_id: int
    category_id: int
    keypoints: list[float]
    score: float


class Sink(Protocol):
    """A file, a drawing or a screen that receives predicted poses, frame by frame."""

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Adds a frame.

        Args:
            frame: Frame with its source.
            poses: Poses in image px.
            drawing: Frame with the poses drawn into it, uint8 RGB [h, w, 3].
        """

    def close(self) -> None:
        """Completes the files."""


class JsonFile:
    """predictions.json: the header, and a line with size and people for each frame.

    Args:
        path: File to write.
        header: Entries at the beginning of the file.
        drawings: Path of each source's drawing; empty without drawings.
        replacing: Function that moves a complete file to its place, as `atomic.replacing`.
    """

    def __init__(
        self,
        path: Path,
        header: Mapping[str, object],
        drawings: Mapping[Source, Path],
        replacing: Replacing = atomic.replacing,
    ) -> None:
        self._drawings = drawings
        self._folder = path.parent
        before = json.dumps({**header, "space": SPACE})[:-1] + ', "images": '
        self._list = _JsonList(path, before, "}", replacing)

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Adds a frame."""
        record: dict[str, object] = {
            "image": str(frame.source.path),
            "width": frame.size[0],
            "height": frame.size[1],
        }
        if _is_numbered(frame.source):
            record["frame"] = frame.index
        if frame.source.kind != "image":
            record["seconds"] = round(frame.seconds, 4)
        if self._drawings:
            record["drawing"] = self._drawings[frame.source].relative_to(self._folder).as_posix()
        self._list.add({**record, "persons": persons(poses)})

    def close(self) -> None:
        """Completes the file."""
        self._list.close()


class CocoFile:
    """keypoints_results.json: COCO's results with `file_name`; for videos and pages also `frame`.

    Args:
        path: File to write.
        image_ids: Function that returns COCO's image id of a frame.
        replacing: Function that moves a complete file to its place, as `atomic.replacing`.
    """

    def __init__(
        self, path: Path, image_ids: Callable[[Frame], int], replacing: Replacing = atomic.replacing
    ) -> None:
        self._image_ids = image_ids
        self._list = _JsonList(path, "", "", replacing)

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Adds the people of a frame."""
        name: dict[str, object] = {"file_name": frame.source.path.name}
        if _is_numbered(frame.source):
            name["frame"] = frame.index
        for record in coco_results(poses, self._image_ids(frame)):
            self._list.add({**record, **name})

    def close(self) -> None:
        """Completes the file."""
        self._list.close()


class CsvFile:
    """predictions.csv: a row for each person, three columns for each joint.

    Args:
        path: File to write.
        joints: Names of the joints.
        replacing: Function that moves a complete file to its place, as `atomic.replacing`.
    """

    def __init__(
        self, path: Path, joints: Sequence[str], replacing: Replacing = atomic.replacing
    ) -> None:
        self._draft = _Draft(path, replacing)
        self._rows = csv.writer(self._draft.file)
        columns = ("image", "frame", "seconds", "width", "height", "person", "id", "score")
        boxes = (
            f"{kind}_{part}" for kind in ("box", "window") for part in ("x", "y", "width", "height")
        )
        coordinates = (f"{joint}_{part}" for joint in joints for part in ("x", "y", "score"))
        self._rows.writerow([*columns, *boxes, *coordinates])

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Adds the people of a frame."""
        of_frame = (frame.source.path, frame.index, round(frame.seconds, 4), *frame.size)
        for number, person in enumerate(persons(poses)):
            of_person = (number, person.get("id", ""), person["score"])
            box = person["box"] or ("",) * 4
            window = person["window"] or ("",) * 4
            self._rows.writerow([*of_frame, *of_person, *box, *window, *_triples(person)])

    def close(self) -> None:
        """Completes the file."""
        self._draft.close()


def persons(poses: Poses) -> list[PersonRecord]:
    """Returns the records of people in the files.

    Args:
        poses: People in image px.
    """
    records: list[PersonRecord] = []
    for n, (keypoints, scores) in enumerate(zip(poses.keypoints, poses.scores, strict=True)):
        person: PersonRecord = {
            "score": round(float(poses.person_scores[n]), 5),
            "box": [round(float(v), 3) for v in poses.boxes[n]] if len(poses.boxes) else [],
            "window": [round(float(v), 3) for v in poses.windows[n]] if len(poses.windows) else [],
            "keypoints": [[round(float(v), 3) for v in point] for point in keypoints],
            "scores": [round(float(v), 5) for v in scores],
        }
        records.append({"id": int(poses.ids[n]), **person} if len(poses.ids) else person)
    return records


def coco_results(poses: Poses, image_id: int) -> list[CocoRecord]:
    """Returns the records of people in COCO's results format, with category 1.

    Args:
        poses: People in image px.
        image_id: Id of the image in the annotations.
    """
    return [
        {
            "image_id": image_id,
            "category_id": 1,
            "keypoints": _triples(person),
            "score": person["score"],
        }
        for person in persons(poses)
    ]


def image_ids(
    sources: Sequence[Source], known: Callable[[Path], int | None]
) -> Callable[[Frame], int]:
    """Returns a function from a frame to COCO's image id; call it once for each frame, in order.

    The id is the one that `known` returns for the frame's file; otherwise the number in the file's
    name, if the names of all sources are different numbers, as COCO's are; otherwise the number of
    the frame in the run, from 1.

    Args:
        sources: All sources of the run.
        known: Function that returns the image id of a file; None if it is unknown.
    """
    numbers = {
        int(source.name.name)
        for source in sources
        if source.kind == "image" and source.name.name.isdigit()
    }
    are_numbers = len(numbers) == len(sources)
    counted = iter(range(1, sys.maxsize))

    def image_id(frame: Frame) -> int:
        number = next(counted)
        given = known(frame.source.path)
        if given is not None:
            return given
        return int(frame.source.name.name) if are_numbers else number

    return image_id


def _is_numbered(source: Source) -> bool:
    """Returns whether a file has several images, so that a record has to state the number of its own."""
    return source.kind != "image" or source.page is not None


def _triples(person: PersonRecord) -> list[float]:
    """Returns x, y and score of each joint in one list."""
    joints = zip(person["keypoints"], person["scores"], strict=True)
    return [number for (x, y), score in joints for number in (x, y, score)]


class _Draft:
    """A text file that gets its name when it is closed."""

    def __init__(self, path: Path, replacing: Replacing) -> None:
        with ExitStack() as stack:
            draft = stack.enter_context(replacing(path))
            self.file = stack.enter_context(draft.open("w", newline="", encoding="utf-8"))
            self._open = stack.pop_all()

    def close(self, end: str = "") -> None:
        """Writes the end of the text; the file then gets its name, unless writing failed."""
        with self._open:
            self.file.write(end)


class _JsonList:
    """A list in a JSON file, written record by record: no record stays in memory."""

    def __init__(self, path: Path, before: str, after: str, replacing: Replacing) -> None:
        self._draft = _Draft(path, replacing)
        self._after = after
        self._first = True
        self._draft.file.write(before + "[")

    def add(self, record: Mapping[str, object]) -> None:
        """Adds a record."""
        self._draft.file.write(("\n" if self._first else ",\n") + json.dumps(record))
        self._first = False

    def close(self) -> None:
        """Completes the list and the file."""
        self._draft.close(f"\n]{self._after}\n")
