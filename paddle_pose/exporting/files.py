"""Files of an export: which ones belong together, and moving them to their final names."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from paddle_pose.backends.metadata import metadata_path
from paddle_pose.io.outputs import Outputs

PACKAGES = ("paddlepaddle", "paddlepaddle-gpu", "paddle2onnx", "onnx", "onnxruntime", "openvino")
"""Packages whose versions the export metadata states."""
_COMPANIONS = {".xml": ".bin", ".json": ".pdiparams"}


def put_in_place(draft: Path, target: Path) -> None:
    """Moves an exported file with its companion file and metadata to their final names.

    A file under its final name is always complete. Call `check_target` before the export, so that a
    long one is not refused at its end.

    Args:
        draft: Path of the file that `write.write_export` or `movenet_onnx.write_movenet` wrote; its
            companion file (.bin of .xml, .pdiparams of .json) and its metadata are beside it.
        target: Final path with the same suffix, on the same disk; an earlier export with this name
            is replaced.

    Raises:
        InputError: If a file that no export wrote, or that was changed since, has one of the final
            names.
        OSError: If a file cannot be moved.
    """
    check_target(target)
    outputs = _outputs(target)
    target.unlink(missing_ok=True)
    for source, final in reversed(list(zip(_files(draft), _files(target), strict=True))):
        outputs.put(source, final)


def check_target(target: Path) -> None:
    """Raises an error if an export would replace a file that no export wrote.

    Exports record their files in the folder, see `io.outputs.Outputs`.

    Args:
        target: Final path of the exported file.

    Raises:
        InputError: If the exported file, its companion file or its metadata would replace a file
            that no export wrote or that was changed since, a folder or a link.
    """
    _outputs(target).check(_files(target))


def _outputs(target: Path) -> Outputs:
    """Returns the record of the files that exports wrote into the folder of a target."""
    return Outputs(target.parent, "export", flag="--output_file")


def _files(exported: Path) -> list[Path]:
    """Returns the paths of an exported file, its metadata and, if any, its companion file."""
    files = [exported, metadata_path(exported)]
    if exported.suffix in _COMPANIONS:
        files.append(exported.with_suffix(_COMPANIONS[exported.suffix]))
    return files


def installed_versions() -> dict[str, str]:
    """Returns {package: version} of those of `PACKAGES` that are installed."""
    installed = {package.metadata["Name"]: package.version for package in metadata.distributions()}
    return {name: installed[name] for name in PACKAGES if name in installed}
