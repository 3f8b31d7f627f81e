"""Opens a person detector from an ONNX file."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from paddle_pose.backends.foreign_onnx import ForeignOnnx
from paddle_pose.inference.detection.base import MAX_PEOPLE, PersonDetector
from paddle_pose.inference.detection.letterbox import (
    NANODET_PREPROCESSING,
    RTMDET_PREPROCESSING,
    ULTRALYTICS_PREPROCESSING,
    YOLOX_PREPROCESSING,
    Preprocessing,
)
from paddle_pose.inference.detection.nanodet import NanoDetDecoder
from paddle_pose.inference.detection.ready_boxes import DetsLabelsDecoder, EndToEndDecoder
from paddle_pose.inference.detection.recognize import (
    DetectorFormat,
    person_class,
    read_layout,
    recognize,
)
from paddle_pose.inference.detection.yolo import UltralyticsDecoder, YoloxDecoder

Decoder = NanoDetDecoder | YoloxDecoder | UltralyticsDecoder | DetsLabelsDecoder | EndToEndDecoder
CONVENTIONS: dict[DetectorFormat, tuple[Preprocessing, Decoder]] = {
    "nanodet": (NANODET_PREPROCESSING, NanoDetDecoder()),
    "yolox": (YOLOX_PREPROCESSING, YoloxDecoder()),
    "yolox-decoded": (YOLOX_PREPROCESSING, YoloxDecoder(decoded=True)),
    "yolox-nms": (YOLOX_PREPROCESSING, DetsLabelsDecoder()),
    "rtmdet": (RTMDET_PREPROCESSING, DetsLabelsDecoder()),
    "ultralytics": (ULTRALYTICS_PREPROCESSING, UltralyticsDecoder()),
    "ultralytics-transposed": (ULTRALYTICS_PREPROCESSING, UltralyticsDecoder(cells_first=True)),
    "end-to-end": (ULTRALYTICS_PREPROCESSING, EndToEndDecoder()),
}
_PLAIN = 114.0  # grey level of the image that a network is probed with
_log = logging.getLogger("paddle_pose")


def open_detector(
    path: str | Path,
    *,
    format: DetectorFormat | None = None,
    min_score: float | None = None,
    max_people: int = MAX_PEOPLE,
    threads: int | None = None,
    device: str = "auto",
) -> PersonDetector:
    """Returns the person detector in an ONNX file.

    What no file states (mean, order of channels, padding) takes the family's usual value, which is logged.

    Args:
        path: The .onnx file.
        format: Family that the file belongs to; None recognises it, see `recognize`.
        min_score: Score that a person must exceed; None takes the family's.
        max_people: Largest number of people of an image, the best ones.
        threads: Threads to compute with; None as `environment.threads_to_use`.
        device: "cpu", "gpu", or "auto": the GPU where this ONNX Runtime has one.

    Raises:
        FileNotFoundError: If there is no such file.
        MissingDependencyError: If ONNX Runtime is not installed.
        InputError: If the file is not a detector that can be read, could belong to several families, or a value is out of
            range.
    """
    network = ForeignOnnx(Path(path), device, threads)
    layout = read_layout(network)

    @cache
    def run() -> Mapping[str, np.ndarray]:
        return network(layout(np.full((1, 3, layout.size[1], layout.size[0]), _PLAIN, np.float32)))

    found = recognize(network, layout, run, format)
    preprocessing, decoder = CONVENTIONS[found]
    decoder = replace(decoder, person=person_class(network))
    _log.info(
        f"=> {path}: a person detector, read as {found}: {layout.size[0]}x{layout.size[1]} px, {preprocessing}, on "
        f"{network.device}"
    )
    return PersonDetector(
        network=lambda pixels: network(layout(pixels)),
        input_size=layout.size,
        preprocessing=preprocessing,
        decoder=decoder,
        min_score=min_score,
        max_people=max_people,
    )
