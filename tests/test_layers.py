"""Modules import lower layers only; checked in the source and in a run without Paddle."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "paddle_pose"

LAYERS = (  # lowest first
    ("errors",),
    ("ranges", "kinds"),
    ("geometry", "skeletons", "environment", "progress", "interruption"),
    ("structures",),
    ("io",),
    ("codecs", "metrics"),
    ("tracking",),
    ("data", "visualize", "weights"),
    ("backends",),
    ("models", "inference"),
    ("training", "configs"),
    ("exporting",),
    ("build",),
    ("evaluation",),
    ("engine",),
    ("web_demo",),
    ("cli",),
    ("__main__",),
)
LEVELS = {name: level for level, names in enumerate(LAYERS) for name in names}
WITH_PADDLE = ("models", "training", "backends.paddle", "exporting.program", "exporting.decoding")
QUICK = tuple(
    f"paddle_pose.{name}"
    for name in ("cli", "environment", "errors", "interruption", "progress", "ranges", "io.atomic")
)
# Packages that prediction with ONNX Runtime does not need; `environment.needed` imports them.
OPTIONAL = (
    "scipy",
    "matplotlib",
    "visualdl",
    "h5py",
    "safetensors",
    "tflite",
    "openvino",
    "paddle2onnx",
    "pi_heif",
    "simplejpeg",
)
NEED_PADDLE = (
    "exporting.write",
    "engine.run_folders",
    "engine.calibration",
    "engine.train",
    "engine.demo",
    "engine.export",
)
MAX_FUNCTION_IMPORTS = 42


def module_name(path: Path) -> str:
    """Returns the name of a module; for `__init__.py` that of its package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = {module_name(path): path for path in FILES}


def imports(source: str, module: str, is_package: bool = False) -> Iterator[tuple[str, bool]]:
    """Yields every module that `source` imports, and whether the import is at module level."""
    tree = ast.parse(source)
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    nested = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, functions)
        for node in ast.walk(function)
    }
    # A block `if TYPE_CHECKING:` is never run.
    unrun = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    nested |= {id(node) for block in unrun for node in ast.walk(block)}
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                keep = len(module.split(".")) - node.level + is_package
                origin = ".".join([*module.split(".")[:keep], *filter(None, [origin])])
            names = [origin]
            if origin == "paddle_pose":  # `from paddle_pose import geometry`
                names = [f"{origin}.{alias.name}" for alias in node.names]
        for name in names:
            yield name, id(node) not in nested


def is_in(module: str, *places: str) -> bool:
    """Returns whether `module` is one of `places` or below one."""
    return any(module == place or module.startswith(place + ".") for place in places)


def violations(source: str, module: str, is_package: bool = False) -> list[str]:
    """Returns the imports of a module that the layers forbid; `module` is its full name."""
    found = []
    inside = module.removeprefix("paddle_pose").lstrip(".")
    unit = inside.split(".")[0]
    for name, at_module_level in imports(source, module, is_package):
        top, _, rest = name.partition(".")
        other = rest.split(".")[0]
        if top == "paddle_pose" and other not in {"", "__version__", unit}:
            if other not in LEVELS:
                found.append(f"{module} imports {name}, which is in no layer")
            elif LEVELS[other] >= LEVELS[unit]:
                found.append(f"{module} imports {name}, which is not below it")
        if (
            top == "paddle"
            and not is_in(inside, *WITH_PADDLE)
            and (at_module_level or unit != "build")
        ):
            found.append(
                f"{module} imports {name}: Paddle only in {', '.join(WITH_PADDLE)}, and in"
                " functions of build"
            )
        if top in OPTIONAL and at_module_level:
            found.append(f"{module} imports {name} at module level: prediction works without it")
        quick = top in sys.stdlib_module_names or is_in(name, "paddle_pose.__version__", *QUICK)
        if unit == "cli" and at_module_level and not quick:
            found.append(f"{module} imports {name} at module level: --help would have to wait")
    return found


def test_modules_of_the_package_are_found():
    assert "paddle_pose.environment" in MODULES


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_in_a_layer(module):
    assert module == "paddle_pose" or module.split(".")[1] in LEVELS


@pytest.mark.parametrize("module", [module for module in MODULES if module != "paddle_pose"])
def test_a_module_imports_lower_layers_only(module):
    path = MODULES[module]
    source = path.read_text(encoding="utf-8")
    assert violations(source, module, path.name == "__init__.py") == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("geometry", "import paddle_pose.skeletons"),
        ("codecs.base", "from paddle_pose import data"),
        ("codecs.base", "from ..data import mpii"),
        ("codecs.base", "def f():\n    from paddle_pose.build import model"),
        ("models.hrnet", "from paddle_pose.training.step import Step"),
        ("models.hrnet", "from paddle_pose.utils import thing"),
        ("codecs.base", "def f():\n    import paddle"),
        ("backends.onnx", "from paddle.nn import functional"),
        ("exporting.convert", "import paddle.onnx"),
        ("build", "import paddle"),
        ("metrics.pckh", "import scipy.io"),
        ("engine.train", "def f():\n    import paddle"),
        ("cli.train", "import numpy"),
        ("cli.train", "from paddle_pose.configs.registry import CONFIGS"),
    ],
)
def test_forbidden_import_is_found(module, source):
    assert violations(source, f"paddle_pose.{module}")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("geometry", "from paddle_pose.errors import InputError"),
        ("codecs.heatmap", "from . import base\nfrom .gaussian import draw"),
        ("codecs.heatmap", "from paddle_pose import __version__, geometry"),
        ("models.hrnet", "import paddle\nfrom paddle.nn import functional as F"),
        ("backends.paddle", "import paddle"),
        ("build", "def f():\n    import paddle\n    from paddle_pose.models import hrnet"),
        ("cli.train", "import argparse\nfrom paddle_pose.environment import command"),
        ("cli.train", "from paddle_pose.cli import options"),
        ("cli.train", "def f():\n    from paddle_pose.configs.registry import CONFIGS"),
    ],
)
def test_allowed_import_is_not_reported(module, source):
    assert violations(source, f"paddle_pose.{module}") == []


def architecture(kind: str) -> str:
    """Returns the fenced block of a kind in the section on layers of CONTRIBUTING.md."""
    section = (
        (ROOT / "CONTRIBUTING.md")
        .read_text(encoding="utf-8")
        .partition("### Who may import whom")[2]
    )
    return section.partition(f"```{kind}\n")[2].partition("```")[0]


def test_described_layers_equal_the_enforced_ones():
    rows = [line.split()[1:] for line in reversed(architecture("text").splitlines()) if line]
    assert tuple(map(tuple, rows)) == LAYERS


def test_arrows_of_the_diagram_are_imports():
    lines = [line for line in architecture("mermaid").splitlines() if "-->" in line]
    arrows = {
        (low, high)
        for low_names, high_names in (line.split("-->") for line in lines)
        for low in low_names.replace("&", " ").split()
        for high in high_names.replace("&", " ").split()
    }
    real = {
        (name.split(".")[1], module.split(".")[1])
        for module, path in MODULES.items()
        for name, _ in imports(path.read_text(encoding="utf-8"), module, path.name == "__init__.py")
        if name.startswith("paddle_pose.") and module != "paddle_pose"
    }
    assert len(arrows) > 20
    assert arrows - real == set()


def test_init_files_contain_only_a_docstring():
    for path in FILES:
        if path.name != "__init__.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        rest = [ast.unparse(node).split(" = ")[0] for node in tree.body[1:]]
        if path.parent.name == "cli":  # turns old Pythons away before it imports anything
            continue
        if (
            path.parent == PACKAGE
        ):  # the public names, imported when they are used: tests/test_api.py
            continue
        assert ast.get_docstring(tree), f"{path.relative_to(ROOT)} has no docstring"
        assert rest == [], f"{path.relative_to(ROOT)} holds more than a docstring"


def test_every_folder_of_the_package_has_an_init_file():
    without = {path.parent for path in FILES if not (path.parent / "__init__.py").is_file()}
    assert without == set()


def function_imports(source: str) -> list[str]:
    """Returns the imports inside functions as source text."""
    functions = [
        n
        for n in ast.walk(ast.parse(source))
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    nodes = {
        node
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    return [ast.unparse(node) for node in sorted(nodes, key=lambda node: node.lineno)]


def test_imports_inside_functions_are_few():
    found = [
        (module, line)
        for module, path in MODULES.items()
        for line in function_imports(path.read_text("utf-8"))
    ]
    assert len(found) <= MAX_FUNCTION_IMPORTS


def test_the_targets_of_the_specs_exist():
    from paddle_pose import kinds
    from paddle_pose.configs import specs

    families = (specs.ModelSpec, specs.LossSpec, specs.OptimizerSpec, specs.ScheduleSpec)
    known = [spec for family in families for spec in kinds.known(family).values()]
    targets = [spec.target for spec in known if spec.__module__.startswith("paddle_pose.")]
    assert len(targets) >= 12
    for target in targets:
        module, _, name = target.partition(":")
        tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
        assert name in {
            node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)
        }


def test_modules_without_paddle_can_be_imported_without_it():
    """No module that runs without Paddle imports Paddle or an optional package."""
    modules = [
        m
        for m in MODULES
        if not is_in(m, *(f"paddle_pose.{place}" for place in (*WITH_PADDLE, *NEED_PADDLE)))
    ]
    code = "import importlib, sys\n"
    code += f"for package in {('paddle', *OPTIONAL)}: sys.modules[package] = None\n"
    code += f"for module in {modules}: importlib.import_module(module)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
