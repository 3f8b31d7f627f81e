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
"""Function from the final path of a file to a context that yields a path to write to.

The file takes its final path at the end of the context, unless that raises; see `atomic.replacing`.
"""

SPACE = (
    "pixels of the upright image, 0-based, (x, y); boxes and windows are (x, y, width, height): "
    "a person's box, and the part of the image that the network saw; "
    "seconds since a video's beginning"
)


class _TrackId(TypedDict, total=False):
    id: int


class PersonRecord(_TrackId):
    """A person in predictions.json, all coordinates in image px; `id` only with tracking.

    Attributes:
        id: Track id, from 1; -1 for a person without a track.
        score: Score of the person.
        box: [x, y, width, height] of the person; empty if there is none.
        window: [x, y, width, height] of the part of the image that the network saw; empty if there
            is none.
        keypoints: K joints [x, y].
        scores: K scores of the joints.
    """

    score: float
    box: list[float]
    window: list[float]
    keypoints: list[list[float]]
    scores: list[float]


class CocoRecord(TypedDict):
    """A person in COCO's results format.

    Attributes:
        image_id: Id of the image in the annotations.
        category_id: Category in the annotations: 1, a person.
        keypoints: 3K numbers: x and y in image px and the score of each joint.
        score: Score of the person.
    """

    image_id: int
    category_id: int
    keypoints: list[float]
    score: float


class Sink(Protocol):
    """A file, a drawing or a screen that receives predicted poses, frame by frame.

    `write` is called once for each frame, those of a source one after another; then `close` once,
    also after an error.
    """

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Writes or shows a frame.

        Args:
            frame: Frame with its source.
            poses: Poses in image px.
            drawing: Frame with the poses drawn into it, uint8 RGB [h, w, 3].
        """

    def close(self) -> None:
        """Completes the files, or closes the screen's window; no frame may follow."""


class JsonFile:
    """Writer of predictions.json: a header, then one line per frame; a `Sink`.

    The file is one JSON object: the header, "space" (what the coordinates are) and "images", a list
    of records. A record has "image" (path), "width" and "height" in px, "frame" (of a video, camera
    or page), "seconds" (of a video or camera), "drawing" (path relative to the file) and "persons",
    see `persons`.

    Args:
        path: File to write; it appears when the writer is closed.
        header: Entries at the beginning of the file, of JSON's types.
        drawings: Path of each source's drawing, in the folder of the file or below; empty without
            drawings.
        replacing: Function that moves a complete file to its place, see `Replacing`.
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
        """Adds the record of a frame; see `Sink.write`."""
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
        """Completes the file, which then has its final name."""
        self._list.close()


class CocoFile:
    """Writer of keypoints_results.json in COCO's results format, one record per person; a `Sink`.

    Besides the fields of `CocoRecord` a record has "file_name"; for videos, cameras and pages also
    "frame".

    Args:
        path: File to write; it appears when the writer is closed.
        image_ids: Function from a frame to COCO's image id, which is called once for each frame in
            order; see `image_ids`.
        replacing: Function that moves a complete file to its place, see `Replacing`.
    """

    def __init__(
        self, path: Path, image_ids: Callable[[Frame], int], replacing: Replacing = atomic.replacing
    ) -> None:
        self._image_ids = image_ids
        self._list = _JsonList(path, "", "", replacing)

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Adds a record for each person of a frame; see `Sink.write`."""
        name: dict[str, object] = {"file_name": frame.source.path.name}
        if _is_numbered(frame.source):
            name["frame"] = frame.index
        for record in coco_results(poses, self._image_ids(frame)):
            self._list.add({**record, **name})

    def close(self) -> None:
        """Completes the file, which then has its final name."""
        self._list.close()


class CsvFile:
    """Writer of predictions.csv: a header, then one row per person; a `Sink`.

    Columns: image (path), frame, seconds, width and height in px, person (number in the frame, from
    0), id (empty without tracking), score, box and window (four columns each: x, y, width, height),
    then x, y and score of each joint. Coordinates are in image px.

    Args:
        path: File to write; it appears when the writer is closed.
        joints: Names of the K joints, in the order of the keypoints.
        replacing: Function that moves a complete file to its place, see `Replacing`.
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
        """Adds a row for each person of a frame; see `Sink.write`."""
        of_frame = (frame.source.path, frame.index, round(frame.seconds, 4), *frame.size)
        for number, person in enumerate(persons(poses)):
            of_person = (number, person.get("id", ""), person["score"])
            box = person["box"] or ("",) * 4
            window = person["window"] or ("",) * 4
            self._rows.writerow([*of_frame, *of_person, *box, *window, *_triples(person)])

    def close(self) -> None:
        """Completes the file, which then has its final name."""
        self._draft.close()


def persons(poses: Poses) -> list[PersonRecord]:
    """Returns the records of people in predictions.json, in the order of the poses.

    Coordinates are rounded to 0.001 px and scores to five decimals.

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
    """Returns the records of people in COCO's results format, in the order of the poses.

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
    name, if all sources are images whose names are different numbers, as COCO's are; otherwise the
    number of the frame in the run, from 1.

    Args:
        sources: All sources of the run.
        known: Function from the path of a file to its image id, or None if the id is unknown, such
            as `io.boxes.Boxes.image_id`.
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
    """Returns whether a record has to state the frame's number, as of videos, cameras and pages."""
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
            opened = draft.open("w", newline="", encoding="utf-8", errors="backslashreplace")
            self.file = stack.enter_context(opened)
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
