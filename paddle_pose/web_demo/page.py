"""Prepares the model and the settings of the browser demo, and serves the page."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from paddle_pose import environment
from paddle_pose.backends.metadata import read_metadata
from paddle_pose.backends.open import is_exported
from paddle_pose.configs.registry import read_beside
from paddle_pose.configs.specs import Config
from paddle_pose.engine.zoo import converted, converted_onnx, is_runnable_without_paddle
from paddle_pose.errors import InputError
from paddle_pose.inference.two_stage import MAX_PEOPLE
from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.download import Progress
from paddle_pose.visualize import side_color
from paddle_pose.web_demo.server import HOST, open_server, page_files, runtime_files
from paddle_pose.weights.zoo import PUBLISHED

_log = logging.getLogger("paddle_pose")

EXPORTED = Path("output/page")
"""Folder of the ONNX files that `onnx_model` exports, relative to the working directory."""


def serve_page(
    weights: str,
    *,
    download_folder: Path | None,
    config: str | None = None,
    from_files: Sequence[Path] = (),
    host: str = HOST,
    port: int = 0,
    progress: Progress | None = None,
) -> None:
    """Serves a page that predicts poses in the browser, until the process is interrupted.

    The page finds poses in images, videos and the camera with a MoveNet; nothing is sent to the
    server. Its address is logged at level INFO of the logger "paddle_pose" when it is ready.

    Args:
        weights: Path of an ONNX file or a checkpoint of a MoveNet, or name of a published one, see
            `weights.zoo.PUBLISHED`.
        download_folder: Folder for downloaded files; None for the user's cache.
        config: Name of a checkpoint's config; None takes the config that is stored with the
            checkpoint.
        from_files: Copies of the files that would be downloaded, at most one of onnxruntime-web and
            one of the weights; see `split_copies`.
        host: Address of the network interface to listen on.
        port: Port to listen on; 0 for a free one, which the logged address states.
        progress: Function that is called repeatedly during a download with (bytes so far, bytes in
            all or None, bytes per second); None for none.

    Raises:
        FileNotFoundError: If a file is missing.
        MissingDependencyError: If a package is missing; the message states how to install it.
        InputError: If a file or a value is invalid, the network is no MoveNet that returns maps, or
            the port is occupied.
        ConnectionError: If a file cannot be downloaded; the message states where to put it.
    """
    runtime_copy, weights_copy = split_copies(from_files)
    files: dict[str, bytes] = {}
    # The port is opened first, so that an occupied one is reported before a long download.
    with open_server(files, host, port) as server:
        model = onnx_model(
            weights, download_folder, copy=weights_copy, config=config, progress=progress
        )
        settings = page_settings(model)
        files |= page_files() | runtime_files(download_folder, runtime_copy, progress)
        files |= {"model.onnx": model.read_bytes(), "settings.json": json.dumps(settings).encode()}
        width, height = settings["metadata"]["codec"]["input_size"]
        _log.info(f"{model}: {width}x{height}, {settings['metadata']['skeleton']['name']}")
        _log.info(f"http://{host}:{server.server_port}/ (press Ctrl-C to stop)")
        server.serve_forever()


def split_copies(paths: Sequence[Path]) -> tuple[Path | None, Path | None]:
    """Returns (copy of onnxruntime-web, copy of the weights); None for a missing one.

    onnxruntime-web is the npm package that runs the network in the browser.

    Args:
        paths: Copies of files that would be downloaded. A file with the suffix .tgz is taken as
            onnxruntime-web, any other file as the weights; no file is opened.

    Raises:
        InputError: If there are two copies of one of them.
    """
    runtimes = [path for path in paths if path.suffix == ".tgz"]
    weights = [path for path in paths if path.suffix != ".tgz"]
    if len(runtimes) > 1 or len(weights) > 1:
        raise InputError(
            f"--from_file {' '.join(map(str, paths))}: expected at most one onnxruntime-web-*.tgz "
            "and one weights file"
        )
    return runtimes[0] if runtimes else None, weights[0] if weights else None


def onnx_model(
    weights: str,
    download_folder: Path | None,
    *,
    copy: Path | None = None,
    config: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Returns the path of a model as an ONNX file, downloading and exporting it where needed.

    A checkpoint is exported into `EXPORTED` at the first call; later calls return the same file.

    Args:
        weights: Path of an ONNX file or a checkpoint, or name of a published file, see
            `weights.zoo.PUBLISHED`; an existing path takes precedence.
        download_folder: Folder for published files; None for the user's cache.
        copy: Copy of the published file; None downloads the file.
        config: Name of the checkpoint's config; None takes the config that is stored with the
            checkpoint.
        progress: Function that is called repeatedly during a download with (bytes so far, bytes in
            all or None, bytes per second); None for none.

    Raises:
        FileNotFoundError: If there is no such file, and no published file of this name.
        MissingDependencyError: If exporting needs a package that is not installed.
        InputError: If the file is an export in another format, cannot be exported or has another
            checksum than published, or a copy is given although nothing is downloaded.
        ConnectionError: If the file cannot be downloaded; the message states where to put it.
    """
    path = Path(weights)
    if weights in PUBLISHED and not path.exists():
        get = converted_onnx if is_runnable_without_paddle(PUBLISHED[weights]) else converted
        path = get(weights, download_folder, copy, progress)
    elif copy is not None:
        raise InputError(
            f"--from_file {copy}: --weights {weights} is not the name of a published file, so "
            "there is nothing to download; leave --from_file out"
        )
    if not path.is_file():
        raise FileNotFoundError(
            f"--weights {weights}: no such file, and no published file has this name; list the "
            f"names with {environment.command('zoo')}"
        )
    if path.suffix == ".onnx":
        return path
    if is_exported(path):
        raise InputError(
            f"{path}: the page needs an ONNX file; export the checkpoint with --format onnx"
        )
    target = EXPORTED / f"movenet-{sha256_of(path)[:8]}.onnx"
    if not target.is_file():
        environment.require_paddle()
        # Imports Paddle, which is not needed for ONNX files.
        from paddle_pose.engine.export import export_model

        export_model(path, target, config=config)
    return target


def page_settings(model: Path) -> dict[str, Any]:
    """Returns the settings of the page for a model, a dict of JSON types.

    Args:
        model: Path of an ONNX file that this project exported.

    Returns:
        "metadata": Export metadata, see `exporting.metadata.build_metadata`.
        "colors": Colours of the skeleton, see `colors`.
        "people": Greatest number of people that the page finds in an image.

    Raises:
        MissingDependencyError: If ONNX Runtime is not installed.
        InputError: If the file has no export metadata, or is not a MoveNet that returns maps.
    """
    metadata = read_metadata(model)
    config = read_beside(model)
    if metadata is None or config is None:
        raise InputError(
            f"{model}: has no export metadata; export the checkpoint with "
            f"{environment.command('export')}"
        )
    if metadata["codec"]["kind"] != "MoveNetCodec":
        raise InputError(
            f"{model}: {config.name} needs a box for each person; the page needs a MoveNet"
        )
    outputs = [output["name"] for output in metadata["outputs"]]
    if outputs != metadata["codec"]["outputs"]:
        raise InputError(
            f"{model}: returns {', '.join(outputs)}, but the page needs maps; export it without "
            "--decode"
        )
    max_persons = metadata["codec"]["max_persons"]
    return {
        "metadata": metadata,
        "colors": colors(config),
        "people": max_persons if max_persons > 1 else MAX_PEOPLE,
    }


def colors(config: Config) -> Mapping[str, Any]:
    """Returns the CSS colours of the joints and limbs of a skeleton: one colour for each side.

    Args:
        config: Config that states the skeleton of K joints.

    Returns:
        "joints": K colours such as "rgb(255, 0, 0)"; "limbs": [joint, joint, colour] of each limb,
        joints as indices 0..K-1.
    """
    skeleton = config.codec.skeleton

    def css(*slots: int) -> str:
        return "rgb({}, {}, {})".format(*side_color(skeleton, *slots))

    return {
        "joints": [css(slot) for slot in range(skeleton.num_joints)],
        "limbs": [[*limb, css(*limb)] for limb in skeleton.limb_indices],
    }
