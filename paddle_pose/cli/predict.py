"""`paddle-pose predict`, `python predict.py`: predicts poses in images, videos and cameras."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paddle_pose import environment
from paddle_pose.cli import options
from paddle_pose.cli.download import add_folder, show_download
from paddle_pose.interruption import SignalInterruption
from paddle_pose.progress import show_progress

if TYPE_CHECKING:
    from paddle_pose.engine.predict import Summary

DEFAULT_WEIGHTS = "movenet_thunder"
ACCURATE_WEIGHTS = "rtmpose_m"
FAST_WEIGHTS = "movenet_multipose"
DETECTOR_FORMATS = (
    "nanodet",
    "yolox",
    "yolox-decoded",
    "yolox-nms",
    "rtmdet",
    "ultralytics",
    "ultralytics-transposed",
    "end-to-end",
)
SAVED = ("drawing", "json", "coco", "csv")

_DESCRIPTION = """\
Predicts the poses of people in images, videos or a camera's stream. By default
a person detector (NanoDet-m) finds the people, and Google's MoveNet Thunder
predicts the pose of each; both are downloaded once, and run on ONNX Runtime if
it is installed. Ctrl-C stops the command; the files written so far are
complete."""
_EPILOG = """examples:
  {predict} photo.jpg
      writes the drawn poses and predictions.json to output/predict
  {predict} clip.mp4 --track --smooth
      gives the people of a video ids, and smooths their keypoints
  {predict} photo.jpg --weights output/run --detector none
      runs your own network on the whole image"""


def build_parser() -> options.Parser:
    """Returns the parser of the command `predict`."""
    parser = options.Parser(
        "predict",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(predict=environment.command("predict")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "images",
        nargs="+",
        metavar="PLACE",
        help="image, video, folder (with its subfolders), pattern in quotes such as "
        "'photos/*.jpg', or number of a camera such as 0",
    )
    add_weights(parser)
    options.add_weights_format(parser)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--accurate",
        action="store_true",
        help=f"the most accurate network for ONNX Runtime in the zoo: --weights {ACCURATE_WEIGHTS}",
    )
    choice.add_argument(
        "--fast",
        action="store_true",
        help="up to six people in one pass without a detector, in whole images of 256 px: "
        f"--weights {FAST_WEIGHTS}",
    )
    options.add_config(parser)
    _add_people(parser)
    _add_tracking(parser)
    parser.add_argument(
        "--flip",
        action=argparse.BooleanOptionalAction,
        help="flip test: average with the outputs of the mirrored image (default: the config's)",
    )
    parser.add_argument(
        "--batch_size",
        type=options.number(int, min=1, max=65_536),
        metavar="N",
        help="windows that the network processes together (default: 8; 1 with a camera or --show)",
    )
    options.add_device(parser)
    options.add_threads(parser)
    _add_results(parser)
    return parser


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of published weights to a parser.

    - `args.weights` (--weights, --pretrained_model): path of a pose network, or name of a published
      one, a string; by default `DEFAULT_WEIGHTS`.
    - `args.from_file` (--from_file F ...): paths of local copies, a sequence of `Path`; empty by
      default.
    - `args.cache` (--cache): see `download.add_folder`.
    """
    parser.add_argument(
        "--weights",
        "--pretrained_model",
        default=DEFAULT_WEIGHTS,
        metavar="F|NAME",
        help="pose network: a checkpoint, an exported file, the folder of a run, or the name of a "
        "published file (`zoo` lists them), which is downloaded once (default: %(default)s)",
    )
    parser.add_argument(
        "--from_file",
        type=Path,
        nargs="+",
        default=(),
        metavar="F",
        help="local copies of published files, of the weights, the detector or both, or folders or "
        "archives that contain them; they are verified, and not downloaded",
    )
    add_folder(parser)


def _add_people(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of person detection to a parser, from --boxes to --fit."""
    group = parser.add_argument_group("detection of people")
    group.add_argument(
        "--boxes",
        type=Path,
        metavar="FILE",
        help="file of the people's boxes, instead of a detector: annotations or detections in "
        'COCO\'s format, or {"photo.jpg": [[x, y, width, height], …]} in image px',
    )
    group.add_argument(
        "--detector",
        default="auto",
        metavar="F|NAME",
        help="person detector: auto (NanoDet-m if the network expects one person per window, else "
        "none), none (the whole image is the window), the name of a published detector, an ONNX "
        "file of NanoDet, YOLOX, RTMDet or Ultralytics, or weights of a MoveNet that finds several "
        "people (default: %(default)s)",
    )
    group.add_argument(
        "--detector_format",
        choices=DETECTOR_FORMATS,
        help="format of the outputs of an ONNX detector (default: recognised from the file)",
    )
    group.add_argument(
        "--detect_every",
        type=options.number(int, min=1, max=10_000),
        default=5,
        metavar="N",
        help="in videos, run the detector in every N-th frame; in between, the windows are placed "
        "around the poses of the previous frame (default: %(default)s)",
    )
    group.add_argument(
        "--box_threshold",
        type=options.number(float, min=-1000, max=1000),
        metavar="T",
        help="lowest score of a box (default: 0.2 for --boxes and NanoDet, 0.3 for YOLOX and "
        "RTMDet, 0.25 for Ultralytics, 0.05 for a MoveNet)",
    )
    group.add_argument(
        "--person_threshold",
        type=options.number(float, min=-1000, max=1000),
        metavar="T",
        help="lowest score of a person in drawings and files; 0 keeps all candidates, most of which "
        "are false below 0.2. Files in COCO's format always contain all, since AP counts them "
        "(default: 0.2 for people of a detector without a track id; none with --boxes, whole "
        "images, or a MoveNet as --detector)",
    )
    group.add_argument(
        "--people",
        type=options.number(int, min=1, max=1000),
        metavar="N",
        help="largest number of people per image (default: 20 for a detector, 6 for a MoveNet as "
        "--detector, the config's number for a network that runs on the whole image)",
    )
    group.add_argument(
        "--fit",
        choices=("letterbox", "stretch"),
        default="letterbox",
        help="fit of a whole image into the network's input: letterbox adds black borders, stretch "
        "changes the aspect ratio (default: %(default)s)",
    )


def _add_tracking(parser: argparse.ArgumentParser) -> None:
    """Adds --track, --smooth and --one_person to a parser."""
    group = parser.add_argument_group("videos")
    group.add_argument(
        "--track",
        nargs="?",
        const="oks",
        choices=("oks", "iou"),
        help="give people ids, matched from frame to frame by their keypoints (oks) or by their "
        "boxes (iou); --track alone means oks (default: no ids)",
    )
    group.add_argument(
        "--smooth",
        action="store_true",
        help="reduce jitter with the One-Euro filter; also gives people ids",
    )
    group.add_argument(
        "--one_person",
        action="store_true",
        help="predict one person without a detector, in a square window around the person of the "
        "previous frame, as Google's MoveNet does",
    )


def _add_results(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of output files and drawings to a parser, from --output to --maps."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "--output",
        type=Path,
        default=Path("output/predict"),
        metavar="DIR",
        help="folder of drawings and files (default: %(default)s); only files that this command "
        "wrote are overwritten",
    )
    group.add_argument(
        "--save",
        nargs="*",
        choices=SAVED,
        default=SAVED[:2],
        metavar="WHAT",
        help="kinds of files to write, instead of the default ones: drawing (PNG, for videos MP4), "
        "json (predictions.json), coco (keypoints_results.json) and csv (predictions.csv), separated "
        f"by spaces; --save alone writes none (default: {' '.join(SAVED[:2])})",
    )
    group.add_argument(
        "--show",
        action="store_true",
        help="show the drawings in a window, too; the key q stops the command. Needs opencv-python "
        "and a screen",
    )
    group.add_argument(
        "--threshold",
        type=options.number(float, min=-1000, max=1000),
        default=0.2,
        metavar="T",
        help="lowest score of a joint that is drawn, as a dot (default: %(default)s); joints below "
        "0.5 are drawn fainter",
    )
    group.add_argument(
        "--color",
        choices=("person", "side"),
        help="colours of the drawings: person, a colour per person, light on the left side and "
        "dark on the right; side, left blue, right orange, middle yellow (default: person, but "
        "side for videos without ids)",
    )
    group.add_argument("--draw_boxes", action="store_true", help="draw the box of each person")
    group.add_argument("--draw_scores", action="store_true", help="draw the score of each person")
    group.add_argument("--names", action="store_true", help="draw the names of the joints")
    group.add_argument(
        "--maps",
        action="store_true",
        help="also write an image of the network's maps, such as heatmaps, for each person",
    )


def summary_text(summary: Summary) -> str:
    """Returns what `predict` did as a line: frames, people, people who were left out, speed.

    Args:
        summary: Result of `predict_files`.
    """
    number, seconds = summary.frames, max(summary.seconds, 1e-9)
    frames = f"{number} {summary.unit}" if number == 1 else f"{number} {summary.unit}s"
    people = "1 person" if summary.people == 1 else f"{summary.people} people"
    if summary.left_out:
        people += (
            f" and {summary.left_out} left out (score below {summary.threshold:g}: "
            "--person_threshold 0 keeps them)"
        )
    rate = number / seconds
    speed = f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"
    speed = f"{seconds:.1f} s" if number == 1 else f"{speed} {summary.unit}s per second"
    return f"{frames}, {people}, {speed}"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `predict` and returns its exit status.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Returns:
        0; 1 if an image or video exists and could not be read, or not to its end; 130 or 143 if the
        command was stopped early.

    Raises:
        FileNotFoundError: If a file that is named is missing.
        InputError: If another file or a flag is invalid.
        ConnectionError: If a published file cannot be downloaded; the message states where to put
            it.
        MissingDependencyError: If the weights need a package that is not installed.
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    for flag, weights in (("accurate", ACCURATE_WEIGHTS), ("fast", FAST_WEIGHTS)):
        if getattr(arguments, flag):
            if arguments.weights != DEFAULT_WEIGHTS:
                parser.error(f"--{flag} is --weights {weights}; leave one of them out")
            arguments.weights = weights
    from paddle_pose.engine.predict import People, Results, predict_files

    people = People(
        boxes=arguments.boxes,
        detector=None if arguments.detector == "none" else arguments.detector,
        detector_format=arguments.detector_format,
        detect_every=arguments.detect_every,
        min_score=arguments.box_threshold,
        person_threshold=arguments.person_threshold,
        max_people=arguments.people,
        fit=arguments.fit,
        one_person=arguments.one_person,
        track=arguments.track,
        smooth=arguments.smooth,
    )
    results = Results(
        folder=arguments.output,
        save=arguments.save,
        show=arguments.show,
        min_score=arguments.threshold,
        joint_names=arguments.names,
        color=arguments.color,
        boxes=arguments.draw_boxes,
        scores=arguments.draw_scores,
        maps=arguments.maps,
    )
    summary = predict_files(
        arguments.images,
        arguments.weights,
        config=arguments.config,
        image_size=arguments.image_size,
        overrides=options.overrides_of(
            arguments, {"val.flip": "flip", "model.format": "weights_format"}
        ),
        people=people,
        results=results,
        batch_size=arguments.batch_size,
        device=arguments.device,
        threads=arguments.threads,
        cache=arguments.cache,
        from_file=arguments.from_file,
        download_progress=show_download,
        progress=show_progress,
        interruption=SignalInterruption(),
    )
    print(f"{summary_text(summary)}: {arguments.output}")
    if summary.video_codec:
        print(f"Videos are {summary.video_codec}.")
    for failure in summary.failures:
        print(f"error: {failure}", file=sys.stderr)
    if summary.ended is not None:
        print(
            f"Ended early by {summary.ended.reason}; the files written so far are complete.",
            file=sys.stderr,
        )
        return summary.ended.status
    return 1 if summary.failures else 0
