"""`plan --json` and `plan --markdown`: one document on stdout, and the same exit codes."""

import json
from types import SimpleNamespace

import pytest

from deployer import commands, markdown
from deployer.changes import Action, Change, StackPlan
from deployer.plan import Kind, Plan
from parameters.settings import load


def plan(*changes: Change, change_set_id: str | None = "c") -> Plan:
    stacks = StackPlan("millrace-dev", changes)
    return Plan("dev", "millrace-dev", Kind.UPDATE, stacks, change_set_id, token="millrace-deploy-1")


EMPTY = plan(change_set_id=None)
ADDS = plan(Change("Role", "AWS::IAM::Role", Action.ADD))
LOSES = plan(Change("Table", "AWS::DynamoDB::Table", Action.REMOVE))


def run(monkeypatch: pytest.MonkeyPatch, made: Plan, *options: str) -> int:
    fake = SimpleNamespace(plan=lambda **_: made, target=SimpleNamespace(environment=load("dev")), stack_name="x")
    monkeypatch.setattr("deployer.waiting.settle", lambda *_, **__: None)
    monkeypatch.setattr("deployer.commands.invocation.Deployment", lambda *_, **__: fake)
    return commands.main(["plan", "dev", *options])


@pytest.mark.parametrize(("made", "code"), [(EMPTY, 0), (ADDS, 2), (LOSES, 3)])
def test_json_goes_to_stdout_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], made: Plan, code: int
) -> None:
    assert run(monkeypatch, made, "--json") == code

    printed = capsys.readouterr()
    assert json.loads(printed.out)["exit_code"] == code
    assert printed.err == ""


@pytest.mark.parametrize(("made", "code"), [(EMPTY, 0), (ADDS, 2), (LOSES, 3)])
def test_markdown_goes_to_stdout_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], made: Plan, code: int
) -> None:
    assert run(monkeypatch, made, "--markdown") == code
    assert capsys.readouterr() == (markdown.render(made), "")


def test_both_at_once_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, ADDS, "--json", "--markdown") == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "--json is not allowed with --markdown" in printed.err
