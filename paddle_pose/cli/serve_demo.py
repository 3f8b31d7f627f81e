"""`paddle-pose serve_demo`: serves a web page that runs a MoveNet in the browser."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from paddle_pose import environment
from paddle_pose.cli import options
from paddle_pose.cli.download import add_folder, show_download
from paddle_pose.cli.predict import DEFAULT_WEIGHTS

_HOST = "127.0.0.1"
_DESCRIPTION = """\
Serves a web page that runs a MoveNet in the browser, on images, videos and the
camera, and a MoveNet MultiPose for several people. Images stay in the browser
and are not sent anywhere. Ctrl-C stops the server. The first run downloads
onnxruntime-web from npm (33 MB, verified by its SHA-256) and the weights."""
_EPILOG = """examples:
  {serve_demo}
      serves MoveNet Thunder on a free port of this computer, and prints the address
  {serve_demo} --weights movenet_lightning --port 8000
      serves the smaller and faster MoveNet Lightning on http://127.0.0.1:8000
  {serve_demo} --weights output/run/exports/best_model.onnx
      serves your own MoveNet, exported with the export command"""


def build_parser() -> options.Parser:
    """Returns the parser of the command `serve_demo`."""
    parser = options.Parser(
        "serve_demo",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(serve_demo=environment.command("serve_demo")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--weights",
        "--pretrained_model",
        default=DEFAULT_WEIGHTS,
        metavar="F|NAME",
        help="MoveNet to serve: the name of a published file, which is downloaded once; an "
        "exported ONNX file; or a checkpoint or Google's .tflite, which are exported once (needs "
        "`pip install -r requirements/export.txt`) (default: %(default)s)",
    )
    parser.add_argument(
        "--several_weights",
        metavar="F|NAME",
        help="MoveNet MultiPose for several people: the name of a published file, which is exported "
        "once (needs `pip install -r requirements/export.txt`); an ONNX file that was exported with "
        "--decode; or none for one person only (default: movenet_multipose, or one person only "
        "where it cannot be downloaded or exported)",
    )
    parser.add_argument(
        "--config",
        "-c",
        metavar="NAME",
        help="config of a checkpoint without config.json beside it; --list_configs lists the names",
    )
    parser.add_argument(
        "--list_configs",
        action=options.ListConfigs,
        nargs=0,
        help="print all configs, or only that of --config NAME, with the keys and values of the "
        "first one, and exit",
    )
    parser.add_argument(
        "--from_file",
        type=Path,
        nargs="+",
        default=[],
        metavar="F",
        help="local copies of onnxruntime-web (.tgz) and of the files of published weights; they are "
        "verified, and nothing is downloaded",
    )
    add_folder(parser)
    parser.add_argument(
        "--host",
        default=_HOST,
        metavar="ADDRESS",
        help="address to listen on (default: %(default)s, for this computer only); 0.0.0.0 serves "
        "the local network, where browsers do not let the page use the camera",
    )
    parser.add_argument(
        "--port",
        type=options.number(int, min=0, max=65_535),
        default=0,
        metavar="N",
        help="port to listen on; 0 takes a free port (default: %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `serve_demo` until Ctrl-C, which raises `KeyboardInterrupt`.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If a file is missing.
        MissingDependencyError: If a package is missing.
        InputError: If a file or a flag is invalid.
        ConnectionError: If a download fails; the message states where to put the file.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.web_demo.page import serve_page

    serve_page(
        arguments.weights,
        download_folder=arguments.cache,
        several=arguments.several_weights,
        config=arguments.config,
        from_files=arguments.from_file,
        host=arguments.host,
        port=arguments.port,
        progress=show_download,
    )
    return 0
