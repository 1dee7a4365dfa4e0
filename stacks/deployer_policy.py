"""What the deployer's own calls take, as docs/needs.yaml has it: one statement for each need."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from troposphere import Sub

from topology import needs

NEEDS = Path(__file__).parents[1] / "docs" / "needs.yaml"
HOLDER = "Bootstrap/Deployer"
HERE = "Bootstrap/"
# How docs/needs.yaml writes a place, and what it is in a template.
PLACE = {
    "arn:aws:": "arn:${AWS::Partition}:",
    ":eu-west-2:": ":${AWS::Region}:",
    ":111122223333:": ":${AWS::AccountId}:",
}


class Unknown(ValueError):
    """docs/needs.yaml: {holder} needs {resource}, which bootstrap does not make; write its ARN"""

    def __init__(self, resource: str) -> None:
        super().__init__(
            f"docs/needs.yaml: {HOLDER} needs {resource}, which bootstrap does not make; write its ARN"
        )


def statements(environment: str) -> list[dict[str, Any]]:
    """Raises needs.BadNeeds, Unknown."""
    return [statement(need, environment) for need in _needs()[HOLDER]]


def statement(need: needs.Need, environment: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Sid": re.sub(r"[^A-Za-z0-9]", "", need.why.title()),  # the letters that a Sid may have
        "Effect": "Allow",
        "Action": list(need.actions),
        "Resource": [resource(named.replace("{environment}", environment)) for named in need.resources],
    }
    if need.through:
        made["Condition"] = {"StringEquals": through(need)}
    return made


def through(need: needs.Need) -> dict[str, Any]:
    """A key is used through a service of the region, a role is passed to one."""
    if need.actions == ("iam:PassRole",):
        return {"iam:PassedToService": f"{need.through}.amazonaws.com"}
    return {"kms:ViaService": Sub(f"{need.through}.${{AWS::Region}}.${{AWS::URLSuffix}}")}


def resource(named: str) -> Sub | str:
    """Raises Unknown for an address that is not bootstrap's."""
    if named == needs.ANY:
        return named
    if named.startswith("arn:"):
        for written, meant in PLACE.items():
            named = named.replace(written, meant)
        return Sub(named) if "${" in named else named
    if not named.startswith(HERE):
        raise Unknown(named)
    place, _, below = named.removeprefix(HERE).partition(" + ")
    title, _, attribute = place.partition(".")
    return Sub(f"${{{title}.{attribute or 'Arn'}}}{below}")


@cache
def _needs() -> needs.Needs:
    return needs.load(NEEDS)
