"""What a notebook finds itself on: it picks its settings from that."""

from __future__ import annotations

import os
import platform
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

from paddle_pose import environment

_MEMORY_LIMITS = (
    "memory.max",
    "memory/memory.limit_in_bytes",
)  # of a container, by the version of its control group


@dataclass(frozen=True)
class Machine:
    """The machine; its text is for reading.

    Attributes:
        python: version.
        paddle: version.
        gpus: names of those that Paddle can use.
        cores: that this process may use.
        memory: bytes that it may use.
        free_disk: bytes.
    """

    python: str
    paddle: str
    gpus: tuple[str, ...]
    cores: int
    memory: float
    free_disk: float

    def __str__(self) -> str:
        """Returns three lines."""
        return (
            f"Python {self.python}, Paddle {self.paddle}\nGPU: {', '.join(self.gpus) or 'none'}\n"
            f"CPU cores: {self.cores}, memory: {self.memory / 1e9:.0f} GB, free disk: {self.free_disk / 1e9:.0f} GB"
        )


def probe(folder: str | Path = ".") -> Machine:
    """Lets Paddle use every core, makes sure that it is there, and looks round.

    Args:
        folder: on the disk that matters.

    Raises:
        MissingDependencyError: If Paddle is missing or older than 3.0; says how to install it.
    """
    environment.use_all_cores()
    environment.require_paddle()
    warnings.filterwarnings("ignore", "No ccache found")
    from paddle_pose.backends.paddle import available

    version, gpus = available()
    return Machine(
        platform.python_version(),
        version,
        gpus,
        environment.usable_cores(),
        usable_memory(),
        shutil.disk_usage(folder).free,
    )


def usable_memory(limits: str | Path = "/sys/fs/cgroup") -> float:
    """Returns the machine's memory in bytes, or what a container leaves of it.

    Args:
        limits: the folder of the container's control group.
    """
    memory = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    found = [
        path.read_text().strip()
        for path in (Path(limits, name) for name in _MEMORY_LIMITS)
        if path.is_file()
    ]
    return min([memory, *(float(text) for text in found if text != "max")])
