"""Files of an export: which ones belong together, and moving them to their final names."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from paddle_pose.backends.metadata import metadata_path
from paddle_pose.io.outputs import Outputs

PACKAGES = ("paddlepaddle", "paddlepaddle-gpu", "paddle2onnx", "onnx", "onnxruntime", "openvino")
_COMPANIONS = {".xml": ".bin", ".json": ".pdiparams"}


def put_in_place(draft: Path, target: Path) -> None:
    """Moves an exported file with its companion file and metadata to their final names.

    A file under its final name is always complete.

    Args:
        draft: Path of the file that `write.write_export` or `movenet_onnx.write_movenet` wrote.
        target: Final path, on the same disk; an earlier export there is replaced.

    Raises:
        InputError: If a file that no export wrote has one of the final names.
    """
    check_target(target)
    outputs = _outputs(target)
    target.unlink(missing_ok=True)
    for source, final in reversed(list(zip(_files(draft), _files(target), strict=True))):
        outputs.put(source, final)


def check_target(target: Path) -> None:
    """Raises an error if an export would replace a file that no export wrote.

    Args:
        target: Final path of the exported file.

    Raises:
        InputError: If such a file has the name of the exported file, of its companion file or of
            its metadata.
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
    """Returns the installed versions of the packages that are used for exporting, by name."""
    installed = {package.metadata["Name"]: package.version for package in metadata.distributions()}
    return {name: installed[name] for name in PACKAGES if name in installed}
