"""Drift is detected with the rights of whoever asks: where some are missing, a policy with them is named."""

import io
import json

import pytest

from deployer import commands, drift
from deployer.commands.drift import READER
from deployer.drift import Drift, ResourceDrift, StackDrift, Status

ROLE = "User: arn:aws:iam::111122223333:user/x is not authorized to perform: iam:GetRole on resource: role r"


def found(why: str, reason: str) -> Drift:
    role = ResourceDrift("Database/Role", "AWS::IAM::Role", "r", Status.UNKNOWN, reason)
    return Drift("dev", "millrace-dev", (StackDrift(("Database",), "Database", (role,), why),))


@pytest.mark.parametrize(
    ("why", "reason", "said"),
    [
        (ROLE, "", True),
        ("Failed to detect drift on resources [Role]", ROLE, True),
        ("You are not authorized. (Code: UnauthorizedOperation)", "", True),
        ("Rate exceeded", "", False),
    ],
)
def test_rights_that_drift_detection_lacks_are_named_beside_the_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], why: str, reason: str, said: bool
) -> None:
    monkeypatch.setattr(drift, "detect", lambda _: found(why, reason))
    monkeypatch.setattr("sys.stdin", io.StringIO())

    assert commands.main(["drift", "dev", "--json"]) == 1

    out, err = capsys.readouterr()
    assert json.loads(out)["failed"] == {"Database": why}
    assert err.splitlines()[1:] == ([READER] if said else [])


def test_a_gate_that_cannot_look_names_them_before_it_refuses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(drift, "detect", lambda _: found(ROLE, ""))
    monkeypatch.setattr("deployer.waiting.settle", lambda *_, **__: None)

    assert commands.main(["plan", "dev", "--drift-gate"]) == 1
    assert capsys.readouterr().err.startswith(f"{READER}\ndeploy.py: drift of Database cannot be detected")
