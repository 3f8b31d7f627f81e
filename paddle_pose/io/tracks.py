"""Reads tracks of people in videos from the JSON that `predict.py` writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import command
from paddle_pose.errors import InputError
from paddle_pose.io.json_files import read_json


@dataclass(frozen=True, eq=False)
class Track:
    """One person in T frames of a video.

    Attributes:
        video: Path of the video, as written in the file of predictions.
        id: Track id of the person, from 1; 0 in a file without ids.
        image_size: (width, height) of the frames in px.
        frames: Numbers of the frames, [T] int64, from 0, ascending; frames without the person are
            left out.
        seconds: Times of the frames in seconds since the first frame of the video, [T] float64.
        keypoints: Keypoints, [T, K, 2] float64 (x, y) in image px.
        scores: Scores of the keypoints, [T, K] float64, usually between 0 and 1.
    """

    video: str
    id: int
    image_size: tuple[int, int]
    frames: np.ndarray
    seconds: np.ndarray
    keypoints: np.ndarray
    scores: np.ndarray

    def part(self, chosen: np.ndarray) -> Track:
        """Returns the track with only some of its T frames.

        Args:
            chosen: Positions 0 to T - 1 of the frames to keep, or a bool mask [T].
        """
        arrays = (self.frames, self.seconds, self.keypoints, self.scores)
        return Track(self.video, self.id, self.image_size, *(values[chosen] for values in arrays))

    def longest_run(self) -> Track:
        """Returns the longest part of the track whose frame numbers are consecutive."""
        runs = np.split(np.arange(len(self.frames)), np.flatnonzero(np.diff(self.frames) != 1) + 1)
        return self.part(max(runs, key=len))


def read_tracks(path: Path) -> list[Track]:
    """Returns the tracks of all videos in a file of predictions, sorted by video and id.

    In a file without ids, each video must have at most one person per frame; these people form one
    track with id 0.

    Args:
        path: Path of a predictions.json that the command `predict` wrote for videos.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file has another structure, contains no video or no tracked person, or a
            frame has several people without ids.
    """
    people: dict[tuple[str, int], list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    content = read_json(path, f"expected what {command('predict')} writes of a video")
    try:
        records = [record for record in content["images"] if "frame" in record]
        for record in records:
            ids = [person.get("id", 0) for person in record["persons"]]
            if ids.count(0) > 1:
                raise InputError(
                    f"frame {record['frame']} of {record['image']} has {len(ids)} people without"
                    " ids: run predict with --track"
                )
            for track_id, person in zip(ids, record["persons"], strict=True):
                if track_id >= 0:  # -1 is a person without a track
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
            f"{path}: it contains {'no tracked person' if records else 'no frame of a video'}"
        )
    return tracks


def _track(video: str, track_id: int, found: list[tuple[dict[str, Any], dict[str, Any]]]) -> Track:
    """Returns a track.

    Args:
        video: Path of the video.
        track_id: Id of the person.
        found: The record of each frame and that of the person in it, in any order.
    """
    found = sorted(found, key=lambda pair: pair[0]["frame"])
    return Track(
        video=video,
        id=int(track_id),
        image_size=(int(found[0][0]["width"]), int(found[0][0]["height"])),
        frames=np.array([record["frame"] for record, _ in found], np.int64),
        seconds=np.array([record["seconds"] for record, _ in found], np.float64),
        keypoints=np.array([person["keypoints"] for _, person in found], np.float64),
        scores=np.array([person["scores"] for _, person in found], np.float64),
    )
