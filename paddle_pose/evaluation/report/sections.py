"""Sections of a report as HTML."""

from __future__ import annotations

import numpy as np

from paddle_pose.evaluation.report import cases, page, plots, training_curves
from paddle_pose.evaluation.report.report_data import ReportData
from paddle_pose.evaluation.report.run import Run
from paddle_pose.metrics import diagnosis
from paddle_pose.metrics.errors import GOOD, KINDS, kinds, shares

# Number of examples.
WORST = 8
MEDIAN = 4
_CORRECTED = ("jitter", "inversion", "swap", "miss", "unfound")
_MEANING = {
    "good": "KS at least .85",
    "jitter": "KS .5 to .85: near the joint",
    "inversion": "near the same joint of the person's other side",
    "swap": "near the same joint of another person",
    "miss": "near none of these",
    "unfound": "joint of a person without a prediction",
}


def summary(data: ReportData) -> str:
    """Returns the HTML section with the metric's values, their intervals and the protocol.

    Args:
        data: Predictions matched with the ground truth.
    """
    rows = []
    for name, value in data.values.items():
        low, high = data.intervals.get(name, (float("nan"), float("nan")))
        interval = "-" if np.isnan(low) else f"{low:.2f} .. {high:.2f}"
        rows.append((name, value, interval))
    width = 3 if data.intervals else 2  # columns
    protocol = [
        ("predictions", data.name),
        *((name, str(value)) for name, value in data.protocol.items()),
    ]
    return page.section(
        "Results",
        "结果",
        page.table([data.measure, "value", "95 % interval"][:width], [row[:width] for row in rows]),
        *(page.paragraph(f"{name}: {remark}.", "note") for name, remark in data.remarks.items()),
        page.paragraph(
            "Intervals are computed by resampling people; they do not cover the variation between "
            "trainings.",
            "note",
        )
        if data.intervals
        else "",
        page.paragraph("Protocol; compare only results with the same protocol:"),
        page.table(["property", "value"], protocol, [1]),
        *(page.paragraph(note, "note") for note in data.notes),
    )


def thresholds(data: ReportData) -> str:
    """Returns the HTML section with the percentage of joints found over thresholds, by joint.

    Args:
        data: Predictions matched with the ground truth.

    Raises:
        MissingDependencyError: If Matplotlib is not installed.
    """
    found = data.found
    steps = np.linspace(0, found.reach, 51)
    lines = diagnosis.curves(found, steps.tolist())
    marks = {f"{data.fine:.3g}": data.fine, f"{found.reach:.3g}": found.reach}
    columns = [int(n) for n in np.linspace(5, 50, 4)] + [10]
    columns = sorted({*columns, round(50 * data.fine / found.reach)})
    rows = [(name, *(values[n] for n in columns)) for name, values in lines.items()]
    alt = "Joints found, in percent, over the threshold: " + ", ".join(
        f"{k} {v[-1]:.1f}" for k, v in lines.items()
    )
    return page.section(
        "Accuracy over thresholds",
        "不同阈值下的准确率",
        page.figure(
            plots.curves(
                steps.tolist(), lines, "in units of " + data.unit.split(" (")[0], marks, alt
            ),
            f"A joint is found if its distance to the ground truth, in units of {data.unit}, is at "
            "most the threshold. Left and right joints are averaged; Mean is weighted by the "
            "number of labelled joints.",
        ),
        page.table(["joint", *(f"@{steps[n]:.3g}" for n in columns)], rows),
    )


def parts(data: ReportData) -> str:
    """Returns the HTML section with the accuracy by visibility, size and torso angle.

    Args:
        data: Predictions matched with the ground truth.
    """
    found = data.found
    limits = (found.reach, data.fine)
    tables = []
    for criterion, by_name in diagnosis.strata(found).items():
        rows = [
            (name, count, *values)
            for name, count, values in diagnosis.weighed(by_name, found, limits)
        ]
        tables.append(
            page.table([criterion, "joints", *(f"% @{limit:.3g}" for limit in limits)], rows)
        )
    note = (
        f"Sizes are quartiles of {data.size}. The torso angle is measured between the line from "
        "mid-shoulders to mid-hips and the vertical; 0 is upright."
    )
    return page.section(
        "Accuracy by visibility, size and torso angle",
        "按可见性、尺度与躯干角度",
        *tables,
        page.paragraph(note, "note"),
    )


def taxonomy(data: ReportData) -> str:
    """Returns the HTML section with the types of errors and the improvement from correcting each.

    Args:
        data: Predictions matched with the ground truth; its `rescore` is called for each type.
    """
    found = data.found
    kind = kinds(found)
    before = data.values
    counted = {
        name: number
        for name, number in shares(kind).items()
        if number[0] or name not in ("unfound",)
    }
    rows = [(name, number, share, _MEANING[name]) for name, (number, share) in counted.items()]
    fixes = {
        name: kind == KINDS.index(name)
        for name in ("good", *_CORRECTED)
        if (kind == KINDS.index(name)).any()
    }
    errors = kind > KINDS.index("good")
    named = [(name, joints, False) for name, joints in fixes.items()]
    named.append(("all errors", errors, False))
    if data.unmatched:
        named.append((f"{data.unmatched} results removed", np.zeros_like(errors), True))
    named.append(("everything", kind >= 0, True))
    gains = []
    for name, joints, without_unmatched in named:
        after = data.rescore(found.corrected(joints), without_unmatched)
        gains.append(
            (
                name,
                *(cell for g in data.gained for cell in (after[g], f"{after[g] - before[g]:+.2f}")),
            )
        )
    slots = [k for k in range(found.skeleton.num_joints) if found.counted[:, k].any()]
    error_names = [name for name in counted if name != "good"]
    by_joint = [
        (
            found.skeleton.joints[k].replace("_", " "),
            *(shares(kind[:, k])[name][1] for name in ("good", *error_names)),
        )
        for k in slots
    ]
    head = [title for g in data.gained for title in (f"{g} after", "gain")]
    good = GOOD * found.reach
    near = found.reach
    return page.section(
        "Types of errors",
        "错误类型与改进空间",
        page.table(["type", "joints", "%", "meaning"], rows, [3]),
        page.paragraph(
            f"KS, the keypoint similarity, is a Gaussian of the distance: .85 at {good:.3g} and .5 "
            f"at {near:.3g}, in units of {data.unit}. Types and thresholds: Ronchi and Perona, "
            "ICCV 2017.",
            "note",
        ),
        page.paragraph(
            "Improvement if joints of one type were replaced by the ground truth"
            + (", or unmatched results were removed:" if data.unmatched else ":")
        ),
        page.table(["corrected", *head], gains),
        page.paragraph("Percentage of each type by joint:"),
        page.table(["joint", "good", *error_names], by_joint),
    )


def displacement(data: ReportData) -> str:
    """Returns the HTML section with the constant shift of all predictions that improves them most.

    Args:
        data: Predictions matched with the ground truth.
    """
    found = data.found
    at = f"@{data.fine:.3g}"
    pixels = diagnosis.bias(found, data.fine)
    sizes = diagnosis.bias(found, data.fine, found.sizes, limit=0.4)
    displaced = [
        max(map(abs, pixels.shift)) >= 0.5 and pixels.held_out[0] > 0,
        sizes.held_out[0] > 0,
    ]
    if not any(displaced):
        verdict = "No systematic offset of half a pixel or more was found."
    elif displaced[1] and sizes.gain > pixels.gain + 1:
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
    for unit, best in (("px", pixels), ("sizes", sizes)):
        low, high = best.held_out
        dx, dy = best.shift
        rows.append(
            (f"{dx:+.3g}, {dy:+.3g} {unit}", best.before, best.after, f"{low:+.2f} .. {high:+.2f}")
        )
    return page.section(
        "Systematic offset of the coordinates",
        "坐标偏移检查",
        page.paragraph(verdict, "verdict bad" if any(displaced) else "verdict"),
        page.table(["dx, dy", f"{at} before", f"{at} after", "gain, held out, 95 %"], rows),
        page.paragraph(
            "The shift of all predictions that gives the greatest accuracy, up to 16 px or 0.4 "
            f"times the person's size ({data.size}). Held out: the shift for each half of the "
            "people is determined on the other half, so that a gain by chance does not count.",
            "note",
        ),
    )


def scores(data: ReportData) -> str:
    """Returns the HTML section with the calibration of the joints' scores.

    Args:
        data: Predictions matched with the ground truth; without scores the section says so.

    Raises:
        MissingDependencyError: If Matplotlib is not installed.
    """
    title = ("Calibration of the scores", "置信度可靠性")
    if data.found.scores is None or not data.found.found.any():
        return page.section(
            *title,
            page.paragraph(
                "These predictions have no scores of joints; the predictions.json of val.py has "
                "them."
            ),
        )
    measured = diagnosis.reliability(data.found, data.found.reach)
    caption = (
        "A joint is correct if its distance to the ground truth is at most "
        f"{data.found.reach:.3g}, in units of {data.unit}."
    )
    rows = [
        (f"{low:.1f} .. {high:.1f}", count, mean, rate)
        for low, high, count, mean, rate in measured.rows
    ]
    alt = "Percent correct by mean score: " + ", ".join(
        f"{row[3]:.2f}: {row[4]:.0f}" for row in measured.rows
    )
    return page.section(
        *title,
        page.figure(
            plots.reliability(measured, alt),
            caption,
        ),
        page.paragraph(
            f"Expected calibration error {measured.ece:.2f} points: of joints with score .8, 80 % "
            "should be correct. A correct joint has a higher score than a wrong one in "
            f"{100 * measured.auc:.1f} % of all pairs (AUC; 50 % for scores without information)."
        ),
        page.table(["score", "joints", "mean score", "% correct"], rows),
    )


def people(data: ReportData) -> str:
    """Returns the HTML section with images of the worst and the median people.

    Args:
        data: Predictions matched with the ground truth.

    Raises:
        InputError: If an image cannot be decoded.
        OSError: If Pillow cannot write JPEG.
    """
    kind = kinds(data.found)
    chosen = cases.ranking(data.found, WORST, MEDIAN)
    return page.section(
        "Examples",
        "最差与中位样例",
        page.paragraph(
            "White: ground truth. Prediction: left blue, right orange, middle yellow. Worst "
            "people:",
            "note",
        ),
        page.tiles([cases.tile(data, n, kind) for n in chosen.worst]),
        page.paragraph("People around the median:", "note") if chosen.median else "",
        page.tiles([cases.tile(data, n, kind) for n in chosen.median]) if chosen.median else "",
    )


def training(run: Run, names: tuple[str, ...]) -> str:
    """Returns the HTML section with the config and the curves of a training run.

    Args:
        run: Training run, as `run.find` returns it.
        names: Names of values of the evaluations, such as "Mean@0.1", in the order of preference;
            the first one that was evaluated is drawn.

    Raises:
        MissingDependencyError: If the run has curves and Matplotlib is not installed.
    """
    rows = [(key, str(value)) for key, value in run.values.items() if not isinstance(value, dict)]
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
    about = page.paragraph(f"Config {run.name}, from {run.source}")
    return page.section(
        "Training run", "训练配置与曲线", about, curve, page.table(["key", "value"], rows, [1])
    )
