"""Prepares the model and the settings of the browser demo, and serves the page."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose import environment
from paddle_pose.backends.metadata import Metadata, read_metadata
from paddle_pose.backends.open import is_exported
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.codecs.movenet_multipose import PEOPLE, MultiPoseCodec
from paddle_pose.configs.registry import read_beside
from paddle_pose.data.synthetic.body import Style
from paddle_pose.data.synthetic.scene import draw_scene
from paddle_pose.engine.zoo import converted, converted_onnx, copies_of, is_runnable_without_paddle
from paddle_pose.errors import InputError, MissingDependencyError
from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.download import Progress
from paddle_pose.skeletons import Skeleton
from paddle_pose.visualize import (
    NOT_TRACKED_YET,
    PERSONS,
    SIDES,
    Shades,
    common_side,
    jpeg,
    relative_widths,
)
from paddle_pose.web_demo.server import (
    HOST,
    SAMPLE,
    is_runtime,
    open_server,
    page_files,
    runtime_files,
)
from paddle_pose.weights.zoo import PUBLISHED

_log = logging.getLogger("paddle_pose")

EXPORTED = Path("output/page")
"""Folder of the ONNX files that `onnx_model` exports, relative to the working directory."""
SEVERAL = "movenet_multipose"
"""Published network for several people that the page takes if it is available."""
NONE = "none"
"""Value of `several` for a page that finds one person only."""
_SAMPLE_SEED = 7
_SAMPLE_SIZE = (640, 480)  # (width, height) in px
_SAMPLE_PEOPLE = 3
_JPEG_QUALITY = 90


def serve_page(
    weights: str,
    *,
    download_folder: Path | None,
    several: str | None = None,
    config: str | None = None,
    from_files: Sequence[Path] = (),
    host: str = HOST,
    port: int = 0,
    progress: Progress | None = None,
) -> None:
    """Serves a page that predicts poses in the browser, until the process is interrupted.

    The page finds poses in images, videos and the camera with a MoveNet, and those of several
    people with a MoveNet MultiPose; nothing is sent to the server. Its address is logged at level
    INFO of the logger "paddle_pose" when it is ready.

    Args:
        weights: Path of an ONNX file or a checkpoint of a MoveNet, or name of a published one, see
            `weights.zoo.PUBLISHED`.
        download_folder: Folder for downloaded files; None for the user's cache.
        several: Path of an exported MoveNet MultiPose, for several people; `NONE` for one person only.
            None takes `SEVERAL`, or one person only if it cannot be downloaded or exported, which
            is logged as a warning.
        config: Name of a checkpoint's config; None takes the config that is stored with the
            checkpoint.
        from_files: Copies of the files that would be downloaded, of onnxruntime-web and of the
            weights; see `split_copies`.
        host: Address of the network interface to listen on.
        port: Port to listen on; 0 for a free one, which the logged address states.
        progress: Function that is called repeatedly during a download with (bytes so far, bytes in
            all or None, bytes per second); None for none.

    Raises:
        FileNotFoundError: If a file is missing.
        MissingDependencyError: If a package is missing; the message states how to install it.
        InputError: If a file or a value is invalid, a network is no MoveNet that returns what the
            page needs, or the port is occupied.
        ConnectionError: If a file cannot be downloaded; the message states where to put it.
    """
    named = several or SEVERAL
    runtime_copy, copies = split_copies(from_files, [weights, named])
    files: dict[str, bytes] = {}
    # The port is opened first, so that an occupied one is reported before a long download.
    with open_server(files, host, port) as server:
        one = onnx_model(
            weights, download_folder, copies=copies[0], config=config, progress=progress
        )
        check_one(one)
        of_several: Path | None = None
        if named != NONE:
            try:
                of_several = multipose_model(
                    named, download_folder, copies=copies[1], progress=progress
                )
            except (ConnectionError, MissingDependencyError) as problem:
                if several is not None:
                    raise
                _log.warning(f"The page finds one person only: {problem}")
        if of_several is not None and several is None and _joints(one) != _joints(of_several):
            _log.warning(
                f"The page finds one person only: {of_several} has other joints than {one}"
            )
            of_several = None
        settings = page_settings(one, of_several, abouts=(weights, named))
        files |= page_files() | runtime_files(download_folder, runtime_copy, progress)
        files |= {"settings.json": json.dumps(settings).encode(), SAMPLE: sample_image()}
        for key, path in (("one", one), ("several", of_several)):
            if path is not None:
                files[settings[key]["file"]] = path.read_bytes()
                width, height = settings[key]["metadata"]["codec"]["input_size"]
                skeleton = settings[key]["metadata"]["skeleton"]["name"]
                people = "one person" if key == "one" else "several people"
                _log.info(f"{people}: {path}, {width}x{height}, {skeleton}")
        _log.info(f"http://{host}:{server.server_port}/ (press Ctrl-C to stop)")
        server.serve_forever()


def split_copies(
    paths: Sequence[Path], weights: Sequence[str]
) -> tuple[Path | None, list[tuple[Path, ...]]]:
    """Returns the copy of onnxruntime-web, and those of each of several published networks.

    onnxruntime-web is the npm package that runs the networks in the browser.

    Args:
        paths: Copies of files that would be downloaded: onnxruntime-web as a .tgz file, and files,
            folders or archives of the networks.
        weights: Names or paths of networks. A copy that no name, checksum or folder assigns to a
            published one is taken as one of the first.

    Returns:
        The copy of onnxruntime-web, None for none, and the copies of each network.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If there are two copies of onnxruntime-web.
    """
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"--from_file {path}: not found")
    runtimes = [path for path in paths if is_runtime(path)]
    if len(runtimes) > 1:
        raise InputError(
            f"--from_file {' '.join(map(str, runtimes))}: expected one onnxruntime-web-*.tgz"
        )
    others = [path for path in paths if path not in runtimes]
    copies = [copies_of(name, others) if name in PUBLISHED else () for name in weights]
    unknown = tuple(path for path in others if not any(path in found for found in copies))
    copies[0] = (*copies[0], *unknown)
    return (runtimes[0] if runtimes else None), copies


def onnx_model(
    weights: str,
    download_folder: Path | None,
    *,
    copies: Sequence[Path] = (),
    config: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Returns the path of a model as an ONNX file, downloading and exporting it where needed.

    A checkpoint is exported into `EXPORTED` at the first call; later calls return the same file.

    Args:
        weights: Path of an ONNX file or a checkpoint, or name of a published file, see
            `weights.zoo.PUBLISHED`; an existing path takes precedence.
        download_folder: Folder for published files; None for the user's cache.
        copies: Copies of the published files; without them they are downloaded.
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
    path = _local(weights, download_folder, "--weights", copies, progress, without_paddle=True)
    return path if path.suffix == ".onnx" else _exported(path, "movenet", config, decode=False)


def multipose_model(
    weights: str,
    download_folder: Path | None,
    *,
    copies: Sequence[Path] = (),
    progress: Progress | None = None,
) -> Path:
    """Returns the path of a MoveNet MultiPose as an ONNX file whose graph decodes.

    Args:
        weights: Path of an ONNX file or a checkpoint, or name of a published file.
        download_folder: Folder for published files; None for the user's cache.
        copies: Copies of the published files; without them they are downloaded.
        progress: Function that receives the progress of a download, see `onnx_model`.

    Raises:
        FileNotFoundError: If there is no such file, and no published file of this name.
        MissingDependencyError: If exporting needs a package that is not installed.
        InputError: If the network is no MultiPose, the file does not decode, or as from
            `onnx_model`.
        ConnectionError: If the file cannot be downloaded; the message states where to put it.
    """
    flag = "--several_weights"
    path = _local(weights, download_folder, flag, copies, progress, without_paddle=False)
    if path.suffix != ".onnx":
        path = _exported(path, "multipose", None, decode=True)
    metadata = _metadata(path)
    outputs = [output["name"] for output in metadata["outputs"]]
    if metadata["codec"]["kind"] != MultiPoseCodec.__name__ or outputs != [PEOPLE]:
        raise InputError(
            f"{path}: returns {', '.join(outputs)} of a {metadata['codec']['kind']}; several people "
            f"need a MoveNet MultiPose that was exported with --decode, which returns {PEOPLE}"
        )
    return path


def _local(
    weights: str,
    download_folder: Path | None,
    flag: str,
    copies: Sequence[Path],
    progress: Progress | None,
    *,
    without_paddle: bool,
) -> Path:
    """Returns the path of weights, downloading them where needed; see `onnx_model`.

    Args:
        weights: Path, or name of a published file.
        download_folder: Folder for published files; None for the user's cache.
        flag: Flag that states the weights, for messages.
        copies: Copies of the published files.
        progress: Function that receives the progress of a download.
        without_paddle: Whether a published file becomes ONNX without Paddle where possible.
    """
    path = Path(weights)
    if weights in PUBLISHED and not path.exists():
        is_direct = without_paddle and is_runnable_without_paddle(PUBLISHED[weights])
        get = converted_onnx if is_direct else converted
        return get(weights, download_folder, tuple(copies) or None, progress)
    if copies:
        raise InputError(
            f"--from_file {' '.join(map(str, copies))}: {flag} {weights} is not the name of a "
            "published file, so there is nothing to download; leave --from_file out"
        )
    if not path.is_file():
        raise FileNotFoundError(
            f"{flag} {weights}: no such file, and no published file has this name; list the "
            f"names with {environment.command('zoo')}"
        )
    if path.suffix != ".onnx" and is_exported(path):
        raise InputError(
            f"{path}: the page needs an ONNX file; export the checkpoint with --format onnx"
        )
    return path


def _exported(path: Path, name: str, config: str | None, decode: bool) -> Path:
    """Returns the path of a checkpoint as an ONNX file in `EXPORTED`, exporting it once.

    Args:
        path: Path of the checkpoint.
        name: First part of the file's name.
        config: Name of the checkpoint's config; None takes the config that is stored with it.
        decode: Whether the graph decodes.
    """
    target = EXPORTED / f"{name}-{sha256_of(path)[:8]}.onnx"
    if not target.is_file():
        environment.require_paddle()
        # Imports Paddle, which is not needed for ONNX files.
        from paddle_pose.engine.export import export_model

        export_model(path, target, config=config, decode=decode)
    return target


def check_one(model: Path) -> None:
    """Raises an InputError if an ONNX file is not a MoveNet that returns maps.

    Args:
        model: Path of an ONNX file that this project exported.

    Raises:
        MissingDependencyError: If ONNX Runtime is not installed.
        InputError: If the file has no export metadata, or is not a MoveNet that returns maps.
    """
    metadata = _metadata(model)
    kind = metadata["codec"]["kind"]
    outputs = [output["name"] for output in metadata["outputs"]]
    if kind == MultiPoseCodec.__name__:
        raise InputError(
            f"{model}: a MoveNet MultiPose finds several people; give it with --several_weights, "
            "and a MoveNet for one person with --weights"
        )
    if kind != MoveNetCodec.__name__:
        raise InputError(
            f"{model}: {metadata['config']['config']} needs a box for each person; the page needs "
            "a MoveNet"
        )
    if outputs != metadata["codec"]["outputs"]:
        raise InputError(
            f"{model}: returns {', '.join(outputs)}, but the page needs maps; export it without "
            "--decode"
        )


def _metadata(model: Path) -> Metadata:
    """Returns the export metadata of an ONNX file; raises InputError if it has none."""
    metadata = read_metadata(model)
    if metadata is None or read_beside(model) is None:
        raise InputError(
            f"{model}: has no export metadata; export the checkpoint with "
            f"{environment.command('export')}"
        )
    return metadata


def page_settings(
    one: Path, several: Path | None = None, *, abouts: tuple[str, str] = ("", "")
) -> dict[str, Any]:
    """Returns the settings of the page for its models, a dict of JSON types.

    Args:
        one: Path of the ONNX file for one person, see `check_one`.
        several: Path of the ONNX file for several people, see `multipose_model`; None for none.
        abouts: Paths or published names of the two as the user gave them.

    Returns:
        "one" and "several": Models, None if there is none: "file", the name of the ONNX file on the
            server; "metadata", its export metadata, see `exporting.metadata.build_metadata`;
            "about", with the "name" of the model, its "licence" and its "page" ("" if unknown).
        "drawing": Colours and widths of the skeleton, see `drawing`.

    Raises:
        InputError: If a file has no export metadata, or the networks have different joints.
    """
    models: list[dict[str, Any] | None] = []
    files = ((one, "one.onnx", abouts[0]), (several, "several.onnx", abouts[1]))
    for path, name, about in files:
        if path is None:
            models.append(None)
            continue
        metadata = _metadata(path)
        models.append({"file": name, "metadata": metadata, "about": _about(about, metadata)})
    if several is not None and _joints(one) != _joints(several):
        raise InputError(
            f"{several}: has other joints than {one}; leave the network for several people out "
            f"with --several_weights {NONE}"
        )
    config = read_beside(one)
    assert config is not None, "_metadata has checked it"
    return {"one": models[0], "several": models[1], "drawing": drawing(config.codec.skeleton)}


def _joints(model: Path) -> tuple[str, ...]:
    """Returns the names of the joints of an ONNX file with export metadata."""
    config = read_beside(model)
    assert config is not None, "_metadata has checked it"
    return config.codec.skeleton.joints


def _about(weights: str, metadata: Metadata) -> dict[str, str]:
    """Returns the name, the licence and the page of a model.

    Args:
        weights: Path or published name of the model.
        metadata: Export metadata of the model.
    """
    file = PUBLISHED.get(weights)
    name = str(metadata["config"]["config"])
    if file is None:
        return {"name": name, "licence": "", "page": ""}
    page = file.source if file.source.startswith("https://") else ""
    return {"name": weights, "licence": file.licence.split(",")[0], "page": page}


def drawing(skeleton: Skeleton) -> Mapping[str, Any]:
    """Returns the colours and widths with which a skeleton is drawn, as in `visualize`.

    Args:
        skeleton: Skeleton of K joints.

    Returns:
        "sides": CSS colours such as "rgb(255, 0, 0)" of "left", "middle" and "right" that all
        people have in common; "persons": the same for each person; "untracked": the same for people
        without a track; "joints": the side of each joint; "limbs": [joint, joint, side], joints as
        indices 0..K-1; "widths": widths of the joints relative to that of the lines, 0..1.
    """

    def css(shades: Shades) -> dict[str, str]:
        return {side: "rgb({}, {}, {})".format(*color) for side, color in shades.items()}

    return {
        "sides": css(SIDES),
        "persons": [css(shades) for shades in PERSONS],
        "untracked": css(NOT_TRACKED_YET),
        "joints": [skeleton.side(name) for name in skeleton.joints],
        "limbs": [[*limb, common_side(skeleton, *limb)] for limb in skeleton.limb_indices],
        "widths": relative_widths(skeleton).tolist(),
    }


def sample_image() -> bytes:
    """Returns a JPEG file of synthetic people, with which the page can be tried."""
    scene = draw_scene(
        np.random.default_rng(_SAMPLE_SEED),
        size=_SAMPLE_SIZE,
        persons=(_SAMPLE_PEOPLE, _SAMPLE_PEOPLE),
        style=Style(noise=2.0, blur=0.0),
    )
    return jpeg(scene.image, _JPEG_QUALITY)
