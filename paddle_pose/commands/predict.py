"""`python predict.py`: poses in pictures, as drawings and one JSON file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paddle_pose.commands import options

if TYPE_CHECKING:
    from paddle_pose.skeletons import Skeleton
    from paddle_pose.structures import Poses


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Finds poses in pictures. Writes a drawing per picture and predictions.json. Without --boxes the "
        "whole picture is the window: crop to one person for best results.",
    )
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE|FOLDER", help="pictures, or folders of them")
    parser.add_argument(
        "--weights", "--pretrained_model", required=True, type=Path, metavar="F", help="to use, or an exported file"
    )
    parser.add_argument(
        "--boxes",
        type=Path,
        metavar="FILE",
        help='JSON: {"picture.jpg": [[x, y, width, height], …]} in px, a person each',
    )
    options.add_config(parser)
    parser.add_argument(
        "--flip",
        action=argparse.BooleanOptionalAction,
        help="average with the mirrored picture (default: as the config says)",
    )
    parser.add_argument("--threshold", type=float, default=0.2, metavar="T", help="lowest score drawn; default 0.2")
    parser.add_argument("--names", action="store_true", help="write the joints' names")
    parser.add_argument(
        "--maps", action="store_true", help="also draw what the network sees, map by map: a picture for each person"
    )
    options.add_device(parser)
    options.add_threads(parser)
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("output/predict"),
        metavar="DIR",
        help="where drawings and predictions.json go; default output/predict",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; 1 when some picture could not be read.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file or a flag does not fit.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose import build, visualize
    from paddle_pose.datasets import images
    from paddle_pose.inference.progress import Progress

    paths = find_pictures(arguments.images)
    boxes = read_boxes(arguments.boxes) if arguments.boxes else {}
    unknown = sorted(set(boxes) - {path.name for path in paths})
    if unknown:
        raise ValueError(f"{arguments.boxes}: boxes for {unknown[0]}, which is not among the pictures")
    config = options.config_of(arguments.weights, arguments)
    predictor = build.predictor_for(config, arguments.weights, arguments.device, arguments.flip, arguments.threads)
    skeleton = config.codec.skeleton
    progress = Progress(len(paths), unit="pictures")
    records, failures = [], []
    for done, path in enumerate(paths, start=1):
        try:
            image = images.read_upright(path)
        except ValueError as problem:
            failures.append(str(problem))
            continue
        seen: list[tuple[Any, Any]] = []
        poses = predictor(image, boxes.get(path.name), seen.append)
        drawing = visualize.draw_poses(image, poses, skeleton, arguments.threshold, arguments.names)
        place = drawing_path(arguments.output, path, paths)
        images.write(place, drawing)
        for number, (crop, maps) in enumerate(seen if arguments.maps else (), start=1):
            laid_over = visualize.draw_maps(crop, config.codec.shown(maps))
            images.write(place.with_name(f"{place.stem}_maps_{number}.png"), laid_over)
        records.append(record(path, image.shape, poses, place))
        progress(done)
    written = write_json(arguments.output, records, skeleton, config.name, arguments.weights)
    print(f"{len(records)} pictures, {sum(len(r['persons']) for r in records)} people: {written}")
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    return 1 if failures else 0


def find_pictures(places: Iterable[Path]) -> list[Path]:
    """Returns the pictures named, and those in the folders named, sorted within a folder.

    Raises:
        FileNotFoundError: If a place does not exist or a folder holds no picture.
    """
    from paddle_pose.datasets.images import SUFFIXES

    found: list[Path] = []
    for place in places:
        if place.is_dir():
            inside = [
                path
                for path in sorted(place.rglob("*"))
                if path.suffix.lower() in SUFFIXES and not path.name.startswith("._")
            ]
            if not inside:
                raise FileNotFoundError(f"{place}: no picture in this folder ({', '.join(SUFFIXES)})")
            found += inside
        elif place.is_file():
            found.append(place)
        else:
            raise FileNotFoundError(f"{place}: not found")
    return found


def read_boxes(path: Path) -> dict[str, list[tuple[float, float, float, float]]]:
    """Reads boxes by picture name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not {name: [[x, y, width, height], …]}.
    """
    if not path.is_file():
        raise FileNotFoundError(f"--boxes {path}: not found")
    form = 'expected {"picture.jpg": [[x, y, width, height], …]} with positive sizes'
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        boxes = {
            name: [(float(x), float(y), float(w), float(h)) for x, y, w, h in rows] for name, rows in content.items()
        }
    except (AttributeError, TypeError, ValueError) as problem:
        raise ValueError(f"{path}: {form} ({problem})") from problem
    for name, rows in boxes.items():
        if any(not (w > 0 and h > 0) for _, _, w, h in rows):
            raise ValueError(f"{path}: {name}: {form}")
    return boxes


def drawing_path(output: Path, picture: Path, pictures: Sequence[Path]) -> Path:
    """Returns where a picture's drawing goes: its own name, or its path with "_" where two share a name."""
    same = [path for path in pictures if path.stem == picture.stem]
    name = picture.stem if len(same) == 1 else "_".join(picture.with_suffix("").parts[-3:])
    return output / f"{name.strip('/')}.png"


def record(path: Path, shape: tuple[int, ...], poses: Poses, drawing: Path) -> dict[str, Any]:
    """Returns what predictions.json says of one picture."""
    return {
        "image": str(path),
        "width": shape[1],
        "height": shape[0],
        "drawing": drawing.name,
        "persons": [
            {
                "score": round(float(score), 5),
                "box": [round(float(v), 3) for v in box],
                "keypoints": [[round(float(v), 3) for v in point] for point in keypoints],
                "scores": [round(float(v), 5) for v in scores],
            }
            for keypoints, scores, score, box in zip(
                poses.keypoints, poses.scores, poses.person_scores, poses.boxes, strict=True
            )
        ],
    }


def write_json(output: Path, records: list[dict[str, Any]], skeleton: Skeleton, config: str, weights: Path) -> Path:
    """Writes predictions.json and returns its path."""
    output.mkdir(parents=True, exist_ok=True)
    path = output / "predictions.json"
    document = {
        "config": config,
        "weights": str(weights),
        "space": "pixels of the upright picture, 0-based, (x, y); boxes are (x, y, width, height)",
        "joints": list(skeleton.joints),
        "images": records,
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path
