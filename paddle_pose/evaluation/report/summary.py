"""The beginning of a report: verdict, the two main numbers, and the findings in sentences."""

from __future__ import annotations

import math

from paddle_pose.evaluation.report import page
from paddle_pose.evaluation.report.findings import CORRECTED, Findings
from paddle_pose.evaluation.report.report_data import ReportData


def lead(data: ReportData, findings: Findings) -> str:
    """Returns the HTML between the title of a report and its table of contents.

    Args:
        data: Predictions matched with the ground truth.
        findings: Findings on them.
    """
    people = f"{len(data.found.truth)} people"
    verdict = "Check the coordinates" if findings.displaced else "No systematic offset"
    values = [
        (name, f"{data.values[name]:.2f}", interval_text(data.intervals.get(name)))
        for name in data.main
    ]
    return "\n".join(
        [
            page.paragraph(f"{data.name}, {people}", "note"),
            page.badge(verdict, findings.displaced),
            page.numbers(values),
            page.paragraph(_offset(data, findings)),
            page.paragraph(_errors(data, findings)),
            page.paragraph(_people(data)),
        ]
    )


def interval_text(interval: tuple[float, float] | None) -> str:
    """Returns a 95 % interval as text, such as "95 %: 86.90 to 87.70"; "" for none."""
    if interval is None or math.isnan(interval[0]):
        return ""
    return f"95 %: {interval[0]:.2f} to {interval[1]:.2f}"


def shift_text(data: ReportData, findings: Findings) -> str:
    """Returns the better shift as text with its unit."""
    dx, dy = findings.shift.shift
    unit = f"times {data.size.split(' (')[0]}" if findings.in_proportion else "px"
    return f"({dx:+.3g}, {dy:+.3g}) {unit}"


def _offset(data: ReportData, findings: Findings) -> str:
    """Returns the sentence on systematic offsets of the coordinates."""
    at = f"accuracy at the threshold {data.fine:.3g}"
    if not findings.displaced:
        return f"No constant shift of all predictions improves the {at} reliably."
    low, high = findings.shift.held_out
    return (
        f"Shifting all predictions by {shift_text(data, findings)} would improve the {at} by "
        f"{low:.1f} to {high:.1f} points on other people: the coordinates are displaced."
    )


def _errors(data: ReportData, findings: Findings) -> str:
    """Returns the sentence on the kind of error that costs most."""
    main = data.main[0]
    good = next(row for row in findings.errors if row.name == "good")
    costly = [
        (row.after[main] - data.values[main], row)
        for row in findings.errors
        if row.name in CORRECTED and row.after
    ]
    text = f"{good.share:.1f} % of the joints are good"
    if not costly:
        return f"{text}; there are no errors."
    gain, worst = max(costly, key=lambda pair: pair[0])
    return (
        f"{text}. Most of {main} is lost by the error “{worst.name}”: {worst.share:.1f} % of "
        f"the joints, {gain:+.2f} points if they were corrected."
    )


def _people(data: ReportData) -> str:
    """Returns the sentence on the number of people, and on what is missing to published results."""
    without = int((~data.found.found).sum())
    text = f"{without} of {len(data.found.truth)} people have no matching prediction"
    if not without:
        text = "Every person has a prediction"
    if data.unmatched:
        text += f", and {data.unmatched} predictions belong to no annotated person"
    return f"{text}."
