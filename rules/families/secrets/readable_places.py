"""Every place of a tree where a value lies in plain text, with the name that it stands under there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from rules.seam.rule import Steps
from rules.seam.site import Site
from topology.tree import NESTED, Resource, Stack
from topology.values import Given, Reference, Text, Unknown, Value

NAMES = ("Name", "Key", "ParameterKey", "OptionName", "HeaderName")
VALUES = ("Value", "ParameterValue", "HeaderValue")
ENVIRONMENTS = frozenset(
    {
        "Environment",
        "EnvironmentVariables",
        "RuntimeEnvironmentVariables",
        "OptionSettings",
        "DockerLabels",
        "Options",
        "Variables",
        "DefaultArguments",
        "Tags",
    }
)
COMMANDS = frozenset({"Command", "EntryPoint", "UserData", "BuildSpec", "command"})


@dataclass(frozen=True)
class Leaf:
    """One value."""

    place: Resource | Stack
    path: Steps  # within the resource's properties' parent, or the template
    name: str  # the key of its mapping, or the name that stands beside it
    value: Value
    text: str
    environment: bool  # whether its name is one that a program reads, and not a property's


_READ: WeakKeyDictionary[Site, tuple[Leaf, ...]] = (
    WeakKeyDictionary()
)  # several rules ask of one site in turn


def leaves(site: Site) -> tuple[Leaf, ...]:
    """Of all properties and metadata, outputs, and what a template says of itself."""
    if site not in _READ:
        _READ[site] = tuple(_leaves(site))
    return _READ[site]


def _leaves(site: Site) -> Iterator[Leaf]:
    for resource in site.tree.resources():
        for name, value in site.properties(resource).items():
            inside = name in ENVIRONMENTS or (resource.kind == NESTED and name == "Parameters")
            yield from _in(resource, ("Properties", name), name, value, inside)
        yield from _in(resource, ("Metadata",), "Metadata", resource.body.get("Metadata"), True)
    for stack in site.tree.stacks.values():
        for name, written in stack.outputs.items():
            value = site.resolver.value(written, stack.address)
            yield from _in(stack, ("Outputs", name, "Value"), name, value, True)
        yield from _in(stack, ("Description",), "Description", stack.body.get("Description"), False)


def _in(place: Resource | Stack, path: Steps, name: str, value: Value, inside: bool) -> Iterator[Leaf]:
    if isinstance(value, list):
        if name in COMMANDS and all(isinstance(one, str | Text | Reference | Given) for one in value):
            text = " ".join(map(str, value))
            yield Leaf(place, path, name, text, text, inside)
            return
        for position, item in enumerate(value):
            yield from _in(place, (*path, position), name, item, inside)
    elif isinstance(value, dict):
        paired = _paired(value)
        for key, item in value.items():
            within = inside or key in ENVIRONMENTS
            if paired and key in VALUES:
                yield from _in(place, (*path, key), paired, item, True)
            else:
                yield from _in(place, (*path, str(key)), str(key), item, within)
    elif value is not None and not isinstance(value, Unknown | Reference):
        yield Leaf(place, path, name, value, str(value), inside)


def _paired(value: dict[str, Any]) -> str:
    """The name of {Name: …, Value: …}."""
    named = next((value[one] for one in NAMES if isinstance(value.get(one), str)), "")
    return named if any(one in value for one in VALUES) else ""
