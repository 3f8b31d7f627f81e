"""An ONNX file like an exported MoveNet that finds the same people in every image."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from paddle_pose.backends.metadata import metadata_path
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.configs import registry
from paddle_pose.exporting.files import installed_versions
from paddle_pose.exporting.metadata import build_metadata
from paddle_pose.exporting.onnx_graph import OnnxGraph


def write_known_poses(
    path: Path, keypoints: np.ndarray, input_size: tuple[int, int] = (96, 64)
) -> Path:
    """Writes the network, its metadata beside it, and returns its path.

    Args:
        path: File to write.
        keypoints: [P, 17, 2] of the people in every image, in input px.
        input_size: (width, height) of the network's input in px, multiples of 4.
    """
    codec = MoveNetCodec(input_size=input_size, max_persons=6)
    config = replace(registry.find("movenet_lightning_coco"), codec=codec)
    targets = codec.encode(keypoints, np.ones(keypoints.shape[:2], np.int64))
    maps = {name: targets[name][None] for name in codec.outputs}
    graph = OnnxGraph()
    graph.add("Shape", "image", name="count", end=1)
    for name, values in maps.items():
        graph.constant(f"{name}.values", values)
        graph.constant(f"{name}.shape", list(values.shape[1:]))
        graph.add("Concat", "count", f"{name}.shape", name=f"{name}.all", axis=0)
        graph.add("Expand", f"{name}.values", f"{name}.all", name=name)
    placeholder = path.with_suffix(".weights")
    placeholder.write_bytes(b"none")
    text = json.dumps(build_metadata(config, maps, placeholder, versions=installed_versions()))
    width, height = input_size
    outputs = {name: ("N", *values.shape[1:]) for name, values in maps.items()}
    graph.save(path, {"image": ("uint8", ("N", height, width, 3))}, outputs, text)
    metadata_path(path).write_text(text, encoding="utf-8")
    return path
