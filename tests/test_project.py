"""pyproject.toml, CITATION.cff, the Makefile and the workflows agree with each other."""

import re
import sys
from pathlib import Path

import pytest

import paddle_pose

yaml = pytest.importorskip("yaml", reason="needs PyYAML")
if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli", reason="needs tomli")

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CFF_REQUIRED = {"cff-version", "message", "title", "authors"}  # of the Citation File Format 1.2.0
CFF_AUTHORS = ({"name"}, {"family-names", "given-names"}, {"alias"})  # an entity or a person


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def project() -> dict:
    """Returns the table [project] of pyproject.toml."""
    return tomllib.loads(read("pyproject.toml"))["project"]


def minors(versions: list[str]) -> list[int]:
    """Returns y of each version 3.y, in order."""
    return sorted(int(version.rpartition(".")[2]) for version in versions)


def supported() -> list[int]:
    """Returns y of each supported Python 3.y, as stated by the classifiers."""
    found = re.findall(r":: Python :: (3\.\d+)$", "\n".join(project()["classifiers"]), re.MULTILINE)
    return minors(found)


def test_classifiers_name_the_pythons_of_the_makefile():
    lowest, highest = re.findall(r"\(3, (\d+)\)", read("Makefile"))
    assert supported() == list(range(int(lowest), int(highest) + 1))
    assert project()["requires-python"] == f">=3.{lowest}"


def test_the_citation_file_has_the_required_fields_and_the_values_of_the_package():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation.keys() >= CFF_REQUIRED
    assert citation["cff-version"] == "1.2.0"
    assert all(isinstance(citation[key], str) for key in CFF_REQUIRED - {"authors"})
    assert citation["authors"]
    for author in citation["authors"]:
        assert any(fields <= author.keys() for fields in CFF_AUTHORS), author
    assert citation["type"] == "software"
    assert citation["title"] == project()["name"]
    assert citation["license"] == project()["license"]
    assert str(citation["version"]) == paddle_pose.__version__
    names = [author["name"] for author in project()["authors"]]
    assert [author.get("name") for author in citation["authors"]] == names


def test_the_changelog_begins_with_the_version():
    headings = re.findall(r"^## (\S+) \((.+)\)$", read("CHANGELOG.md"), re.MULTILINE)
    version, date = headings[0]
    assert version == paddle_pose.__version__
    assert date == "unreleased" or re.fullmatch(r"\d{4}-\d\d-\d\d", date)
    released = yaml.safe_load(read("CITATION.cff")).get("date-released")
    assert (released is None) == (date == "unreleased")


def steps(workflow: dict) -> list[dict]:
    """Returns the steps of all jobs of a workflow."""
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_is_a_workflow():
    assert [path.name for path in WORKFLOWS] == ["ci.yml"]


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request):
    """Returns a workflow."""
    return yaml.safe_load(request.param.read_text(encoding="utf-8"))


def test_workflows_call_targets_of_the_makefile(workflow):
    targets = set(re.findall(r"^([a-z][\w-]*):", read("Makefile"), re.MULTILINE))
    called = [
        name
        for step in steps(workflow)
        for name in re.findall(r"make ([\w-]+)", step.get("run", ""))
    ]
    assert {"lint", "test", "test-light", "dist", "docs"} <= set(called) <= targets


def test_workflows_may_only_read_and_pin_their_actions_by_major_version(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"actions/[\w-]+@v\d+", name)] == []


def test_workflows_run_the_oldest_and_the_newest_python(workflow):
    pythons = {
        name: job["strategy"]["matrix"]["python"]
        for name, job in workflow["jobs"].items()
        if "strategy" in job
    }
    assert set(pythons) == {"test", "test-light"}
    for versions in pythons.values():
        assert minors(versions) == [supported()[0], supported()[-1]]


def test_ci_runs_targets_of_the_makefile():
    targets = set(re.findall(r"^([a-z][\w-]*):", read("Makefile"), re.MULTILINE))
    called = re.findall(r"^make ([\w-]+)$", read(".ci/run"), re.MULTILINE)
    assert {"lint", "test", "test-light"} <= set(called) <= targets
