"""HTML of a report: one self-contained file without scripts, in one column, readable on a phone."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1a1a1a; --weak: #555; --line: #ccc;
  --accent: #0072b2; --bad: #c04f00; --good: #00795a; --soft: #f3f6f8; }
@media (prefers-color-scheme: dark) { :root { --back: #16191c; --text: #e6e6e6; --weak: #aab2b8;
  --line: #444b52; --accent: #56b4e9; --bad: #ff9d4d; --good: #35c79a; --soft: #1f2429; } }
body { margin: 0 auto; padding: 0 1rem 3rem; max-width: 46rem; background: var(--back);
  color: var(--text); font: 16px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; }
h1 { font-size: 1.4rem; margin-bottom: 0; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; border-top: 1px solid var(--line);
  padding-top: 1rem; }
a { color: var(--accent); }
p { overflow-wrap: anywhere; }
nav ul { columns: 2 14rem; padding-left: 1.2rem; }
details { margin: .6rem 0; } summary { cursor: pointer; color: var(--accent); padding: .3rem 0; }
body.wide { max-width: 90rem; } .wide td.text { min-width: 5rem; }
@media (min-width: 75rem) { .wide td:first-child { min-width: 13rem; } }
.wide th:first-child, .wide td:first-child { position: sticky; left: 0; background: var(--back);
  overflow-wrap: anywhere; }
/* A shadow on the right shows that a table continues; a layer in the colour of the page, which
   scrolls with the table, covers it at the end. */
.scroll { overflow-x: auto; margin: .6rem 0 1rem;
  background: linear-gradient(to left, var(--back) 50%, transparent) right / 3rem 100% no-repeat
    local, linear-gradient(to left, #8888, #8880) right / .8rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem .25rem 0; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
td.shaded { padding-left: .4rem; }
tr.own { font-weight: bold; }
th { vertical-align: bottom; white-space: normal; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 6rem; }
td.text { text-align: left; white-space: normal; min-width: 9rem; overflow-wrap: anywhere; }
th.text { text-align: left; } figure { margin: .8rem 0; }
figure svg { width: 100%; max-width: 32rem; height: auto; display: block; }
figcaption, .note { color: var(--weak); font-size: .9rem; }
.verdict { border-left: 4px solid var(--good); padding-left: .8rem; }
.verdict.bad { border-color: var(--bad); }
.badge { display: inline-block; border-radius: 1rem; padding: .1rem .8rem; font-weight: bold;
  color: var(--back); background: var(--good); } .badge.bad { background: var(--bad); }
.numbers { display: flex; flex-wrap: wrap; gap: .8rem; margin: .8rem 0; padding: 0; }
.numbers div { background: var(--soft); border-radius: .5rem; padding: .5rem 1rem; flex: 1 1 9rem; }
.numbers dt { color: var(--weak); font-size: .9rem; }
.numbers dd { margin: 0; font-size: 1.7rem; font-weight: bold; line-height: 1.2; }
.numbers dd small { display: block; font-size: .85rem; font-weight: normal; }
.bar { display: flex; height: 1.6rem; border-radius: .3rem; overflow: hidden; margin-top: .8rem; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: .3rem 0 .8rem; padding: 0;
  list-style: none; font-size: .9rem; }
.legend i { display: inline-block; width: .8em; height: .8em; border-radius: .2em; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(13.5rem, 1fr)); gap: .8rem; }
.tiles figure { margin: 0; } .tiles img { width: 100%; height: auto; display: block; }
@media (max-width: 30rem) { table { font-size: .8rem; } th, td { padding-right: .4rem; }
  th:first-child, td:first-child { min-width: 4.5rem; } td.text { min-width: 7rem; }
  .tiles { grid-template-columns: 1fr; } }
@media (prefers-color-scheme: dark) { figure svg { filter: invert(.91) hue-rotate(180deg); } }
@media print { :root { --back: #fff; --text: #000; --weak: #444; --line: #bbb; --accent: #005580;
    --soft: #f3f6f8; } body { max-width: none; font-size: 11pt; } nav { display: none; }
  figure, tr, .numbers { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; background: none; } figure svg { filter: none; }
  .bar, .legend i, .badge, td.shaded { print-color-adjust: exact; } }
"""


@dataclass(frozen=True)
class Section:
    """A section of a page with its title.

    Attributes:
        title: Title, plain text; different sections have different titles.
        parts: HTML of the parts of the section, in their order; empty ones are left out.
    """

    title: str
    parts: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """Id of the section's title, the target of links."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    def html(self) -> str:
        """Returns the HTML of the section."""
        head = f'<h2 id="{self.anchor}">{escape(self.title)}</h2>'
        return "\n".join([f"<section>\n{head}", *filter(None, self.parts), "</section>"])


def section(title: str, *parts: str) -> Section:
    """Returns a section of a page.

    Args:
        title: Title, plain text.
        parts: HTML of the parts of the section, in their order; empty ones are left out.
    """
    return Section(title, parts)


def document(title: str, sections: Sequence[Section], lead: str = "", wide: bool = False) -> str:
    """Returns the text of a complete HTML page with its style.

    Args:
        title: Title, plain text.
        sections: Sections of the page. With a `lead`, the page has a table of contents.
        lead: HTML between the title and the table of contents, such as a summary; "" for none.
        wide: Whether the page may be 90 rem wide, for tables with many columns, instead of 46.
    """
    kind = "wide" if wide else "narrow"
    links = [f'<li><a href="#{s.anchor}">{escape(s.title)}</a></li>' for s in sections]
    contents = f'<nav aria-label="Contents"><ul>{"".join(links)}</ul></nav>'
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>",
            f'<body class="{kind}">',
            f"<h1>{escape(title)}</h1>",
            *([lead, contents] if lead else []),
            *(one.html() for one in sections),
            "</body>\n</html>\n",
        ]
    )


def paragraph(text: str, kind: str = "") -> str:
    """Returns the HTML of a paragraph.

    Args:
        text: Plain text.
        kind: CSS class: "", "note", "verdict" or "verdict bad".
    """
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def details(title: str, *parts: str) -> str:
    """Returns the HTML of a part of the page that is folded until the reader opens it.

    Args:
        title: Text that is always shown, plain text.
        parts: HTML of the folded parts.
    """
    return "\n".join([f"<details><summary>{escape(title)}</summary>", *parts, "</details>"])


def badge(text: str, bad: bool) -> str:
    """Returns the HTML of a short verdict in a coloured field.

    Args:
        text: Plain text.
        bad: Whether something needs the reader's attention.
    """
    return f'<p><span class="badge{" bad" if bad else ""}">{escape(text)}</span></p>'


def numbers(values: Sequence[tuple[str, str, str]]) -> str:
    """Returns the HTML of numbers in large type.

    Args:
        values: (name, number, text below it) of each number, plain text.
    """
    cells = [
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(below)}</small></dd></div>"
        for name, value, below in values
    ]
    return f'<dl class="numbers">{"".join(cells)}</dl>'


def stacked_bar(shares: Mapping[str, float], colors: Sequence[str], alt: str) -> str:
    """Returns the HTML of a bar that is divided into percentages, with a legend.

    Args:
        shares: Percentages, 0..100, by name; together at most 100.
        colors: CSS colour of each of them.
        alt: Description of the bar, plain text, for readers who cannot see it.
    """
    pieces = [
        f'<span style="width:{share:.2f}%;background:{color}"></span>'
        for share, color in zip(shares.values(), colors, strict=True)
    ]
    legend = [
        f'<li><i style="background:{color}"></i> {escape(name)} {share:.1f} %</li>'
        for (name, share), color in zip(shares.items(), colors, strict=True)
    ]
    return (
        f'<div class="bar" role="img" aria-label="{escape(alt)}">{"".join(pieces)}</div>'
        f'<ul class="legend">{"".join(legend)}</ul>'
    )


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[object]],
    text_columns: Sequence[int] = (),
    shaded_columns: Sequence[int] = (),
    own_rows: Sequence[int] = (),
) -> str:
    """Returns the HTML of a table that scrolls horizontally on narrow screens.

    Args:
        head: Titles of the columns, plain text.
        rows: Cells of each row, as many as titles; see `cell_text` for their text.
        text_columns: Indices of the columns that contain sentences, which are wrapped and aligned
            at the left.
        shaded_columns: Indices of the columns whose floats, percentages 0..100, shade their cells;
            the shades of a table go from its lowest to its highest such float.
        own_rows: Indices of the rows in bold type.
    """
    kinds = [' class="text"' if n in text_columns else "" for n in range(len(head))]
    lines = [
        "<tr>"
        + "".join(f'<th scope="col"{k}>{escape(h)}</th>' for h, k in zip(head, kinds, strict=True))
        + "</tr>"
    ]
    seen = [row[n] for row in rows for n in shaded_columns]
    values = [cell for cell in seen if isinstance(cell, float) and not math.isnan(cell)]
    low, span = min(values, default=0.0), max(values, default=0.0) - min(values, default=0.0)
    for index, row in enumerate(rows):
        cells = "".join(
            f"<td{_shade(cell, low, span) if n in shaded_columns else kinds[n]}>"
            f"{escape(cell_text(cell))}</td>"
            for n, cell in enumerate(row)
        )
        lines.append(f'<tr class="own">{cells}</tr>' if index in own_rows else f"<tr>{cells}</tr>")
    return '<div class="scroll" tabindex="0"><table>\n' + "\n".join(lines) + "\n</table></div>"


def _shade(cell: object, low: float, span: float) -> str:
    """Returns the attributes of a cell whose colour grows from `low` to `low + span`."""
    if not isinstance(cell, float) or math.isnan(cell) or span <= 0:
        return ' class="shaded"'
    percent = 45 * (cell - low) / span
    color = f"color-mix(in srgb, var(--accent) {percent:.0f}%, transparent)"
    return f' class="shaded" style="background:{color}"'


def cell_text(cell: object) -> str:
    """Returns the plain text of a table cell.

    Args:
        cell: Value of the cell: a float gets two decimals, NaN becomes "-", and any other value is
            converted by `str`.

    Example:
        >>> [cell_text(cell) for cell in (87.2987, float("nan"), 14, "a")]
        ['87.30', '-', '14', 'a']
    """
    if isinstance(cell, float):
        return "-" if math.isnan(cell) else f"{cell:.2f}"
    return str(cell)


def figure(image: str, caption: str) -> str:
    """Returns the HTML of a figure with a caption below the image.

    Args:
        image: HTML of an <svg> or <img> element, see `plots` and `image`.
        caption: Plain text below the image.
    """
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def image(data: bytes, alt: str) -> str:
    """Returns an HTML <img> element that contains the image itself.

    Args:
        data: Content of a JPEG file.
        alt: Description of the image, plain text, for readers who cannot see it.
    """
    code = base64.b64encode(data).decode("ascii")
    return f'<img alt="{escape(alt)}" src="data:image/jpeg;base64,{code}">'


def tiles(pieces: Sequence[str]) -> str:
    """Returns the HTML of a grid of figures, with as many columns as the screen has room for.

    Args:
        pieces: HTML of the figures, see `figure`.
    """
    return '<div class="tiles">\n' + "\n".join(pieces) + "\n</div>"
