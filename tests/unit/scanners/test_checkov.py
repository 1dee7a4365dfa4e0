from pathlib import Path
from typing import Any

import pytest

from scanners import checkov
from scanners.finding import Finding, ScannerError

ROOT = Path(__file__).parents[3]


def check(rule: str, file: str, result: dict[str, str]) -> dict[str, Any]:
    return {
        "check_id": rule,
        "check_name": "its name",
        "file_path": f"/{file}.yaml",
        "resource": "AWS::RDS::DBInstance.Database",
        "check_result": result,
    }


def skip(rule: str, file: str, comment: str) -> dict[str, Any]:
    return check(rule, file, {"result": "SKIPPED", "suppress_comment": comment})


def report(**results: list[Any]) -> dict[str, Any]:
    lists = {"failed_checks": [], "skipped_checks": [], "parsing_errors": [], **results}
    return {"results": lists, "summary": {"passed": 9, "skipped": len(lists["skipped_checks"])}}


def test_a_failure_names_the_resource_in_its_stack() -> None:
    failed = check("CKV_AWS_16", "dev/database", {"result": "FAILED"})

    verdict = checkov.judge(report(failed_checks=[failed]))

    assert verdict.findings == (Finding("CKV_AWS_16", "dev/database.Database", "its name"),)


def test_dev_may_skip_what_costs_money_with_a_reason() -> None:
    verdict = checkov.judge(
        report(skipped_checks=[skip("CKV_AWS_157", "dev/database", "one zone is enough")])
    )

    assert (verdict.findings, verdict.skipped) == ((), 1)


@pytest.mark.parametrize(
    ("skipped", "why"),
    [
        (skip("CKV_AWS_157", "prod/database", "dear"), "is skipped, and only dev may skip a check"),
        (
            skip("CKV_AWS_16", "dev/database", "dear"),
            "is skipped, and saves no money; dev may skip CKV_AWS_157",
        ),
        (skip("CKV_AWS_157", "dev/database", ""), "is skipped without a reason; write it into the comment"),
        (skip("CKV_AWS_157", "dev/database", " "), "is skipped without a reason; write it into the comment"),
        (
            skip("CKV_AWS_157", "dev/database", "No comment provided"),
            "is skipped without a reason; write it into the comment",
        ),
    ],
)
def test_no_other_skip_passes(skipped: dict[str, Any], why: str) -> None:
    (finding,) = checkov.judge(report(skipped_checks=[skipped])).findings

    assert finding.message == why


def test_what_cannot_be_read_is_no_pass() -> None:
    (finding,) = checkov.judge(report(parsing_errors=["/templates/dev/cache.yaml"])).findings

    assert finding.where == "/templates/dev/cache.yaml"


@pytest.mark.parametrize("nothing", [{"passed": 0, "failed": 0}, report() | {"summary": {"passed": 0}}])
def test_a_report_on_nothing_is_an_error(nothing: dict[str, Any]) -> None:
    with pytest.raises(ScannerError, match="passed nothing"):
        checkov.judge(nothing)


def test_checkov_sees_a_bucket_opened_and_a_check_skipped(scan: Any, tmp_path: Path) -> None:
    bootstrap = tmp_path / "templates/prod/bootstrap.yaml"
    bootstrap.parent.mkdir(parents=True)
    text = (ROOT / "templates/prod/bootstrap.yaml").read_text()
    above, _, artefacts = text.partition("  Artefacts:\n")
    opened = artefacts.replace("BlockPublicPolicy: true", "BlockPublicPolicy: false", 1)
    skip = "    Metadata:\n      checkov: {skip: [{id: CKV_AWS_136, comment: saved}]}\n"
    skipped = opened.replace(
        "  Images:\n    Type: AWS::ECR::Repository\n    Metadata:\n",
        f"  Images:\n    Type: AWS::ECR::Repository\n{skip}",
    )
    assert artefacts != opened != skipped
    bootstrap.write_text(f"{above}  Artefacts:\n{skipped}")

    done = scan("checkov", "--templates", tmp_path / "templates")

    assert [line.split()[:2] for line in done.stdout.splitlines()[1:]] == [
        ["prod/bootstrap.Images:", "CKV_AWS_136"],
        ["prod/bootstrap.Artefacts:", "CKV_AWS_54"],
    ], done.stderr
    assert "is skipped, and only dev may skip a check" in done.stdout
    assert done.returncode == 1


def test_a_scanner_without_templates_says_so(scan: Any, tmp_path: Path) -> None:
    done = scan("--templates", tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "checkov passed nothing" in done.stderr
