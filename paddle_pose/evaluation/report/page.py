"""HTML of a report: one self-contained file without scripts, in one column, readable on a phone."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from html import escape

STYLE = """
body { margin: 0 auto; padding: 0 1rem 3rem; max-width: 46rem; background: #fff; color: #1a1a1a;
  font: 16px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; border-top: 1px solid #bbb; padding-top: 1rem; }
p { overflow-wrap: anywhere; } h2 span, h1 span { color: #555; font-weight: normal; }
body.wide { max-width: 90rem; } .wide td.text { min-width: 5rem; }
@media (min-width: 75rem) { .wide td:first-child { min-width: 13rem; } }
.wide th:first-child, .wide td:first-child { position: sticky; left: 0; background: #fff;
  overflow-wrap: anywhere; }
/* A shadow on the right shows that a table continues; a white layer, which scrolls with the table,
   covers it at the end. */
.scroll { overflow-x: auto; margin: .6rem 0 1rem;
  background: linear-gradient(to left, #fff 50%, #fff0) right / 3rem 100% no-repeat local,
    linear-gradient(to left, #0004, #0000) right / .8rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem .25rem 0; text-align: right; border-bottom: 1px solid #ddd;
  white-space: nowrap; }
th { vertical-align: bottom; white-space: normal; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 6rem; }
td.text { text-align: left; white-space: normal; min-width: 9rem; overflow-wrap: anywhere; }
th.text { text-align: left; } figure { margin: .8rem 0; }
figure svg { width: 100%; max-width: 32rem; height: auto; display: block; }
figcaption, .note { color: #444; font-size: .9rem; }
.verdict { border-left: 4px solid #0072b2; padding-left: .8rem; }
.bad { border-color: #d55e00; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .6rem; }
.tiles figure { margin: 0; } .tiles img { width: 100%; height: auto; display: block; }
@media (max-width: 30rem) { table { font-size: .8rem; } th, td { padding-right: .4rem; }
  th:first-child, td:first-child { min-width: 4.5rem; } td.text { min-width: 7rem; } }
"""


def document(title: str, title_zh: str, body: Sequence[str], wide: bool = False) -> str:
    """Returns the text of a complete HTML page with its style.

    Args:
        title: Title in English, plain text.
        title_zh: Title in Chinese, plain text, shown after the English one.
        body: HTML of the sections, see `section`.
        wide: Whether the page may be 90 rem wide, for tables with many columns, instead of 46.
    """
    kind = "wide" if wide else "narrow"
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>",
            f'<body class="{kind}">',
            f'<h1>{escape(title)} <span lang="zh">{escape(title_zh)}</span></h1>',
            *body,
            "</body>\n</html>\n",
        ]
    )


def section(title: str, title_zh: str, *parts: str) -> str:
    """Returns the HTML of a section with its title.

    Args:
        title: Title in English, plain text.
        title_zh: Title in Chinese, plain text, shown after the English one; may be "".
        parts: HTML of the parts of the section, in their order; empty ones are left out.
    """
    head = f'<h2>{escape(title)} <span lang="zh">{escape(title_zh)}</span></h2>'
    return "\n".join([f"<section>\n{head}", *filter(None, parts), "</section>"])


def paragraph(text: str, kind: str = "") -> str:
    """Returns the HTML of a paragraph.

    Args:
        text: Plain text.
        kind: CSS class: "", "note", "verdict" or "verdict bad".
    """
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def table(
    head: Sequence[str], rows: Sequence[Sequence[object]], text_columns: Sequence[int] = ()
) -> str:
    """Returns the HTML of a table that scrolls horizontally on narrow screens.

    Args:
        head: Titles of the columns, plain text.
        rows: Cells of each row, as many as titles; see `cell_text` for their text.
        text_columns: Indices of the columns that contain sentences, which are wrapped and aligned
            at the left.
    """
    kinds = [' class="text"' if n in text_columns else "" for n in range(len(head))]
    lines = [
        "<tr>"
        + "".join(f'<th scope="col"{k}>{escape(h)}</th>' for h, k in zip(head, kinds, strict=True))
        + "</tr>"
    ]
    for row in rows:
        cells = "".join(
            f"<td{k}>{escape(cell_text(cell))}</td>" for cell, k in zip(row, kinds, strict=True)
        )
        lines.append(f"<tr>{cells}</tr>")
    return '<div class="scroll" tabindex="0"><table>\n' + "\n".join(lines) + "\n</table></div>"


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
