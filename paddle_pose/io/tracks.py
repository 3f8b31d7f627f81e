"""Reads people of videos, one by one, from the JSON that `predict.py` writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import command
from paddle_pose.errors import InputError


@dataclass(frozen=True, eq=False)
class Track:
    """One person in T frames of a video, ascending; frames without the person are missing.

    Attributes:
        video: its path, as the file has it.
        id: of the person; 0 in a file without ids.
        image_size: (width, height) px.
        frames: [T] int64 numbers.
        seconds: [T].
        keypoints: [T, K, 2] image px.
        scores: [T, K].
    """

    video: str
    id: int
    image_size: tuple[int, int]
    frames: np.ndarray
    seconds: np.ndarray
    keypoints: np.ndarray
    scores: np.ndarray

    def part(self, chosen: np.ndarray) -> Track:
        """Returns the track in some of its frames, by their places or a mask."""
        arrays = (self.frames, self.seconds, self.keypoints, self.scores)
        return Track(self.video, self.id, self.image_size, *(values[chosen] for values in arrays))

    def longest_run(self) -> Track:
        """Returns the longest part without a missing frame."""
        runs = np.split(np.arange(len(self.frames)), np.flatnonzero(np.diff(self.frames) != 1) + 1)
        return self.part(max(runs, key=len))


def read_tracks(path: Path) -> list[Track]:
    """Reads everybody with an id; without ids the one person of each video.

    Args:
        path: a predictions.json of videos.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If it is no such file, holds no video or nobody, or several people without ids.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    people: dict[tuple[str, int], list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    try:
        records = [
            record
            for record in json.loads(path.read_text(encoding="utf-8"))["images"]
            if "frame" in record
        ]
        for record in records:
            ids = [person.get("id", 0) for person in record["persons"]]
            if ids.count(0) > 1:
                raise InputError(
                    f"frame {record['frame']} of {record['image']} has {len(ids)} people without ids: --track gives them"
                )
            for track_id, person in zip(ids, record["persons"], strict=True):
                if track_id >= 0:  # -1 is not tracked
                    people.setdefault((record["image"], track_id), []).append((record, person))
        tracks = [
            _track(video, track_id, found) for (video, track_id), found in sorted(people.items())
        ]
    except (KeyError, TypeError, ValueError) as problem:
        what = f"no {problem} in it" if isinstance(problem, KeyError) else problem
        raise InputError(
            f"{path}: expected what {command('predict')} writes of a video ({what})"
        ) from problem
    if not tracks:
        raise InputError(
            f"{path}: {'nobody is followed' if records else 'there is no frame of a video'} in it"
        )
    return tracks


def _track(video: str, track_id: int, found: list[tuple[dict[str, Any], dict[str, Any]]]) -> Track:
    """Returns a track from its frames' records and the person's."""
    found = sorted(found, key=lambda pair: pair[0]["frame"])
    return Track(
        video,
        int(track_id),
        (int(found[0][0]["width"]), int(found[0][0]["height"])),
        np.array([record["frame"] for record, _ in found], np.int64),
        np.array([record["seconds"] for record, _ in found], np.float64),
        np.array([person["keypoints"] for _, person in found], np.float64),
        np.array([person["scores"] for _, person in found], np.float64),
    )
