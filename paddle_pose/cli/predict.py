"""`predict`: poses in images, videos and what a camera sees, as drawings and files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from paddle_pose import environment
from paddle_pose.cli import options
from paddle_pose.cli.download import add_folder, show_download
from paddle_pose.interruption import SignalInterruption
from paddle_pose.progress import show_progress

DEFAULT_WEIGHTS = "movenet_thunder"
ACCURATE_WEIGHTS = "rtmpose_m"
DETECTOR_FORMATS = (
    *("nanodet", "yolox", "yolox-decoded", "yolox-nms", "rtmdet"),
    *("ultralytics", "ultralytics-transposed", "end-to-end"),
)
SAVED = ("drawing", "json", "coco", "csv")


_EPILOG = """examples:
  {predict} photo.jpg
      draws everybody's pose into output/predict, with predictions.json beside it
  {predict} clip.mp4 --track --smooth
      gives people of a video ids, and smooths their keypoints
  {predict} photo.jpg --weights output/mine/best_model/model.pdparams --detector none
      runs your own network on the whole image"""


def build_parser() -> options.Parser:
    """Returns the command's parser."""
    parser = options.Parser(
        "predict",
        description="Finds the people in images, videos, or what a camera sees, and the pose of each: a small person\n"
        "detector (NanoDet-m) first, then Google's MoveNet Thunder, on ONNX Runtime where it is installed. Both are\n"
        "fetched once. Ctrl-C keeps what there is so far.",
        epilog=_EPILOG.format(predict=environment.command("predict")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "images",
        nargs="+",
        metavar="PLACE",
        help="images, videos, folders with all below them, patterns in quotes, or the number of a camera, as 0",
    )
    add_weights(parser)
    options.add_weights_format(parser)
    parser.add_argument(
        "--accurate",
        action="store_true",
        help=f"the most accurate network for ONNX Runtime in the zoo: --weights {ACCURATE_WEIGHTS}",
    )
    options.add_config(parser)
    _add_people(parser)
    _add_tracking(parser)
    parser.add_argument(
        "--flip",
        action=argparse.BooleanOptionalAction,
        help="average with the mirrored image (default: as the config says)",
    )
    parser.add_argument(
        "--batch_size",
        type=options.number(int, min=1, max=65_536),
        metavar="N",
        help="windows processed together; 8, with a camera 1",
    )
    options.add_device(parser)
    options.add_threads(parser)
    _add_results(parser)
    return parser


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
        "--from_file",
        type=Path,
        nargs="+",
        default=(),
        metavar="F",
        help="copies of published files (of the weights, the detector, or both), folders with them, or the archive that "
        "holds them: verified, not downloaded",
    )
    add_folder(parser)


def _add_people(parser: argparse.ArgumentParser) -> None:
    """Adds --boxes, --detector, --detector_format, --detect_every, --box_threshold, --people and --fit."""
    group = parser.add_argument_group("where people are")
    group.add_argument(
        "--boxes",
        type=Path,
        metavar="FILE",
        help='COCO\'s annotations or detections, or {"photo.jpg": [[x, y, width, height], …]} in px, a person each',
    )
    group.add_argument(
        "--detector",
        default="auto",
        metavar="F|NAME",
        help="what finds people first: auto (default: NanoDet-m, where the network expects one person), none (the whole "
        "image is the window), a published detector, an ONNX file of NanoDet, YOLOX, RTMDet or Ultralytics, or weights "
        "of a MoveNet",
    )
    group.add_argument(
        "--detector_format",
        choices=DETECTOR_FORMATS,
        help="how the outputs of somebody else's ONNX detector are read (default: recognised)",
    )
    group.add_argument(
        "--detect_every",
        type=options.number(int, min=1, max=10_000),
        default=5,
        metavar="N",
        help="in videos, frames from one run of the detector to the next; between, boxes follow the people; default 5",
    )
    group.add_argument(
        "--box_threshold",
        type=options.number(float, min=-1000, max=1000),
        metavar="T",
        help="lowest score of a box; default 0.2 in --boxes and of NanoDet, 0.3 of YOLOX and RTMDet, 0.25 of Ultralytics, "
        "0.05 of a MoveNet",
    )
    group.add_argument(
        "--people",
        type=options.number(int, min=1, max=1000),
        metavar="N",
        help="most people that are found in an image; default 20 of a detector, 6 of a MoveNet as --detector, and as its "
        "config says of one that sees the whole image",
    )
    group.add_argument(
        "--fit",
        choices=("letterbox", "stretch"),
        default="letterbox",
        help="how a whole image becomes the input: with black borders (default), or stretched",
    )


def _add_tracking(parser: argparse.ArgumentParser) -> None:
    """Adds --track, --smooth and --one_person."""
    group = parser.add_argument_group("in videos")
    group.add_argument(
        "--track",
        nargs="?",
        const="oks",
        choices=("oks", "iou"),
        help="give people ids; told by their joints (oks, the default) or the boxes round them (iou)",
    )
    group.add_argument("--smooth", action="store_true", help="less trembling (One-Euro), and ids")
    group.add_argument(
        "--one_person",
        action="store_true",
        help="look through the square round the person of the previous frame, as Google's MoveNet does",
    )


def _add_results(parser: argparse.ArgumentParser) -> None:
    """Adds --output, --save, --show and what drawings show."""
    group = parser.add_argument_group("what is made of it")
    group.add_argument(
        "--output",
        type=Path,
        default=Path("output/predict"),
        metavar="DIR",
        help="where drawings and files go; default output/predict. Only what it wrote there before is replaced",
    )
    group.add_argument(
        "--save",
        nargs="*",
        choices=SAVED,
        default=SAVED[:2],
        metavar="WHAT",
        help=f"of {', '.join(SAVED)}; default drawing json",
    )
    group.add_argument(
        "--show",
        action="store_true",
        help="in a window, too; q ends. Needs opencv-python and a screen",
    )
    group.add_argument(
        "--threshold",
        type=options.number(float, min=-1000, max=1000),
        default=0.2,
        metavar="T",
        help="lowest score of a joint that is drawn; default 0.2. Below 0.5 it is drawn fainter",
    )
    group.add_argument(
        "--color",
        choices=("person", "side"),
        help="person: a colour for each person, light on the left side, dark on the right; side: "
        "left blue, right orange, middle yellow. Default person, in videos without ids side",
    )
    group.add_argument("--draw_boxes", action="store_true", help="draw each person's box")
    group.add_argument("--draw_scores", action="store_true", help="write each person's score")
    group.add_argument("--names", action="store_true", help="write the joints' names")
    group.add_argument(
        "--maps",
        action="store_true",
        help="also draw what the network sees, map by map: an image for each person",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; 1 when something could not be read, 130 or 143 when it was ended early.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file or a flag does not fit.
        ConnectionError: If a published file cannot be fetched; says where to put it.
        MissingDependencyError: If the weights need a package that is not installed.
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.accurate:
        if arguments.weights != DEFAULT_WEIGHTS:
            parser.error(f"--accurate is --weights {ACCURATE_WEIGHTS}; leave one of them out")
        arguments.weights = ACCURATE_WEIGHTS
    from paddle_pose.engine.predict import People, Results, predict_files

    people = People(
        boxes=arguments.boxes,
        detector=None if arguments.detector == "none" else arguments.detector,
        detector_format=arguments.detector_format,
        detect_every=arguments.detect_every,
        min_score=arguments.box_threshold,
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
    pace = summary.frames / max(summary.seconds, 1e-9)
    print(
        f"{summary.frames} frames, {summary.people} people, {pace:.2g} frames per second: {arguments.output}"
    )
    if summary.video_codec:
        print(f"Videos are {summary.video_codec}.")
    for failure in summary.failures:
        print(f"error: {failure}", file=sys.stderr)
    if summary.ended is not None:
        print(
            f"Ended early by {summary.ended.reason}; what is there so far is complete.",
            file=sys.stderr,
        )
        return summary.ended.status
    return 1 if summary.failures else 0
