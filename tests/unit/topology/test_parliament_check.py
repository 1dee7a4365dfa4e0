"""The script that runs where parliament is; here something stands in for it that finds what it is told to."""

import importlib
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

POLICY = {
    "file": "prod/plant.yaml",
    "line": 3,
    "resource": "Plant/Role",
    "name": "work",
    "kind": "identity",
    "statements": [{"name": "First", "line": 10}, {"name": "statement 2", "line": 20}],
    "document": {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "First", "Effect": "Allow", "Action": "a:B", "Resource": "*"},
            {"Effect": "Allow", "Action": "a:C", "Resource": "arn:aws:a:::${aws:username}:x"},
        ],
    },
}


class Parliament(ModuleType):
    """`found` is what it finds in everything; `asked` what it was given."""

    def __init__(self) -> None:
        super().__init__("parliament")
        self.found: list[SimpleNamespace] = []
        self.asked: list[tuple[str, bool]] = []

    def analyze_policy_string(self, text: str, **options: bool) -> SimpleNamespace:
        self.asked.append((text, options["include_community_auditors"]))
        return SimpleNamespace(findings=self.found)


@pytest.fixture
def parliament(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parliament]:
    stand_in = Parliament()
    monkeypatch.setitem(sys.modules, "parliament", stand_in)
    monkeypatch.delitem(sys.modules, "topology.parliament_check", raising=False)
    yield stand_in
    sys.modules.pop("topology.parliament_check", None)


def run(monkeypatch: pytest.MonkeyPatch, listed: object, *mutes: tuple[str, str, str]) -> int:
    check: Any = importlib.import_module("topology.parliament_check")
    monkeypatch.setattr(check, "MUTES", tuple(check._mute(*mute, "a reason") for mute in mutes))
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(listed)))
    return int(check.main())


def finding(issue: str, detail: object = "", **location: object) -> SimpleNamespace:
    return SimpleNamespace(issue=issue, detail=detail, location=location)


def test_nothing_found_is_nothing_to_say(
    parliament: Parliament, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, [POLICY]) == 0
    assert capsys.readouterr().out == "1 policies, 0 findings, 0 muted\n"
    ((text, further),) = parliament.asked
    assert further
    # Each statement on its own line, variables that a request fills in replaced.
    assert json.loads(text)["Statement"][1]["Resource"] == "arn:aws:a:::variable:x"
    assert [line.startswith("{") for line in text.splitlines()] == [True, True, True, False]


def test_a_finding_is_told_with_its_statement_and_line(
    parliament: Parliament, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parliament.found = [finding("RESOURCE_STAR", ["a:C"], line=3, column=1), finding("DUPLICATE_SID", "x")]
    assert run(monkeypatch, [POLICY]) == 1
    out = capsys.readouterr().out
    assert 'prod/plant.yaml:20: Plant/Role work statement 2: RESOURCE_STAR ["a:C"]' in out
    assert "prod/plant.yaml:3: Plant/Role work: DUPLICATE_SID x" in out


def test_a_mute_is_for_one_issue_in_one_kind_of_policy(
    parliament: Parliament, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parliament.found = [finding("RESOURCE_STAR", ["a:C"], line=3)]
    assert run(monkeypatch, [POLICY], ("RESOURCE_STAR", "identity", r'\["a:C"\]')) == 0
    assert run(monkeypatch, [POLICY], ("RESOURCE_STAR", "endpoint", r'\["a:C"\]')) == 1
    assert run(monkeypatch, [POLICY], ("UNKNOWN_ACTION", "identity", r'\["a:C"\]')) == 1
    assert run(monkeypatch, [POLICY], ("RESOURCE_STAR", "identity", "a:C")) == 1, "part of what is said"
    assert run(monkeypatch, [POLICY], ("RESOURCE_STAR", "identity", "a:D")) == 1
    assert "RESOURCE_STAR (identity, a:D) mutes nothing; remove it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ({"StringEquals": {"aws:PrincipalAccount": "1", "aws:ResourceAccount": "1"}}, 0),
        ({"StringEquals": {"aws:PrincipalAccount": "1"}}, 1),
        ({"StringEqualsIfExists": {"aws:PrincipalAccount": "1", "aws:ResourceAccount": "1"}}, 1),
        ({}, 1),
    ],
)
def test_an_endpoint_s_star_is_muted_only_where_the_account_binds_it(
    parliament: Parliament, monkeypatch: pytest.MonkeyPatch, condition: dict[str, Any], code: int
) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "a:C",
        "Resource": "*",
        "Condition": condition,
    }
    policy = {**POLICY, "kind": "endpoint", "document": {"Statement": [{"Effect": "Deny"}, statement]}}
    check: Any = importlib.import_module("topology.parliament_check")
    (ours,) = [mute for mute in check.MUTES if mute.kind == "endpoint"]
    parliament.found = [finding("RESOURCE_STAR", ["a:C"], line=3)]
    monkeypatch.setattr(check, "MUTES", (ours,))
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps([policy])))
    assert check.main() == code


def test_a_mute_that_mutes_nothing_fails(parliament: Parliament, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, [POLICY], ("RESOURCE_STAR", "identity", ".*")) == 1


def test_further_auditors_read_what_roles_may_do_only(
    parliament: Parliament, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, [{**POLICY, "kind": "resource"}])
    assert [further for _, further in parliament.asked] == [False]


@pytest.mark.parametrize("listed", [{"a": 1}, [{"file": "x"}], 7])
def test_anything_else_on_standard_input_is_refused(
    parliament: Parliament, monkeypatch: pytest.MonkeyPatch, listed: object
) -> None:
    assert run(monkeypatch, listed) == 2


def test_every_mute_of_ours_is_on_the_page_of_the_decision(parliament: Parliament) -> None:
    check: Any = importlib.import_module("topology.parliament_check")
    page = (Path(__file__).parents[3] / "docs" / "decisions" / "scanners.md").read_text()
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\w+) \| .+ \| .+ \|$", page, re.MULTILINE)
    assert sorted(rows) == sorted((mute.issue, mute.kind) for mute in check.MUTES)


def test_every_mute_of_ours_says_why_and_where_it_is_said(parliament: Parliament) -> None:
    check: Any = importlib.import_module("topology.parliament_check")
    assert all("https://docs.aws.amazon.com/" in mute.reason for mute in check.MUTES)
