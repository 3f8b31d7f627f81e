"""Findings of a check, and the report on a data set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

SEVERITIES = ("error", "warning", "note")
_NUM_SHOWN = 5  # examples of a finding in the text


@dataclass(frozen=True)
class Finding:
    """Something to know about a data set.

    Attributes:
        severity: "error" spoils a training or an evaluation, "warning" may, "note" does not.
        code: Short name that stays the same.
        file: File or folder with the problem.
        text: What is wrong.
        fix: What to do.
        count: Number of records, images or joints that have the problem.
        total: Number of records, images or joints that were checked.
        examples: All that have the problem, by name: "record 3 (1.jpg)", or an image.
    """

    severity: str
    code: str
    file: str
    text: str
    fix: str
    count: int = 1
    total: int = 1
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """Result of the check of a data set.

    Attributes:
        root: Path of the data set.
        counts: Samples and images of every split that was found.
        decoded: Number of images whose pixels were decoded.
        findings: Findings, errors first.
        published: Samples and images of the published data set's splits.
        limits: What cannot be told from the files.
    """

    root: str
    counts: dict[str, tuple[int, int]]
    decoded: int
    findings: tuple[Finding, ...]
    published: dict[str, tuple[int, int]]
    limits: str

    def number(self, severity: str) -> int:
        """Returns the number of findings of one severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Returns all of it, every example included, for JSON."""
        totals = {severity: self.number(severity) for severity in SEVERITIES}
        return {**asdict(self), "totals": totals}

    def text(self) -> str:
        """Returns the report for reading: counts, findings, totals."""
        lines = [self.root, f"{'split':<10}{'samples':>9}{'images':>9}   published"]
        for name, (samples, images) in self.counts.items():
            published = (
                "{:,} in {:,}".format(*self.published[name]) if name in self.published else "-"
            )
            lines.append(f"{name:<10}{samples:>9,}{images:>9,}   {published}")
        for finding in self.findings:
            counts = f"{finding.count:,} of {finding.total:,}"
            lines += ["", f"{finding.severity.upper()} {finding.code}: {counts} in {finding.file}"]
            lines += [
                f"  {finding.text}",
                *(f"    {example}" for example in finding.examples[:_NUM_SHOWN]),
            ]
            if len(finding.examples) > _NUM_SHOWN:
                lines.append(
                    f"    ... and {len(finding.examples) - _NUM_SHOWN:,} more (--json lists all)"
                )
            lines.append(f"  To do: {finding.fix}")
        lines += ["", f"{'finding':<24}{'severity':<10}{'count':>9}"]
        lines += [
            f"{finding.code:<24}{finding.severity:<10}{finding.count:>9,}"
            for finding in self.findings
        ]
        numbers = ", ".join(f"{self.number(severity)} {severity}s" for severity in SEVERITIES)
        text = "\n".join([*lines, f"{numbers}; {self.decoded:,} images decoded", self.limits])
        # A damaged name may contain what cannot be printed.
        return text.encode("utf-8", "backslashreplace").decode()


def sorted_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Returns the findings, errors first, notes last."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
