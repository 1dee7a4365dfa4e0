"""The intrinsic functions of a template: where each stands, and what it names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SUBSTITUTED = re.compile(r"\$\{([^!][^}]*)\}")


@dataclass(frozen=True)
class Function:
    """`Resources.Topic.Properties.DisplayName`, `Fn::Sub`, and what it is given."""

    place: str
    name: str
    argument: Any

    def attribute(self) -> tuple[str, str] | None:
        """(logical id, attribute) of a GetAtt, however it is written."""
        match self.name, self.argument:
            case "Fn::GetAtt", [str(title), str(attribute)]:
                return title, attribute
            case "Fn::GetAtt", str(dotted):
                title, _, attribute = dotted.partition(".")
                return title, attribute
        return None

    def substituted(self) -> list[str]:
        """What a Sub takes from the template: `Title`, `Title.Attribute`. Names that it brings are not."""
        if self.name != "Fn::Sub":
            return []
        text, own = (self.argument, {}) if isinstance(self.argument, str) else self.argument
        return [name for name in SUBSTITUTED.findall(text) if name not in own]

    def named(self) -> set[str]:
        """Every logical name that it mentions."""
        if self.name == "Ref":
            return {self.argument}
        if found := self.attribute():
            return {found[0]}
        return {name.partition(".")[0] for name in self.substituted()}


def functions(node: object, place: str = "") -> Iterator[Function]:
    """Every function anywhere under `node`, those inside the arguments of others included.

    A `Condition` on a resource or in a condition reads as one too: it names what the template must have. The
    one of a container that waits for another (`ContainerDependency`) does not.
    """
    if isinstance(node, list):
        for position, part in enumerate(node):
            yield from functions(part, f"{place}[{position}]")
    elif isinstance(node, dict):
        for key, value in node.items():
            names_condition = key == "Condition" and isinstance(value, str) and "ContainerName" not in node
            if key == "Ref" or str(key).startswith("Fn::") or names_condition:
                yield Function(place, key, value)
            yield from functions(value, f"{place}.{key}" if place else str(key))


def names(node: object) -> set[str]:
    """Each logical name that any function under `node` mentions."""
    return {name for function in functions(node) for name in function.named()}
