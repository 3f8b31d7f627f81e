"""Reads the images that INT8 quantization is calibrated on: what the network receives in use."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from paddle_pose import build
from paddle_pose.configs import registry
from paddle_pose.configs.overrides import override
from paddle_pose.configs.specs import Config
from paddle_pose.engine.check import layout_of
from paddle_pose.engine.pose_model import DEFAULT_DETECTOR, open_detector
from paddle_pose.engine.zoo import path_of_published
from paddle_pose.environment import argument, command
from paddle_pose.errors import InputError
from paddle_pose.exporting.images import drawn, read_inputs
from paddle_pose.geometry import Window, box_window
from paddle_pose.inference.pipeline import detected

MOST_WINDOWS = 128
"""Largest number of calibration windows."""
_log = logging.getLogger("paddle_pose")


def calibration_inputs(config: Config, weights: Path, source: Path | None) -> np.ndarray:
    """Returns the windows that INT8 quantization is calibrated on; logs how many of what they are.

    At most `MOST_WINDOWS` windows are drawn at random, always the same ones.

    Args:
        config: Config of the network, whose codec has one size of the input.
        weights: Path of the network's checkpoint.
        source: Folder of a data set in MPII's or COCO's layout, or of MoveNet's crops, whose
            training split is framed as in evaluation; or any other folder, from whose images the
            windows are those of people that the default detector finds, or the whole images for
            framing "image". None takes the training data that the checkpoint states.

    Returns:
        uint8 RGB [M, H, W, 3].

    Raises:
        FileNotFoundError: If the folder, its images or the detector are missing.
        InputError: If the checkpoint does not state its training data, an annotation file or an
            image is invalid, or no people are found.
    """
    if source is None:
        return _of_samples(config, _training_data(config, weights))
    if config.data.dataset != "movenet_crops" and any(source.glob("annotations/*.json")):
        return _of_samples(override(config, {"data.dataset": layout_of(source)}), source)
    if config.data.dataset == "movenet_crops" and any(source.glob("**/train2017.json")):
        return _of_samples(config, source)
    return _of_images(config, source)


def _training_data(config: Config, weights: Path) -> Path | None:
    """Returns the folder of the data that a checkpoint was trained on.

    None if the config names annotation files instead.

    Raises:
        InputError: If the checkpoint states neither, or the folder does not exist any more.
    """
    if config.data.train_annotations is not None:
        return None
    folder = registry.data_of(weights)
    if folder is None:
        raise InputError(
            f"{weights}: does not state which data it was trained on; INT8 needs "
            f"{argument('--calibration D', 'calibration')}, the folder of a data set or of images"
        )
    return Path(folder)


def _of_samples(config: Config, root: Path | None) -> np.ndarray:
    """Returns windows of the training split of a data set, see `calibration_inputs`."""
    samples = build.samples(config, root, config.data.train_split)
    chosen = [samples[index] for index in drawn(len(samples), MOST_WINDOWS)]
    what = "whole images" if config.data.framing == "image" else "people"
    _log.info(
        f"INT8: calibrating on {len(chosen)} of the {len(samples)} {what} in the training split of "
        f"{root or config.data.train_annotations}"
    )
    return np.concatenate([images for images, _ in build.batches(config, chosen)])


def _of_images(config: Config, folder: Path) -> np.ndarray:
    """Returns windows of the images in a folder, see `calibration_inputs`."""
    codec = config.codec
    if config.data.framing == "image":
        inputs = read_inputs(folder, codec, most=MOST_WINDOWS)
        _log.info(f"INT8: calibrating on {len(inputs)} whole images in {folder}")
        return inputs
    if not path_of_published(DEFAULT_DETECTOR).is_file():
        raise FileNotFoundError(
            f"{folder}: is no data set, and the detector that finds the people in its images is "
            f"missing; get it with {command('download')} {DEFAULT_DETECTOR}, or give the folder of "
            "a data set"
        )
    detector = open_detector(DEFAULT_DETECTOR)

    def windows_of(pixels: np.ndarray) -> list[Window]:
        return [
            box_window((x, y, width, height), codec.input_size, config.data.context)
            for x, y, width, height in detected(detector, pixels).boxes.tolist()
        ]

    inputs = read_inputs(folder, codec, windows_of, most=MOST_WINDOWS)
    if not len(inputs):
        raise InputError(
            f"{folder}: {DEFAULT_DETECTOR} finds no people in its images; give images with people, "
            "or the folder of a data set"
        )
    _log.info(
        f"INT8: calibrating on {len(inputs)} people that {DEFAULT_DETECTOR} finds in the images in "
        f"{folder}"
    )
    return inputs
