"""Which networks `predict.py` takes, and which parts of an image they look at."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paddle_pose.commands import download_weights
from paddle_pose.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from paddle_pose.configs.specs import Config
    from paddle_pose.io.boxes import Box, Boxes
    from paddle_pose.io.frames import Frame, Source

DEFAULT_WEIGHTS = "google_movenet_lightning_int8"
MAX_PEOPLE = 6  # that a detector finds
MIN_SCORE = 0.2  # of a box in a file
MIN_PERSON_SCORE = 0.05  # of a detector: MoveNet's scores of several people are products of two, and small


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Adds --weights, --from_file and --cache."""
    parser.add_argument(
        "--weights",
        "--pretrained_model",
        default=DEFAULT_WEIGHTS,
        metavar="F|NAME",
        help=f"a file (an exported one, too), or the name of a published one, which is fetched; default {DEFAULT_WEIGHTS}",
    )
    parser.add_argument(
        "--from_file", type=Path, metavar="F", help="a copy of the published file: verified, nothing is downloaded"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=download_weights.FOLDER,
        metavar="DIR",
        help=f"where published files go; default {download_weights.FOLDER}",
    )


def add_people(parser: argparse.ArgumentParser) -> None:
    """Adds --boxes, --detector, --box_threshold, --people and --fit."""
    group = parser.add_argument_group("where people are")
    group.add_argument(
        "--boxes",
        type=Path,
        metavar="FILE",
        help='COCO\'s annotations or detections, or {"photo.jpg": [[x, y, width, height], …]} in px, a person each',
    )
    group.add_argument(
        "--detector", metavar="F|NAME", help="weights that find people; --weights then look at each one by one"
    )
    group.add_argument(
        "--box_threshold",
        type=float,
        metavar="T",
        help=f"lowest score of a box; default {MIN_SCORE} in --boxes, {MIN_PERSON_SCORE} of --detector",
    )
    group.add_argument(
        "--people",
        type=int,
        metavar="N",
        help=f"most people that a MoveNet finds in an image; default as its config says, {MAX_PEOPLE} as --detector",
    )
    group.add_argument(
        "--fit",
        choices=("letterbox", "stretch"),
        default="letterbox",
        help="how a whole image becomes the input: with black borders (default), or stretched",
    )


def boxes(arguments: argparse.Namespace, places: Sequence[Source]) -> Boxes | None:
    """Returns the boxes of --boxes, None without it.

    Args:
        arguments: of the command.
        places: what they must be for.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If it is not as expected, is about other images, or there is a --detector, too.
    """
    from paddle_pose.io.boxes import read_boxes

    if arguments.boxes is None:
        return None
    if arguments.detector is not None:
        raise InputError(
            f"--boxes {arguments.boxes} and --detector {arguments.detector}: one of them says where people are"
        )
    found = read_boxes(arguments.boxes, MIN_SCORE if arguments.box_threshold is None else arguments.box_threshold)
    found.check([place.path for place in places])
    return found


def weights(arguments: argparse.Namespace) -> tuple[Path, Path | None]:
    """Returns the files of --weights and of --detector, if any, fetched where they are names of published ones.

    Raises:
        FileNotFoundError: If there is no --from_file.
        InputError: If a checksum does not match, or --from_file is a copy of nothing.
        ConnectionError: If the server cannot be reached; says where to put the file.
    """
    from paddle_pose.weights.zoo import PUBLISHED

    chosen = [name for name in (arguments.weights, arguments.detector) if name is not None]
    named = [name for name in dict.fromkeys(chosen) if name in PUBLISHED and not Path(name).exists()]
    if arguments.from_file is not None and len(named) != 1:
        raise InputError(
            f"--from_file {arguments.from_file}: one name of a published file must be among {', '.join(chosen)}"
        )
    files = {name: download_weights.converted(name, arguments.cache, arguments.from_file) for name in named}
    first, *second = (files.get(name, Path(name)) for name in chosen)
    return first, second[0] if second else None


def framed(
    frames: Iterable[Frame], boxes: Boxes | None, detector: Any, min_score: float | None, together: int
) -> Iterator[tuple[Frame, np.ndarray, list[Box] | None]]:
    """Yields every frame with its pixels and the boxes to look through, None for the whole image.

    Args:
        frames: of any sources.
        boxes: of a file; None without one.
        detector: a Predictor that finds people; None without one.
        min_score: people that it finds with a lower one are left out; None for `MIN_PERSON_SCORE`.
        together: windows that it looks at together.
    """
    from paddle_pose.inference.two_stage import person_boxes

    lowest = MIN_PERSON_SCORE if min_score is None else min_score
    if detector is not None:
        for frame, poses in detector.stream(((frame, frame.pixels, None) for frame in frames), batch_size=together):
            yield frame, frame.pixels, person_boxes(poses, lowest)
    else:
        for frame in frames:
            yield frame, frame.pixels, None if boxes is None else boxes.of(frame.source.path)


def detector_config(weights: Path, most: int | None) -> Config:
    """Returns the config beside a detector's weights, for at most so many people; None for `MAX_PEOPLE`.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If there is no config beside it.
    """
    from paddle_pose.configs import registry

    if not weights.is_file():
        raise FileNotFoundError(f"--detector {weights}: no such weights file")
    config = registry.read_beside(weights)
    if config is None:
        raise InputError(
            f"--detector {weights}: there is no {registry.FILE_NAME} beside it that says which network it is for; "
            "convert_weights.py writes one"
        )
    return with_people(config, MAX_PEOPLE if most is None else most)


def with_people(config: Config, most: int | None) -> Config:
    """Returns the config with at most so many people to a window, where its codec can find several.

    Raises:
        InputError: If that is not positive.
    """
    from paddle_pose.configs import overrides

    if most is None or not hasattr(config.codec, "max_persons"):
        return config
    return overrides.override(config, {"codec.max_persons": most})
