"""Prints the accuracy of INT8 exports beside that of the network: `int8_accuracy.py --weights F`.

Rows: the network in Paddle, its floating-point file, and INT8 files calibrated on the training
people of each data set of --calibration, with ONNX Runtime and OpenVINO; all on the same
validation people.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from paddle_pose import environment

environment.configure_cpu()  # before Paddle is imported
environment.require_paddle()

from paddle_pose.cli import options
from paddle_pose.configs import registry
from paddle_pose.engine.evaluate import Evaluation, evaluate
from paddle_pose.engine.export import Format, export_model
from paddle_pose.errors import PaddlePoseError

SUMMARY = ("AP", "Mean", "Mean@0.2", "Mean@0.1")  # values of a metric that the table shows
NO_LIMIT = 4096.0  # input px; a file is measured, however much it differs
FORMATS: tuple[tuple[str, Format, str], ...] = (
    ("ONNX Runtime", "onnx", ".onnx"),
    ("OpenVINO", "openvino", ".xml"),
)


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the flags."""
    parser = options.Parser(description=__doc__)
    parser.add_argument("--weights", required=True, type=Path, metavar="F", help="checkpoint")
    options.add_config(parser)
    parser.add_argument(
        "--dataset_root",
        metavar="D",
        help="data set of the evaluation; default: that of the config, or of the run of the weights",
    )
    parser.add_argument(
        "--calibration",
        nargs="+",
        type=Path,
        metavar="D",
        help="data sets or folders of images to calibrate on; default: the training data that the "
        "checkpoint states",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table, row by row, and returns the exit status.

    Args:
        argv: Flags; None for those of the command line.
    """
    arguments = build_parser().parse_args(argv)
    overrides = options.overrides(arguments)
    data = arguments.dataset_root
    if data is None:  # exported files do not state it
        settings = registry.config_of(arguments.weights, arguments.config, changes=overrides)
        data = registry.data_to_evaluate(arguments.weights, settings, overrides)
    for row in rows(
        arguments.weights,
        arguments.config,
        overrides,
        data,
        arguments.calibration or [None],
    ):
        print(row, flush=True)
    return 0


def rows(
    weights: Path,
    config: str | None,
    overrides: Mapping[str, object],
    data: str | None,
    calibrations: Sequence[Path | None],
) -> Iterator[str]:
    """Yields the lines of the table.

    Args:
        weights: Path of the checkpoint.
        config: Name of its config; None reads the config beside it.
        overrides: New values of the config by dotted key.
        data: Folder of the validation people; None takes the config's annotation files.
        calibrations: Sources of the calibration windows, see `export_model`.
    """
    yield "| backend | calibration | accuracy | distance to the network, input px: median, mean |"
    yield "|---|---|---|---|"
    measured = evaluate(
        weights, data, config=config, overrides=overrides, device="cpu", progress=None
    )
    yield f"| Paddle | - | {accuracy(measured)} | - |"
    for name, format, suffix in FORMATS:
        for source in (False, *calibrations):  # False: floating point
            with tempfile.TemporaryDirectory() as folder:
                exported = export_model(
                    weights,
                    Path(folder, "model" + suffix),
                    format=format,
                    config=config,
                    overrides=overrides,
                    int8=source is not False,
                    calibration=source or None,
                    tolerance=NO_LIMIT,
                )
                measured = evaluate(exported.path, data, device="cpu", progress=None)
            pixels = sorted(exported.difference.pixels)
            what = "floating point" if source is False else str(source or "its training data")
            yield (
                f"| {name} | {what} | {accuracy(measured)} | {pixels[len(pixels) // 2]:.2f}, "
                f"{sum(pixels) / len(pixels):.2f} |"
            )


def accuracy(measured: Evaluation) -> str:
    """Returns the main scores of an evaluation as text, with their intervals if there are any."""
    shown = []
    for name in SUMMARY:
        if name in measured.values:
            low, high = measured.intervals.get(name, (None, None))
            interval = "" if low is None else f" ({low:.3f} .. {high:.3f})"
            shown.append(f"{name} {measured.values[name]:.3f}{interval}")
    return ", ".join(shown)


if __name__ == "__main__":
    environment.ignore_paddle_warnings()
    try:
        sys.exit(main())
    except (PaddlePoseError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
