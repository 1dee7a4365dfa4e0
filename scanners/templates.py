"""The emitted templates as text, with the types of their resources."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from scanners.finding import ScannerError


@dataclass(frozen=True)
class Template:
    environment: str
    stack: str
    text: str
    types: Mapping[str, str]  # title → resource type

    @property
    def name(self) -> str:
        return f"{self.environment}/{self.stack}"

    def where(self, title: str | None) -> str:
        return f"{self.name}.{title}" if title else self.name


class _Loader(yaml.SafeLoader):
    """CloudFormation's short tags say nothing about types: !Ref, !GetAtt and !Sub become their text."""


def _without_tag(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return None


_Loader.add_multi_constructor("!", _without_tag)


def read(directory: Path) -> list[Template]:
    """Every <directory>/<environment>/<stack>.yaml, sorted. Raises ScannerError when there is none."""
    found = [_template(file) for file in sorted(directory.glob("*/*.yaml"))]
    if not found:
        raise ScannerError(f"{directory} holds no templates; run `python build.py` first")
    return found


def _template(file: Path) -> Template:
    text = file.read_text(encoding="utf-8")
    tree = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader that drops tags
    return Template(
        environment=file.parent.name,
        stack=file.stem,
        text=text,
        types={title: made["Type"] for title, made in tree["Resources"].items()},
    )
