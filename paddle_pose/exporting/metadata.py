"""What an exported file promises to whoever runs it: all that is needed to feed it and to read its answer.

`scripts/minimal_onnx.py` is written from such a metadata alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose import __version__
from paddle_pose.backends.metadata import VERSION
from paddle_pose.configs import overrides, registry
from paddle_pose.configs.specs import Config
from paddle_pose.io.checksum import sha256_of

_WINDOWS = {
    "published": "its centre lands on (W/2, H/2), a length in it is W/width times as long in the input",
    "udp": "its centre lands on ((W-1)/2, (H-1)/2), a length in it is (W-1)/width times as long in the input",
}
MEANINGS: dict[str, dict[str, str]] = {  # by the codec's class and the output's name
    "HeatmapCodec": {
        "heatmaps": "N batch, S stage (read the last), K joints, h, w; the cell (x, y) lies at (x, y) * cell in input px; the "
        "highest cell of a map is the joint, its value the score",
        "keypoints": "K joints in the skeleton's order; see columns and unit",
    },
    "MoveNetCodec": {
        "centers": "probability of a person's centre in a cell",
        "heatmaps": "K joints, probability of one in a cell",
        "regressions": "x, y of the first joint, x, y of the second, ...: from a centre's cell to a joint's cell, in units of "
        "the codec's regression_unit",
        "offsets": "likewise, from a joint's cell to the joint, which lies at (cell + offset) * stride in input px",
        "keypoints": "one person, K joints in the skeleton's order; see columns and unit",
    },
}


def build_metadata(
    config: Config,
    outputs: Mapping[str, np.ndarray],
    weights: Path,
    *,
    columns: tuple[str, ...] | None = None,
    unit: str | None = None,
    precision: str = "float32",
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """Returns the metadata of an exported network.

    Args:
        config: of the network.
        outputs: what it answers to one image, by name, in the file's order.
        weights: the checkpoint it was made from.
        columns: of the last axis, where it answers keypoints.
        unit: of their coordinates.
        precision: "float32" or "int8".
        versions: of the packages that made the file.
    """
    codec, (width, height) = config.codec, config.codec.input_size
    kind = type(codec).__name__
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
        "outputs": [
            {
                "name": name,
                "shape": ["N", *array.shape[1:]],
                "dtype": str(array.dtype),
                "meaning": MEANINGS.get(kind, {}).get(name, name),
                **(
                    {"columns": list(columns), "unit": unit}
                    if columns
                    else _grid(array, width, height, codec.alignment)
                ),
            }
            for name, array in outputs.items()
        ],
        "codec": {"kind": kind}
        | {k.removeprefix("codec."): v for k, v in overrides.values(config).items() if k.startswith("codec.")}
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


def _grid(maps: np.ndarray, width: int, height: int, alignment: str) -> dict[str, Any]:
    """Returns how many input px a cell is, (x, y), and the stride."""
    h, w = maps.shape[-2:]
    corners = alignment == "udp"
    return {"stride": height // h, "cell": [(width - corners) / (w - corners), (height - corners) / (h - corners)]}
