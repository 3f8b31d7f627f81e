"""Finds the weights file in the folder of a run, a checkpoint or an export, and the reverse."""

from __future__ import annotations

from pathlib import Path

from paddle_pose.errors import InputError

# Below the folder of a run, or of a checkpoint.
_OF_RUN = ("best_model/model.pdparams", "model.pdparams")
_SUFFIXES = (".pdparams", ".safetensors", ".pth", ".pt", ".tflite", ".onnx")
# Exported files whose weights are in a second file beside them.
_WITH_COMPANION = {".xml": ".bin", ".json": ".pdiparams"}
_MAX_SHOWN = 10
EARLIER = "earlier"  # folder in the folder of a run for its earlier checkpoints


def find_weights(place: str | Path) -> Path:
    """Returns the weights file that a path refers to: the file itself, or the one in a folder.

    Args:
        place: Path of a file, which need not exist; or of the folder of a run (its best weights are
            returned), of a checkpoint, or with exactly one weights file or exported file.

    Raises:
        InputError: If a folder contains no weights file, or several; the message names them.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Path(folder, "best_model").mkdir()
        ...     Path(folder, "best_model", "model.pdparams").touch()
        ...     find_weights(folder).relative_to(folder).as_posix()
        'best_model/model.pdparams'
    """
    folder = Path(place)
    if not folder.is_dir():
        return folder
    for name in _OF_RUN:
        if (folder / name).is_file():
            return folder / name
    content = sorted(folder.iterdir())
    found = [path for path in content if path.is_file() and _is_weights(path)]
    if len(found) == 1:
        return found[0]
    names = [path.name + "/" * path.is_dir() for path in found or content]
    shown = ", ".join(names[:_MAX_SHOWN]) + (
        f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else ""
    )
    raise InputError(
        f"{folder}: a folder with"
        f" {f'{len(found)} weights files' if found else 'no weights file'} ({shown or 'empty'});"
        " expected the folder of a run with a best_model, of a checkpoint, or of one exported file;"
        " name the file"
    )


def run_of(folder: Path) -> Path | None:
    """Returns the folder of the run that a checkpoint belongs to; None if it belongs to no run.

    Args:
        folder: Folder of the checkpoint: RUN/last, RUN/best_model, or a folder in RUN/earlier.
    """
    run_dir = folder.parent
    if run_dir.name == EARLIER:
        run_dir = run_dir.parent
    elif folder.name not in ("last", "best_model"):
        return None
    return run_dir if (run_dir / "config.json").is_file() else None


def _is_weights(path: Path) -> bool:
    """Returns whether a file is a weights file or an exported file, by its suffix.

    Some kinds also need a second file beside them, see `_WITH_COMPANION`.
    """
    companion = _WITH_COMPANION.get(path.suffix)
    return path.suffix in _SUFFIXES if companion is None else path.with_suffix(companion).is_file()
