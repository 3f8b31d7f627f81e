"""What is written must be true: docstrings are there, README's links and commands work."""

import ast
import importlib
import importlib.util
import re
import shlex
import subprocess
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "paddle_pose").rglob("*.py"))
READMES = ("README.md", "README_zh.md")
PAGES = sorted({*READMES, *(path.name for path in ROOT.glob("*.md"))})
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Written in two pieces, so that this file does not hold what it forbids.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:wor" + r"k|roo" + r"t)/")
DATA_BESIDE = ".." + "/shared"


def public_names(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yields the public classes, functions and methods of a module or class, with their names."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (*FUNCTIONS, ast.ClassDef)) or child.name.startswith("_"):
            continue
        if listed_as_attribute(child, node):
            continue
        yield prefix + child.name, child
        if isinstance(child, ast.ClassDef):
            yield from public_names(child, f"{prefix}{child.name}.")


def listed_as_attribute(node: ast.AST, owner: ast.AST) -> bool:
    """Whether `node` is a property that its class documents under `Attributes:`."""
    if not isinstance(owner, ast.ClassDef):
        return False
    is_property = "property" in map(ast.unparse, node.decorator_list)
    attributes = (ast.get_docstring(owner) or "").partition("Attributes:")[2]
    return is_property and re.search(rf"^ +{node.name}\b.*:", attributes, re.MULTILINE) is not None


def has_parameters(function: ast.FunctionDef) -> bool:
    """Whether a caller passes anything."""
    arguments = function.args
    names = [a.arg for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]]
    return bool(set(names) - {"self", "cls"} or arguments.vararg or arguments.kwarg)


def raises_directly(function: ast.AST) -> bool:
    """Whether the function's own body, not a function in it, raises a border error."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.Raise) and node.exc is not None:
            error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if ast.unparse(error) in {"ValueError", "FileNotFoundError"}:
                return True
        if not isinstance(node, (*FUNCTIONS, ast.Lambda)) and raises_directly(node):
            return True
    return False


def raises_unsaid(function: ast.FunctionDef, text: str) -> bool:
    """Whether the function refuses what a caller passes, and its docstring does not say so."""
    return "Raises:" not in text and has_parameters(function) and raises_directly(function)


def missing_docs(source: str) -> list[str]:
    """Lists the public names of a module that lack a docstring or its `Raises:` section."""
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
def test_missing_docs_are_seen(source):
    assert missing_docs(source)


@pytest.mark.parametrize(
    "source",
    [
        "def _f(a):\n    raise ValueError",
        "def f():\n    'F.'\n    def g(a):\n        raise ValueError",
        "class C:\n    'C.\\n\\nAttributes:\\n    a: A.'\n    @property\n    def a(self): return 1",
    ],
)
def test_private_inner_and_listed_names_need_no_docs(source):
    assert missing_docs(f"'M.'\n{source}") == []


def text_of(page: str) -> str:
    path = ROOT / page
    assert path.is_file(), f"{page} is missing"
    return path.read_text(encoding="utf-8")


def code_blocks(text: str) -> list[str]:
    """The contents of the fenced blocks, in order."""
    return re.findall(r"^```[^\n]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """The targets of Markdown's and HTML's links and pictures, outside code."""
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(<?([^)\s>]+)", prose) + re.findall(r"(?:src|href)=\"([^\"]+)\"", prose)


def test_links_and_blocks_are_found():
    text = 'See [a](b.md#c) and ![d](<e.png>).\n<img src="f.png">\n```bash\n[x](y)\n```\n`[x](y)`'
    assert links(text) == ["b.md#c", "e.png", "f.png"]
    assert code_blocks(text) == ["[x](y)\n"]


@pytest.mark.parametrize("page", PAGES)
def test_relative_links_resolve(page):
    targets = [link.partition("#")[0] for link in links(text_of(page)) if "://" not in link]
    dead = [t for t in targets if t and not t.startswith("mailto:") and not (ROOT / t).exists()]
    assert dead == []


def test_both_readmes_show_the_same_code():
    assert code_blocks(text_of(READMES[0])) == code_blocks(text_of(READMES[1]))


def commands(text: str) -> Iterator[list[str]]:
    """Yields the words of each `python ...` and `make ...` in the code blocks."""
    for block in code_blocks(text):
        for line in block.replace("\\\n", " ").splitlines():
            for command in line.lstrip(" $!").split("&&"):
                if not re.match(r"\s*(\w+=\S+\s+)*(python|make)[\w.]*\s", command):
                    continue
                words = shlex.split(command, comments=True)
                while "=" in words[0]:  # variables set for the command
                    words.pop(0)
                yield words


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]\w*):", text_of("Makefile"), flags=re.MULTILINE))


def parser_of(script: str) -> ArgumentParser:
    """The parser behind `script`: its own, or that of the command of the same name."""
    assert (ROOT / script).is_file(), f"{script} does not exist"
    name = Path(script).stem
    if (ROOT / f"paddle_pose/commands/{name}.py").is_file():
        return importlib.import_module(f"paddle_pose.commands.{name}").build_parser()
    spec = importlib.util.spec_from_file_location(name, ROOT / script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build_parser()


def check_command(words: list[str]) -> None:
    """Fails unless the command's script or target exists and takes its arguments."""
    if words[0] == "make":
        targets = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
        unknown = set(targets) - make_targets()
        assert not unknown, f"no such target: {unknown}"
        return
    scripts = [i for i, word in enumerate(words) if word.endswith(".py")]
    if "-m" in words[:3]:
        module = words[words.index("-m") + 1]
        if module.startswith("paddle_pose."):
            script, rest = module.replace(".", "/") + ".py", words[words.index("-m") + 2 :]
        elif scripts and module == "paddle.distributed.launch":
            script, rest = words[scripts[0]], words[scripts[0] + 1 :]
        else:
            return  # another project's module
    elif scripts:
        script, rest = words[scripts[0]], words[scripts[0] + 1 :]
    else:
        return  # python --version, python -c
    parser = parser_of(script)
    status = 0
    try:
        parser.parse_args(rest)
    except SystemExit as stopped:
        status = stopped.code  # 0: --help
    assert status == 0, f"{shlex.join(words)} is refused"


def test_commands_are_found():
    block = "```bash\n$ python train.py --a 1 \\\n  --b  # why\nX=1 make demo && make test\ncd d\n```"
    found = [["python", "train.py", "--a", "1", "--b"], ["make", "demo"], ["make", "test"]]
    assert list(commands(block)) == found


@pytest.mark.parametrize("words", [["make", "nothing"], ["python", "nothing.py"], ["python", "-u", "nothing.py", "-x"]])
def test_a_command_that_does_not_exist_is_seen(words):
    with pytest.raises(AssertionError):
        check_command(words)


def test_an_unknown_flag_is_seen(monkeypatch):
    parser = ArgumentParser()
    parser.add_argument("--known")
    monkeypatch.setitem(globals(), "parser_of", lambda script: parser)
    check_command(["python", "train.py", "--known", "1"])
    check_command(["python", "train.py", "--help"])
    with pytest.raises(AssertionError, match="refused"):
        check_command(["python", "train.py", "--unknown"])


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_the_pages_parse(page):
    for words in commands(text_of(page)):
        check_command(words)


def project_files() -> list[Path]:
    """What git tracks or would track; without git, every file but the caches."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if (ROOT / ".git").exists():
        done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
        names = filter(None, done.stdout.split("\0"))
        return [ROOT / name for name in names if (ROOT / name).is_file()]
    hidden = {".venv", "__pycache__", "output", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
    return [p for p in ROOT.rglob("*") if p.is_file() and not hidden & set(p.parts)]


def test_no_file_speaks_of_one_machine():
    files = project_files()
    assert ROOT / "Makefile" in files
    found = []
    for path in files:
        name = str(path.relative_to(ROOT))
        text = path.read_bytes().decode("utf-8", errors="ignore")
        if MACHINE_PATH.search(text):
            found.append(f"{name}: a path of one machine")
        if DATA_BESIDE in text and not name.startswith(("tests/", "CONTRIBUTING")):
            found.append(f"{name}: {DATA_BESIDE}")
    assert found == []


@pytest.mark.parametrize("folder", ["/wor" + "k/", "/roo" + "t/"])
def test_a_machine_path_is_seen(folder):
    assert MACHINE_PATH.search(f"cd '{folder}main'")
    assert not MACHINE_PATH.search(f"https://example.org{folder}main")
