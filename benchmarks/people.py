"""How well people are found by default, as one table: `people.py --data DATASET_ROOT`.

Key point AP of whole images, of annotated boxes and of the network alone, and box AP of the detector, on one split of a folder
in COCO's layout. Intervals are 95 % over resampled images; 32 images leave them wide.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

import paddle_pose as pp
from benchmarks.person_boxes import MAX_BOXES, box_ap, evaluate_records, values_and_intervals
from paddle_pose.cli.download import show_download
from paddle_pose.data.coco import SPLITS, annotation_file
from paddle_pose.inference.detection.base import Detections
from paddle_pose.io import images

THUNDER, LIGHTNING, DETECTOR = "movenet_thunder", "movenet_lightning", "nanodet_m"
SCORES = (
    0.2,
    0.05,
)  # of NanoDet-m's boxes: the default's, and the one that detectors are compared with
CONTEXTS = (1.0, 1.25)  # of a box: the config's, and what top-down papers use
HEAD = ("what", "AP", "95 %", "AP50", "images", "people", "ms", "protocol")
_BY_DEFAULT = "whole images; key point AP"
_ALONE = "the whole image is the window of one person; key point AP"
_ANNOTATED = "boxes of the people with key points; key point AP"
_BOXES = f"at most {MAX_BOXES} boxes of an image; box AP"


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        what: What was run.
        protocol: How it was run and scored.
        values: Numbers by name, see `person_boxes.NAMES`.
        intervals: Their 95 % intervals; empty without resampling.
        num_images: Number of images.
        num_people: Number of annotated people that count.
        milliseconds: Median time of an image.
    """

    what: str
    protocol: str
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    num_images: int
    num_people: int
    milliseconds: float

    def cells(self) -> tuple[str, ...]:
        """Returns the row as text, in the order of `HEAD`."""
        interval = "{:.3f} .. {:.3f}".format(*self.intervals["AP"]) if self.intervals else "-"
        numbers = (f"{self.values['AP']:.3f}", interval, f"{self.values['AP50']:.3f}")
        counts = (str(self.num_images), str(self.num_people), f"{self.milliseconds:.0f}")
        return (self.what, *numbers, *counts, self.protocol)


class Benchmark:
    """One split of a data set, on which models and detectors are run.

    Args:
        root: Folder in COCO's layout.
        split: "train" or "val".
        resamples: Data sets that are drawn for the intervals; 0 for no intervals.
    """

    def __init__(self, root: Path, split: str = "val", resamples: int = 1000) -> None:
        self._annotations = annotation_file(root, split)
        self._resamples = resamples
        content = json.loads(self._annotations.read_text(encoding="utf-8"))
        folder = Path(root) / f"{split}2017"
        self.paths = {image["id"]: folder / image["file_name"] for image in content["images"]}
        people = [
            record
            for record in content["annotations"]
            if not record["iscrowd"] and record["category_id"] == 1
        ]
        self._num_boxes = len(people)
        self.boxes: dict[int, list[list[float]]] = {image_id: [] for image_id in self.paths}
        for record in people:
            if record["num_keypoints"] > 0:
                self.boxes[record["image_id"]].append(record["bbox"])

    def poses(self, what: str, protocol: str, predict: Callable[[int, Path], pp.PoseResult]) -> Row:
        """Returns the row of key point AP.

        Args:
            what: What is run.
            protocol: How it is run and scored.
            predict: Function from an image's id and path to the people in it.
        """
        results, milliseconds = self._timed(predict)
        records = [
            record for image_id, result in results.items() for record in result.to_coco(image_id)
        ]
        evaluation = evaluate_records(self._annotations, records, list(self.paths), "keypoints")
        return self._row(
            what,
            protocol,
            values_and_intervals(evaluation, self._resamples),
            milliseconds,
            by_joints=True,
        )

    def detections(
        self, what: str, protocol: str, detector: Callable[[np.ndarray], Detections]
    ) -> Row:
        """Returns the row of box AP; the arguments are those of `poses`, with a person detector."""
        found, milliseconds = self._timed(lambda _, path: detector(images.read(path)[0]))
        numbers = values_and_intervals(box_ap(self._annotations, found), self._resamples)
        return self._row(what, protocol, numbers, milliseconds, by_joints=False)

    def _timed(self, run: Callable[[int, Path], object]) -> tuple[dict, float]:
        """Returns what `run` returns by image id, and its median time in ms; the first image is run once before."""
        first = next(iter(self.paths))
        run(first, self.paths[first])
        found, seconds = {}, []
        for image_id, path in self.paths.items():
            began = time.perf_counter()
            found[image_id] = run(image_id, path)
            seconds.append(time.perf_counter() - began)
        return found, 1000 * statistics.median(seconds)

    def _row(
        self, what: str, protocol: str, numbers: tuple, milliseconds: float, *, by_joints: bool
    ) -> Row:
        values, intervals = numbers
        people = sum(map(len, self.boxes.values())) if by_joints else self._num_boxes
        return Row(what, protocol, values, intervals, len(self.paths), people, milliseconds)


def rows(benchmark: Benchmark, **options: Any) -> Iterator[Row]:
    """Yields the rows of the table, the default first.

    Args:
        benchmark: Where everything is run.
        **options: Arguments of `load_model` and `open_detector`: from_file, cache, threads, progress.
    """
    for name in (THUNDER, LIGHTNING):
        with pp.load_model(name, **options) as model:
            yield benchmark.poses(
                f"{name}, {DETECTOR}", _BY_DEFAULT, lambda _, path: model.predict(path)
            )
            yield benchmark.poses(
                f"{name} alone", _ALONE, lambda _, path: model.predict(path, detector=None)
            )
    for context in CONTEXTS:
        with pp.load_model(THUNDER, overrides={"data.context": context}, **options) as model:
            yield benchmark.poses(
                f"{THUNDER}, annotated boxes x {context:g}",
                _ANNOTATED,
                lambda image_id, path: model.predict(path, boxes=benchmark.boxes[image_id]),
            )
    for score in SCORES:
        detector = pp.open_detector(DETECTOR, min_score=score, max_people=MAX_BOXES, **options)
        yield benchmark.detections(f"{DETECTOR} > {score:g}", _BOXES, detector)


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder in COCO's layout")
    parser.add_argument("--split", choices=SPLITS, default="val", help="default: val")
    parser.add_argument(
        "--resamples", type=int, default=1000, help="draws for the intervals (default: 1000)"
    )
    parser.add_argument("--threads", type=int, help="threads to compute with (default: every core)")
    parser.add_argument(
        "--from_file",
        type=Path,
        nargs="+",
        metavar="F",
        help="copies of movenet_thunder, movenet_lightning and nanodet_m, folders with them, or the archive that holds them",
    )
    return parser


def main() -> None:
    """Prints the table, a row when it is measured."""
    arguments = build_parser().parse_args()
    benchmark = Benchmark(arguments.data, arguments.split, arguments.resamples)
    print(
        f"{arguments.split}2017 of {arguments.data}; {arguments.resamples} resamples of the images, seed 0\n"
    )
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for row in rows(
        benchmark, from_file=arguments.from_file, threads=arguments.threads, progress=show_download
    ):
        print(f"| {' | '.join(row.cells())} |", flush=True)


if __name__ == "__main__":
    main()
