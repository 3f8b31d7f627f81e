"""Findings of the dataset check, and the report on a data set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

SEVERITIES = ("error", "warning", "note")
"""Severities of findings, worst first; see `Finding`."""
_MAX_EXAMPLES = 5  # per finding, in the text of a report


@dataclass(frozen=True)
class Finding:
    """One problem of a data set.

    Attributes:
        severity: "error" for problems that make training or evaluation wrong, "warning" for those
            that may do so, "note" for information.
        code: Short name of the kind of problem, such as "missing_image"; it does not change between
            versions.
        file: Path of the file or folder that has the problem.
        text: Sentence on what was found and what is expected.
        fix: Sentence on how to correct the problem.
        count: Number of records, images or joints that have the problem; 1 for a whole file.
        total: Number of records, images or joints that were checked.
        examples: Texts on all records or images that have the problem, such as "record 3 (1.jpg)";
            empty for a whole file.
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
        root: Path of the data set's folder, or paths of its annotation files, separated by commas.
        counts: (number of samples, number of images) of each split that could be read, by the name
            of the split, such as "train".
        decoded: Number of images whose pixels were decoded.
        findings: Findings, sorted as by `sorted_findings`.
        published: (number of samples, number of images) of the published data set's splits, by
            name; empty if there are none.
        limits: Text on the problems that the check cannot detect.
    """

    root: str
    counts: dict[str, tuple[int, int]]
    decoded: int
    findings: tuple[Finding, ...]
    published: dict[str, tuple[int, int]]
    limits: str

    def number(self, severity: str) -> int:
        """Returns the number of findings of one severity.

        Args:
            severity: "error", "warning" or "note"; any other text gives 0.
        """
        return sum(finding.severity == severity for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Returns the report as a dictionary that JSON can store.

        Its keys are the attributes of this class, with each finding as a dictionary of the
        attributes of `Finding`; and "totals": {severity: number of findings}.
        """
        totals = {severity: self.number(severity) for severity in SEVERITIES}
        return {**asdict(self), "totals": totals}

    def text(self) -> str:
        """Returns the report as text of several lines, with up to five examples of each finding."""
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
                *(f"    {example}" for example in finding.examples[:_MAX_EXAMPLES]),
            ]
            if len(finding.examples) > _MAX_EXAMPLES:
                lines.append(
                    f"    ... and {len(finding.examples) - _MAX_EXAMPLES:,} more (--json lists all)"
                )
            lines.append(f"  Fix: {finding.fix}")
        lines += ["", f"{'finding':<24}{'severity':<10}{'count':>9}"]
        lines += [
            f"{finding.code:<24}{finding.severity:<10}{finding.count:>9,}"
            for finding in self.findings
        ]
        numbers = ", ".join(f"{self.number(severity)} {severity}s" for severity in SEVERITIES)
        text = "\n".join([*lines, f"{numbers}; {self.decoded:,} images decoded", self.limits])
        # The name of a damaged file may contain characters that cannot be printed.
        return text.encode("utf-8", "backslashreplace").decode()


def sorted_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Returns findings sorted by severity: errors, then warnings, then notes.

    Findings of one severity keep their order.

    Args:
        findings: Findings of a data set.

    Raises:
        ValueError: If a severity is not one of `SEVERITIES`.
    """
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
