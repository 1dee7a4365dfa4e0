"""The failures that stand, each with its reason: the table of docs/decisions/guard.md."""

import re
from collections.abc import Iterable
from pathlib import Path

from scanners.finding import Finding, ScannerError

PAGE = Path("docs/decisions/guard.md")
# | RULE | stack.Resource | dev, prod | why |
ROW = re.compile(r"^\| `(\w+)` \| `([\w.]+)` \| ([\w, ]+) \| (.*) \|$", re.MULTILINE)


def read(page: Path) -> dict[tuple[str, str], str]:
    """(rule, where) → reason. Raises ScannerError for a page without rows, a row without reason or twice."""
    reasons: dict[tuple[str, str], str] = {}
    for rule, resource, environments, reason in ROW.findall(page.read_text(encoding="utf-8")):
        for environment in environments.split(", "):
            row = (rule, f"{environment}/{resource}")
            if row in reasons or not reason.strip():
                wrong = "stands twice" if row in reasons else "has no reason"
                raise ScannerError(f"{page}: {rule} for {row[1]} {wrong}")
            reasons[row] = reason.strip()
    if not reasons:
        raise ScannerError(f"{page} has no rows: | `RULE` | `stack.Resource` | dev, prod | why |")
    return reasons


def compare(findings: Iterable[Finding], reasons: dict[tuple[str, str], str]) -> list[Finding]:
    """What fails without a reason, and what has a reason and fails no more."""
    failing = {(finding.rule, finding.where): finding for finding in findings}
    unjustified = [finding for row, finding in failing.items() if row not in reasons]
    idle = [
        Finding(rule, where, f"fails no more; take its row out of {PAGE}")
        for rule, where in reasons
        if (rule, where) not in failing
    ]
    return sorted([*unjustified, *idle])
