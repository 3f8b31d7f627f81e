"""What `predict.py` writes as numbers: JSON, COCO's results, CSV.

Each file is told of every frame, and can be closed at any moment with what there is so far.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from paddle_pose.io.frames import Frame, Source
    from paddle_pose.structures import Poses

SPACE = (
    "pixels of the upright image, 0-based, (x, y); boxes are (x, y, width, height); seconds since a video's beginning"
)


class Sink(Protocol):
    """Takes what was found, frame by frame."""

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Takes a frame, its poses in px of it, and the drawing of them, uint8 RGB."""

    def close(self) -> None:
        """Finishes what was begun."""


class JsonFile:
    """predictions.json: joints, and for each frame its size and people; a line each."""

    def __init__(self, path: Path, header: Mapping[str, Any], drawings: Mapping[Path, Path]) -> None:
        """Begins the file.

        Args:
            path: of the file.
            header: what it says in the beginning.
            drawings: where each source's drawing goes; empty if nowhere.
        """
        self._drawings, self._folder = drawings, path.parent
        self._list = _JsonList(path, json.dumps({**header, "space": SPACE})[:-1] + ', "images": ', "}")

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Adds a frame."""
        record: dict[str, Any] = {"image": str(frame.source.path), "width": frame.size[0], "height": frame.size[1]}
        if frame.source.kind != "image":
            record |= {"frame": frame.index, "seconds": round(frame.seconds, 4)}
        if self._drawings:
            record["drawing"] = self._drawings[frame.source.path].relative_to(self._folder).as_posix()
        self._list.add({**record, "persons": persons(poses)})

    def close(self) -> None:
        """Ends the file."""
        self._list.close()


class CocoFile:
    """keypoints_results.json: COCO's results, `file_name` and of videos `frame` added."""

    def __init__(self, path: Path, image_ids: Callable[[Frame], int]) -> None:
        """Begins the file; `image_ids` gives a frame's id."""
        self._image_ids, self._list = image_ids, _JsonList(path)

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Adds a frame's people."""
        name: dict[str, Any] = {"file_name": frame.source.path.name}
        if frame.source.kind != "image":
            name["frame"] = frame.index
        image_id = self._image_ids(frame)
        for person in persons(poses):
            triples = zip(person["keypoints"], person["scores"], strict=True)
            numbers = [number for (x, y), score in triples for number in (x, y, score)]
            self._list.add(
                {"image_id": image_id, "category_id": 1, "keypoints": numbers, "score": person["score"], **name}
            )

    def close(self) -> None:
        """Ends the file."""
        self._list.close()


class CsvFile:
    """predictions.csv: a row for each person, three columns for each joint."""

    def __init__(self, path: Path, joints: Sequence[str]) -> None:
        """Begins the file with the names of its columns."""
        self._file = path.open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file)
        columns = ("image", "frame", "seconds", "width", "height", "person", "id", "score")
        boxes = ("box_x", "box_y", "box_width", "box_height")
        self._rows.writerow(
            [*columns, *boxes, *(f"{joint}_{part}" for joint in joints for part in ("x", "y", "score"))]
        )

    def write(self, frame: Frame, poses: Poses, drawing: np.ndarray) -> None:
        """Adds a frame's people."""
        for number, person in enumerate(persons(poses)):
            triples = zip(person["keypoints"], person["scores"], strict=True)
            place = (frame.source.path, frame.index, round(frame.seconds, 4), *frame.size)
            numbers = (value for (x, y), score in triples for value in (x, y, score))
            self._rows.writerow([*place, number, person.get("id", ""), person["score"], *person["box"], *numbers])

    def close(self) -> None:
        """Ends the file."""
        self._file.close()


def persons(poses: Poses) -> list[dict[str, Any]]:
    """Returns what the files say of people."""
    boxes = poses.boxes if len(poses.boxes) else [()] * len(poses.scores)
    found = [
        {
            "score": round(float(score), 5),
            "box": [round(float(v), 3) for v in box],
            "keypoints": [[round(float(v), 3) for v in point] for point in keypoints],
            "scores": [round(float(v), 5) for v in scores],
        }
        for keypoints, scores, score, box in zip(poses.keypoints, poses.scores, poses.person_scores, boxes, strict=True)
    ]
    ids = [{"id": int(number)} for number in poses.ids] or [{}] * len(found)
    return [{**number, **person} for number, person in zip(ids, found, strict=True)]


def image_ids(sources: Sequence[Source], known: Callable[[Path], int | None]) -> Callable[[Frame], int]:
    """Returns what gives a frame COCO's image id.

    That is what `known` says of its file; else its name, where the names of all sources are different numbers, as COCO's are;
    else the number of the frame in the run, from 1.
    """
    numbers = {int(source.name.name) for source in sources if source.kind == "image" and source.name.name.isdigit()}
    named, counted = len(numbers) == len(sources), iter(range(1, sys.maxsize))

    def image_id(frame: Frame) -> int:
        number, said = next(counted), known(frame.source.path)
        if said is not None:
            return said
        return int(frame.source.name.name) if named else number

    return image_id


class _JsonList:
    """A list in a JSON file, written record by record: what is in it does not stay in memory."""

    def __init__(self, path: Path, before: str = "", after: str = "") -> None:
        self._file, self._after, self._first = path.open("w", encoding="utf-8"), after, True
        self._file.write(before + "[")

    def add(self, record: Mapping[str, Any]) -> None:
        """Adds a record."""
        self._file.write(("\n" if self._first else ",\n") + json.dumps(record))
        self._first = False

    def close(self) -> None:
        """Ends the list and the file."""
        self._file.write(f"\n]{self._after}\n")
        self._file.close()
