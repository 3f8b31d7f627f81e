"""Speed of a training: time per step, time spent waiting for data, and time remaining."""

from __future__ import annotations

import time


class StepTimer:
    """Measures training steps, without the evaluations and checkpoints between them.

    Call `start_step` before the first step and after each pause, then for each step `data_ready`
    when its batch has been read, and `end_step` when it is done.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._steps = 0
        self._lap: dict[str, float] = dict.fromkeys(("seconds", "reading", "steps", "images"), 0)
        self.start_step()

    def start_step(self) -> None:
        """Starts measuring a step, which begins with waiting for its batch."""
        self._start = time.perf_counter()
        self._data_ready = self._start

    def data_ready(self) -> None:
        """Records that the batch has been read; call it once per step, before `end_step`."""
        self._data_ready = time.perf_counter()

    def end_step(self, images: int) -> None:
        """Records the end of a step and starts measuring the next one.

        Args:
            images: Number of images in the batch, over all processes.
        """
        now = time.perf_counter()
        step = {
            "seconds": now - self._start,
            "reading": self._data_ready - self._start,
            "steps": 1,
            "images": images,
        }
        self._lap = {name: self._lap[name] + value for name, value in step.items()}
        self._seconds += step["seconds"]
        self._steps += 1
        self.start_step()

    def lap(self) -> dict[str, float]:
        """Returns the speed since the last call, or since the first step; call it after a step.

        Returns:
            "batch_cost", seconds per step; "reader_cost", seconds per step spent waiting for data;
            "ips", images per second.
        """
        lap, self._lap = self._lap, dict.fromkeys(self._lap, 0)
        return {
            "batch_cost": lap["seconds"] / lap["steps"],
            "reader_cost": lap["reading"] / lap["steps"],
            "ips": lap["images"] / lap["seconds"],
        }

    def remaining(self, steps: int) -> float:
        """Returns the expected seconds for a number of further steps, at the mean speed so far."""
        return steps * self._seconds / self._steps


def format_duration(seconds: float) -> str:
    """Returns a duration as h:mm:ss, rounded to whole seconds.

    Args:
        seconds: Duration in seconds, 0 or more.

    Example:
        >>> format_duration(3725.4)
        '1:02:05'
    """
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
