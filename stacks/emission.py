"""Templates as YAML: the same bytes on every machine, in the order in which people read CloudFormation.

Order of sections, and of a resource's attributes, is fixed below; properties keep the order in which the
stack's module wrote them, tags last. Functions
take their short form. No account, time, hash or host is in it.
"""

from typing import Any

import yaml
from yaml.representer import BaseRepresenter

from stacks.wiring import StackTemplate

MADE_HERE = "# Made by build.py from"  # how a file says that it may be overwritten, and removed
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Resources",
    "Outputs",
)
# What a reader asks of a resource, in turn: what is it, when is it made, how does it go, what does it say?
ATTRIBUTES = (
    "Type",
    "Metadata",
    "Condition",
    "DependsOn",
    "CreationPolicy",
    "UpdatePolicy",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Properties",
)
NEVER_FOLD = 1 << 20  # a line that wraps where its length changed makes a diff of what did not change


class Short:
    """An intrinsic function in its short form: `!Sub text`."""

    def __init__(self, tag: str, argument: object) -> None:
        self.tag = tag
        self.argument = argument


class _Whole:
    """Everything written out: CloudFormation reads no anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


class InPython(_Whole, yaml.SafeDumper):
    """The same bytes where PyYAML came without libyaml, only slower."""

    def choose_scalar_style(self) -> str:
        """A tag alone is no reason for quotes; libyaml agrees, PyYAML's own emitter does not."""
        event = self.event
        if not isinstance(event, yaml.ScalarEvent) or not (event.tag or "").startswith("!"):
            return str(super().choose_scalar_style())
        implicit = event.implicit
        event.implicit = (True, False)
        style = str(super().choose_scalar_style())
        event.implicit = implicit
        return style


DUMPERS: list[type[yaml.SafeDumper | yaml.CSafeDumper]] = [InPython]
if yaml.__with_libyaml__:

    class InC(_Whole, yaml.CSafeDumper):
        """libyaml, which does nearly all of it."""

    DUMPERS.insert(0, InC)


def emit(template: StackTemplate) -> str:
    """The whole file."""
    header = (
        f"{MADE_HERE} {template.module.replace('.', '/')}.py"
        f" and parameters/{template.environment}.yaml. Change those, never this file.\n"
    )
    ordered = _ordered(template.tree, SECTIONS)
    ordered["Resources"] = {
        title: _ordered(resource, ATTRIBUTES) for title, resource in ordered["Resources"].items()
    }
    return header + dump(ordered)


def dump(tree: object, dumper: type[yaml.SafeDumper | yaml.CSafeDumper] = DUMPERS[0]) -> str:
    """A tree of dicts, lists and scalars with long-form functions as YAML with short ones."""
    return yaml.dump(
        _shorten(tree),
        Dumper=dumper,
        sort_keys=False,
        default_flow_style=False,
        width=NEVER_FOLD,
        allow_unicode=True,
    )


def _ordered(mapping: dict[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    return {key: mapping[key] for key in order if key in mapping}


def _shorten(node: object) -> object:
    if isinstance(node, list):
        return [_shorten(part) for part in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        ((name, argument),) = node.items()
        if name == "Ref":
            return Short("!Ref", argument)
        if name == "Fn::GetAtt" and isinstance(argument, list) and all(isinstance(x, str) for x in argument):
            return Short("!GetAtt", ".".join(argument))
        if isinstance(name, str) and name.startswith("Fn::"):
            return Short("!" + name.removeprefix("Fn::"), _shorten(argument))
    return {key: _shorten(value) for key, value in node.items()}


def _represent_short(dumper: BaseRepresenter, short: Short) -> yaml.Node:
    node = dumper.represent_data(short.argument)
    node.tag = short.tag
    return node


def _represent_text(dumper: BaseRepresenter, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


for _dumper in DUMPERS:
    _dumper.add_representer(Short, _represent_short)
    _dumper.add_representer(str, _represent_text)
