"""Writes the reference in docs/api.md and docs/api_zh.md from the docstrings of the public names.

    python scripts/build_api_docs.py

The text above the marker of a page is written by hand; everything below the marker is replaced.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import docstring_parser

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import paddle_pose  # noqa: E402

MARKER = "<!-- Made by scripts/build_api_docs.py from the docstrings; changes below are lost. -->"
PAGES = ("docs/api.md", "docs/api_zh.md")
CONSTRUCTED = ("Dataset", "ImageGrid", "Table")  # other classes are returned by functions
METHODS = {
    "PoseModel": ("predict", "track", "maps", "draw_maps", "close"),
    "PoseResult": ("draw", "to_dict", "to_coco"),
    "Dataset": ("augmented", "whole_image", "targets", "draw_targets", "losses"),
    "ImageGrid": ("save",),
}


def main() -> None:
    """Writes the reference into both pages."""
    text = reference()
    for page in PAGES:
        path = ROOT / page
        by_hand = path.read_text(encoding="utf-8").partition(MARKER)[0]
        path.write_text(f"{by_hand}{MARKER}\n\n{text}", encoding="utf-8")


def reference() -> str:
    """Returns the reference of all public names in Markdown."""
    parts = []
    for name in paddle_pose.__all__:
        value = getattr(paddle_pose, name)
        if not callable(value):
            continue
        parts.append(f"### {name}\n\n" + entry(value, name))
        parts += [
            f"#### {name}.{method}\n\n" + entry(getattr(value, method), method)
            for method in METHODS.get(name, ())
        ]
    return "\n".join(parts)


def entry(value: object, name: str) -> str:
    """Returns the Markdown of a class, function or method.

    Args:
        value: Class, function or method with a docstring in Google style.
        name: Name to print in its signature.
    """
    documented = docstring_parser.parse(
        inspect.getdoc(value) or "", docstring_parser.DocstringStyle.GOOGLE
    )
    is_called = not inspect.isclass(value) or name in CONSTRUCTED
    lines = ["```python", signature(value, name), "```", ""] if is_called else []
    lines += [text for text in (documented.short_description, documented.long_description) if text]
    sections = sections_of(documented, with_arguments=is_called)
    for title, rows in sections:
        lines += ["", f"{title}:", "", *rows]
    if inspect.isclass(value):
        rows = [f"- `{n}`: {one_line(p.__doc__)}" for n, p in properties(value)]
        lines += ["", "Properties:", "", *rows] if rows else []
    return "\n".join(lines) + "\n"


def sections_of(
    documented: docstring_parser.Docstring, with_arguments: bool
) -> Iterator[tuple[str, list[str]]]:
    """Yields the title and the Markdown lines of each section of a docstring.

    Args:
        documented: Parsed docstring.
        with_arguments: Whether to include the section Args.
    """
    titles = {"param": "Arguments", "attribute": "Attributes"}
    for kind, title in titles.items():
        rows = [
            f"- `{one.arg_name}`: {one_line(one.description)}"
            for one in documented.params
            if one.args[0] == kind
        ]
        if rows and (with_arguments or kind == "attribute"):
            yield title, rows
    for one in documented.many_returns:
        yield ("Yields" if one.is_generator else "Returns"), [one_line(one.description)]
    if documented.raises:
        yield (
            "Raises",
            [f"- `{one.type_name}`: {one_line(one.description)}" for one in documented.raises],
        )
    for example in documented.examples:
        text = inspect.cleandoc(example.description or "")
        is_session = text.startswith(">>>")
        yield "Example", (["```python", text, "```"] if is_session else [one_line(text)])


def signature(value: object, name: str) -> str:
    """Returns the signature of a function, with a line per argument if it exceeds 100 characters.

    Args:
        value: Function or method.
        name: Name to print.
    """
    found = inspect.signature(value)  # type: ignore[arg-type]
    parts, keyword_only = [], False
    for parameter in found.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            parts.append("*")
        text = f"{parameter.name}: {parameter.annotation}"
        if parameter.default is not parameter.empty:
            text += f" = {shown(parameter.default)}"
        parts.append(text)
    returns = "" if inspect.isclass(value) else f" -> {found.return_annotation}"
    line = f"{name}({', '.join(parts)}){returns}"
    if len(line) <= 100:
        return line
    return f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){returns}"


def shown(default: object) -> str:
    """Returns a default value as source text."""
    if callable(default):
        return default.__name__  # type: ignore[attr-defined]
    return f'"{default}"' if isinstance(default, str) else repr(default)


def properties(value: type) -> Iterator[tuple[str, property]]:
    """Yields the name and object of each public property of a class, in order of definition."""
    for name, member in vars(value).items():
        if isinstance(member, property) and not name.startswith("_"):
            yield name, member


def one_line(text: str | None) -> str:
    """Returns a text with all whitespace, line breaks too, replaced by single spaces."""
    return " ".join((text or "").split())


if __name__ == "__main__":
    main()
