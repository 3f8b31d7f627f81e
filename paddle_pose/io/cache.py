"""Returns the folders of downloaded files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import platformdirs

VARIABLE = "PADDLE_POSE_HOME"
# Folder of earlier versions, below the working folder.
EARLIER_FOLDER = Path("output", "published")


def user_cache() -> Path:
    """Returns the folder for downloaded files.

    It is the folder that the environment variable PADDLE_POSE_HOME names, otherwise the user's
    cache folder of the operating system.
    """
    given = os.environ.get(VARIABLE)
    return (
        Path(given).expanduser()
        if given
        else Path(platformdirs.user_cache_dir("paddle_pose", appauthor=False))
    )


def cache_for(file_names: Iterable[str], folder: Path | None = None) -> Path:
    """Returns the folder for downloaded files that belong together; nothing is created.

    Args:
        file_names: Names of the files, without folders.
        folder: Folder that the user named, which is returned; None takes output/published if all of
            the files exist there, else `user_cache`.
    """
    if folder is not None:
        return folder
    names = list(file_names)
    if names and all((EARLIER_FOLDER / name).is_file() for name in names):
        return EARLIER_FOLDER
    return user_cache()
