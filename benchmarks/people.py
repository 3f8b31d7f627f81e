"""Measures how well the default models find people, as one table: `people.py --data DATASET_ROOT`.

The table has the keypoint AP of whole images, of annotated boxes and of the network without a
detector, and the box AP of the detector, on one split of a folder in COCO's layout. Intervals are
95 % intervals over resampled images; with 32 images they are wide. A second table shows how many
people of the default models are right above each score.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from pycocotools.cocoeval import COCOeval

import paddle_pose as pp
from benchmarks.person_boxes import MAX_BOXES, box_ap, evaluate_records, values_and_intervals
from paddle_pose.cli.download import show_download
from paddle_pose.data.coco import SPLITS, annotation_file
from paddle_pose.inference.detection.base import Detections
from paddle_pose.io import images

THUNDER = "movenet_thunder"
LIGHTNING = "movenet_lightning"
MULTIPOSE = "movenet_multipose"
DETECTOR = "nanodet_m"
# Lowest scores of NanoDet-m's boxes: the default, and the one for comparisons of detectors.
SCORES = (0.2, 0.05)
# Sizes of the window relative to the box: that of the config, and that of top-down papers.
CONTEXTS = (1.0, 1.25)
SIDES = (256, 384)  # px; long sides of the input of MultiPose, the default first
# Lowest scores of a person in the second table.
THRESHOLDS = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3)
THRESHOLDS_HEAD = ("lowest score", "people", "right", "false", "precision", "recall")
HEAD = ("what", "AP", "95 %", "AP50", "images", "people", "ms", "protocol")
_BY_DEFAULT = "whole images; keypoint AP"
_ALONE = "the whole image is the window of one person; keypoint AP"
_ONE_PASS = "whole images in one pass; keypoint AP"
_ANNOTATED = "boxes of the people with keypoints; keypoint AP"
_BOXES = f"at most {MAX_BOXES} boxes of an image; box AP"


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        what: Model or detector that was run.
        protocol: Input of the model, and metric.
        values: Results by name, see `person_boxes.NAMES`.
        intervals: 95 % intervals of the results by name; empty without resampling.
        num_images: Number of images.
        num_people: Number of annotated people that the metric counts.
        milliseconds: Median time of an image.
        found: Predicted people [n, 2], see `counted`; empty for boxes.
    """

    what: str
    protocol: str
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    num_images: int
    num_people: int
    milliseconds: float
    found: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))

    def cells(self) -> tuple[str, ...]:
        """Returns the row as text, in the order of `HEAD`."""
        interval = "{:.3f} .. {:.3f}".format(*self.intervals["AP"]) if self.intervals else "-"
        numbers = (f"{self.values['AP']:.3f}", interval, f"{self.values['AP50']:.3f}")
        counts = (str(self.num_images), str(self.num_people), f"{self.milliseconds:.0f}")
        return (self.what, *numbers, *counts, self.protocol)

    def threshold_cells(self, threshold: float) -> tuple[str, ...]:
        """Returns the people with at least a score as text, in the order of `THRESHOLDS_HEAD`.

        Args:
            threshold: Lowest score of a person.
        """
        right = self.found[self.found[:, 0] >= threshold, 1]
        num_right = round(right.sum())
        precision, recall = num_right / max(len(right), 1), num_right / self.num_people
        counts = (len(right), num_right, len(right) - num_right)
        return (f"{threshold:g}", *map(str, counts), f"{precision:.2f}", f"{recall:.2f}")


def counted(evaluation: COCOeval) -> np.ndarray:
    """Returns the score of each predicted person, and 1 for a right one, 0 for a false one, [n, 2].

    A person is right with an OKS above 0.5 to an annotated one, whom no better person has. As in
    COCO's AP, people in crowds and people whose joints nobody labelled do not count.

    Args:
        evaluation: Evaluation as returned by `evaluate_records`.
    """
    rows = [
        (score, match > 0)
        for image in evaluation.evalImgs
        if image is not None
        for score, match, ignored in zip(
            image["dtScores"], image["dtMatches"][0], image["dtIgnore"][0]
        )
        if not ignored
    ]
    return np.array(rows, np.float64).reshape(-1, 2)


class Benchmark:
    """One split of a data set, on which models and detectors are run.

    Args:
        root: Folder in COCO's layout.
        split: "train" or "val".
        resamples: Number of resampled data sets for the intervals; 0 for no intervals.
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
        """Returns a row with keypoint AP.

        Args:
            what: Model that is run.
            protocol: Input of the model, and metric.
            predict: Function from an image's id and path to the people in it.
        """
        results, milliseconds = self._timed(predict)
        records = [
            record for image_id, result in results.items() for record in result.to_coco(image_id)
        ]
        evaluation = evaluate_records(self._annotations, records, list(self.paths), "keypoints")
        found = counted(evaluation)
        numbers = values_and_intervals(evaluation, self._resamples)
        row = self._row(what, protocol, numbers, milliseconds, by_joints=True)
        return replace(row, found=found)

    def detections(
        self, what: str, protocol: str, detector: Callable[[np.ndarray], Detections]
    ) -> Row:
        """Returns a row with box AP.

        Args:
            what: Detector that is run.
            protocol: Input of the detector, and metric.
            detector: Function from an image, uint8 RGB [h, w, 3], to the people in it.
        """
        found, milliseconds = self._timed(lambda _, path: detector(images.read(path)[0]))
        numbers = values_and_intervals(box_ap(self._annotations, found), self._resamples)
        return self._row(what, protocol, numbers, milliseconds, by_joints=False)

    def _timed(self, run: Callable[[int, Path], object]) -> tuple[dict, float]:
        """Runs a function on every image; on the first image once more before, to warm up.

        Args:
            run: Function of an image's id and path.

        Returns:
            Its results by image id, and its median time in ms.
        """
        first = next(iter(self.paths))
        run(first, self.paths[first])
        found = {}
        seconds = []
        for image_id, path in self.paths.items():
            began = time.perf_counter()
            found[image_id] = run(image_id, path)
            seconds.append(time.perf_counter() - began)
        return found, 1000 * statistics.median(seconds)

    def _row(
        self, what: str, protocol: str, numbers: tuple, milliseconds: float, *, by_joints: bool
    ) -> Row:
        """Returns a row.

        Args:
            what: See `poses`.
            protocol: See `poses`.
            numbers: Results of `values_and_intervals`.
            milliseconds: Median time of an image.
            by_joints: Whether only people with keypoints count.
        """
        values, intervals = numbers
        people = sum(map(len, self.boxes.values())) if by_joints else self._num_boxes
        return Row(
            what=what,
            protocol=protocol,
            values=values,
            intervals=intervals,
            num_images=len(self.paths),
            num_people=people,
            milliseconds=milliseconds,
        )


def rows(benchmark: Benchmark, **options: Any) -> Iterator[Row]:
    """Yields the rows of the table, the default first.

    Args:
        benchmark: Data set to run the models on.
        **options: Arguments of `load_model` and `open_detector`: from_file, cache, threads,
            progress.
    """
    for name in (THUNDER, LIGHTNING):
        with pp.load_model(name, **options) as model:
            yield benchmark.poses(
                f"{name}, {DETECTOR}",
                _BY_DEFAULT,
                lambda _, path: model.predict(path, person_threshold=0),
            )
            yield benchmark.poses(
                f"{name} alone", _ALONE, lambda _, path: model.predict(path, detector=None)
            )
    for side in SIDES:
        sizes = {"codec.input_size": (side, side)}
        with pp.load_model(MULTIPOSE, overrides=sizes, **options) as model:
            yield benchmark.poses(
                f"{MULTIPOSE}, long side {side}", _ONE_PASS, lambda _, path: model.predict(path)
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
    """Returns the parser of the flags."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder in COCO's layout")
    parser.add_argument("--split", choices=SPLITS, default="val", help="default: val")
    parser.add_argument(
        "--resamples",
        type=int,
        default=1000,
        help="resampled data sets for the intervals (default: 1000)",
    )
    parser.add_argument("--threads", type=int, help="threads to compute with (default: all cores)")
    parser.add_argument(
        "--from_file",
        type=Path,
        nargs="+",
        metavar="F",
        help="copies of movenet_thunder, movenet_lightning, movenet_multipose and nanodet_m,"
        " folders with them, or the archive that holds them, instead of a download",
    )
    return parser


def main() -> None:
    """Prints the table, each row as soon as it is measured."""
    arguments = build_parser().parse_args()
    benchmark = Benchmark(arguments.data, arguments.split, arguments.resamples)
    print(
        f"{arguments.split}2017 of {arguments.data}; {arguments.resamples} resamples of the"
        " images, seed 0\n"
    )
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    options = {"from_file": arguments.from_file, "threads": arguments.threads}
    default: Row | None = None
    for row in rows(benchmark, progress=show_download, **options):
        default = default or row
        print(f"| {' | '.join(row.cells())} |", flush=True)
    if default is not None:
        print(f"\nPeople of {default.what} with at least a score; right: OKS above 0.5\n")
        print(f"| {' | '.join(THRESHOLDS_HEAD)} |\n|{'---|' * len(THRESHOLDS_HEAD)}")
        for threshold in THRESHOLDS:
            print(f"| {' | '.join(default.threshold_cells(threshold))} |")


if __name__ == "__main__":
    main()
