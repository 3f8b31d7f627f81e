"""Export metadata: everything that a program needs to prepare the input and decode the outputs.

`scripts/minimal_onnx.py` uses nothing but such metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose import __version__
from paddle_pose.backends.metadata import VERSION
from paddle_pose.codecs.base import OutputSpec
from paddle_pose.configs import overrides, registry
from paddle_pose.configs.specs import Config
from paddle_pose.errors import InputError
from paddle_pose.io.checksum import sha256_of

_PLACEMENTS = {  # alignment -> mapping of a window to the input
    "published": "the window's centre maps to (W/2, H/2) of the input; lengths are scaled by "
    "W/width",
    "udp": "the window's centre maps to ((W-1)/2, (H-1)/2) of the input; lengths are scaled by "
    "(W-1)/width",
}


def build_metadata(
    config: Config,
    outputs: Mapping[str, np.ndarray],
    weights: Path,
    *,
    specs: Sequence[OutputSpec] | None = None,
    precision: str = "float32",
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """Returns the metadata of an exported network.

    Args:
        config: Config of the network.
        outputs: Outputs [1, ...] for one image, by name, in the file's order; only their shapes and
            dtypes matter.
        weights: Checkpoint that the network was loaded from.
        specs: Specification of each output, in the same order; None takes those of the codec's
            `output_spec`.
        precision: Precision of the convolutions: "float32" or "int8".
        versions: Versions of the packages that wrote the file, by name.

    Returns:
        A dict of JSON types:
            "version": `VERSION` of this format.
            "input": "name", "shape" ["N", H, W, 3] (with the letters "H" and "W" if the file takes
                several sizes), "dtype", "layout", "colors", "range" and "normalised" of the images
                that the file takes.
            "outputs": For each output "name", "shape" (["N", ...]), "dtype", "meaning", "axes" and
                those of "columns", "unit", "stride", "cell" and "split_ratio" that are not None in
                its `OutputSpec`.
            "codec": "kind" (name of the class), the fields of the codec, and "skeleton", its name.
            "skeleton": All fields of the skeleton.
            "preprocessing": "window", "context" (a ratio), "alignment", "placement" and "pixels":
                how a box becomes the input; sentences except for context and alignment.
            "precision": "float32" or "int8".
            "source": "checkpoint", the file name of the weights, and their "sha256".
            "config": Name and values of the config, as in config.json.
            "versions": Versions of this package ("paddle_pose") and of those in `versions`.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        InputError: If the name or the number of axes of an output differs from its specification.
    """
    codec = config.codec
    width, height = codec.input_size
    if specs is None:
        specs = codec.output_spec({name: values.shape for name, values in outputs.items()})
    names = [spec.name for spec in specs]
    if names != list(outputs):
        raise InputError(
            f"codec {type(codec).__name__}: output_spec states {names}, expected {list(outputs)}"
        )
    return {
        "version": VERSION,
        "input": {
            "name": "image",
            "shape": ["N", *(("H", "W") if codec.sizes_vary else (height, width)), 3],
            "dtype": "uint8",
            "layout": "NHWC",
            "colors": "RGB",
            "range": [0, 255],
            "normalised": "inside the network",
        },
        "outputs": [_describe_output(spec, outputs[spec.name], codec.sizes_vary) for spec in specs],
        "codec": {"kind": type(codec).__name__}
        | {
            k.removeprefix("codec."): v
            for k, v in overrides.values(config).items()
            if k.startswith("codec.")
        }
        | {"skeleton": codec.skeleton.name},
        "skeleton": asdict(codec.skeleton),
        "preprocessing": {
            "window": "per person: centre and size of the box, enlarged on one side to the aspect "
            f"ratio W/H = {width}/{height}, then multiplied by `context`; " + codec.image_placement,
            "context": config.data.context,
            "alignment": codec.alignment,
            "placement": _PLACEMENTS[codec.alignment],
            "pixels": "0-based, centres at integers; bilinear; black outside the image"
            + "; scaled down by averaging areas, to whole px" * codec.by_area,
        },
        "precision": precision,
        "source": {"checkpoint": weights.name, "sha256": sha256_of(weights)},
        "config": json.loads(registry.to_json(config)),
        "versions": {"paddle_pose": __version__, **versions},
    }


def _describe_output(spec: OutputSpec, values: np.ndarray, sizes_vary: bool) -> dict[str, Any]:
    """Returns the metadata of one output: all fields of its specification that are not None.

    Args:
        spec: Specification of the output.
        values: Output for one image.
        sizes_vary: Whether the sides of grids depend on the input; "h" and "w" stand for them then.

    Raises:
        InputError: If the number of axes differs from the specification.
    """
    if len(spec.axes) != values.ndim:
        raise InputError(
            f"output {spec.name}: output_spec states the axes {spec.axes}, got {list(values.shape)}"
        )
    stated = {
        "columns": spec.columns and list(spec.columns),
        "unit": spec.unit,
        "stride": spec.stride,
        "cell": spec.cell and list(spec.cell),
        "split_ratio": spec.split_ratio,
    }
    return {
        "name": spec.name,
        "shape": [
            "N",
            *(
                axis if sizes_vary and axis in ("h", "w") else side
                for axis, side in zip(spec.axes[1:], values.shape[1:], strict=True)
            ),
        ],
        "dtype": str(values.dtype),
        "meaning": spec.meaning or spec.name,
        "axes": list(spec.axes),
        **{key: value for key, value in stated.items() if value is not None},
    }
