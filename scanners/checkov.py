"""checkov over all templates, once: prod has neither failures nor skips, dev skips only what costs money."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanners.finding import Finding, ScannerError

# What dev may leave out, where its parameters do: the check → what it would cost.
COSTS_MONEY = {"CKV_AWS_157": "a second database instance in another zone"}


@dataclass(frozen=True)
class Verdict:
    findings: tuple[Finding, ...]
    passed: int
    skipped: int


def run(templates: Path) -> Verdict:
    """Raises ScannerError when checkov cannot run or has looked at nothing."""
    command = [sys.executable, "-m", "checkov.main", "--directory", str(templates)]
    options = ["--framework", "cloudformation", "--output", "json", "--skip-download"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    try:
        return judge(json.loads(done.stdout))
    except ValueError as error:
        raise ScannerError(f"checkov gave no report: {done.stderr[-2000:].strip()}") from error


def judge(report: dict[str, Any]) -> Verdict:
    """What its JSON report says that must not be.

    Raises ScannerError for a report on nothing.
    """
    results, summary = report.get("results", {}), report.get("summary", {})
    if not summary.get("passed"):
        raise ScannerError("checkov passed nothing: it found no template, or no resource in any")
    return Verdict(
        findings=tuple(sorted({*_failed(results), *_skipped(results), *_unread(results)})),
        passed=summary["passed"],
        skipped=summary["skipped"],
    )


def _failed(results: dict[str, Any]) -> Iterator[Finding]:
    for check in results["failed_checks"]:
        yield Finding(check["check_id"], _where(check), check["check_name"])


def _skipped(results: dict[str, Any]) -> Iterator[Finding]:
    """A skip is a line of Metadata on the resource, `checkov: {skip: [{id: …, comment: …}]}`."""
    for check in results["skipped_checks"]:
        rule, reason = check["check_id"], str(check["check_result"].get("suppress_comment", "")).strip()
        if not check["file_path"].startswith("/dev/"):
            yield Finding(rule, _where(check), "is skipped, and only dev may skip a check")
        elif rule not in COSTS_MONEY:
            allowed = ", ".join(COSTS_MONEY)
            yield Finding(rule, _where(check), f"is skipped, and saves no money; dev may skip {allowed}")
        elif not reason or reason == "No comment provided":
            yield Finding(rule, _where(check), "is skipped without a reason; write it into the comment")


def _unread(results: dict[str, Any]) -> Iterator[Finding]:
    for file in results["parsing_errors"]:
        yield Finding("parsing", str(file), "checkov cannot read it")


def _where(check: dict[str, Any]) -> str:
    """/prod/bootstrap.yaml and AWS::S3::Bucket.Artefacts → prod/bootstrap.Artefacts"""
    return f"{check['file_path'].strip('/').removesuffix('.yaml')}.{check['resource'].rpartition('.')[2]}"
