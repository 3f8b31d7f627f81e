"""`python val.py`: scores a weights file on a data set."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from paddle_pose.commands import options
from paddle_pose.commands.pictures import Kept, predictions_image, ranked
from paddle_pose.errors import InputError


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Evaluates a weights file. Its config is read from beside it; a foreign file needs "
        "--config or --image_size. A data set with another skeleton is evaluated over the joints in common.",
    )
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument(
        "--pretrained_model", "--weights", type=Path, metavar="FILE", help="a checkpoint or an exported file"
    )
    data.add_argument(
        "--results",
        type=Path,
        metavar="FILE",
        help="score somebody's predictions instead, without Paddle: results in COCO's format (.json), or MPII's `preds` (.mat, "
        ".h5), which count pixels from 1",
    )
    options.add_data(parser, "folder with images and annotations; not needed where the config names annotation files")
    parser.add_argument(
        "--dataset", choices=("mpii", "coco", "movenet_crops"), help="whose layout D has (default: as the config says)"
    )
    options.add_config(parser)
    group = parser.add_argument_group("protocol (default: as the config says)")
    flag = argparse.BooleanOptionalAction
    group.add_argument("--flip", action=flag, help="average with the mirrored image")
    group.add_argument("--shift", action=flag, help="move the mirrored heatmaps by one cell")
    group.add_argument("--decode", choices=("argmax", "quarter", "dark"), help="how peaks of heatmaps are read")
    group.add_argument(
        "--metric",
        choices=("pckh", "ap", "pck", "fire717_accuracy"),
        help="what to measure; default: PCKh on MPII, AP on COCO, the original MoveNet's accuracy on its crops",
    )
    group.add_argument("--batch_size", type=int, metavar="N", help="images at once")
    group.add_argument(
        "--detections", type=Path, metavar="JSON", help="detected boxes in COCO's format instead of the annotated ones"
    )
    options.add_device(parser)
    options.add_threads(parser)
    parser.add_argument(
        "--pictures", action="store_true", help="also draw people from the best to the worst found: predictions.png"
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="also write report.html (PCKh and AP): curves, kinds of errors, worst cases",
    )
    parser.add_argument(
        "--baseline", action="store_true", help="also score the mean training pose, which looks at no image"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("output"),
        metavar="DIR",
        help="where the predictions and scores.json go; default output",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file or a flag does not fit.
    """
    arguments = build_parser().parse_args(argv)
    if arguments.results is not None:
        return _score_results(arguments, _command(argv))
    from paddle_pose import build
    from paddle_pose.configs.published import GROUND_TRUTH, WHOLE_IMAGES
    from paddle_pose.evaluation.evaluate import evaluate
    from paddle_pose.evaluation.mean_pose import mean_pose_scores
    from paddle_pose.evaluation.report.write import REPORTED, write
    from paddle_pose.inference.flip_test import FlipAverage
    from paddle_pose.inference.progress import Progress
    from paddle_pose.io import images
    from paddle_pose.metrics.base import eval_line

    flags = {f"val.{name}": name for name in ("flip", "shift", "batch_size", "metric")}
    flags |= {"codec.decode_by": "decode", "data.dataset": "dataset"}
    config = options.config_of(arguments.pretrained_model, arguments, flags)
    measure = build.metric_name(config)
    if arguments.report and measure not in REPORTED:
        raise InputError(f"--report: explains {' and '.join(REPORTED)}, not {measure}; leave one flag out")
    backend, device = build.backend(config, arguments.pretrained_model, arguments.device, arguments.threads, say=print)
    samples = build.samples(config, arguments.dataset_root, config.data.val_split, arguments.detections)
    if config.val.flip:
        backend = FlipAverage(backend, config.codec, config.val.shift)
    metric = Kept(build.metric(config, arguments.dataset_root))
    whole = config.data.framing == "image" and arguments.detections is None
    boxes = f"detected ({arguments.detections})" if arguments.detections else WHOLE_IMAGES if whole else GROUND_TRUTH
    people = sum(not person.crowd for sample in samples for person in sample.persons) if whole else len(samples)
    progress = Progress(len(samples), "images" if whole else "people")
    started = time.perf_counter()
    values = evaluate(backend, config.codec, build.batches(config, samples), metric, progress)
    seconds = time.perf_counter() - started
    protocol = {
        "config": config.name,
        "joints": config.codec.skeleton.name,
        "data": config.data.dataset,
        "metric": measure,
        "input": list(config.codec.input_size),
        "flip": config.val.flip,
        "shift": config.val.flip and config.val.shift and config.codec.alignment == "published",
        "decode": config.codec.decode_by,
        "checkpoint": str(arguments.pretrained_model),
        "images": len({sample.image_path for sample in samples}),
        "people": people,
        "boxes": boxes,
    }
    if measure in REPORTED:
        protocol |= zip(
            ("truth", "image_folder"), map(str, build.truth_files(config, arguments.dataset_root)), strict=True
        )
    print(eval_line(values, metric.summary))
    print(metric.table())
    print("Protocol: " + ", ".join(f"{name} {value}" for name, value in protocol.items()))
    print(f"{1000 * seconds / len(samples):.0f} ms per {'image' if whole else 'person'} on {device}")
    if arguments.baseline:
        training = build.samples(config, arguments.dataset_root, config.data.train_split)
        baseline = mean_pose_scores(training, samples, config.codec, build.metric(config, arguments.dataset_root))
        print("mean training pose: " + eval_line(baseline, metric.summary))
    written = metric.save(arguments.output)
    if arguments.images:
        written.append(arguments.output / "predictions.png")
        images.write(written[-1], predictions_image(ranked(metric), config.codec))
    scores = {"protocol": protocol, "values": values, "intervals": metric.intervals(), "command": _command(argv)}
    written.append(arguments.output / "scores.json")
    written[-1].write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    if arguments.report:
        written.append(write(arguments.output, arguments.output / "report.html"))
    print("Written: " + ", ".join(map(str, written)))
    return 0


def _command(argv: Sequence[str] | None) -> str:
    return shlex.join(["python", "val.py", *(sys.argv[1:] if argv is None else argv)])


def _score_results(arguments: argparse.Namespace, command: str) -> int:
    """Scores somebody's predictions by the data set's ground truth."""
    from paddle_pose.commands import score_predictions
    from paddle_pose.configs import registry
    from paddle_pose.data import coco
    from paddle_pose.data.skeleton_file import read_skeleton
    from paddle_pose.evaluation.report.write import write

    skeleton = None
    intervals: dict[str, tuple[float, float]] = {}
    dataset = "coco" if arguments.results.suffix == ".json" else "mpii"
    if arguments.dataset not in (None, dataset):
        raise InputError(f"--results {arguments.results}: results for COCO are .json, those for MPII .mat or .h5")
    changes = options.overrides(arguments) | options.data_changes(arguments)
    root, annotations = arguments.dataset_root, arguments.val_annotations
    if root is None and (annotations is None or dataset == "mpii"):
        raise InputError(f"--results {arguments.results}: add --dataset_root D, where the ground truth is")
    if dataset == "mpii":
        truth = Path(root) / "annotations" / "mpii_gt_val.mat"
        values, intervals, text = score_predictions.score_mpii(arguments.results, truth)
    else:
        truth = Path(annotations) if annotations else coco.annotation_file(root, "val")
        if arguments.config or arguments.image_size or arguments.override:
            skeleton = registry.resolve(None, arguments.config, arguments.image_size, changes).codec.skeleton
        else:
            skeleton = changes.get("codec.skeleton") or read_skeleton(None, truth)
        values, text = score_predictions.score_coco(arguments.results, truth, skeleton)
    print(text)
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / "scores.json"
    protocol = {"results": str(arguments.results), "data": dataset, "ground truth": str(truth)}
    scores = {"protocol": protocol, "values": values, "intervals": intervals, "command": command}
    path.write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    print(f"Written: {path}")
    if arguments.report:
        page = write(arguments.results, arguments.output / "report.html", ground_truth=truth, skeleton=skeleton)
        print(f"Written: {page}")
    return 0
