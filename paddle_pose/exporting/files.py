"""The files of an export: which ones belong together, and putting them in place."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from paddle_pose.backends.metadata import metadata_path
from paddle_pose.io.outputs import Outputs

PACKAGES = ("paddlepaddle", "paddlepaddle-gpu", "paddle2onnx", "onnx", "onnxruntime", "openvino")
_COMPANIONS = {".xml": ".bin", ".json": ".pdiparams"}


def put_in_place(draft: Path, target: Path) -> None:
    """Moves an exported file with its companion and its metadata; a file under its final name is always complete.

    Args:
        draft: Path of the file as `write.write_export` or `movenet_onnx.write_movenet` wrote it.
        target: Final path, on the same disk; an earlier export there is replaced.

    Raises:
        InputError: If somebody else's file is there.
    """
    check_target(target)
    outputs = _outputs(target)
    target.unlink(missing_ok=True)
    for source, place in reversed(list(zip(_files(draft), _files(target), strict=True))):
        outputs.put(source, place)


def check_target(target: Path) -> None:
    """Refuses to replace what no export wrote.

    Args:
        target: Path of the exported file.

    Raises:
        InputError: If somebody else's file is there, or where its companion or its metadata are to be.
    """
    _outputs(target).check(_files(target))


def _outputs(target: Path) -> Outputs:
    return Outputs(target.parent, "export", flag="--output_file")


def _files(exported: Path) -> list[Path]:
    """Returns an exported file, its metadata, and its companion where the format has one."""
    files = [exported, metadata_path(exported)]
    if exported.suffix in _COMPANIONS:
        files.append(exported.with_suffix(_COMPANIONS[exported.suffix]))
    return files


def installed_versions() -> dict[str, str]:
    """Returns the versions of the packages that take part in exporting."""
    installed = {package.metadata["Name"]: package.version for package in metadata.distributions()}
    return {name: installed[name] for name in PACKAGES if name in installed}
