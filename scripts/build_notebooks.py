"""Builds the notebooks from their paired text files and executes them.

    python scripts/build_notebooks.py notebooks/*.py

A cell tagged "install" is kept without being executed: the packages are those of this Python.
Commands in cells run with this Python and with this repository's package.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from paddle_pose import environment
from paddle_pose.cli.options import Parser
from paddle_pose.errors import InputError, PaddlePoseError

ROOT = Path(__file__).resolve().parents[1]
METADATA = {
    "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    "language_info": {"name": "python"},
}
INSTALL = "install"  # tag of the cell that installs packages
WIDGET = "application/vnd.jupyter.widget-view+json"


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the script's arguments."""
    parser = Parser(
        description="Converts paired text files (jupytext's percent format) to notebooks, executes "
        "each in its own folder, and writes it with its outputs.",
    )
    parser.add_argument(
        "sources",
        nargs="+",
        type=Path,
        metavar="TEXT",
        help="paired text file, such as notebooks/03_hourglass.py",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=LITERAL",
        help="replace the value of an assignment in the cell tagged parameters, e.g. "
        "--set EPOCHS=1; may be repeated. The notebook beside the text keeps the text's values: its "
        "outputs are those of the new ones",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="IPYNB",
        help="path of the notebook, for a single TEXT (default: beside the text file)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Executes and writes the notebooks, and returns the exit status.

    Args:
        argv: Arguments of the script; None takes those of this process.

    Raises:
        FileNotFoundError: If a text file is missing.
        InputError: If an argument is invalid, or a cell raises an error.
    """
    arguments = build_parser().parse_args(argv)
    if arguments.output and len(arguments.sources) > 1:
        raise InputError(
            f"--output {arguments.output}: one path for {len(arguments.sources)} notebooks; "
            "give one TEXT, or leave --output out"
        )
    values = dict(text.partition("=")[::2] for text in arguments.set)
    for source in arguments.sources:
        if not source.is_file():
            raise FileNotFoundError(f"{source}: not found")
        notebook = read_notebook(source.read_text(encoding="utf-8"))
        set_parameters(notebook, values)
        execute(notebook, source)
        if arguments.output is None:  # the paired notebook keeps the cells of its text
            for cell, written in zip(
                notebook.cells, read_notebook(source.read_text("utf-8")).cells, strict=True
            ):
                cell.source = written.source
        path = arguments.output or source.with_suffix(".ipynb")
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        print(f"Written: {path}")
    return 0


def read_notebook(text: str) -> Any:
    r"""Returns a text in jupytext's percent format as a notebook with cell ids `cell-01` and so on.

    Args:
        text: Content of the paired text file. A cell starts with `# %%` or `# %% [markdown]`, with
            tags as `# %% tags=["parameters"]`; the text before the first cell is ignored. Magics
            (`!command`, `%magic`) are written as comments.

    Example:
        >>> notebook = read_notebook("# %% [markdown]\n# # Title\n\n# %%\n# !ls\nx = 1\n")
        >>> [(cell.cell_type, cell.source) for cell in notebook.cells]
        [('markdown', '# Title'), ('code', '!ls\nx = 1')]
    """
    first = re.search(r"^# %%", text, re.MULTILINE)
    notebook = jupytext.reads(text[first.start() :] if first else "", fmt="py:percent")
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02d}"
        cell.metadata = nbformat.from_dict(
            {key: cell.metadata[key] for key in ("tags",) if key in cell.metadata}
        )
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def set_parameters(notebook: Any, values: Mapping[str, str]) -> None:
    """Replaces the values of assignments in the cell tagged "parameters".

    Args:
        notebook: Notebook to change.
        values: New value by the variable's name, as the text of a Python literal.

    Raises:
        InputError: If the cell does not assign a variable of that name.
    """
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    for name, value in values.items():
        found = [cell for cell in tagged if name in _assignments(cell.source)]
        if not found:
            valid = [known for cell in tagged for known in _assignments(cell.source)]
            raise InputError(
                f"--set {name}: the cell tagged parameters does not assign this name; "
                f"expected one of {', '.join(valid) or 'none'}"
            )
        lines = found[0].source.splitlines()
        node = _assignments(found[0].source)[name]
        after = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode()  # a comment
        lines[node.lineno - 1 : node.end_lineno] = [f"{name} = {value}{after}"]
        found[0].source = "\n".join(lines)


def _assignments(source: str) -> dict[str, Any]:
    """Returns the assignments to a single name at the top level of a cell, by that name."""
    return {
        node.targets[0].id: node
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def execute(notebook: Any, source: Path) -> None:
    """Executes all cells of a notebook but that tagged "install", and stores their outputs in it.

    Args:
        notebook: Notebook to execute; it receives the outputs.
        source: Path of the paired text file; its folder is the working directory.

    Raises:
        InputError: If a cell raises an error; the message contains its traceback.
    """

    def announce(cell: Any, cell_index: int) -> None:
        if cell.cell_type == "code":
            print(f"{source.name}: cell {cell_index + 1} of {len(notebook.cells)}", flush=True)

    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=None,
        resources={"metadata": {"path": str(source.parent)}},
        record_timing=False,
        skip_cells_with_tag=INSTALL,
        coalesce_streams=True,
        on_cell_start=announce,
    )
    try:
        client.execute(env=_environment())
    except CellExecutionError as problem:
        raise InputError(f"{source}: {problem}") from problem
    notebook.metadata = nbformat.from_dict(METADATA)  # drops the version of this Python
    for cell in notebook.cells:
        if cell.cell_type == "code":  # drops progress bars: a widget needs the running kernel
            cell.outputs = [
                output for output in cell.outputs if WIDGET not in output.get("data", {})
            ]
    for output in [output for cell in notebook.cells for output in cell.get("outputs", [])]:
        if output.output_type == "stream":
            # Commands write control characters, since their output seems to be a terminal.
            output.text = re.sub(r"\r(?=\n)|\x1b\[K", "", output.text)


def _environment() -> dict[str, str]:
    """Returns the environment of the kernel: `python` is this Python, the package this one."""
    environ = dict(os.environ)
    for name, first in (("PATH", str(Path(sys.executable).parent)), ("PYTHONPATH", str(ROOT))):
        environ[name] = os.pathsep.join(filter(None, [first, environ.get(name)]))
    return environ


if __name__ == "__main__":
    environment.configure_cpu()  # the kernels inherit it
    try:
        sys.exit(main())
    except (PaddlePoseError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
