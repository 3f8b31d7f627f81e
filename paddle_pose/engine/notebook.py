"""HTML display of results of the Python API in notebooks."""

from __future__ import annotations

import html
from collections.abc import Mapping


def html_table(
    values: Mapping[str, float],
    intervals: Mapping[str, tuple[float, float]] | None = None,
    title: str = "",
) -> str:
    """Returns an HTML table of numbers with a row per name: name, value and 95 % interval.

    Args:
        values: Numbers by name, displayed with four significant digits; other values are displayed
            as text.
        intervals: 95 % confidence interval (low, high) by name; None or a missing name leaves the
            cell empty.
        title: Caption of the table; "" for none.

    Example:
        >>> html_table({"Mean": 88.512})
        '<table><tr><th>Mean</th><td>88.51</td><td></td></tr></table>'
    """
    rows = []
    for name, value in values.items():
        text = f"{value:.4g}" if isinstance(value, int | float) else str(value)
        interval = ""
        if intervals and name in intervals:
            low, high = intervals[name]
            interval = f"{low:.4g} to {high:.4g}"
        rows.append(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td><td>{interval}</td></tr>"
        )
    caption = f"<caption>{html.escape(title)}</caption>" if title else ""
    return f"<table>{caption}{''.join(rows)}</table>"
