"""docs/recovering.md: every state stands in it, and every command that it names can be typed."""

import re

import boto3
import click
import pytest

from deployer.commands import deploy
from deployer.paths import ROOT

PAGE = (ROOT / "docs" / "recovering.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"`python deploy\.py ([^`]+)`", PAGE)))


def test_every_state_has_its_row() -> None:
    model = boto3.Session().client("cloudformation", region_name="eu-west-2").meta.service_model
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]

    named = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1])}

    assert named == set(model.shape_for("StackStatus").enum)  # type: ignore[attr-defined]  # of a string


@pytest.mark.parametrize("typed", COMMANDS)
def test_every_command_can_be_typed(typed: str) -> None:
    name, *arguments = typed.split()
    command = deploy.commands[name]

    command.make_context(name, arguments, parent=click.Context(deploy))


def test_the_page_names_commands_at_all() -> None:
    assert len(COMMANDS) > 5
