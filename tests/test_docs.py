"""Docstrings exist, and links, commands, names and numbers in the documentation are correct."""

import ast
import doctest
import importlib
import importlib.util
import re
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from paddle_pose.cli.main import COMMANDS
from scripts.build_notebooks import read_notebook

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "paddle_pose").rglob("*.py"))
FOLDERS = (".", "docs", "notebooks", "benchmarks", "output")
PAGES = sorted(
    str(path.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).glob("*.md")
)
TRANSLATED = [page for page in PAGES if page.replace(".md", "_zh.md") in PAGES]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
OTHERS_FLAGS = {
    "--random-order",
    "--devices",
    "--nproc_per_node",
    "--version",
    "--logdir",
    "--registry",
}  # of Paddle's launcher, Python, pytest, VisualDL and npm
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
ARTICLES_SCRIPTS = {"pd2onnx": "export", "make_coco_data_17keypooints": "prepare_coco"}


def public_names(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yields the public classes, functions and methods of a module or class, with their names."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (*FUNCTIONS, ast.ClassDef)) or child.name.startswith("_"):
            continue
        if listed_as_attribute(child, node):
            continue
        if isinstance(child, FUNCTIONS) and "overload" in map(ast.unparse, child.decorator_list):
            continue  # its implementation has the docstring
        yield prefix + child.name, child
        if isinstance(child, ast.ClassDef):
            yield from public_names(child, f"{prefix}{child.name}.")


def listed_as_attribute(node: ast.AST, owner: ast.AST) -> bool:
    """Returns whether `node` is a property that its class documents under `Attributes:`."""
    if not isinstance(owner, ast.ClassDef):
        return False
    is_property = "property" in map(ast.unparse, node.decorator_list)
    attributes = (ast.get_docstring(owner) or "").partition("Attributes:")[2]
    return is_property and re.search(rf"^ +{node.name}\b.*:", attributes, re.MULTILINE) is not None


def has_parameters(function: ast.FunctionDef) -> bool:
    """Returns whether a function has parameters besides self and cls."""
    arguments = function.args
    names = [a.arg for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]]
    return bool(set(names) - {"self", "cls"} or arguments.vararg or arguments.kwarg)


def raises_directly(function: ast.AST) -> bool:
    """Returns whether a function raises an error for bad input, outside of nested functions."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.Raise) and node.exc is not None:
            error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if ast.unparse(error) in {"ValueError", "InputError", "FileNotFoundError"}:
                return True
        if not isinstance(node, (*FUNCTIONS, ast.Lambda)) and raises_directly(node):
            return True
    return False


def raises_unsaid(function: ast.FunctionDef, text: str) -> bool:
    """Returns whether a function refuses arguments, and its docstring has no `Raises:`."""
    return "Raises:" not in text and has_parameters(function) and raises_directly(function)


def missing_docs(source: str) -> list[str]:
    """Returns the public names of a module that lack a docstring or its `Raises:` section."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) else ["the module has no docstring"]
    for name, node in public_names(tree):
        text = ast.get_docstring(node)
        if not text:
            found.append(f"{name} has no docstring")
        elif isinstance(node, FUNCTIONS) and raises_unsaid(node, text):
            found.append(f"{name} raises, and its docstring has no `Raises:`")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_names_are_documented(path):
    assert missing_docs(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "a = 1",
        "'''M.'''\ndef f(): pass",
        "'''M.'''\nclass C:\n    '''C.'''\n    def f(self): pass",
        "'''M.'''\ndef f(a):\n    '''F.'''\n    if a:\n        raise ValueError(a)",
    ],
)
def test_missing_docstrings_are_found(source):
    assert missing_docs(source)


@pytest.mark.parametrize(
    "source",
    [
        "def _f(a):\n    raise ValueError",
        "def f():\n    'F.'\n    def g(a):\n        raise ValueError",
        "class C:\n    'C.\\n\\nAttributes:\\n    a: A.'\n    @property\n    def a(self): return 1",
    ],
)
def test_private_inner_and_listed_names_need_no_docstring(source):
    assert missing_docs(f"'M.'\n{source}") == []


def text_of(page: str) -> str:
    path = ROOT / page
    assert path.is_file(), f"{page} is missing"
    return path.read_text(encoding="utf-8")


def code_blocks(text: str) -> list[str]:
    """Returns the contents of the fenced blocks, in order."""
    return re.findall(r"^```[^\n]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """Returns the targets of links and images in Markdown and HTML, outside of code."""
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(<?([^)\s>]+)", prose) + re.findall(r"(?:src|href)=\"([^\"]+)\"", prose)


def test_links_and_blocks_are_found():
    text = 'See [a](b.md#c) and ![d](<e.png>).\n<img src="f.png">\n```bash\n[x](y)\n```\n`[x](y)`'
    assert links(text) == ["b.md#c", "e.png", "f.png"]
    assert code_blocks(text) == ["[x](y)\n"]


@pytest.mark.parametrize("page", PAGES)
def test_relative_links_resolve(page):
    targets = [link.partition("#")[0] for link in links(text_of(page)) if "://" not in link]
    folder = (ROOT / page).parent
    dead = [t for t in targets if t and not t.startswith("mailto:") and not (folder / t).exists()]
    assert dead == []


def slugs(text: str) -> list[str]:
    """Returns the anchors of a page's headings, as on GitHub."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, flags=re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_anchors_equal_those_of_the_headings():
    assert slugs("# A b, c\n```bash\n# no\n```\n## `f.g`: \u300a\u4e2d\u6587\u300b x-y") == [
        "a-b-c",
        "fg-\u4e2d\u6587-x-y",
    ]


@pytest.mark.parametrize("page", PAGES)
def test_anchors_resolve(page):
    dead = []
    for link in links(text_of(page)):
        target, _, anchor = link.partition("#")
        if not anchor or "://" in link:
            continue
        place = (ROOT / page).parent / target if target else ROOT / page
        if anchor not in slugs(place.read_text(encoding="utf-8")):
            dead.append(link)
    assert dead == []


def outline(page: str) -> dict[str, list]:
    """Returns the parts that must be equal in a page and its translation."""
    text = text_of(page)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    targets = [link.partition("#")[0].replace("_zh.md", ".md") for link in links(text)]
    rows = [
        len(re.findall(r"(?<!\\)\|", line)) for line in prose.splitlines() if line.startswith("|")
    ]
    return {
        "code": code_blocks(text),
        "headings": [len(marks) for marks in re.findall(r"^(#+) ", prose, flags=re.MULTILINE)],
        "links": sorted(filter(None, targets)),
        "columns of table rows": rows,
        "commands in the text": [words for words in spoken_commands(page) if "=" not in words[-1]],
    }


@pytest.mark.parametrize("page", TRANSLATED)
def test_translation_has_the_same_content(page):
    english, chinese = outline(page), outline(page.replace(".md", "_zh.md"))
    for part, content in english.items():
        assert chinese[part] == content, part


def test_pages_for_users_are_translated():
    assert {page for page in PAGES if page.startswith("docs/") and "_zh" not in page} <= set(
        TRANSLATED
    )
    assert "README.md" in TRANSLATED


# Terms that CONTRIBUTING.md replaces; words that also have another meaning (头部, 分数) are not here.
OTHER_TERMS = re.compile(
    "关节点|格子|主干|配方|方案|真值框|行人检测|移一格|移位|读法|评估方式|得分|限制梯度|多块 GPU"
    "|画出来的人|绘制的人|体检工具|检查程序|略去|退出状态|状态码|笔记"
)
REWORDED = [page for page in PAGES if page.endswith("_zh.md")]


def broken_lines(text: str) -> list[str]:
    """The line ends inside a Chinese sentence, where Markdown shows a space."""
    return re.findall(r"[\u4e00-\u9fff]\n(?:# )?[\u4e00-\u9fff]", text)


@pytest.mark.parametrize("page", [*REWORDED, *(f"notebooks/{path.name}" for path in NOTEBOOKS)])
def test_chinese_texts_use_the_glossary_and_one_line_per_paragraph(page):
    text = text_of(page)
    assert OTHER_TERMS.findall(text) == []
    assert broken_lines(text) == []


def test_other_terms_and_broken_lines_are_seen():
    assert OTHER_TERMS.findall("从主干开始。移一格") == ["主干", "移一格"]
    assert len(broken_lines("目标为精\n确目标\n\n# 检测框文\n# 件。\n新的一段")) == 2


def split_command(line: str) -> list[str]:
    """Returns the words of a `python ...`, `paddle-pose ...` or `make ...` without its variables.

    For other lines the list is empty. `paddle-pose` is returned as `python -m paddle_pose`.
    """
    if not re.match(r"\s*(\w+=\S+\s+)*((python|make)[\w.]*|paddle-pose)\s", line):
        return []
    words = shlex.split(line, comments=True)
    while "=" in words[0]:
        words.pop(0)
    return ["python", "-m", "paddle_pose", *words[1:]] if words[0] == "paddle-pose" else words


def commands(text: str) -> Iterator[list[str]]:
    """Yields the words of each `python ...`, `paddle-pose ...` and `make ...` in the code blocks."""
    for block in code_blocks(text):
        for line in block.replace("\\\n", " ").splitlines():
            for command in line.lstrip(" $!").split("&&"):
                if words := split_command(command):
                    yield words


def own_prose(page: str) -> str:
    """Returns a page without code blocks, comments, and statements on other projects in tables."""
    text = re.sub(r"^```.*?^```|<!--.*?-->", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    if "migration" in page:
        text = re.sub(r"^\|(?:[^|\\]|\\.)*\|", "|", text, flags=re.MULTILINE)
    return text


def inline_code(text: str) -> list[str]:
    """Returns the texts between backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def spoken_commands(page: str) -> list[list[str]]:
    """Returns the commands between backticks, except incomplete ones with an ellipsis."""
    texts = inline_code(own_prose(page))
    whole = (code for code in texts if "…" not in code and "..." not in code)
    return [words for code in whole if (words := split_command(code))]


def cell_commands(path: Path) -> list[list[str]]:
    """Returns the words of the `!python ...` lines in the text of a notebook.

    A {value} stands for one word, or for any number of flags.
    """
    cells = [
        cell.source
        for cell in read_notebook(path.read_text(encoding="utf-8")).cells
        if cell.cell_type == "code"
    ]
    lines = [
        line[1:]
        for source in cells
        for line in source.replace("\\\n", " ").splitlines()
        if line.startswith("!")
    ]
    filled = [re.sub(r"\{(?:ROOT|PROJECT)\}/", "", line) for line in lines]
    return [words for line in filled if (words := split_command(line))]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][\w-]*):", text_of("Makefile"), flags=re.MULTILINE))


def parser_of(command: str) -> ArgumentParser:
    """Returns the parser of a command, by its name or its script."""
    path = Path(command)
    name = ARTICLES_SCRIPTS.get(path.stem, path.stem)
    if path.suffix == ".py":
        assert (ROOT / path).is_file(), f"{command} does not exist"
    if name in COMMANDS:
        return importlib.import_module(f"paddle_pose.cli.{name}").build_parser()
    assert path.suffix == ".py", f"no command {command}"
    spec = importlib.util.spec_from_file_location(name, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build_parser()


def check_command(words: list[str]) -> None:
    """Asserts that the script or target of a command exists and accepts the arguments."""
    if words[0] == "make":
        targets = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
        unknown = set(targets) - make_targets()
        assert not unknown, f"no such target: {unknown}"
        return
    scripts = [i for i, word in enumerate(words) if word.endswith(".py")]
    if "-m" in words[:3]:
        first = words.index("-m") + 1
        if words[first:] == ["paddle_pose"] or words[first + 1 :] in (["--help"], ["--version"]):
            return  # lists the commands
        if words[first] == "paddle_pose":
            command, rest = words[first + 1], words[first + 2 :]
        elif scripts and words[first] == "paddle.distributed.launch":
            command, rest = words[scripts[0]], words[scripts[0] + 1 :]
        else:
            return  # another project's module
    elif scripts:
        command, rest = words[scripts[0]], words[scripts[0] + 1 :]
    else:
        return  # python --version, python -c
    arguments = parsed(command, rest)
    if arguments is None:  # a notebook's {value} may be flags
        bare = {
            i
            for i, word in enumerate(rest)
            if word.startswith("{") and not rest[i - 1].startswith("-")
        }
        arguments = parsed(command, [word for i, word in enumerate(rest) if i not in bare])
    assert arguments is not None, f"{shlex.join(words)} is refused"
    check_names(arguments, command)


def parsed(script: str, words: list[str]) -> Namespace | None:
    """Returns the words as parsed by a command's parser; None if it refuses them."""
    try:
        return parser_of(script).parse_args([re.sub(r"\{.*\}", "1", word) for word in words])
    except SystemExit as stopped:
        return None if stopped.code else Namespace()  # 0: --help


def check_names(arguments: Namespace, script: str) -> None:
    """Asserts that the configs, keys and published files in a command exist."""
    from paddle_pose.configs.registry import CONFIGS
    from paddle_pose.weights.zoo import PUBLISHED

    config = getattr(arguments, "config", None)
    assert config in (None, "NAME", "1", *CONFIGS), f"no config {config}"
    changed = {text.partition("=")[0] for text in getattr(arguments, "override", []) or []}
    assert changed <= {*config_keys(), "augment", "1"}, f"unknown keys {changed - config_keys()}"
    if script in ("download", "zoo"):
        assert getattr(arguments, "name", None) in (None, "NAME", *PUBLISHED), (
            f"no published file {arguments.name}"
        )


@cache
def config_keys() -> frozenset[str]:
    """Returns the keys of all configs, and of those of other programs' ONNX files."""
    from paddle_pose.codecs.one_stage import OneStageCodec
    from paddle_pose.configs.foreign import ForeignModel
    from paddle_pose.configs.overrides import values
    from paddle_pose.configs.registry import CONFIGS
    from paddle_pose.configs.specs import Config

    foreign = Config("foreign", "", "", model=ForeignModel(), codec=OneStageCodec())
    return frozenset(key for config in (*CONFIGS.values(), foreign) for key in values(config))


@cache
def known_flags() -> frozenset[str]:
    """Returns the flags of all commands."""
    tools = [
        "scripts/build_notebooks.py",
        "scripts/gpu_check.py",
        "scripts/minimal_onnx.py",
        "benchmarks/benchmark.py",
        "benchmarks/backend_table.py",
        "benchmarks/people.py",
    ]
    parsers = [parser_of(command) for command in [*COMMANDS, *tools]]
    return frozenset(flag for parser in parsers for flag in parser._option_string_actions)


def test_commands_are_found():
    block = (
        "```bash\n$ python train.py --a 1 \\\n  --b  # why\nX=1 make demo && make test\ncd d\n```"
    )
    found = [["python", "train.py", "--a", "1", "--b"], ["make", "demo"], ["make", "test"]]
    assert list(commands(block)) == found


@pytest.mark.parametrize(
    "words", [["make", "nothing"], ["python", "nothing.py"], ["python", "-u", "nothing.py", "-x"]]
)
def test_unknown_command_is_found(words):
    with pytest.raises(AssertionError):
        check_command(words)


def test_unknown_flag_is_found(monkeypatch):
    parser = ArgumentParser()
    parser.add_argument("--known")
    monkeypatch.setitem(globals(), "parser_of", lambda script: parser)
    check_command(["python", "train.py", "--known", "1"])
    check_command(["python", "train.py", "--help"])
    with pytest.raises(AssertionError, match="refused"):
        check_command(["python", "train.py", "--unknown"])


def test_paddle_pose_is_a_command():
    whole = ["python", "-m", "paddle_pose", "predict", "a.jpg"]
    assert list(commands("```bash\npaddle-pose predict a.jpg\n```")) == [whole]
    check_command(whole)
    check_command(["python", "-m", "paddle_pose", "--help"])
    check_mention(["python", "-m", "paddle_pose", "jitter"])
    for words in ([*whole, "--unknown"], ["python", "-m", "paddle_pose", "nothing"]):
        with pytest.raises(AssertionError):
            check_mention(words)


def check_mention(words: list[str]) -> None:
    """Asserts that a command in the text is accepted; without arguments, that it exists."""
    if words[1:3] == ["-m", "paddle_pose"] and len(words) == 4 and words[3].isidentifier():
        if words[3] != "NAME":  # stands for any command
            parser_of(words[3])
    else:
        check_command(words)


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_the_pages_parse(page):
    for words in commands(text_of(page)):
        check_command(words)
    for words in spoken_commands(page):
        check_mention(words)


def python_blocks(page: str) -> list[str]:
    """Returns the Python code of a page: examples as scripts, signatures as functions."""
    by_hand, _, reference = text_of(page).partition("<!-- Made by scripts/build_api_docs.py")
    pattern = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
    found = []
    for text, has_signatures in ((by_hand, False), (reference, True)):
        for block in pattern.findall(text):
            if block.startswith(">>> "):
                found.append(doctest.script_from_examples(block))
            else:
                found.append(f"def {block.rstrip()}: ..." if has_signatures else block)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_python_code_of_the_pages_compiles(page):
    for block in python_blocks(page):
        compile(block, page, "exec")


def test_all_python_code_is_compiled():
    texts = [text_of(page) for page in PAGES]
    count = sum(len(re.findall("^```python$", text, flags=re.MULTILINE)) for text in texts)
    assert sum(len(python_blocks(page)) for page in PAGES) == count > 40


def names_of_package(code: str) -> set[str]:
    """Returns the names X of all `pp.X` in Python code that imports the package as `pp`."""
    return {
        node.attr
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "pp"
    }


@pytest.mark.parametrize("page", PAGES)
def test_python_code_of_the_pages_uses_public_names(page):
    import paddle_pose

    used = set().union(*map(names_of_package, python_blocks(page)))
    assert used - set(paddle_pose.__all__) == set()


def test_names_of_the_package_are_found():
    assert names_of_package("import paddle_pose as pp\npp.load_model('a').predict(pp.b)") == {
        "load_model",
        "b",
    }


def test_code_that_is_no_python_is_found(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("```python\nimport = 1\n```\n", encoding="utf-8")
    (block,) = python_blocks(str(path))
    with pytest.raises(SyntaxError):
        compile(block, path, "exec")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_commands_of_the_notebooks_parse(path):
    for words in cell_commands(path):
        check_command(words)


def test_commands_of_notebooks_are_found(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(
        "# %%\n# !python -u {ROOT}/val.py --weights {W} \\\n#     {OWN}\n", encoding="utf-8"
    )
    (words,) = cell_commands(path)
    assert words == ["python", "-u", "val.py", "--weights", "{W}", "{OWN}"]
    check_command(words)
    with pytest.raises(AssertionError, match="refused"):
        check_command([*words, "--unknown"])


@pytest.mark.parametrize(
    "line",
    [
        "python train.py --config hourglas",
        "python train.py -o train.bach_size=3",
        "python -m paddle_pose download mmpose_hourglas",
    ],
)
def test_unknown_name_is_found(line):
    with pytest.raises(AssertionError):
        check_command(line.split())


@pytest.mark.parametrize("page", PAGES)
def test_flags_and_keys_of_the_text_exist(page):
    said = " ".join(inline_code(own_prose(page)))
    flags = set(re.findall(r"(?<![\w-])--[a-z]\w*(?:-\w+)*", said))
    assert flags - known_flags() - OTHERS_FLAGS == set()
    sections = "|".join(sorted({key.partition(".")[0] for key in config_keys()}))
    keys = set(re.findall(rf"(?<![\w./])(?:{sections})\.[a-z]\w*(?![\w.])", said))
    files = {
        key
        for key in keys
        if key.endswith((".py", ".json", ".md", ".pdparams", ".pdopt", ".onnx", ".xml"))
    }
    attributes = {"codec.encode", "codec.decode", "model.predict", "model.track"}
    assert keys - files - attributes - config_keys() == set()


def test_findings_that_troubleshooting_names_exist():
    source = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "paddle_pose/data/check").glob("*.py")
    )
    rows = [
        line for line in text_of("docs/troubleshooting.md").splitlines() if "The check: " in line
    ]
    named = [name for row in rows for name in inline_code(row.partition("The check: ")[2])]
    assert len(named) > 5
    assert [name for name in named if f'"{name}"' not in source] == []


def test_paths_in_the_architecture_exist():
    paths = [
        code
        for code in inline_code(text_of("CONTRIBUTING.md"))
        if re.fullmatch(r"[\w.]+/[\w./]+\.(py|md|txt)", code)
    ]
    assert len(paths) > 20
    missing = [
        p
        for p in paths
        if "NAME" not in p
        and not any((ROOT / base / p).exists() for base in ("", "paddle_pose", "scripts"))
    ]
    assert missing == []


def cells(line: str) -> tuple[str, ...]:
    """Returns the cells of a line of a table."""
    return tuple(cell.strip() for cell in line.strip("|").split("|"))


def tables_of(page: str) -> list[list[tuple[str, ...]]]:
    """Returns the tables of a page as lines of cells; the second line separates the head."""
    found = re.findall(r"(?:^\|.*\n)+", text_of(page), flags=re.MULTILINE)
    return [[cells(line) for line in table.splitlines()] for table in found]


def printed_measurements() -> tuple[list[tuple[str, ...]], ...]:
    """Returns the lines that `make bench` printed on a Xeon, there with photographs, on an EPYC."""
    tables = [table for table in tables_of("benchmarks/README.md") if table[0][0] == "measured"]
    xeon, photographs, epyc = (table[2:] for table in tables)
    return xeon, photographs, epyc


@pytest.mark.parametrize("page", ["docs/speed.md", "docs/speed_zh.md"])
def test_speeds_equal_the_printed_benchmark(page):
    (shown,) = (
        table for table in tables_of(page) if any(cell.endswith(" ms") for cell in table[2])
    )
    xeon, _, epyc = printed_measurements()
    known = {tuple(cell or "-" for cell in line[:4]) for line in xeon}
    ratios = {(line[0], line[3]) for line in epyc}
    assert len(shown) > 12
    assert [line for line in shown[2:] if line[:4] not in known] == []
    assert [x for x in shown[2:] if x[4] != "-" and (x[0], x[4]) not in ratios] == []


@pytest.mark.parametrize("page", ["README.md", "README_zh.md", "docs/predict.md"])
def test_times_of_one_person_are_those_of_the_printed_benchmark(page):
    _, _, epyc = printed_measurements()
    known = {line[1] for line in epyc if "1 person" in line[0]}
    column = 4 if page.startswith("README") else None
    (shown,) = (
        [cell for line in table[2:] for cell in (line[1:] if column is None else [line[column]])]
        for table in tables_of(page)
        if any("movenet_thunder" in line[0] for line in table)
        and re.search(r"\d+\.\d\d", table[2][-1] if column is None else table[2][column])
    )
    times = {f"{cell.removesuffix(' ms')} ms" for cell in shown if cell != "-"}
    assert len(times) > 5
    assert times - known == set()


@pytest.mark.parametrize("page", ["README.md", "README_zh.md"])
def test_the_models_of_the_readme_are_those_of_the_zoo(page):
    from paddle_pose.weights.zoo import PUBLISHED

    (models,) = (table for table in tables_of(page) if table[2][0].startswith("`movenet_thunder`"))
    assert len(models) > 9
    for name, _, size, accuracy, _, licence, _ in models[2:]:
        file = PUBLISHED[inline_code(name)[0]]
        parts = [f"{file.parameters / 1e6:.1f} M"]
        if file.total_size is not None:
            parts.append(f"{file.total_size / 1e6:.1f} MB")
        assert size == ", ".join(parts)
        assert file.licence.startswith(licence)
        if "published" in accuracy or "已发表" in accuracy:
            assert str(file.published[0][1]) in accuracy
            if file.published[0][0] == "AP":
                boxes = {"detected": "检测框", "annotated": "标注框"}[file.boxes.split(",")[0]]
                assert boxes in accuracy or f"{file.boxes.split(',')[0]} boxes" in accuracy


@pytest.mark.parametrize("page", ["docs/results.md", "docs/results_zh.md"])
def test_result_tables_are_part_of_the_printed_results(page):
    from paddle_pose.evaluation.results import rows, to_markdown

    printed = []
    for block in to_markdown(rows([])).split("### ")[1:]:
        lines = [cells(line) for line in block.splitlines() if line.startswith("|")]
        numbers = lines[0].index("status")
        printed.append((lines[0][:numbers], {line[:numbers] for line in lines[2:]}))
    results = [
        table
        for table in tables_of(page)
        if any(re.fullmatch(r"\d+x\d+", cell) for cell in table[2])
    ]
    assert len(results) == 4
    for head, _, *lines in results:
        numbers = len(head) - 1  # who says so follows
        shown = {
            tuple(cell.replace("未运行", "not run") for cell in line[:numbers]) for line in lines
        }
        assert any(names[2:] == head[2:numbers] and shown <= found for names, found in printed), (
            head
        )
        assert len(shown) >= 2
