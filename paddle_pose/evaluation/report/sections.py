"""Sections of a report."""

from __future__ import annotations

import json
from pathlib import PurePath

import numpy as np

from paddle_pose.configs import published, registry
from paddle_pose.evaluation.report import cases, joints, page, plots, training_curves
from paddle_pose.evaluation.report.findings import Findings
from paddle_pose.evaluation.report.page import Section
from paddle_pose.evaluation.report.provenance import Provenance, without_folders
from paddle_pose.evaluation.report.report_data import ReportData
from paddle_pose.evaluation.report.run import Run
from paddle_pose.evaluation.report.summary import interval_text
from paddle_pose.metrics import diagnosis, resampling
from paddle_pose.metrics.errors import GOOD, KINDS, shares
from paddle_pose.skeletons import COCO_17, MPII_16

# Number of examples.
WORST = 8
MEDIAN = 4
TYPICAL = 2  # of each kind of error
MIN_BIN = 20
"""Joints that a bin of scores needs for a percentage; this project's choice."""
_MEANING = {
    "good": "KS at least .85",
    "jitter": "KS .5 to .85: near the joint",
    "inversion": "near the same joint of the person's other side",
    "swap": "near the same joint of another person",
    "miss": "near none of these",
    "unfound": "joint of a person without a prediction",
    "both": "all errors corrected, and unmatched results removed",
}
_KIND_COLORS = {
    "good": "#009e73",
    "jitter": "#56b4e9",
    "inversion": "#d55e00",
    "swap": "#cc79a7",
    "miss": "#555555",
    "unfound": "#999999",
}


def results(data: ReportData) -> Section:
    """Returns the section with the metric's values, their intervals and the protocol.

    Args:
        data: Predictions matched with the ground truth.
    """
    rows = [
        (name, data.values[name], interval_text(data.intervals.get(name)).removeprefix("95 %: "))
        for name in joints.in_order(data.values)
    ]
    unit = "people" if data.dataset == "mpii" else "images"
    protocol = [(name, without_folders(str(value))) for name, value in data.protocol.items()]
    return page.section(
        "Results",
        page.table([data.measure, "value", "95 % interval"], rows),
        *(page.paragraph(f"{name}: {remark}.", "note") for name, remark in data.remarks.items()),
        page.paragraph(
            f"Intervals are computed by resampling {unit}; they do not cover the variation between "
            "trainings.",
            "note",
        ),
        page.paragraph("Protocol; compare only results with the same protocol:"),
        page.table(["property", "value"], protocol, [1]),
        *(page.paragraph(note, "note") for note in data.notes),
    )


def published_results(data: ReportData) -> Section | None:
    """Returns the section with published results on the same data set; None if there are none.

    There are none for other joints than those of MPII or COCO, whatever the format of the files.

    Args:
        data: Predictions matched with the ground truth; `protocol["config"]`, if it is there, names
            the config whose own published results come first.
    """
    usual = MPII_16 if data.dataset == "mpii" else COCO_17
    if data.found.skeleton.joints != usual.joints:
        return None
    names = ("Mean", "Mean@0.1", "Mean@0.11") if data.dataset == "mpii" else ("AP",)
    config = str(data.protocol.get("config", ""))
    known = [row for row in published.PUBLISHED if row.dataset == data.dataset]
    if config in registry.CONFIGS:
        recipe = published.of_config(registry.find(config))
        known += [row for row in recipe if row.dataset == data.dataset and names[0] in row.values]
    known.sort(key=lambda row: (row.config != config, -row.values[names[0]]))
    if not known:
        return None
    factor = 1.0 if data.dataset == "mpii" else 100.0
    own = (
        "this evaluation",
        *(data.values[name] for name in names),
        str(data.protocol.get("input", "-")),
        "-",
        without_folders(str(data.protocol.get("boxes", "-"))),
        str(data.protocol.get("decode", "-")),
    )
    rows = [
        (
            row.model,
            *(factor * row.values.get(name, float("nan")) for name in names),
            row.input,
            row.who,
            row.boxes,
            row.protocol or "-",
        )
        for row in known
    ]
    complete = published.COMPLETE[data.dataset, published.GROUND_TRUTH]
    people = len(data.found.truth)
    return page.section(
        "Published results on this data set",
        page.paragraph(
            f"This evaluation covers {people} people; the published results are of the complete "
            f"validation set of {complete} people, so the numbers are not comparable."
            if people != complete
            else "All results are of the complete validation set. Compare rows with the same "
            "protocol.",
            "note",
        ),
        page.table(
            ["network", *names, "input", "published by", "boxes", "protocol"],
            [own, *rows],
            range(len(names) + 2, len(names) + 5),
            own_rows=[0],
        ),
    )


def thresholds(data: ReportData) -> Section:
    """Returns the section with the percentage of joints found over thresholds, and the errors.

    Args:
        data: Predictions matched with the ground truth.

    Raises:
        MissingDependencyError: If Matplotlib is not installed.
    """
    found = data.found
    steps = np.linspace(0, found.reach, 51)
    curves = {
        joints.label(name): line for name, line in diagnosis.curves(found, steps.tolist()).items()
    }
    lines = {name: curves[name] for name in joints.in_order(curves)}
    marks = {f"{data.fine:.3g}": data.fine, f"{found.reach:.3g}": found.reach}
    columns = [int(n) for n in np.linspace(5, 50, 4)] + [10]
    columns = sorted({*columns, round(50 * data.fine / found.reach)})
    rows = [(name, *(values[n] for n in columns)) for name, values in lines.items()]
    alt = "Joints found, in percent, over the threshold: " + ", ".join(
        f"{k} {v[-1]:.1f}" for k, v in lines.items()
    )
    head = ["joint", *(f"@{steps[n]:.3g}" for n in columns)]
    return page.section(
        "Accuracy over thresholds",
        page.figure(
            plots.curves(
                steps.tolist(), lines, "in units of " + data.unit.split(" (")[0], marks, alt
            ),
            f"A joint is found if its distance to the ground truth, in units of {data.unit}, is at "
            "most the threshold. Left and right joints are averaged; Mean is weighted by the "
            "number of labelled joints.",
        ),
        page.table(head, rows, shaded_columns=range(1, len(head))),
        _histogram(data),
    )


def _histogram(data: ReportData) -> str:
    """Returns the HTML figure of the distances in px; "" if nobody has a prediction."""
    found = data.found
    pixels = (found.distances * found.units)[found.counted & found.found[:, None]]
    if not len(pixels):
        return ""
    median = float(np.median(pixels))
    reach = max(float(np.quantile(pixels, 0.95)), 1.0)
    beyond = int((pixels > reach).sum())
    alt = (
        f"Histogram of {len(pixels)} distances between predicted and true joints: median "
        f"{median:.1f} px, {beyond} beyond {reach:.0f} px"
    )
    return page.figure(
        plots.histogram(pixels, reach, median, alt),
        f"Distances of {len(pixels)} joints to the ground truth in px of the image; {beyond} of "
        f"them are greater than {reach:.0f} px and are not drawn.",
    )


def parts(data: ReportData) -> Section:
    """Returns the section with the accuracy by visibility, size and torso angle.

    Args:
        data: Predictions matched with the ground truth.
    """
    found = data.found
    tables = []
    for criterion, by_name in diagnosis.strata(found).items():
        groups = diagnosis.weighed(by_name, found, (found.reach, data.fine))
        intervals = _intervals(data, by_name)
        rows = [
            (
                name,
                count,
                values[0],
                interval_text(intervals[name]).removeprefix("95 %: ") or "-",
                values[1],
            )
            for name, count, values in groups
        ]
        reach, fine = f"% @{found.reach:.3g}", f"% @{data.fine:.3g}"
        head = [criterion, "joints", reach, "95 % interval", fine]
        tables.append(page.table(head, rows, shaded_columns=[2]))
    note = (
        f"Sizes are quartiles of {data.size}. The torso angle is measured between the line from "
        "mid-shoulders to mid-hips and the vertical; 0 is upright. Intervals are computed by "
        "resampling people."
    )
    return page.section(
        "Accuracy by visibility, size and torso angle", *tables, page.paragraph(note, "note")
    )


def _intervals(data: ReportData, groups: dict[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    """Returns the 95 % interval of the accuracy at `reach` of each group of joints, by its name."""
    hit = data.found.distances <= data.found.reach
    right = {name: (hit & mask).sum(axis=1).astype(float) for name, mask in groups.items()}
    total = {name: mask.sum(axis=1).astype(float) for name, mask in groups.items()}
    with np.errstate(invalid="ignore", divide="ignore"):
        return resampling.bootstrap(
            lambda counts: {
                name: 100 * (counts @ right[name]) / (counts @ total[name]) for name in groups
            },
            len(hit),
        )


def taxonomy(data: ReportData, findings: Findings) -> Section:
    """Returns the section with the types of errors and the improvement from correcting each.

    Args:
        data: Predictions matched with the ground truth.
        findings: Findings on them.
    """
    kind = findings.kind
    rows = [
        (
            row.name,
            "-" if row.joints is None else row.joints,
            row.share,
            *(
                f"{row.after[g]:.2f} ({row.after[g] - data.values[g]:+.2f})" if row.after else "-"
                for g in data.gained
            ),
            _MEANING.get(row.name, ""),
        )
        for row in findings.errors
    ]
    counted = {row.name: row.share for row in findings.errors if row.name in _KIND_COLORS}
    alt = "Kinds of errors, in percent of the joints: " + ", ".join(
        f"{name} {share:.1f}" for name, share in counted.items()
    )
    by_joint = [
        (name, *(shares(kind[:, slots])[kind_name][1] for kind_name in counted))
        for name, slots in joints.slots(data.found).items()
    ]
    reach = data.found.reach
    return page.section(
        "Types of errors",
        page.stacked_bar(counted, [_KIND_COLORS[name] for name in counted], alt),
        page.table(
            ["type", "joints", "%", *(f"{g} if corrected" for g in data.gained), "meaning"],
            rows,
            [3 + len(data.gained)],
        ),
        page.paragraph(
            f"KS, the keypoint similarity, is a Gaussian of the distance: .85 at {GOOD * reach:.3g}"
            f" and .5 at {reach:.3g}, in units of {data.unit}. Types and thresholds: Ronchi and "
            "Perona, ICCV 2017. Corrected: the joints of the type are replaced by the ground "
            "truth; in brackets the gain.",
            "note",
        ),
        page.paragraph("Percentage of each type by joint:"),
        page.table(["joint", *counted], by_joint, shaded_columns=range(2, 1 + len(counted))),
    )


def displacement(data: ReportData, findings: Findings) -> Section:
    """Returns the section with the constant shift of all predictions that improves them most.

    Args:
        data: Predictions matched with the ground truth.
        findings: Findings on them.
    """
    at = f"@{data.fine:.3g}"
    if not findings.displaced:
        verdict = "No systematic offset of half a pixel or more was found."
    elif findings.in_proportion:
        verdict = (
            "The coordinates seem to have an offset in proportion to the person's size: probably a "
            "fraction of a heatmap cell is lost between map and image, because the corner of a "
            "cell is used as its centre, or a flip test is missing its shift."
        )
    else:
        verdict = (
            "The coordinates seem to have a constant offset in pixels: probably pixels are counted "
            "from 0 in one file and from 1 in the other, or the labels follow another convention."
        )
    rows = []
    for unit, best in (("px", findings.pixels), ("sizes", findings.lengths)):
        low, high = best.held_out
        dx, dy = best.shift
        rows.append(
            (f"{dx:+.3g}, {dy:+.3g} {unit}", best.before, best.after, f"{low:+.2f} to {high:+.2f}")
        )
    return page.section(
        "Systematic offset of the coordinates",
        page.paragraph(verdict, "verdict bad" if findings.displaced else "verdict"),
        page.table(["dx, dy", f"{at} before", f"{at} after", "gain, held out, 95 %"], rows),
        page.paragraph(
            "The shift of all predictions that gives the greatest accuracy, up to 16 px or 0.4 "
            f"times the person's size ({data.size}). Held out: the shift for each half of the "
            "people is determined on the other half, so that a gain by chance does not count.",
            "note",
        ),
    )


def scores(data: ReportData) -> Section | None:
    """Returns the section with the calibration of the joints' scores; None if there are no scores.

    Args:
        data: Predictions matched with the ground truth.

    Raises:
        MissingDependencyError: If Matplotlib is not installed.
    """
    if data.found.scores is None or not data.found.found.any():
        return None
    measured = diagnosis.reliability(data.found, data.found.reach)
    caption = (
        "A joint is correct if its distance to the ground truth is at most "
        f"{data.found.reach:.3g}, in units of {data.unit}."
    )
    rows = [
        (f"{low:.1f} to {high:.1f}", count, mean, rate if count >= MIN_BIN else float("nan"))
        for low, high, count, mean, rate in measured.rows
    ]
    alt = "Percent correct by mean score: " + ", ".join(
        f"{row[3]:.2f}: {row[4]:.0f}" for row in measured.rows if row[2] >= MIN_BIN
    )
    return page.section(
        "Calibration of the scores",
        page.figure(plots.reliability(measured, MIN_BIN, alt), caption),
        page.paragraph(
            f"Expected calibration error {measured.ece:.2f} points: of joints with score .8, 80 % "
            "should be correct."
            + (
                ""
                if np.isnan(measured.auc)
                else " A correct joint has a higher score than a wrong one in "
                f"{100 * measured.auc:.1f} % of all pairs (AUC; 50 % for scores without "
                "information)."
            )
        ),
        page.table(["score", "joints", "mean score", "% correct"], rows),
        page.paragraph(f"A bin of fewer than {MIN_BIN} joints has no percentage.", "note")
        if any(row[1] < MIN_BIN for row in rows)
        else "",
    )


def people(data: ReportData, findings: Findings) -> Section:
    """Returns the section with images of the worst, the median and typical people.

    Args:
        data: Predictions matched with the ground truth.
        findings: Findings on them.

    Raises:
        InputError: If an image cannot be decoded.
        OSError: If Pillow cannot write JPEG.
    """
    kind = findings.kind
    chosen = cases.ranking(data.found, WORST, MEDIAN)
    groups = {"Worst people:": chosen.worst, "People around the median:": chosen.median}
    shown = {*chosen.worst, *chosen.median}
    for name in ("jitter", "inversion", "swap", "miss"):
        typical = cases.typical(kind, KINDS.index(name), TYPICAL, shown)
        shown |= set(typical)
        groups[f"Typical of “{name}”: people with the median number of such joints:"] = typical
    tiles = [
        part
        for title, persons in groups.items()
        if persons
        for part in (
            page.paragraph(title, "note"),
            page.tiles([cases.tile(data, n, kind) for n in persons]),
        )
    ]
    ids = "annotation ids" if data.dataset == "coco" else "positions, from 0, in the ground truth"
    return page.section(
        "Examples",
        page.paragraph(
            f"White: ground truth. Prediction: left blue, right orange, middle yellow. Numbers are "
            f"{ids}.",
            "note",
        ),
        *tiles,
    )


def training(run: Run, names: tuple[str, ...]) -> Section:
    """Returns the section with the config and the curves of a training run.

    Args:
        run: Training run, as `run.find` returns it.
        names: Names of values of the evaluations, such as "Mean@0.1", in the order of preference;
            the first one that was evaluated is drawn.

    Raises:
        MissingDependencyError: If the run has curves and Matplotlib is not installed.
    """
    rows = [(key, _setting(value)) for key, value in run.values.items()]
    curve = ""
    if run.curves is not None:
        metric = next(
            (name for name in names if any(name in one for one in run.curves.evaluations)), ""
        )
        alt = (
            f"Training loss, learning rate and {metric or 'no evaluation'} over the training steps"
        )
        drawing = training_curves.figure([run.curves], metric, size=(4.2, 5.0))
        curve = page.figure(plots.svg(drawing, alt), alt)
    return page.section(
        "Training run",
        page.paragraph(f"Config {run.name}, from {'/'.join(run.source.parts[-2:])}"),
        curve,
        page.details(
            f"Configuration: {len(rows)} values",
            page.paragraph(
                "These are the values of the training; the protocol of this evaluation may differ.",
                "note",
            ),
            page.table(["key", "value"], rows, [1]),
        ),
    )


def _setting(value: object) -> str:
    """Returns a value of a config as text."""
    if isinstance(value, str):
        return without_folders(value) or "-"
    if isinstance(value, PurePath):
        return value.name
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_setting(item) for item in value) or "none"
    return json.dumps(value)


def origin(made: Provenance) -> Section:
    """Returns the section with the date, the version, the command and the files of a report.

    Args:
        made: Provenance of the report.
    """
    rows = [("made", made.made), ("with", made.version)]
    if made.command:
        rows.append(("command", made.command))
    files = [(role, name, digest) for role, (name, digest) in made.files.items()]
    return page.section(
        "Provenance",
        page.table(["property", "value"], rows, [1]),
        page.table(["file", "name", "SHA-256"], files, [1, 2]) if files else "",
    )
