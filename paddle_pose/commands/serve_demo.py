"""`python scripts/serve_demo.py`: MoveNet in the browser, on images, videos and the camera."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paddle_pose.commands import download_weights, options, page_server
from paddle_pose.commands.find_people import DEFAULT_WEIGHTS, MAX_PEOPLE
from paddle_pose.errors import InputError

if TYPE_CHECKING:
    from paddle_pose.configs.specs import Config

EXPORTED = Path("output/page")


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Serves a page that runs a MoveNet in the browser: on images, videos and the camera, none of which "
        "leaves the browser. Ctrl-C ends it. onnxruntime-web is fetched from npm once (33 MB, its SHA-256 checked); after "
        "that nothing is.",
    )
    parser.add_argument(
        "--weights",
        "--pretrained_model",
        default=DEFAULT_WEIGHTS,
        metavar="F|NAME",
        help="an ONNX file of export.py; or a checkpoint or Google's .tflite, which is exported once (pip install -r "
        "requirements/export.txt); or the name of a published file, which is fetched as well; default "
        f"{DEFAULT_WEIGHTS}",
    )
    parser.add_argument("--config", "-c", metavar="NAME", help="of a checkpoint that has none beside it")
    parser.add_argument(
        "--list_configs", action=options.ListConfigs, nargs=0, help="print the configs and their values"
    )
    parser.add_argument(
        "--from_file",
        type=Path,
        nargs="+",
        default=[],
        metavar="F",
        help="copies of what would be fetched, onnxruntime-web (*.tgz) and the published weights: verified, nothing is "
        "downloaded",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=download_weights.FOLDER,
        metavar="DIR",
        help=f"where fetched files go; default {download_weights.FOLDER}",
    )
    parser.add_argument(
        "--host",
        default=page_server.HOST,
        metavar="ADDRESS",
        help=f"where to listen; default {page_server.HOST}, this computer alone; 0.0.0.0: the whole network, where "
        "browsers give a page no camera",
    )
    parser.add_argument("--port", type=int, default=0, metavar="N", help="default: one that is free")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command until it is interrupted.

    Raises:
        FileNotFoundError: If a file is missing.
        MissingDependencyError: If a package is missing; says how to install it.
        InputError: If a file or a flag does not fit.
        ConnectionError: If something cannot be fetched; says where to put it.
    """
    arguments = build_parser().parse_args(argv)
    runtime_copy, weights_copy = copies(arguments.from_file)
    files: dict[str, bytes] = {}
    with page_server.server(files, arguments.host, arguments.port) as server:  # first: fetching in vain takes long
        model = exported(arguments.weights, arguments.cache, weights_copy, arguments.config)
        said = settings(model)
        files |= page_server.page_files() | page_server.runtime_files(arguments.cache, runtime_copy)
        files |= {"model.onnx": model.read_bytes(), "settings.json": json.dumps(said).encode()}
        width, height = said["metadata"]["codec"]["input_size"]
        print(f"{model}: {width}x{height}, {said['metadata']['skeleton']['name']}")
        print(f"http://{arguments.host}:{server.server_port}/ (Ctrl-C ends it)", flush=True)
        server.serve_forever()
    return 0


def copies(paths: Sequence[Path]) -> tuple[Path | None, Path | None]:
    """Returns the copy of the runtime and that of the weights among the files of --from_file.

    Raises:
        InputError: If there are two of a kind.
    """
    runtimes = [path for path in paths if path.suffix == ".tgz"]
    weights = [path for path in paths if path.suffix != ".tgz"]
    if len(runtimes) > 1 or len(weights) > 1:
        raise InputError(
            f"--from_file {' '.join(map(str, paths))}: expected at most one onnxruntime-web-*.tgz and one weights file"
        )
    return runtimes[0] if runtimes else None, weights[0] if weights else None


def exported(weights: str, cache: Path, copy: Path | None = None, config: str | None = None) -> Path:
    """Returns weights as an ONNX file, made on the first use.

    Args:
        weights: a file, or the name of a published one.
        cache: where published files go.
        copy: of the published file; None fetches it.
        config: name of the checkpoint's config; None for the one beside it.

    Raises:
        FileNotFoundError: If there is no such file.
        MissingDependencyError: If exporting needs a package that is not installed.
        InputError: If the file is exported in another format, or there is a copy of nothing.
    """
    from paddle_pose.backends.open import OPENERS
    from paddle_pose.commands import export
    from paddle_pose.io.checksum import sha256_of
    from paddle_pose.weights.zoo import PUBLISHED

    path = Path(weights)
    if weights in PUBLISHED and not path.exists():
        path = download_weights.converted(weights, cache, copy)
    elif copy is not None:
        raise InputError(f"--from_file {copy}: --weights {weights} is not the name of a published file")
    if not path.is_file():
        raise FileNotFoundError(f"--weights {weights}: no such file, and no published one has this name")
    if path.suffix == ".onnx":
        return path
    if path.suffix in OPENERS:
        raise InputError(f"{path}: browsers run ONNX files; export the checkpoint with --format onnx")
    target = EXPORTED / f"movenet-{sha256_of(path)[:8]}.onnx"
    if not target.is_file():
        flags = [] if config is None else ["--config", config]
        export.main(["--weights", str(path), "--output", str(target), *flags])
    return target


def settings(model: Path) -> dict[str, Any]:
    """Returns what the page needs to know: the metadata, the colours, and how many people "several" are.

    Args:
        model: the ONNX file.

    Raises:
        MissingDependencyError: If ONNX Runtime is not installed.
        InputError: If it is not a MoveNet that answers maps.
    """
    from paddle_pose.backends.metadata import read_metadata
    from paddle_pose.configs.registry import read_beside

    metadata, config = read_metadata(model), read_beside(model)
    if metadata is None or config is None:
        raise InputError(f"{model}: it carries no metadata; export it with export.py")
    if metadata["codec"]["kind"] != "MoveNetCodec":
        raise InputError(f"{model}: {config.name} looks at one person in a box; the page needs a MoveNet")
    answered = [output["name"] for output in metadata["outputs"]]
    if answered != metadata["codec"]["outputs"]:
        raise InputError(
            f"{model}: it answers {', '.join(answered)}, and the page reads maps: export it without --decode"
        )
    most = metadata["codec"]["max_persons"]
    return {"metadata": metadata, "colors": colors(config), "people": most if most > 1 else MAX_PEOPLE}


def colors(config: Config) -> Mapping[str, Any]:
    """Returns the CSS colours of a skeleton's joints, and its limbs as [joint, joint, colour]."""
    from paddle_pose.visualize import side_color

    def css(*slots: int) -> str:
        return "rgb({}, {}, {})".format(*side_color(skeleton, *slots))

    skeleton = config.codec.skeleton
    return {
        "joints": [css(slot) for slot in range(skeleton.num_joints)],
        "limbs": [[*limb, css(*limb)] for limb in skeleton.limb_indices],
    }
