"""`python export.py`: a checkpoint as a file that runs without this package, compared with the live network at once."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paddle_pose.commands import options
from paddle_pose.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from paddle_pose.codecs.base import Codec
    from paddle_pose.configs.specs import Config
    from paddle_pose.exporting.verify import Difference

SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "paddle": ".json"}
COMPANIONS = {".xml": ".bin", ".json": ".pdiparams"}
PACKAGES = ("paddlepaddle", "paddlepaddle-gpu", "paddle2onnx", "onnx", "onnxruntime", "openvino")
NUM_SYNTHETIC = 16
BATCH = 8
TOLERANCE, INT8_TOLERANCE = 0.5, 4.0  # input px; 4 is a cell


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Writes a network as an ONNX, OpenVINO or Paddle file for batches of any size, with its metadata: input, "
        "outputs, codec, skeleton, preprocessing, source. Normalising is inside. The file is compared with the live network "
        "before it gets its name. ONNX and OpenVINO need `pip install -r requirements/export.txt`.",
    )
    parser.add_argument("--weights", "--pretrained_model", required=True, type=Path, metavar="F", help="the checkpoint")
    parser.add_argument("--format", choices=tuple(SUFFIXES), default="onnx", help="default onnx")
    parser.add_argument("--output", type=Path, metavar="P", help="the file; default: beside the checkpoint")
    options.add_config(parser)
    parser.add_argument("--decode", action="store_true", help="answer keypoints: decoding is part of the graph")
    parser.add_argument("--int8", action="store_true", help="convolutions in 8 bits; needs --calibration")
    parser.add_argument(
        "--calibration", type=Path, metavar="DIR", help="images like those to come, one person each, for --int8"
    )
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="to compare on; default: synthetic people")
    parser.add_argument(
        "--tolerance",
        type=float,
        metavar="PX",
        help="how far a keypoint may move, in input px, before the export fails; with --int8 the median keypoint; "
        f"default {TOLERANCE}, with --int8 {INT8_TOLERANCE}",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        MissingDependencyError: If the format needs a package that is not installed; says how to install it.
        InputError: If a file or a flag does not fit, or the exported network differs from the live one.
    """
    arguments = build_parser().parse_args(argv)
    if arguments.int8 and (arguments.calibration is None or arguments.format == "paddle"):
        raise InputError("--int8 needs --calibration DIR with images, and --format onnx or openvino")
    from paddle_pose.environment import check_paddle

    check_paddle()
    from paddle_pose import build
    from paddle_pose.backends.metadata import metadata_path
    from paddle_pose.backends.open import open_exported
    from paddle_pose.backends.paddle import PaddleBackend
    from paddle_pose.exporting.verify import compare

    config = options.config_of(arguments.weights, arguments)
    config, network = build.loaded(config, arguments.weights, say=print)
    target = target_of(arguments)
    images = looked_at(arguments.images, config.codec)
    calibration = looked_at(arguments.calibration, config.codec) if arguments.int8 else None
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".exporting_", dir=target.parent) as folder:
        fresh = Path(folder) / target.name
        metadata = write(config, network, arguments.weights, fresh, arguments.decode, calibration)
        difference = compare(
            PaddleBackend(network),
            open_exported(fresh, "cpu"),
            config.codec,
            in_batches(images),
            exact=not arguments.int8,
            decoded=metadata["outputs"][0] if arguments.decode else None,
        )
        print(difference)
        check(difference, arguments.int8, arguments.tolerance)
        put_in_place(fresh, target)
    print(f"Written: {target}, {metadata_path(target).name}")
    return 0


def target_of(arguments: argparse.Namespace) -> Path:
    """Returns the exported file's path.

    Raises:
        InputError: If `--output` has another suffix than the format.
    """
    suffix = SUFFIXES[arguments.format]
    if arguments.output is None:
        name = arguments.weights.stem + "_decoded" * arguments.decode + "_int8" * arguments.int8
        return arguments.weights.with_name(name + suffix)
    if arguments.output.suffix != suffix:
        raise InputError(f"--output {arguments.output}: --format {arguments.format} is written as *{suffix}")
    return arguments.output


def write(
    config: Config,
    network: Any,
    weights: Path,
    target: Path,
    decode: bool = False,
    calibration: np.ndarray | None = None,
) -> dict[str, Any]:
    """Writes the file, what belongs to it and its metadata into the target's folder.

    Args:
        config: of the network.
        network: in inference mode.
        weights: the checkpoint that the metadata names.
        target: the file; its suffix is the format.
        decode: whether it answers keypoints.
        calibration: uint8 [M, H, W, 3] images for INT8; None stays in floating point.

    Returns:
        The metadata.
    """
    from importlib import metadata

    import numpy as np

    from paddle_pose.backends.metadata import metadata_path
    from paddle_pose.backends.paddle import PaddleBackend
    from paddle_pose.exporting import convert, quantize
    from paddle_pose.exporting.decoding import with_decoding
    from paddle_pose.exporting.metadata import build_metadata
    from paddle_pose.exporting.program import save_program

    graph = with_decoding(network, config.codec) if decode else network
    width, height = config.codec.input_size
    outputs = PaddleBackend(graph)(np.zeros((1, height, width, 3), np.uint8))
    names = list(outputs) if decode else list(config.codec.outputs)
    there = {distribution.metadata["Name"]: distribution.version for distribution in metadata.distributions()}
    exported = build_metadata(
        config,
        {name: outputs[name] for name in names},
        weights,
        columns=graph.columns if decode else None,
        unit=graph.unit if decode else None,
        precision="float32" if calibration is None else "int8",
        versions={name: there[name] for name in PACKAGES if name in there},
    )
    program, onnx_file = target.with_suffix(".json"), target.with_suffix(".onnx")
    save_program(graph, names, config.codec.input_size, program)
    text = json.dumps(exported, indent=1)
    if target != program:
        convert.program_to_onnx(program, onnx_file, names)
    if calibration is not None:
        floats = target.with_suffix(".float.onnx")
        os.replace(onnx_file, floats)
        quantize.quantize(floats, onnx_file, in_batches(calibration))
    if target == onnx_file:
        convert.put_metadata(target, text)
    elif target != program:
        convert.onnx_to_openvino(onnx_file, target)
    metadata_path(target).write_text(text + "\n", encoding="utf-8")
    return exported


def looked_at(folder: Path | None, codec: Codec) -> np.ndarray:
    """Returns the images of a folder, each whole in the input's window, or drawn ones: uint8 [M, H, W, 3].

    Raises:
        FileNotFoundError: If there is no image in the folder.
        InputError: If one cannot be decoded.
    """
    import numpy as np

    from paddle_pose import geometry
    from paddle_pose.data.synthetic.scene import draw_scene
    from paddle_pose.io import frames, images

    size = codec.input_size
    if folder is None:
        return np.stack([draw_scene(np.random.default_rng(seed), size).image for seed in range(NUM_SYNTHETIC)])
    paths = [source.path for source in frames.find([str(folder)]) if source.kind == "image"]
    if not paths:
        raise FileNotFoundError(f"{folder}: no image there ({', '.join(images.SUFFIXES)})")
    windows = []
    for path in paths:
        pixels = images.read_upright(path)
        window = geometry.box_window((0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0])), size, context=1.0)
        windows.append(geometry.warp(pixels, window.to_input(size, codec.alignment), size))
    return np.stack(windows)


def in_batches(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yields images [N, H, W, 3]: one first, then several at once."""
    yield images[:1]
    for start in range(1, len(images), BATCH):
        yield images[start : start + BATCH]


def check(difference: Difference, int8: bool, tolerance: float | None) -> None:
    """Refuses an export that is not the network.

    Raises:
        InputError: If maps or keypoints differ too much, or no keypoint could be compared.
    """
    import numpy as np

    from paddle_pose.exporting.verify import MAP_TOLERANCE

    limit = tolerance if tolerance is not None else INT8_TOLERANCE if int8 else TOLERANCE
    if len(difference.pixels) == 0:
        raise InputError("no keypoint could be compared: give --pictures DIR with people in them; nothing was written")
    found = float(np.median(difference.pixels) if int8 else difference.pixels.max())
    if found > limit or (not int8 and difference.maps > MAP_TOLERANCE):
        raise InputError(
            f"the exported network differs from the live one: {difference}; allowed: {limit} px, nothing was written"
        )


def put_in_place(fresh: Path, target: Path) -> None:
    """Moves a file with what belongs to it; a file under its final name is always complete."""
    from paddle_pose.backends.metadata import metadata_path

    target.unlink(missing_ok=True)
    if fresh.suffix in COMPANIONS:
        companion = COMPANIONS[fresh.suffix]
        os.replace(fresh.with_suffix(companion), target.with_suffix(companion))
    os.replace(metadata_path(fresh), metadata_path(target))
    os.replace(fresh, target)
