"""Templates as YAML: the same bytes on every machine, in the order in which people read CloudFormation.

Order of sections, and of a resource's attributes, is fixed below; properties keep the order in which the
stack's module wrote them, tags last. Functions
take their short form. No account, time, hash or host is in it.
"""

from typing import Any

import yaml

from stacks.wiring import StackTemplate

try:
    from yaml import CSafeDumper as Base
except ImportError:  # PyYAML without libyaml: slower, the same bytes
    from yaml import SafeDumper as Base  # type: ignore[assignment]  # two classes, one interface

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


class Dumper(Base):
    """Writes everything out: CloudFormation takes no anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def emit(template: StackTemplate) -> str:
    """The whole file."""
    header = (
        f"# Made by build.py from {template.module.replace('.', '/')}.py"
        f" and parameters/{template.environment}.yaml. Change those, never this file.\n"
    )
    ordered = _ordered(template.tree, SECTIONS)
    ordered["Resources"] = {
        title: _ordered(resource, ATTRIBUTES) for title, resource in ordered["Resources"].items()
    }
    return header + dump(ordered)


def dump(tree: object) -> str:
    """A tree of dicts, lists and scalars with long-form functions as YAML with short ones."""
    return yaml.dump(
        _shorten(tree),
        Dumper=Dumper,
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
        if name == "Fn::GetAtt" and isinstance(argument, list):
            return Short("!GetAtt", ".".join(argument))
        if isinstance(name, str) and name.startswith("Fn::"):
            return Short("!" + name.removeprefix("Fn::"), _shorten(argument))
    return {key: _shorten(value) for key, value in node.items()}


def _represent_short(dumper: Dumper, short: Short) -> yaml.Node:
    node = dumper.represent_data(short.argument)
    node.tag = short.tag
    if isinstance(node, yaml.ScalarNode) and node.style is None and not isinstance(short.argument, str):
        raise TypeError(f"{short.tag} takes text, a list or a mapping, not {short.argument!r}")
    return node


def _represent_text(dumper: Dumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


Dumper.add_representer(Short, _represent_short)
Dumper.add_representer(str, _represent_text)
