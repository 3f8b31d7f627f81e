"""The public names of the package exist, and are documented and typed."""

import ast
import importlib.util
import inspect
import pkgutil
import re
import subprocess
import sys
import textwrap
import typing
from pathlib import Path

import pytest

import paddle_pose

ROOT = Path(__file__).resolve().parents[1]
NAMES = [name for name in paddle_pose.__all__ if name != "__version__"]


@pytest.mark.parametrize("name", NAMES)
def test_public_name_exists_and_is_documented(name):
    value = getattr(paddle_pose, name)
    assert value.__name__ == name
    assert value.__doc__
    assert name in dir(paddle_pose)


def test_public_names_differ_from_module_names():
    modules = {module.name for module in pkgutil.iter_modules(paddle_pose.__path__)}
    assert modules & set(paddle_pose.__all__) == set()


def test_type_checkers_see_the_same_names():
    source = (ROOT / "paddle_pose" / "__init__.py").read_text(encoding="utf-8")
    seen = {
        line.split(" as ")[1].strip()
        for line in source.splitlines()
        if line.startswith("    from paddle_pose.")
    }
    assert seen == set(NAMES)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="load_models"):
        _ = paddle_pose.load_models


@pytest.mark.parametrize("name", ["load_model", "train", "evaluate", "score_file", "export_model"])
def test_public_functions_are_typed_without_any(name):
    hints = typing.get_type_hints(getattr(paddle_pose, name))
    assert "return" in hints
    assert not [
        key for key, hint in hints.items() if "typing.Any" in str(hint) or hint is typing.Any
    ]


@pytest.mark.parametrize("name", ["predict", "track", "maps"])
def test_public_methods_are_typed_without_any(name):
    hints = typing.get_type_hints(getattr(paddle_pose.PoseModel, name))
    assert "return" in hints
    assert not [
        key for key, hint in hints.items() if "typing.Any" in str(hint) or hint is typing.Any
    ]


def test_importing_the_package_imports_nothing_else():
    code = (
        "import sys, paddle_pose;"
        " print([m for m in ('numpy', 'cv2', 'paddle', 'tqdm') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, timeout=120
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_threads_are_set_before_paddle_is_imported(monkeypatch):
    code = (
        "import os; os.environ.pop('OMP_NUM_THREADS', None)\n"
        "import paddle_pose as pp; pp.train\n"
        "from paddle_pose.environment import usable_cores\n"
        "print(int(os.environ['OMP_NUM_THREADS']) == usable_cores())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, timeout=120
    )
    assert done.stdout.strip() == "True", done.stderr
    assert done.stderr == ""


def test_api_reference_equals_the_docstrings():
    spec = importlib.util.spec_from_file_location(
        "build_api_docs", ROOT / "scripts" / "build_api_docs.py"
    )
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for page in script.PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert text.partition(script.MARKER)[2].lstrip("\n") == script.reference(), (
            f"run scripts/build_api_docs.py: {page}"
        )


CALLS = [
    (page, call)
    for page in ("README.md", "README_zh.md", "docs/api.md", "docs/api_zh.md")
    for block in re.findall(
        r"```python\n(.*?)```",
        (ROOT / page).read_text(encoding="utf-8").partition("<!--")[0],
        re.DOTALL,
    )
    for call in ast.walk(ast.parse(textwrap.dedent(block)))
    if isinstance(call, ast.Call)
    and isinstance(call.func, ast.Attribute)
    and isinstance(call.func.value, ast.Name)
]


@pytest.mark.parametrize(
    ("page", "call"), CALLS, ids=[f"{page}-{ast.unparse(call)[:60]}" for page, call in CALLS]
)
def test_calls_in_the_documentation_match_the_signatures(page, call):
    owner = {
        "pp": paddle_pose,
        "model": paddle_pose.PoseModel,
        "result": paddle_pose.PoseResult,
    }.get(call.func.value.id)
    if owner is None:
        return
    function = getattr(owner, call.func.attr)
    given = [None] * (owner is not paddle_pose) + [None] * len(call.args)
    inspect.signature(function).bind(*given, **{keyword.arg: None for keyword in call.keywords})


def test_importing_paddle_does_not_change_the_root_logger():
    code = (
        "import logging, paddle_pose as pp; pp.train;"
        " print(logging.getLogger().handlers, logging.getLogger().level)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, timeout=120
    )
    assert done.stdout.strip() == "[] 30", done.stderr


def test_ctrl_c_takes_effect_after_the_import_of_paddle():
    code = (
        "import os, signal, sys; sys.path.insert(0, '.'); import paddle_pose as pp\n"
        "class CtrlC:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'paddle.nn': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, CtrlC())\n"
        "try:\n    pp.train\nexcept KeyboardInterrupt:\n    print('interrupted')\n"
        "print(pp.train.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, timeout=120
    )
    assert done.stdout.split() == ["interrupted", "train"], done.stderr
