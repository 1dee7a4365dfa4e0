"""One stack built alone: each input a reference to a parameter, as the root would give it."""

import importlib
import typing
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import msgspec
import pytest
from troposphere import Ref

from parameters.settings import load
from stacks.wiring import Root, StackTemplate

Nested = Callable[..., dict[str, Any]]
# Tuples whose length is no number of zones.
LENGTHS = {"consumers": 0}


@pytest.fixture
def nested() -> Nested:
    """`nested("database", "prod", multi_az=False)`: the template as a dict, its settings changed so."""

    def build(name: str, environment: str = "dev", **changes: object) -> dict[str, Any]:
        settings = load(environment)
        module = importlib.import_module(f"stacks.{name}")
        kinds = typing.get_type_hints(module.Inputs)
        zones = range(1, len(settings.network.zones) + 1)
        inputs = module.Inputs(
            **{
                field.name: tuple(Ref(f"Given{number}") for number in zones[: LENGTHS.get(field.name)])
                if typing.get_origin(kinds[field.name]) is tuple
                else Ref("Given")
                for field in fields(module.Inputs)
            }
        )
        root = Root(StackTemplate("platform", "stacks.wiring", settings), settings)
        root.nest(module.build, inputs, msgspec.structs.replace(getattr(settings, name), **changes))
        (child,) = root.children.values()
        made: dict[str, Any] = child.to_dict()
        return made

    return build


@pytest.fixture
def of_type() -> Callable[[dict[str, Any], str], dict[str, dict[str, Any]]]:
    """Title → resource, of one CloudFormation type."""

    def select(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
        return {title: made for title, made in template["Resources"].items() if made["Type"] == kind}

    return select


@pytest.fixture
def statements() -> Callable[[dict[str, Any]], list[dict[str, Any]]]:
    """Every statement of a role's own policies."""

    def read(role: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            statement
            for policy in role["Properties"]["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    return read
