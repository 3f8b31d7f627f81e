"""`serve_demo`: serves a page that runs a MoveNet in the browser, on images, videos and the camera."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli import options
from paddle_pose.cli.download import add_folder, show_download
from paddle_pose.cli.predict import DEFAULT_WEIGHTS

_HOST = "127.0.0.1"
_DESCRIPTION = """Serves a page that runs a MoveNet in the browser: on images, videos and the camera, none of which leaves
the browser. Ctrl-C ends it. onnxruntime-web is downloaded from npm once (33 MB, its SHA-256 checked); after that nothing
is."""


def build_parser() -> options.Parser:
    """Returns the parser of the command's flags."""
    parser = options.Parser("serve_demo", description=_DESCRIPTION)
    parser.add_argument(
        "--weights",
        "--pretrained_model",
        default=DEFAULT_WEIGHTS,
        metavar="F|NAME",
        help="an exported ONNX file; or a checkpoint or Google's .tflite, which is exported once (pip install -r "
        "requirements/export.txt); or the name of a published file, which is downloaded first; default "
        f"{DEFAULT_WEIGHTS}",
    )
    parser.add_argument(
        "--config", "-c", metavar="NAME", help="config of a checkpoint that has none beside it"
    )
    parser.add_argument(
        "--list_configs",
        action=options.ListConfigs,
        nargs=0,
        help="print the configs and their values",
    )
    parser.add_argument(
        "--from_file",
        type=Path,
        nargs="+",
        default=[],
        metavar="F",
        help="copies of what would be downloaded, onnxruntime-web (*.tgz) and the published weights: verified, nothing "
        "is downloaded",
    )
    add_folder(parser)
    parser.add_argument(
        "--host",
        default=_HOST,
        metavar="ADDRESS",
        help=f"address to listen at; default {_HOST}, this computer alone; 0.0.0.0: the whole network, where browsers "
        "give a page no camera",
    )
    parser.add_argument(
        "--port",
        type=options.number(int, min=0, max=65_535),
        default=0,
        metavar="N",
        help="port to listen at; default: one that is free",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command until it is interrupted.

    Raises:
        FileNotFoundError: If a file is missing.
        MissingDependencyError: If a package is missing.
        InputError: If a file or a flag does not fit.
        ConnectionError: If something cannot be downloaded.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.web_demo.page import serve_page

    serve_page(
        arguments.weights,
        download_folder=arguments.cache,
        config=arguments.config,
        from_files=arguments.from_file,
        host=arguments.host,
        port=arguments.port,
        progress=show_download,
    )
    return 0
