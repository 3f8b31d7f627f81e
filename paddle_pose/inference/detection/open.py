"""Person detectors from ONNX files."""

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
"""Preprocessing and decoder of each family of detectors, by its name in `DETECTOR_FORMATS`."""
_PROBE_GREY = 114.0
"""Grey level 0..255 of the uniform image that a network is run on to recognise it."""
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

    An ONNX file does not state the mean, the order of the channels and the padding of its input.
    They are those of the family that the detector belongs to, see `CONVENTIONS`, and are logged.

    Args:
        path: Path of the .onnx file.
        format: Family of the detector: "nanodet", "yolox" (raw outputs), "yolox-decoded" (boxes in
            px), "yolox-nms" or "rtmdet" (both exported by mmdeploy), "ultralytics",
            "ultralytics-transposed" ([1, n, 4 + C]) or "end-to-end" (Ultralytics with suppression
            in the network). None recognises the family, see `recognize`.
        min_score: Score 0..1 that a person must exceed; None for the default of the family, 0.2 to
            0.3.
        max_people: Highest number of people in an image; those with the highest scores are kept.
        threads: Number of threads on the CPU; None for `environment.threads_to_use`.
        device: "cpu", "gpu", "gpu:1" for the second GPU, or "auto" for the GPU if the installed
            ONNX Runtime supports one, else the CPU.

    Raises:
        FileNotFoundError: If there is no such file.
        MissingDependencyError: If ONNX Runtime is not installed.
        InputError: If the file is not a supported detector, could belong to several families or
            does not fit `format`, a value is out of range, or the device is not available.
    """
    network = ForeignOnnx(Path(path), device, threads)
    layout = read_layout(network)

    @cache
    def run() -> Mapping[str, np.ndarray]:
        shape = (1, 3, layout.size[1], layout.size[0])
        return network(layout(np.full(shape, _PROBE_GREY, np.float32)))

    found = recognize(network, layout, run, format)
    preprocessing, decoder = CONVENTIONS[found]
    decoder = replace(decoder, person=person_class(network))
    _log.info(
        f"=> {path}: a person detector, read as {found}: {layout.size[0]}x{layout.size[1]} px, "
        f"{preprocessing}, on {network.device}"
    )
    return PersonDetector(
        network=lambda pixels: network(layout(pixels)),
        input_size=layout.size,
        preprocessing=preprocessing,
        decoder=decoder,
        min_score=min_score,
        max_people=max_people,
    )
