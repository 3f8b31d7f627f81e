"""`python scripts/execute_notebook.py`: makes a notebook of its paired text and executes it."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from paddle_pose.errors import InputError


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Turns paired text (jupytext's percent format) into a notebook, executes it in its own folder and "
        "writes it with its outputs.",
    )
    parser.add_argument("sources", nargs="+", type=Path, metavar="TEXT", help="such as notebooks/03_hourglass.py")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=LITERAL",
        help="give another value to a line of the cell tagged parameters, e.g. --set EPOCHS=1; may be repeated",
    )
    parser.add_argument("--output", type=Path, metavar="IPYNB", help="of one notebook; default beside the text")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a text is missing.
        InputError: If a flag does not fit, or a cell raises.
    """
    arguments = build_parser().parse_args(argv)
    import nbformat

    if arguments.output and len(arguments.sources) > 1:
        raise InputError(f"--output names one file, but there are {len(arguments.sources)} notebooks")
    values = dict(text.partition("=")[::2] for text in arguments.set)
    for source in arguments.sources:
        if not source.is_file():
            raise FileNotFoundError(f"{source}: not found")
        notebook = read_percent(source.read_text(encoding="utf-8"))
        set_parameters(notebook, values)
        execute(notebook, source)
        place = arguments.output or source.with_suffix(".ipynb")
        place.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, place)
        print(f"Written: {place}")
    return 0


def read_percent(text: str) -> Any:
    r"""Returns the notebook that a percent script describes.

    Args:
        text: cells that open with `# %%` or `# %% [markdown]`, with tags as `# %% tags=["parameters"]`; what stands before
            the first is left out. A line `# !command` or `# %magic` of a code cell loses its `# `, and so do the lines
            it goes on in after a backslash.

    Example:
        >>> notebook = read_percent("# %% [markdown]\n# # Title\n\n# %%\n# !ls\nx = 1\n")
        >>> [(cell.cell_type, cell.source) for cell in notebook.cells]
        [('markdown', '# Title'), ('code', '!ls\nx = 1')]
    """
    from nbformat import v4

    magic = re.compile(r"^# [!%](?:.*\\\n# )*.*", re.MULTILINE)
    cells: list[Any] = []
    for block in re.split(r"^# %%", text, flags=re.MULTILINE)[1:]:
        head, _, body = block.partition("\n")
        body, name = body.strip("\n"), f"cell-{len(cells) + 1:02d}"
        if "[markdown]" in head:
            cells.append(v4.new_markdown_cell(re.sub(r"^# ?", "", body, flags=re.MULTILINE), id=name))
        else:
            tags = re.search(r"tags=(\[.*?\])", head)
            metadata = {"tags": json.loads(tags[1])} if tags else {}
            source = magic.sub(lambda match: re.sub(r"^# ", "", match[0], flags=re.MULTILINE), body)
            cells.append(v4.new_code_cell(source, id=name, metadata=metadata))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def set_parameters(notebook: Any, values: Mapping[str, str]) -> None:
    """Replaces values in the cell tagged "parameters".

    Args:
        notebook: is changed.
        values: Python literals by name.

    Raises:
        InputError: If a name is not assigned at the start of a line of that cell.
    """
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    for name, value in values.items():
        line = re.compile(rf"^{re.escape(name)} = .*?(?=  #|$)", re.MULTILINE)
        found = [cell for cell in tagged if line.search(cell.source)]
        if not found:
            valid = re.findall(r"^(\w+) = ", "\n".join(cell.source for cell in tagged), re.MULTILINE)
            raise InputError(f"--set {name}: no such parameter; there are {', '.join(valid) or 'none'}")
        found[0].source = line.sub(f"{name} = {value}".replace("\\", r"\\"), found[0].source)


def execute(notebook: Any, source: Path) -> None:
    """Executes the cells in the text's folder and puts the outputs into the notebook.

    Raises:
        InputError: If a cell raises; the message holds its traceback.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    def announce(cell: Any, cell_index: int) -> None:
        if cell.cell_type == "code":
            print(f"{source.name}: cell {cell_index + 1} of {len(notebook.cells)}", flush=True)

    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=None,
        resources={"metadata": {"path": str(source.parent)}},
        record_timing=False,
        coalesce_streams=True,
        on_cell_start=announce,
    )
    metadata = dict(notebook.metadata)
    try:
        client.execute()
    except CellExecutionError as problem:
        raise InputError(f"{source}: {problem}") from problem
    notebook.metadata = metadata  # without the versions of the machine's Python
    for output in [output for cell in notebook.cells for output in cell.get("outputs", [])]:
        if output.output_type == "stream":
            output.text = re.sub(r"\r(?=\n)|\x1b\[K", "", output.text)  # a command believes it writes to a terminal
