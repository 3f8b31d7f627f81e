"""Display of results of the Python API in notebooks: images in rows, and tables."""

from __future__ import annotations

import html
import numbers
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import PIL.Image

from paddle_pose import visualize
from paddle_pose.configs.specs import Config
from paddle_pose.errors import InputError
from paddle_pose.inference.pose_result import PoseResult
from paddle_pose.io import images as image_files
from paddle_pose.io.images import ImageInput
from paddle_pose.visualize import ColorBy

_GAP = 6  # px between images
_MAX_ENLARGEMENT = 2  # of an image, so that a few px do not fill the width of a page
_MAX_HEIGHT = 2  # of an image, relative to its width


class ImageGrid:
    """Images in rows, with captions above them; a notebook displays them as one JPEG image.

    All images get the same width; people are drawn after an image has its final size.

    Args:
        images: At least one image: a path, a uint8 RGB array [h, w, 3], a PIL image, or a
            `PoseResult`, of which the drawing is shown.
        columns: Largest number of images in a row.
        captions: A line of text for each image; () for none.
        width: Width of the whole in px; less if images would be more than twice their own size.
        color: Colours of the skeletons of a `PoseResult`, see `PoseResult.draw`.
        boxes: Whether people's boxes are drawn.
        scores: Whether people's scores are written above the heads.
        windows: Whether the windows are outlined in white.

    Attributes:
        pixels: The whole, uint8 RGB [h, w, 3].

    Raises:
        FileNotFoundError: If the file of an image is missing.
        InputError: If there is no image, an image is invalid, or the number of captions is not that
            of the images.

    Example:
        >>> grid = ImageGrid([np.zeros((60, 80, 3), np.uint8)] * 3, columns=2, width=166)
        >>> grid.pixels.shape
        (126, 166, 3)
    """

    def __init__(
        self,
        images: Iterable[ImageInput | PoseResult],
        *,
        columns: int = 4,
        captions: Sequence[str] = (),
        width: int = 800,
        color: ColorBy = "person",
        boxes: bool = False,
        scores: bool = False,
        windows: bool = False,
    ) -> None:
        found = list(images)
        if not found:
            raise InputError("images: expected at least one image")
        if captions and len(captions) != len(found):
            raise InputError(f"captions: got {len(captions)} for {len(found)} images")
        columns = max(1, min(columns, len(found)))
        sources = [
            one if isinstance(one, PoseResult) else image_files.as_pixels(one) for one in found
        ]
        widest = max(_pixels(source).shape[1] for source in sources)
        side = max(1, min((width + _GAP) // columns - _GAP, _MAX_ENLARGEMENT * widest))
        tiles = []
        for source in sources:
            if isinstance(source, PoseResult):
                drawn = source.draw(
                    color=color, boxes=boxes, scores=scores, windows=windows, width=side
                )
                tiles.append(_fitted(np.asarray(drawn), side))
            else:
                tiles.append(_fitted(source, side))
        self.pixels = visualize.grid(tiles, columns, captions, _GAP, visualize.WHITE)

    def save(self, path: str | Path) -> None:
        """Writes the whole to a file.

        Args:
            path: Path of the file; its suffix states the format, such as .jpg or .png.
        """
        PIL.Image.fromarray(self.pixels).save(path)

    def _repr_jpeg_(self) -> bytes:
        """Returns the whole for a notebook."""
        return visualize.jpeg(self.pixels)


def _pixels(source: np.ndarray | PoseResult) -> np.ndarray:
    return source.image if isinstance(source, PoseResult) else source


def _fitted(pixels: np.ndarray, width: int) -> np.ndarray:
    """Returns an image with a given width; a very high one is made smaller, with white beside it.

    Args:
        pixels: Image, uint8 RGB [h, w, 3].
        width: Width of the result in px.
    """
    height = round(pixels.shape[0] * width / pixels.shape[1])
    inner = min(width, round(width * _MAX_HEIGHT * width / height))
    size = inner, max(1, round(pixels.shape[0] * inner / pixels.shape[1]))
    tile = np.full((size[1], width, 3), visualize.WHITE, np.uint8)
    left = (width - inner) // 2
    tile[:, left : left + inner] = (
        pixels if pixels.shape[1::-1] == size else visualize.resized(pixels, size)
    )
    return tile


def draw_maps(
    image: np.ndarray,
    config: Config,
    maps: Mapping[str, np.ndarray],
    titles: Sequence[str] | None = None,
    columns: int = 4,
    width: int = 800,
) -> ImageGrid:
    """Returns a drawing of maps over an input, one image per map, with its maximum above it.

    Args:
        image: Input of the network, uint8 RGB [H, W, 3].
        config: Config of the network.
        maps: Outputs or targets of this input by name, without the batch axis.
        titles: Titles of the maps to draw, such as names of joints; None draws all.
        columns: Number of maps in a row.
        width: Width of the drawing in px.

    Raises:
        InputError: If there is no map with a title.
    """
    found = config.codec.visualize(maps)
    missing = [title for title in titles or () if title not in found]
    if missing:
        raise InputError(f"titles: no map {missing[0]!r}; expected some of {', '.join(found)}")
    shown = found if titles is None else {title: found[title] for title in titles}
    columns = max(1, min(columns, len(shown)))
    side = max(1, (width + _GAP) // columns - _GAP)
    large = visualize.resized(image, (side, round(side * image.shape[0] / image.shape[1])))
    tiles = [visualize.overlay(large, values) for values in shown.values()]
    return ImageGrid(tiles, columns=columns, captions=visualize.map_captions(shown), width=width)


class Table:
    """A table of text and numbers; a notebook displays it, `print` writes it as Markdown.

    Args:
        rows: Rows, each with its cells by the name of the column. A missing cell is empty.
        columns: Names of the columns to show, in order; None takes those of all rows in order of
            appearance.
        digits: Number of decimals of floating-point numbers.

    Example:
        >>> print(Table([{"input": 256, "Mean": 88.512}, {"input": 384, "Mean": 88.9}]))
        | input | Mean |
        |---:|---:|
        | 256 | 88.51 |
        | 384 | 88.90 |
    """

    def __init__(
        self,
        rows: Iterable[Mapping[str, object]],
        *,
        columns: Sequence[str] | None = None,
        digits: int = 2,
    ) -> None:
        self._rows = list(rows)
        every = dict.fromkeys(name for row in self._rows for name in row)
        self._columns = list(every if columns is None else columns)
        self._digits = digits

    def __str__(self) -> str:
        cells = [[row.get(name, "") for name in self._columns] for row in self._rows]
        aligned = [
            "---:" if all(_is_number(cell) for cell in column if cell != "") else "---"
            for column in zip(*cells, strict=True)
        ]
        lines = [
            "| " + " | ".join(map(_escaped, self._columns)) + " |",
            "|" + "|".join(aligned or ["---"] * len(self._columns)) + "|",
        ]
        lines += [
            "| " + " | ".join(_escaped(self._text(cell)) for cell in row) + " |" for row in cells
        ]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        """Returns the table for a notebook."""
        return str(self)

    def _text(self, cell: object) -> str:
        if isinstance(cell, numbers.Real) and not isinstance(cell, numbers.Integral):
            return f"{float(cell):.{self._digits}f}"
        return str(cell)


def _is_number(cell: object) -> bool:
    return isinstance(cell, numbers.Real) and not isinstance(cell, bool)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


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
