"""The parts of a report."""

from __future__ import annotations

import numpy as np

from paddle_pose.evaluation.report import cases, page, plots, training_curves
from paddle_pose.evaluation.report.report_data import ReportData
from paddle_pose.evaluation.report.run import Run
from paddle_pose.metrics import diagnosis
from paddle_pose.metrics.errors import GOOD, KINDS, kinds, shares

WORST, MEDIAN = 8, 4
_CORRECTED = ("jitter", "inversion", "swap", "miss", "unfound")
_MEANING = {
    "good": "KS at least .85",
    "jitter": "KS .5 to .85: near the joint",
    "inversion": "near the same person's joint of the other side",
    "swap": "near another person's joint of that kind",
    "miss": "near none of these",
    "unfound": "joints of people that nothing was predicted for",
}


def summary(data: ReportData) -> str:
    """The numbers with their intervals and the protocol."""
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
        "Numbers",
        "结果",
        page.table([data.measure, "value", "95 % interval"][:width], [row[:width] for row in rows]),
        *(page.paragraph(f"{name}: {remark}.", "note") for name, remark in data.remarks.items()),
        page.paragraph(
            "Intervals resample people; they say nothing about another training.", "note"
        )
        if data.intervals
        else "",
        page.paragraph("Protocol, without which the numbers mean nothing:"),
        page.table(["what", "value"], protocol, [1]),
        *(page.paragraph(note, "note") for note in data.notes),
    )


def thresholds(data: ReportData) -> str:
    """Accuracy over thresholds, joint by joint."""
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
            f"A joint is found when its distance to the truth, in units of {data.unit}, is at most the threshold. "
            "Joints are the mean of left and right; Mean weighs joints by their number.",
        ),
        page.table(["joint", *(f"@{steps[n]:.3g}" for n in columns)], rows),
    )


def parts(data: ReportData) -> str:
    """Accuracy by visibility, size and torso angle."""
    found = data.found
    limits = (found.reach, data.fine)
    tables = []
    for way, by_name in diagnosis.strata(found).items():
        rows = [
            (name, count, *values)
            for name, count, values in diagnosis.weighed(by_name, found, limits)
        ]
        tables.append(page.table([way, "joints", *(f"% @{limit:.3g}" for limit in limits)], rows))
    note = (
        f"Sizes are quarters of the people by {data.size}. The torso's angle is that of mid-shoulders to mid-hips from "
        "straight down."
    )
    return page.section(
        "Whom it fails", "按可见性、尺度与躯干角度", *tables, page.paragraph(note, "note")
    )


def taxonomy(data: ReportData) -> str:
    """Kinds of errors and what mending each would gain."""
    kind, found = kinds(data.found), data.found
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
    named.append(("all but good", errors, False))
    if data.unmatched:
        named.append((f"{data.unmatched} results left out", np.zeros_like(errors), True))
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
    shown = [name for name in counted if name != "good"]
    by_joint = [
        (
            found.skeleton.joints[k].replace("_", " "),
            *(shares(kind[:, k])[name][1] for name in ("good", *shown)),
        )
        for k in slots
    ]
    head = [title for g in data.gained for title in (f"{g} then", "gain")]
    good, near = GOOD * found.reach, found.reach
    return page.section(
        "Kinds of errors",
        "错误类型与改进空间",
        page.table(["kind", "joints", "%", "meaning"], rows, [3]),
        page.paragraph(
            f"KS, the keypoint similarity, is a Gaussian of the distance: .85 at {good:.3g} and .5 at {near:.3g}, in units of "
            f"{data.unit}. Kinds and thresholds: Ronchi and Perona, ICCV 2017.",
            "note",
        ),
        page.paragraph(
            "What would be gained if these joints lay on the truth"
            + (", or results that match nobody were left out:" if data.unmatched else ":")
        ),
        page.table(["", *head], gains),
        page.paragraph("Percent of each joint:"),
        page.table(["joint", "good", *shown], by_joint),
    )


def displacement(data: ReportData) -> str:
    """The constant shift that would help most."""
    found, at = data.found, f"@{data.fine:.3g}"
    pixels = diagnosis.bias(found, data.fine)
    sizes = diagnosis.bias(found, data.fine, found.sizes, limit=0.4)
    displaced = [
        max(map(abs, pixels.shift)) >= 0.5 and pixels.held_out[0] > 0,
        sizes.held_out[0] > 0,
    ]
    if not any(displaced):
        verdict = "No displacement of half a pixel or more is to be seen."
    elif displaced[1] and sizes.gain > pixels.gain + 1:
        verdict = (
            "The coordinates look displaced in proportion to the person: a part of a heatmap cell is lost between the maps and "
            "the image, as by reading a cell's corner for its centre or a flip test without its shift."
        )
    else:
        verdict = (
            "The coordinates look displaced by a constant number of pixels: counted from 0 and from 1 mixed up, or labels of "
            "another convention."
        )
    rows = []
    for unit, best in (("px", pixels), ("sizes", sizes)):
        low, high = best.held_out
        dx, dy = best.shift
        rows.append(
            (f"{dx:+.3g}, {dy:+.3g} {unit}", best.before, best.after, f"{low:+.2f} .. {high:+.2f}")
        )
    return page.section(
        "Are the coordinates displaced?",
        "坐标偏移检查",
        page.paragraph(verdict, "verdict bad" if any(displaced) else "verdict"),
        page.table(["dx, dy", f"{at} now", f"{at} then", "gain, held out, 95 %"], rows),
        page.paragraph(
            f"The best shift to add to every prediction, up to 16 px or 0.4 sizes (of the person: {data.size}). Held "
            "out: each half of the people is moved by what the other half asks for, so that a gain by chance alone is none.",
            "note",
        ),
    )


def scores(data: ReportData) -> str:
    """Whether a joint's score says how likely it is right."""
    title = ("Do the scores mean anything?", "置信度可靠性")
    if data.found.scores is None or not data.found.found.any():
        return page.section(
            *title,
            page.paragraph(
                "No scores of joints belong to these people; val.py's predictions.json has some."
            ),
        )
    measured = diagnosis.reliability(data.found, data.found.reach)
    caption = f"A joint is correct within {data.found.reach:.3g}, in units of {data.unit}."
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
            f"Expected calibration error {measured.ece:.2f} points: a score of .8 should be right in 80 of 100 joints. A right "
            f"joint has a higher score than a wrong one in {100 * measured.auc:.1f} of 100 pairs (50: the scores say nothing)."
        ),
        page.table(["score", "joints", "mean score", "% correct"], rows),
    )


def people(data: ReportData) -> str:
    """The worst and the median cases."""
    kind = kinds(data.found)
    chosen = cases.ranking(data.found, WORST, MEDIAN)
    return page.section(
        "Cases",
        "最差与中位样例",
        page.paragraph(
            "White: truth. Predicted: left blue, right orange, middle yellow. Worst first:", "note"
        ),
        page.tiles([cases.tile(data, n, kind) for n in chosen.worst]),
        page.paragraph("Round the median:", "note") if chosen.median else "",
        page.tiles([cases.tile(data, n, kind) for n in chosen.median]) if chosen.median else "",
    )


def training(run: Run, names: tuple[str, ...]) -> str:
    """The run's configuration and curves."""
    rows = [(key, str(value)) for key, value in run.values.items() if not isinstance(value, dict)]
    curve = ""
    if run.curves is not None:
        metric = next(
            (name for name in names if any(name in one for one in run.curves.evaluations)), ""
        )
        alt = f"Training loss, learning rate and {metric or 'no evaluation'} over the steps of the run"
        drawing = training_curves.figure([run.curves], metric, size=(4.2, 5.0))
        curve = page.figure(plots.svg(drawing, alt), alt)
    about = page.paragraph(f"Config {run.name}, from {run.source}")
    return page.section(
        "The run", "训练配置与曲线", about, curve, page.table(["key", "value"], rows, [1])
    )
