"""Tables of published and measured results in Markdown or HTML."""

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
    are_published_detections,
    of_config,
    protocol,
)
from paddle_pose.environment import command
from paddle_pose.errors import InputError
from paddle_pose.evaluation.report import page
from paddle_pose.io.json_files import read_json
from paddle_pose.io.outputs import Outputs

# The titles distinguish the thresholds 0.10 and 0.11.
_TITLES = {"Mean@0.1": "Mean@0.10"}
_COLUMNS = ("Mean", "Mean@0.1", "Mean@0.11", "AP", "AP50", "AP75", "AR", "acc")
BY_JOINT = ("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Mean")
"""Names of the values of a table of PCKh by group of joints."""
_METRIC_TITLES = {
    "pckh": "PCKh in percent",
    "ap": "AP in percent",
    "pck": "PCK@0.2 of the torso in percent",
    "fire717_accuracy": "accuracy of fire717's MoveNet, 0..1",
}
# By name of the data set: its metric and its skeleton.
_METRIC = {"mpii": "pckh", "coco": "ap", "movenet_crops": "fire717_accuracy"}
_JOINTS = {"mpii": "mpii_16", "coco": "coco_17", "movenet_crops": "coco_17"}
# Columns of a "not run" row, by metric.
_NOT_RUN = {"pckh": ("Mean", "Mean@0.1", "Mean@0.11"), "ap": ("AP",), "fire717_accuracy": ("acc",)}
_DATA_TITLES = {
    "mpii": "MPII validation",
    "coco": "COCO val2017",
    "movenet_crops": "crops of COCO val2017",
}


@dataclass(frozen=True)
class Table:
    """Properties that make results comparable; results with the same four are rows of one table.

    Attributes:
        metric: Name of the metric, as in `build.METRICS`, such as "pckh".
        dataset: Name of the data set, as in configs: "mpii", "coco" or "movenet_crops".
        boxes: Origin of the person boxes, as in `configs.published`, such as "ground truth".
        extent: Text that states the evaluated part of the data; "" for the complete validation set.
    """

    metric: str
    dataset: str
    boxes: str
    extent: str = ""

    @property
    def title(self) -> str:
        """Title of the table: data set, boxes, metric with its unit, and the extent if any."""
        data = _DATA_TITLES.get(self.dataset, self.dataset)
        boxes = "ground-truth boxes" if self.boxes == "ground truth" else self.boxes
        title = f"{data}, {boxes}, {_METRIC_TITLES.get(self.metric, self.metric)}"
        return f"{title}: {self.extent}" if self.extent else title


@dataclass(frozen=True)
class Row:
    """One result: a row of a table.

    Attributes:
        table: Table that the row belongs to.
        model: Name of the config or of the published model; name of the file for a prediction file.
        input: Input size in px as "HEIGHTxWIDTH"; "-" if unknown.
        numbers: Values as text, by name and in the unit of the table: percent, or 0..1 for
            "fire717_accuracy"; measured ones with their 95 % interval, such as
            "88.31 (87.90 .. 88.70)"; "not run" in a row of that status.
        status: Origin of the values: "published", "measured here", "scored here" (a prediction
            file) or "not run".
        source: Publisher, or path of the scores.json.
        protocol: Flip test, shift and decoding; "-" if unknown.
        command: Command that reproduces the values; "-" for none.
        log: Path of the training log; "-" for none.
    """

    table: Table
    model: str
    input: str
    numbers: Mapping[str, str]
    status: str
    source: str
    protocol: str = "-"
    command: str = "-"
    log: str = "-"


def rows(paths: Sequence[Path]) -> list[Row]:
    """Returns all published and measured results as rows.

    For each registered config come the published rows, the measured rows, and a row of status "not
    run" for each table without a measured one; then the published and the measured rows of other
    networks.

    Args:
        paths: Paths of the scores.json files that evaluations wrote. Those of prediction files
            (`val --results`) get tables of their own, since the origin of their person boxes is
            unknown.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file has another form than those that an evaluation writes.
    """
    measured = [_measured(path) for path in paths]
    found: list[Row] = []
    for config in registry.CONFIGS.values():
        own = of_config(config)
        others = [result for result in PUBLISHED if result.config == config.name]
        found += [_published(result) for result in (*own, *others)]
        here = [row for row in measured if row.model == config.name]
        found += here
        published = {_table(result): result for result in reversed((*own, *others))}
        for table, result in published.items():
            if table not in {row.table for row in here}:
                row = Row(
                    table=table,
                    model=config.name,
                    input=result.input,
                    numbers=dict.fromkeys(_NOT_RUN[table.metric], "not run"),
                    status="not run",
                    source="this project",
                    protocol=protocol(config),
                    command=config.command,
                )
                found.append(row)
    found += [_published(result) for result in PUBLISHED if result.config not in registry.CONFIGS]
    return found + [row for row in measured if row.model not in registry.CONFIGS]


def by_joint(found: Sequence[Row]) -> list[Row]:
    """Returns the rows that have all values of `BY_JOINT`, in their order.

    Args:
        found: Rows as `rows` returns them.
    """
    return [row for row in found if set(BY_JOINT) <= set(row.numbers)]


def to_markdown(found: Sequence[Row], columns: Sequence[str] = _COLUMNS) -> str:
    """Returns the tables of rows in Markdown, each with its title, in the order of the rows.

    Args:
        found: Rows as `rows` returns them.
        columns: Names of the values that get a column, such as "Mean" or "AP"; a value that no row
            of a table has gets no column there.
    """
    blocks = []
    for table, head, lines in _tables(found, columns):
        index = head.index("command")
        lines = [
            [f"`{cell}`" if n == index and cell != "-" else cell for n, cell in enumerate(line)]
            for line in lines
        ]
        cells = [head, ["---"] * len(head), *lines]
        text = "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in cells
        )
        blocks.append(f"### {table.title}\n\n{text}\n")
    return "\n".join(blocks)


def to_html(found: Sequence[Row], columns: Sequence[str] = _COLUMNS) -> str:
    """Returns the tables of rows as a complete HTML page, each table a section with its title.

    Args:
        found: Rows as `rows` returns them.
        columns: Names of the values that get a column, see `to_markdown`.
    """
    sections = [
        page.section(table.title, "", page.table(head, lines, range(len(head) - 5, len(head))))
        for table, head, lines in _tables(found, columns)
    ]
    return page.document("Results", "结果", sections, wide=True)


def save(text: str, path: Path) -> None:
    """Writes the text of tables to a file; an earlier file that this function wrote is replaced.

    Args:
        text: Tables in Markdown or HTML, from `to_markdown` or `to_html`.
        path: Path of the file; missing folders are created.

    Raises:
        InputError: If the path is a folder, a link, or a file that this function did not write or
            that was changed since.
        OSError: If the file cannot be written.
    """
    with Outputs(path.parent, "results", flag="--output_file").replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def _tables(
    found: Sequence[Row], columns: Sequence[str]
) -> list[tuple[Table, list[str], list[list[str]]]]:
    """Returns (table, column titles, cells of each row) for every table."""
    tables = []
    for table in dict.fromkeys(row.table for row in found):
        here = [row for row in found if row.table == table]
        names = [name for name in columns if any(name in row.numbers for row in here)]
        head = ["model", "input", *(_TITLES.get(name, name) for name in names)]
        head += ["status", "source", "protocol", "command", "log"]
        lines = [
            [
                row.model,
                row.input,
                *(row.numbers.get(name, "-") for name in names),
                row.status,
                row.source,
                row.protocol,
                row.command,
                row.log,
            ]
            for row in here
        ]
        tables.append((table, head, lines))
    return tables


def _table(result: Published) -> Table:
    """Returns the table of a published result."""
    return Table(_METRIC[result.dataset], result.dataset, result.boxes)


def _published(result: Published) -> Row:
    """Returns the row of a published result."""
    numbers = {
        name: _digits(100 * value if result.dataset == "coco" else value)
        for name, value in result.values.items()
    }
    return Row(
        table=_table(result),
        model=result.model,
        input=result.input,
        numbers=numbers,
        status="published",
        source=result.who,
        protocol=result.protocol or "-",
    )


def _measured(path: Path) -> Row:
    """Returns the row of a scores.json.

    Args:
        path: Path of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If the file has another form than those that an evaluation writes.
    """
    content = read_json(path)
    try:
        protocol = dict(content["protocol"])
        values = dict(content["values"])
        if "results" in protocol:
            return _of_predictions(path, content)
        metric = protocol["metric"]
        dataset = protocol["data"]
        people = protocol["people"]
        boxes = protocol["boxes"]
        width, height = protocol["input"]
        flip_test = (
            ["flip", "shift" if protocol["shift"] else "no shift"]
            if protocol["flip"]
            else ["no flip"]
        )
        checkpoint = Path(protocol["checkpoint"])
        described = ", ".join([*flip_test, str(protocol["decode"])])
        model = str(protocol["config"])
        changed = _changed(checkpoint)
        described += f"; changed from the config: {', '.join(changed)}" if changed else ""
    except (KeyError, TypeError, ValueError) as problem:
        raise InputError(
            f"{path}: not a scores.json as {command('val')} writes it ({problem!r}); run it again"
        ) from problem
    if boxes not in (GROUND_TRUTH, WHOLE_IMAGES):
        # Earlier versions stated the name of the file only.
        states_content = "detected_boxes" in protocol
        is_published = are_published_detections(protocol) if states_content else DETECTIONS in boxes
        boxes = DETECTED if is_published else f"other {DETECTED}, {boxes}"
    complete = COMPLETE.get((dataset, boxes)) == people
    extent = (
        ""
        if complete
        else f"{people} people of {protocol.get('truth', 'unknown data')}, not the complete set"
    )
    joints = protocol.get("joints", "unknown")
    if joints != _JOINTS.get(dataset):
        extent = "; ".join(filter(None, [extent, f"over the joints in common with {joints}"]))
    logs = (checkpoint.parent / "log.txt", checkpoint.parent.parent / "log.txt")
    return Row(
        table=Table(metric, dataset, boxes, extent),
        model=model,
        input=f"{height}x{width}",
        numbers=_formatted(values, content.get("intervals", {}), 100.0 if metric == "ap" else 1.0),
        status="measured here",
        source=str(path),
        protocol=described,
        command=str(content.get("command", "-")),
        log=str(next((log for log in logs if log.is_file()), "-")),
    )


def _changed(checkpoint: Path) -> list[str]:
    """Returns how the config of a checkpoint differs from the registered config of its name.

    Args:
        checkpoint: Path of the checkpoint; its config.json is in the same folder.

    Returns:
        Dotted keys of the network and the training that differ, or of a whole group where one of
        the configs has no such group; sorted.
    """
    config = registry.read_beside(checkpoint) if checkpoint.is_file() else None
    if config is None:
        return []
    registered = registry.find(config.name)
    own, default = (
        overrides.identity(one) | {"train.epochs": one.train.epochs} for one in (config, registered)
    )
    keys = [
        key
        for key in {**default, **own}
        if own.get(key) != default.get(key) and not key.startswith(("val.", "data."))
    ]
    common = overrides.values(config).keys() & overrides.values(registered).keys()
    changed = {key if key in common else key.rpartition(".")[0] or key for key in keys}
    return sorted(
        key for key in changed - {"codec.decode_by"} if key.rpartition(".")[0] not in changed
    )


def _of_predictions(path: Path, content: Mapping[str, Any]) -> Row:
    """Returns the row of a scores.json that was computed from a prediction file.

    Args:
        path: Path of the scores.json.
        content: Parsed content of the file.
    """
    protocol = content["protocol"]
    dataset = protocol["data"]
    return Row(
        table=Table(
            metric=_METRIC[dataset],
            dataset=dataset,
            boxes="boxes not stated",
            extent=f"scored with {protocol['ground truth']}",
        ),
        model=Path(protocol["results"]).name,
        input="-",
        numbers=_formatted(
            content["values"], content["intervals"], 1.0 if dataset == "mpii" else 100.0
        ),
        status="scored here",
        source=str(path),
        protocol="-",
        command=content["command"],
    )


def _digits(value: float) -> str:
    """Returns a published value with as many decimals as were published, one to three."""
    text = f"{value:.3f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _formatted(
    values: Mapping[str, Any], intervals: Mapping[str, Any], factor: float
) -> dict[str, str]:
    """Returns measured values as text, with their intervals in parentheses.

    Args:
        values: Values by name.
        intervals: 95 % intervals (low, high) of some of them, by name.
        factor: Factor that converts the values to the unit of the table.
    """
    texts = {}
    for name, value in values.items():
        low, high = intervals.get(name, (math.nan, math.nan))
        interval = "" if math.isnan(low) else f" ({factor * low:.2f} .. {factor * high:.2f})"
        texts[name] = f"{factor * value:.2f}{interval}"
    return texts
