"""All cases of `table.py` have their expected outcome."""

import pytest
from faults.cases import CASES, FAULTS, INPUTS
from faults.table import Case, attempt, site, table

# Some files end the process that reads them.
pytestmark = pytest.mark.usefixtures("child_processes")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return site(tmp_path_factory.mktemp("faults") / "start")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_fault_is_reported_and_nothing_is_lost(case, start, tmp_path, capsys):
    assert attempt(case, start, tmp_path / "here").problems == ()


def test_table_shows_unexpected_outcomes(start, tmp_path):
    wrong = Case("a case without a fault", "val", ("--help",), "no such words", status=2)
    outcome = attempt(wrong, start, tmp_path / "here")
    assert outcome.problems[0] == "status 0, expected 2"
    assert "'no such words'" in outcome.problems[1]
    text = table([wrong], [outcome], str(tmp_path))
    assert "## Bad inputs: 1 tried, 0 as expected" in text
    assert "**status 0, expected 2; " in text


def test_numbers_of_cases_are_not_reduced():
    assert len(FAULTS) >= 15
    assert len(INPUTS) >= 30
    assert len({case.name for case in CASES}) == len(CASES)
