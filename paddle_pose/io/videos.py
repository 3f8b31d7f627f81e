"""Reads videos and cameras frame by frame, upright and with their times; writes videos.

OpenCV's FFmpeg backend turns what a phone filmed sideways as the container asks, and knows every frame's time. Its rate is
the container's mean (of Matroska, whose header has none, a guess).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from paddle_pose.errors import InputError

SUFFIXES = (
    ".mp4",
    ".m4v",
    ".mov",
    ".avi",
    ".mkv",
    ".webm",
    ".mpg",
    ".mpeg",
    ".wmv",
    ".flv",
    ".3gp",
    ".mts",
    ".gif",
)
USUAL_RATE = 30.0  # frames per second where nobody says


def open_video(path: Path) -> cv2.VideoCapture:
    """Opens a video file.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If it cannot be decoded.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise InputError(f"{path}: not a video that can be decoded; is it complete?")
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return capture


def open_camera(number: int) -> cv2.VideoCapture:
    """Opens a camera; 0 is the first one.

    Raises:
        InputError: If it is not there or does not answer.
    """
    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        raise InputError(
            f"camera {number} cannot be opened: is it connected, allowed, and not in use? 0 is the first"
        )
    return capture


def rate(capture: cv2.VideoCapture) -> float:
    """Returns the mean number of frames per second."""
    reported = capture.get(cv2.CAP_PROP_FPS)
    return float(reported) if 0 < reported < 1000 else USUAL_RATE


def length(path: Path) -> int:
    """Returns how many frames a video announces, 0 where it cannot be read: for a progress line."""
    try:
        capture = open_video(path)
    except (ValueError, OSError):
        return 0
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    return max(0, count)


def read_video(path: Path) -> Iterator[tuple[np.ndarray, float, float]]:
    """Yields the frames of a video one by one.

    Yields:
        uint8 RGB [h, w, 3]; the time in s since the beginning, as the container says; the mean rate.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If it holds no frame, or ends before its time: after the frames that there are.
    """
    capture = open_video(path)
    frequency, announced = rate(capture), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    count, seconds = 0, 0.0
    try:
        while True:
            is_read, pixels = capture.read()
            if not is_read:
                break
            reported = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            seconds = (
                reported if reported > 0 or not count else count / frequency
            )  # some containers have no times
            yield cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), seconds, frequency
            count += 1
    finally:
        capture.release()
    if not count:
        raise InputError(f"{path}: no frame could be read; is it a video, and complete?")
    # Counts may be guesses: only a second that is missing in frames and in time is a fault.
    if count < announced - frequency and seconds < announced / frequency - 1:
        raise InputError(f"{path}: ends after {count} of {announced:.0f} frames; is it complete?")


def read_camera(number: int) -> Iterator[tuple[np.ndarray, float, float]]:
    """Yields what a camera sees, as `read_video` does, until nobody asks or it stops; times are those of the clock.

    Raises:
        InputError: If it is not there, or sends nothing.
    """
    capture = open_camera(number)
    frequency, began = rate(capture), None
    try:
        while True:
            is_read, pixels = capture.read()
            if not is_read:
                break
            now = time.monotonic()
            began = now if began is None else began
            yield cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), now - began, frequency
    finally:
        capture.release()
    raise InputError(f"camera {number} sends no {'more ' if began is not None else ''}images")


class VideoWriter:
    """Writes an MP4 (MPEG-4 part 2); playable once closed, however many frames it has."""

    def __init__(self, path: Path, size: tuple[int, int], rate: float) -> None:
        """Begins the file.

        Args:
            path: ending in .mp4; its folder is made.
            size: (width, height) of the frames; an odd last column or row is left out, as the format asks.
            rate: frames per second.

        Raises:
            OSError: If it cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("wb").close()  # OpenCV would not say why it cannot
        self._size, self._path, self.written = size, path, 0
        self._writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
        if not self._writer.isOpened():
            raise OSError(
                f"{path}: this OpenCV cannot write MP4 videos of {size[0]} x {size[1]} px"
            )

    def write(self, pixels: np.ndarray) -> None:
        """Adds a frame, uint8 RGB [h, w, 3].

        Raises:
            InputError: If it has another size.
        """
        if pixels.shape[1::-1] != self._size:
            raise InputError(
                f"{self._path}: a frame of {pixels.shape[1::-1]} px in a video of {self._size} px"
            )
        self._writer.write(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        self.written += 1

    def close(self) -> None:
        """Finishes the file."""
        self._writer.release()
