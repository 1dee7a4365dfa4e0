"""One template file as plain data: short functions in their long form, and the line of every value.

JSON is YAML, so templates in JSON are read as well.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

try:  # the same tree and the same lines, seven times as fast
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML came without libyaml
    from yaml import SafeLoader  # type: ignore[assignment]

Lines = Mapping[tuple[str | int, ...], int]  # the way to a value → the line on which its key or item stands

LOOP = "Fn::ForEach::"  # stands among resources and is none; only the transform knows what it makes
UNPREFIXED = {"Ref", "Condition"}  # every other short tag is Fn::<tag>


class BadTemplate(ValueError):
    """{file}: {what is wrong with it}"""


class _Loader(SafeLoader):
    """Text as CloudFormation reads it: 2010-09-09 is no date."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in SafeLoader.yaml_implicit_resolvers.items()
}


def read(file: Path) -> tuple[dict[str, Any], Lines]:
    """The template and its lines. Raises BadTemplate."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadTemplate(f"{file}: cannot be read ({error})") from error
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[tuple[str | int, ...], int] = {}
        body = _plain(loader, node, (), lines) if node is not None else None
    except yaml.YAMLError as error:
        raise BadTemplate(f"{file}: is not YAML ({' '.join(str(error).split())})") from error
    finally:
        loader.dispose()
    if not isinstance(body, dict) or not isinstance(body.get("Resources"), dict):
        raise BadTemplate(f"{file}: has no Resources; a template's top level is a mapping with that key")
    for name, resource in body["Resources"].items():
        if str(name).startswith(LOOP):
            continue
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise BadTemplate(f"{file}:{lines['Resources', name]}: {name} has no Type")
    return body, lines


def _plain(
    loader: _Loader, node: yaml.Node, path: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]
) -> Any:
    value: Any
    if isinstance(node, yaml.MappingNode):
        value = {}
        loader.flatten_mapping(node)
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            lines[*path, key] = key_node.start_mark.line + 1
            value[key] = _plain(loader, value_node, (*path, key), lines)
    elif isinstance(node, yaml.SequenceNode):
        value = []
        for position, item in enumerate(node.value):
            lines[*path, position] = item.start_mark.line + 1
            value.append(_plain(loader, item, (*path, position), lines))
    elif node.tag.startswith("!"):
        value = node.value
    else:
        value = loader.construct_object(node)
    return _function(node.tag[1:], value) if node.tag.startswith("!") else value


def _function(tag: str, argument: Any) -> dict[str, Any]:
    if tag == "GetAtt" and isinstance(argument, str):
        argument = list(argument.partition(".")[::2])  # the attribute may hold dots of its own
    return {tag if tag in UNPREFIXED else f"Fn::{tag}": argument}
