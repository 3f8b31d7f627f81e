"""The source distribution and the wheel, and the wheel in an environment of its own."""

import importlib.metadata
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

import paddle_pose

packaging = pytest.importorskip("packaging.requirements", reason="needs packaging")
ROOT = Path(__file__).resolve().parents[2]
SOURCES = (
    "CHANGELOG.md",
    "CITATION.cff",
    "LICENSE",
    "MANIFEST.in",
    "NOTICE",
    "README.md",
    "README_zh.md",
    "paddle_pose",
    "pyproject.toml",
    "requirements",
    "requirements.txt",
    "tests",
)
HEAVY = ("paddle", "scipy", "pycocotools", "matplotlib", "visualdl", "openvino", "paddle2onnx")


def run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command that must succeed."""
    done = subprocess.run(
        list(map(str, words)), cwd=cwd, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done


def build(source: Path, folder: Path, *flags: str) -> None:
    """Builds distributions with the installed setuptools, so that nothing is downloaded."""
    run(
        *(sys.executable, "-m", "build", "--no-isolation", *flags, "--outdir", folder, source),
        cwd=folder.parent,
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a copy of the project, since setuptools writes into the folder that it builds."""
    if importlib.util.find_spec("build") is None:
        pytest.skip("needs build (requirements/tools.txt)")
    if int(importlib.metadata.version("setuptools").partition(".")[0]) < 77:
        pytest.skip("needs setuptools 77 or newer (requirements/tools.txt)")
    folder = tmp_path_factory.mktemp("source") / "project"
    folder.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def distributions(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with the source distribution and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist") / "dist"
    build(source, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    """Returns the wheel."""
    (path,) = distributions.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    """Returns the metadata of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def contents(path: Path) -> dict[str, int]:
    """Returns the names and checksums of the files in a wheel."""
    with zipfile.ZipFile(path) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist()}


def test_the_wheel_contains_every_file_of_the_package(source, wheel):
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "paddle_pose").rglob("*")
        if path.is_file()
    }
    assert "paddle_pose/web_demo/static/index.html" in expected
    assert {name for name in contents(wheel) if ".dist-info/" not in name} == expected


def test_the_source_distribution_builds_the_same_wheel(source, wheel, tmp_path):
    build(source, tmp_path / "dist", "--wheel")
    (direct,) = (tmp_path / "dist").glob("*.whl")
    assert direct.name == wheel.name
    assert contents(direct) == contents(wheel)


def test_the_source_distribution_contains_what_it_needs_and_no_tests(distributions):
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "NOTICE", "CITATION.cff", "requirements/predict.txt"} <= names
    assert [name for name in names if name.startswith("tests")] == []


def test_the_metadata_states_licence_version_and_no_heavy_dependency(metadata, wheel):
    assert metadata["Version"] == paddle_pose.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert {name.rpartition("/")[2] for name in contents(wheel)} >= {"LICENSE", "NOTICE"}
    assert {"train", "export", "notebooks", "heic"} <= set(metadata.get_all("Provides-Extra"))
    required = {packaging.Requirement(text).name for text in needed(metadata)}
    assert {"numpy", "onnxruntime"} <= required
    assert "paddlepaddle" not in required


def needed(metadata: Message) -> list[str]:
    """Returns the requirements that apply without extras on this machine."""
    found = metadata.get_all("Requires-Dist") or []
    requirements = map(packaging.Requirement, found)
    return [
        str(requirement)
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    ]


def link_requirements(metadata: Message, folder: Path) -> None:
    """Links the installed packages that a package needs, and those that they need, into a folder."""
    waiting, seen = needed(metadata), set()
    while waiting:
        name = re.sub(r"[-_.]+", "-", packaging.Requirement(waiting.pop()).name).lower()
        if name in seen:
            continue
        seen.add(name)
        distribution = importlib.metadata.distribution(name)
        waiting += needed(distribution.metadata)
        for top in {path.parts[0] for path in distribution.files or [] if path.parts[0] != ".."}:
            link = folder / top
            if top != "__pycache__" and not link.exists():
                link.symlink_to(Path(str(distribution.locate_file(top))))


@pytest.fixture(scope="module")
def empty(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns an environment that contains the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("empty") / "env"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    pip = (sys.executable, "-m", "pip", "--python", folder, "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder.parent)
    return folder


@pytest.fixture(scope="module")
def light(empty: Path, metadata: Message) -> Path:
    """Returns the environment with what the wheel requires, from the environment of the tests."""
    (folder,) = empty.glob("lib/python*/site-packages")
    link_requirements(metadata, folder)
    return empty


def test_help_and_version_need_no_other_package(empty, tmp_path):
    command = empty / "bin" / "paddle-pose"
    assert " predict " in run(command, "--help", cwd=tmp_path).stdout
    assert "--weights" in run(command, "predict", "--help", cwd=tmp_path).stdout
    assert paddle_pose.__version__ in run(command, "--version", cwd=tmp_path).stdout


def test_the_requirements_of_the_wheel_suffice_for_prediction(light, tmp_path):
    script = (
        "import importlib.util, json, paddle_pose as pp\n"
        "names = [name for name in pp.__all__ if name not in ('train', 'Run', 'export_model',"
        " 'Export')]\n"
        "for name in names: getattr(pp, name)\n"
        f"heavy = [name for name in {HEAVY} if importlib.util.find_spec(name)]\n"
        "print(json.dumps([pp.__file__, len(names), heavy]))"
    )
    done = run(light / "bin" / "python", "-W", "error", "-c", script, cwd=tmp_path)
    file, count, heavy = json.loads(done.stdout)
    assert Path(file).is_relative_to(light)
    assert count > 8
    assert heavy == []


@pytest.mark.parametrize(
    ("words", "name"),
    [(("zoo",), "movenet_thunder"), (("train", "--list_configs"), "hourglass52_mpii_256")],
    ids=["zoo", "configs"],
)
def test_the_lists_of_models_and_configs_need_no_paddle(light, tmp_path, words, name):
    assert name in run(light / "bin" / "paddle-pose", *words, cwd=tmp_path).stdout
