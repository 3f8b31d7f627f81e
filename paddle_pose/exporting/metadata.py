"""What an exported file promises to whoever runs it: all that is needed to feed it and to read its answer.

`scripts/minimal_onnx.py` is written from such a metadata alone.
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

_WINDOWS = {
    "published": "its centre lands on (W/2, H/2), a length in it is W/width times as long in the input",
    "udp": "its centre lands on ((W-1)/2, (H-1)/2), a length in it is (W-1)/width times as long in the input",
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
        config: of the network.
        outputs: what it answers to one image, by name, in the file's order.
        weights: the checkpoint it was made from.
        specs: What each output contains, in the same order; None as the codec's `output_spec` states it.
        precision: "float32" or "int8".
        versions: of the packages that made the file.

    Raises:
        InputError: If an output is not as its specification states.
    """
    codec, (width, height) = config.codec, config.codec.input_size
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
            "shape": ["N", height, width, 3],
            "dtype": "uint8",
            "layout": "NHWC",
            "colors": "RGB",
            "range": [0, 255],
            "normalised": "inside the network",
        },
        "outputs": [_describe_output(spec, outputs[spec.name]) for spec in specs],
        "codec": {"kind": type(codec).__name__}
        | {
            k.removeprefix("codec."): v
            for k, v in overrides.values(config).items()
            if k.startswith("codec.")
        }
        | {"skeleton": codec.skeleton.name},
        "skeleton": asdict(codec.skeleton),
        "preprocessing": {
            "window": f"per person: the box's centre; as wide and high as the box, widened to W/H = {width}/{height} round "
            "that centre, times `context`; the whole image is a box of context 1",
            "context": config.data.context,
            "alignment": codec.alignment,
            "placement": _WINDOWS[codec.alignment],
            "pixels": "0-based, centres at integers; bilinear; black outside the image",
        },
        "precision": precision,
        "source": {"checkpoint": weights.name, "sha256": sha256_of(weights)},
        "config": json.loads(registry.to_json(config)),
        "versions": {"paddle_pose": __version__, **versions},
    }


def _describe_output(spec: OutputSpec, values: np.ndarray) -> dict[str, Any]:
    """Returns the metadata of one output: everything that its specification states."""
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
        "shape": ["N", *values.shape[1:]],
        "dtype": str(values.dtype),
        "meaning": spec.meaning or spec.name,
        "axes": list(spec.axes),
        **{key: value for key, value in stated.items() if value is not None},
    }
