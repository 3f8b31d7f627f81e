"""What others published and what was measured here, side by side, as tables in Markdown or HTML."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paddle_pose.configs import overrides, registry
from paddle_pose.configs.published import (
    COMPLETE,
    DETECTED,
    DETECTIONS,
    GROUND_TRUTH,
    PUBLISHED,
    WHOLE_IMAGES,
    Published,
    of_config,
    protocol,
)
from paddle_pose.environment import command
from paddle_pose.errors import InputError
from paddle_pose.evaluation.report import page
from paddle_pose.io.coco_json import read_json
from paddle_pose.io.outputs import Outputs

# Thresholds 0.10 and 0.11 are columns of their own.
_TITLES = {"Mean@0.1": "Mean@0.10"}
_FIRST = ("Mean", "Mean@0.1", "Mean@0.11", "AP", "AP50", "AP75", "AR", "acc")
BY_JOINT = ("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Mean")
_WORDS = {
    "pckh": "PCKh in percent",
    "ap": "AP in percent",
    "pck": "PCK@0.2 of the torso, percent",
    "fire717_accuracy": "the original MoveNet's acc, 0..1",
}
_METRIC = {"mpii": "pckh", "coco": "ap", "movenet_crops": "fire717_accuracy"}
_JOINTS = {"mpii": "mpii_16", "coco": "coco_17", "movenet_crops": "coco_17"}
_SHOWN = {"pckh": ("Mean", "Mean@0.1", "Mean@0.11"), "ap": ("AP",), "fire717_accuracy": ("acc",)}
_DATA = {
    "mpii": "MPII validation",
    "coco": "COCO val2017",
    "movenet_crops": "crops of COCO val2017",
}


@dataclass(frozen=True)
class Table:
    """What makes numbers comparable: only rows of the same table stand beside each other.

    Attributes:
        metric: Name of the metric, as in `build.METRICS`.
        dataset: Name of the data set, as in configs.
        boxes: Whose boxes the people were cropped by.
        extent: Empty for the complete validation set, otherwise what was evaluated instead.
    """

    metric: str
    dataset: str
    boxes: str
    extent: str = ""

    @property
    def title(self) -> str:
        """Title of the table."""
        data = _DATA.get(self.dataset, self.dataset)
        where = f"{data}, {'ground-truth boxes' if self.boxes == 'ground truth' else self.boxes}"
        return f"{where}, {_WORDS.get(self.metric, self.metric)}" + (
            f": {self.extent}" if self.extent else ""
        )


@dataclass(frozen=True)
class Row:
    """One line.

    Attributes:
        table: Table that it belongs to.
        model: Name of the config or of the published model.
        input: "height x width".
        numbers: Text of each number by its name.
        status: "published", "measured here", "scored here" (somebody's predictions) or "not run".
        who: Publisher, or the file of the scores.
        protocol: Flip test, shift, decoding.
        command: Command that gives the numbers.
        log: Log of the training.
    """

    table: Table
    model: str
    input: str
    numbers: Mapping[str, str]
    status: str
    who: str
    protocol: str = "-"
    command: str = "-"
    log: str = "-"


def rows(paths: Sequence[Path]) -> list[Row]:
    """Returns all rows: of each config the published ones, then the measured one or "not run".

    Args:
        paths: Files scores.json; those of somebody's predictions (`val --results`) get a table of
            their own, since nobody states by whose boxes the people were cropped.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file is not as an evaluation writes it.
    """
    measured = [_measured(path) for path in paths]
    found: list[Row] = []
    for config in registry.CONFIGS.values():
        own = of_config(config)
        others = [one for one in PUBLISHED if one.config == config.name]
        found += [_published(one) for one in (*own, *others)]
        here = [row for row in measured if row.model == config.name]
        found += here
        for table, one in {_table(one): one for one in reversed((*own, *others))}.items():
            if table not in {row.table for row in here}:
                numbers = dict.fromkeys(_SHOWN[table.metric], "not run")
                words = ("not run", "this project", protocol(config), config.command)
                found.append(Row(table, config.name, one.input, numbers, *words))
    found += [_published(one) for one in PUBLISHED if one.config not in registry.CONFIGS]
    return found + [row for row in measured if row.model not in registry.CONFIGS]


def by_joint(found: Sequence[Row]) -> list[Row]:
    """Returns the rows that state PCKh joint by joint."""
    return [row for row in found if set(BY_JOINT) <= set(row.numbers)]


def to_markdown(found: Sequence[Row], columns: Sequence[str] = _FIRST) -> str:
    """Returns the tables in Markdown; columns of numbers that no row has are left out."""
    blocks = []
    for table, head, lines in _tables(found, columns):
        place = head.index("command")
        lines = [
            [f"`{cell}`" if n == place and cell != "-" else cell for n, cell in enumerate(line)]
            for line in lines
        ]
        cells = [head, ["---"] * len(head), *lines]
        text = "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in cells
        )
        blocks.append(f"### {table.title}\n\n{text}\n")
    return "\n".join(blocks)


def to_html(found: Sequence[Row], columns: Sequence[str] = _FIRST) -> str:
    """Returns the tables as a page; columns of numbers that no row has are left out."""
    sections = [
        page.section(table.title, "", page.table(head, lines, range(len(head) - 5, len(head))))
        for table, head, lines in _tables(found, columns)
    ]
    return page.document("Results", "结果", sections, wide=True)


def save(text: str, path: Path) -> None:
    """Writes tables as a file.

    Args:
        text: Tables in Markdown or HTML.
        path: Path of the file.

    Raises:
        InputError: If somebody else's file is there.
    """
    with Outputs(path.parent, "results", flag="--output_file").replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def _tables(
    found: Sequence[Row], columns: Sequence[str]
) -> list[tuple[Table, list[str], list[list[str]]]]:
    tables = []
    for table in dict.fromkeys(row.table for row in found):
        here = [row for row in found if row.table == table]
        names = [name for name in columns if any(name in row.numbers for row in here)]
        head = ["model", "input", *(_TITLES.get(name, name) for name in names)]
        head += ["status", "who", "protocol", "command", "log"]
        lines = [
            [
                *(row.model, row.input),
                *(row.numbers.get(name, "-") for name in names),
                *(row.status, row.who, row.protocol, row.command, row.log),
            ]
            for row in here
        ]
        tables.append((table, head, lines))
    return tables


def _table(one: Published) -> Table:
    return Table(_METRIC[one.dataset], one.dataset, one.boxes)


def _published(one: Published) -> Row:
    numbers = {
        name: _digits(100 * value if one.dataset == "coco" else value)
        for name, value in one.values.items()
    }
    return Row(
        _table(one), one.model, one.input, numbers, "published", one.who, one.protocol or "-"
    )


def _measured(path: Path) -> Row:
    content = read_json(path)
    try:
        protocol, values = dict(content["protocol"]), dict(content["values"])
        if "results" in protocol:
            return _of_predictions(path, content)
        metric, dataset, people, boxes = (
            protocol[key] for key in ("metric", "data", "people", "boxes")
        )
        width, height = protocol["input"]
        looks = (
            ["flip", "shift" if protocol["shift"] else "no shift"]
            if protocol["flip"]
            else ["no flip"]
        )
        checkpoint = Path(protocol["checkpoint"])
        described = ", ".join([*looks, str(protocol["decode"])])
        model, changed = str(protocol["config"]), _changed(checkpoint)
        described += f"; not the config's own {', '.join(changed)}" if changed else ""
    except (KeyError, TypeError, ValueError) as problem:
        raise InputError(
            f"{path}: not a scores.json as {command('val')} writes it ({problem!r}); run it again"
        ) from problem
    if boxes not in (GROUND_TRUTH, WHOLE_IMAGES):
        boxes = DETECTED if DETECTIONS in boxes else f"other {DETECTED}, {boxes}"
    complete = COMPLETE.get((dataset, boxes)) == people
    extent = (
        ""
        if complete
        else f"{people} people of {protocol.get('truth', 'unknown data')}, not the complete set"
    )
    joints = protocol.get("joints", "unknown")
    if joints != _JOINTS.get(dataset):
        extent = "; ".join(filter(None, [extent, f"over the joints in common with {joints}"]))
    log = next(
        (
            p
            for p in (checkpoint.parent / "log.txt", checkpoint.parent.parent / "log.txt")
            if p.is_file()
        ),
        "-",
    )
    return Row(
        Table(metric, dataset, boxes, extent),
        model,
        f"{height}x{width}",
        _shown(values, content.get("intervals", {}), 100.0 if metric == "ap" else 1.0),
        "measured here",
        str(path),
        described,
        str(content.get("command", "-")),
        str(log),
    )


def _changed(checkpoint: Path) -> list[str]:
    """Returns in what a network and its training are not those of the config that names them: keys, or whole groups."""
    config = registry.read_beside(checkpoint) if checkpoint.is_file() else None
    if config is None:
        return []
    named = registry.find(config.name)
    own, usual = (
        overrides.identity(one) | {"train.epochs": one.train.epochs} for one in (config, named)
    )
    keys = [
        key
        for key in {**usual, **own}
        if own.get(key) != usual.get(key) and not key.startswith(("val.", "data."))
    ]
    common = overrides.values(config).keys() & overrides.values(named).keys()
    changed = {key if key in common else key.rpartition(".")[0] or key for key in keys}
    return sorted(
        key for key in changed - {"codec.decode_by"} if key.rpartition(".")[0] not in changed
    )


def _of_predictions(path: Path, content: Mapping[str, Any]) -> Row:
    protocol, dataset = content["protocol"], content["protocol"]["data"]
    table = Table(
        _METRIC[dataset], dataset, "boxes not stated", f"scored with {protocol['ground truth']}"
    )
    numbers = _shown(content["values"], content["intervals"], 1.0 if dataset == "mpii" else 100.0)
    words = ("scored here", str(path), "-", content["command"])
    return Row(table, Path(protocol["results"]).name, "-", numbers, *words)


def _digits(value: float) -> str:
    """Returns one to three digits after the point, as many as were published."""
    text = f"{value:.3f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _shown(
    values: Mapping[str, Any], intervals: Mapping[str, Any], factor: float
) -> dict[str, str]:
    """Returns numbers with their intervals."""
    shown = {}
    for name, value in values.items():
        low, high = intervals.get(name, (math.nan, math.nan))
        interval = "" if math.isnan(low) else f" ({factor * low:.2f} .. {factor * high:.2f})"
        shown[name] = f"{factor * value:.2f}{interval}"
    return shown
