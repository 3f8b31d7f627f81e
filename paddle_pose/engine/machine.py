"""Versions, processors, memory and disk of a machine; notebooks choose their settings by them."""

from __future__ import annotations

import os
import platform
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

from paddle_pose import environment

_MEMORY_LIMITS = (
    "memory.max",  # control group version 2
    "memory/memory.limit_in_bytes",  # version 1
)


@dataclass(frozen=True)
class Machine:
    """Versions and resources of a machine; `str(machine)` is a text of them.

    Attributes:
        python: Version of Python, such as "3.12.1".
        paddle: Version of Paddle, such as "3.3.1".
        gpus: Names of the GPUs that Paddle can use; empty if none.
        cores: Number of CPU cores that this process may use.
        memory: Memory that this process may use, in bytes, see `usable_memory`.
        free_disk: Free space in bytes on the disk of the folder given to `probe`.
    """

    python: str
    paddle: str
    gpus: tuple[str, ...]
    cores: int
    memory: float
    free_disk: float

    def __str__(self) -> str:
        """Returns three lines of text: versions, GPUs, and cores with memory and disk in GB."""
        return (
            f"Python {self.python}, Paddle {self.paddle}\n"
            f"GPU: {', '.join(self.gpus) or 'none'}\n"
            f"CPU cores: {self.cores}, memory: {self.memory / 1e9:.0f} GB, "
            f"free disk: {self.free_disk / 1e9:.0f} GB"
        )


def probe(folder: str | Path = ".") -> Machine:
    """Returns the versions and resources of this machine; also lets Paddle use all CPU cores.

    Args:
        folder: Folder on the disk whose free space is measured.

    Raises:
        MissingDependencyError: If Paddle is missing or older than 3.0; the message states how to
            install it.
    """
    environment.configure_cpu()
    environment.require_paddle()
    warnings.filterwarnings("ignore", "No ccache found")
    from paddle_pose.backends.paddle import available

    version, gpus = available()
    return Machine(
        python=platform.python_version(),
        paddle=version,
        gpus=gpus,
        cores=environment.usable_cores(),
        memory=usable_memory(),
        free_disk=shutil.disk_usage(folder).free,
    )


def usable_memory(limits: str | Path = "/sys/fs/cgroup") -> float:
    """Returns the memory that this process may use in bytes: the machine's or a container's limit.

    Args:
        limits: Folder of the container's control group (Linux), which contains the file with the
            memory limit; if it does not exist, only the machine's memory counts.
    """
    memory = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    found = [
        path.read_text().strip()
        for path in (Path(limits, name) for name in _MEMORY_LIMITS)
        if path.is_file()
    ]
    return min([memory, *(float(text) for text in found if text != "max")])
