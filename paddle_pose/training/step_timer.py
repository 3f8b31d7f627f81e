"""How fast a training goes: where the time of its steps is spent, and how long the rest takes."""

from __future__ import annotations

import time


class StepTimer:
    """Measures steps; evaluating and saving between them does not count."""

    def __init__(self) -> None:
        """Has measured nothing."""
        self._seconds, self._steps = 0.0, 0
        self._lap: dict[str, float] = dict.fromkeys(("seconds", "reading", "steps", "images"), 0)
        self.go()

    def go(self) -> None:
        """Starts the clock of the next step."""
        self._began = self._ready = time.perf_counter()

    def read(self) -> None:
        """The step's batch is there."""
        self._ready = time.perf_counter()

    def stepped(self, images: int) -> None:
        """The step is done; starts the clock of the next one."""
        now = time.perf_counter()
        done = {
            "seconds": now - self._began,
            "reading": self._ready - self._began,
            "steps": 1,
            "images": images,
        }
        self._lap = {name: self._lap[name] + value for name, value in done.items()}
        self._seconds, self._steps = self._seconds + done["seconds"], self._steps + 1
        self.go()

    def lap(self) -> dict[str, float]:
        """Returns seconds per step, seconds per step spent waiting for data, and images per second since the last lap."""
        lap, self._lap = self._lap, dict.fromkeys(self._lap, 0)
        return {
            "batch_cost": lap["seconds"] / lap["steps"],
            "reader_cost": lap["reading"] / lap["steps"],
            "ips": lap["images"] / lap["seconds"],
        }

    def left(self, steps: int) -> float:
        """Returns the seconds that further steps will take."""
        return steps * self._seconds / self._steps


def clock(seconds: float) -> str:
    """Returns h:mm:ss.

    Example:
        >>> clock(3725.4)
        '1:02:05'
    """
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
