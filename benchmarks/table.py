"""Formats the measurements of `benchmark.py` as text and in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEAD = ("measured", "ours", "theirs", "ratio (spread)", "CPU ratio", "goal", "")


def heading(machine: Mapping[str, Any]) -> str:
    """Returns a line on the machine, and a warning if it is busy.

    Args:
        machine: Value of "machine" in the JSON file.
    """
    line = (
        f"{machine['cpu']}, {machine['cores']} cores, load {machine['load']:.1f},"
        f" {machine['system']}"
    )
    return line + (
        "\nwarning: the machine is busy; prefer the CPU ratios, and measure again"
        if machine["busy"]
        else ""
    )


def text(report: Mapping[str, Any]) -> str:
    """Returns the table as text.

    Args:
        report: Content of the JSON file.
    """
    lines = [HEAD, *map(_cells, report["rows"])]
    widths = [max(len(cells[column]) for cells in lines) for column in range(len(HEAD))]
    body = (
        "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in lines
    )
    return "\n".join([heading(report["machine"]), f"medians of {report['rounds']} rounds", *body])


def markdown(report: Mapping[str, Any]) -> str:
    """Returns the table in Markdown.

    Args:
        report: Content of the JSON file.
    """
    lines = [HEAD, ("---",) * len(HEAD), *map(_cells, report["rows"])]
    body = ("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in lines)
    return "\n".join(
        [*body, "", f"{heading(report['machine'])}; medians of {report['rounds']} rounds."]
    )


def line(row: Mapping[str, Any]) -> str:
    """Returns one row as text.

    Args:
        row: Measurements of the row, as returned by `benchmark.measure`.
    """
    return "  ".join(filter(None, _cells(row)))


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the cells of a row, in the order of `HEAD`."""
    ratio = cpu = ""
    if "ratio" in row:
        low, high = row["spread"]
        ratio = f"{row['ratio']:.2f} ({low:.2f} .. {high:.2f})"
        cpu = f"{row['cpu_ratio']:.2f}"
    goal = (
        f">= {row['minimum']:g}x"
        if row["minimum"]
        else f"<= {_amount(row, row['maximum'], 1)}"
        if row["maximum"]
        else ""
    )
    if goal and row["reached"] is not None:
        goal += ", reached" if row["reached"] else ", MISSED"
    remarks = [f"{who}: {why}" for who, why in row["missing"].items()]
    if "difference" in row:
        remarks.append(f"largest difference {row['difference']:.1e}")
    theirs = _amount(row, row.get("their_median"), row["items"])
    ours = _amount(row, row["median"], row["items"])
    return (
        row["name"],
        ours,
        theirs,
        ratio,
        cpu,
        goal,
        "; ".join(filter(None, [*remarks, row["remark"]])),
    )


def _amount(row: Mapping[str, Any], value: float | None, items: int) -> str:
    """Returns a measurement with its unit.

    Args:
        row: Measurements of the row.
        value: Measurement of a run, or the goal; None if there is none.
        items: Number of items by which a time is divided.
    """
    if value is None:
        return "-"
    if row["measure"] == "peak_mb":
        return f"{value:.0f} MB"
    value /= items
    return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.2f} ms"
