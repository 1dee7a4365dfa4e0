"""What a value of any template amounts to, once every reference is followed through the wiring.

`Ref` to a parameter leads to what the parent gives, `GetAtt` of a nested stack's output to that output, and
so on until a resource, a literal, or something that only a deployment knows. What comes out has the shape of
what went in, with each function replaced by a leaf: a scalar, a `Reference`, a `Given`, or a `Text` of them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from topology.tree import NESTED, Resource, Stack, Tree, under
from topology.values import REF, Given, Leaf, Reference, Unknown, Value, joined

NO_VALUE = "AWS::NoValue"
PSEUDO = frozenset(
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
    f"AWS::{name}"
    for name in ("AccountId", "NotificationARNs", "Partition", "Region", "StackId", "StackName", "URLSuffix")
)
SUBSTITUTED = re.compile(r"\$\{([^}]*)\}")


class Unresolvable(ValueError):
    """{where}: {what cannot be followed, and why}"""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")


class _Absent:
    """The value of AWS::NoValue: whatever would have it has nothing."""


ABSENT: Any = _Absent()


@dataclass(frozen=True)
class _Place:
    """Where a value is meant: a stack, the way to it for messages, and what was followed to get here."""

    stack: Stack
    where: str
    trail: tuple[str, ...] = ()

    def at(self, step: str | int) -> "_Place":
        return _Place(self.stack, f"{self.where}.{step}", self.trail)


class Resolver:
    """Follows references through one tree.

    A patient one raises nothing: what cannot be followed is an `Unknown` where it stands, the rest is as
    known as ever. So it reads templates that others write, with functions that nobody can follow here.
    """

    def __init__(self, tree: Tree, *, patient: bool = False) -> None:
        self.tree = tree
        self.patient = patient

    def properties(self, resource: Resource) -> dict[str, Value]:
        """All properties of a resource. Raises Unresolvable."""
        return {name: self.property(resource, name) for name in resource.properties}

    def property(self, resource: Resource, *path: str | int) -> Value:
        """One property, or what lies in it; None where the template leaves it out. Raises Unresolvable.

        Only that much is resolved, so a function that cannot be followed elsewhere does not matter.
        """
        node: Any = resource.properties
        for step in path:
            try:
                node = node[step]
            except (KeyError, IndexError):
                return None
        where = ".".join(map(str, (resource.address, *path)))
        return self.value(node, resource.stack, where)

    def value(self, node: object, stack: str, where: str = "") -> Value:
        """Any value as the template of `stack` writes it. Raises Unresolvable, which says `where`."""
        found = self._value(node, _Place(self.tree.stacks[stack], where or stack or "the root"))
        return None if found is ABSENT else found

    def _value(self, node: Any, place: _Place) -> Value:
        if isinstance(node, list):
            items = (self._value(item, place.at(position)) for position, item in enumerate(node))
            return [item for item in items if item is not ABSENT]
        if not isinstance(node, Mapping):
            leaf: Leaf = node
            return leaf
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name == REF or (isinstance(name, str) and name.startswith("Fn::")):
                return self._function(name, argument, place)
        pairs = ((key, self._value(item, place.at(key))) for key, item in node.items())
        return {key: item for key, item in pairs if item is not ABSENT}

    def _function(self, name: str, argument: Any, place: _Place) -> Value:
        function = self._functions.get(name)
        try:
            if function is None:
                raise Unresolvable(place.where, f"{name} cannot be followed")
            return function(self, argument, place)
        except (Unresolvable, AttributeError, LookupError, TypeError, ValueError) as error:
            # The others than Unresolvable: an argument of a wrong form, which a linter's schema names.
            if not self.patient:
                raise
            return Unknown(str(error) if isinstance(error, Unresolvable) else f"{place.where}: bad {name}")

    def _ref(self, name: str, place: _Place) -> Value:
        if name == NO_VALUE:
            return ABSENT  # type: ignore[no-any-return]
        if name in PSEUDO:
            return Given(name)
        if name in place.stack.resources:
            return Reference(place.stack.resources[name])
        if name in place.stack.parameters:
            return self._parameter(name, place)
        raise Unresolvable(
            place.where, f"{name} is neither a resource nor a parameter of {_named(place.stack)}"
        )

    def _parameter(self, name: str, place: _Place) -> Value:
        stack = place.stack
        declared = stack.parameters[name]
        if name in stack.arguments:
            outside = "" if stack.parent is None else stack.parent
            value = self._value(stack.arguments[name], self._step(place, outside, under(stack.address, name)))
        elif stack.parent is None:
            return Given(name)
        elif "Default" in declared:
            value = declared["Default"]
        else:
            raise Unresolvable(
                place.where, f"{_named(stack)} is given no {name}, and the parameter has no default"
            )
        kind = str(declared.get("Type"))
        many = kind.startswith("List<") or kind == "CommaDelimitedList"
        return [part.strip() for part in value.split(",")] if many and isinstance(value, str) else value

    def _get_att(self, argument: list[str] | str, place: _Place) -> Value:
        name, _, attribute = (
            argument.partition(".") if isinstance(argument, str) else (argument[0], "", argument[1])
        )
        resource = place.stack.resources.get(name)
        if resource is None:
            raise Unresolvable(place.where, f"{_named(place.stack)} has no resource {name}")
        named = self._value(attribute, place)  # may be written with Ref
        if not isinstance(named, str):
            raise Unresolvable(place.where, f"{name} is asked for an attribute that a deployment names")
        attribute = named
        child = self.tree.stacks.get(resource.address) if resource.kind == NESTED else None
        if not attribute.startswith("Outputs."):
            return Reference(resource, attribute)
        if child is None:
            if self.patient:
                raise Unresolvable(place.where, f"{name} is made from a template that is not at hand")
            return Reference(resource, attribute)
        output = attribute.removeprefix("Outputs.")
        if output not in child.outputs:
            have = ", ".join(child.outputs) or "none"
            raise Unresolvable(place.where, f"{_named(child)} has no output {output}; it has {have}")
        return self._value(
            child.outputs[output], self._step(place, child.address, f"{child.address}.Outputs.{output}")
        )

    def _step(self, place: _Place, stack: str, what: str) -> _Place:
        if what in place.trail:
            raise Unresolvable(place.where, f"goes in a circle: {' → '.join((*place.trail, what))}")
        return _Place(self.tree.stacks[stack], place.where, (*place.trail, what))

    def _sub(self, argument: Any, place: _Place) -> Value:
        template, own = (argument, {}) if isinstance(argument, str) else argument
        parts: list[object] = []
        end = 0
        for found in SUBSTITUTED.finditer(template):
            parts.append(template[end : found.start()])
            end = found.end()
            name = found[1].strip()
            if name.startswith("!"):
                parts.append(f"${{{name[1:]}}}")
            elif name in own:
                parts.append(self._value(own[name], place.at(name)))
            else:
                parts.append(self._get_att(name, place) if "." in name else self._ref(name, place))
        return self._joined([*parts, template[end:]], place)

    def _joined(self, parts: list[object], place: _Place) -> Value:
        try:
            return joined(parts)
        except TypeError as error:
            raise Unresolvable(place.where, str(error)) from error

    def _join(self, argument: Any, place: _Place) -> Value:
        delimiter, items = argument
        values = self._list(items, place)
        between: list[object] = []
        for value in values:
            between += [delimiter, value] if between else [value]
        return self._joined(between, place)

    def _select(self, argument: Any, place: _Place) -> Value:
        position, items = int(argument[0]), self._list(argument[1], place)
        if position >= len(items):
            raise Unresolvable(place.where, f"Fn::Select wants item {position} of {len(items)}")
        return items[position]

    def _split(self, argument: Any, place: _Place) -> Value:
        source = self._value(argument[1], place)
        if not isinstance(source, str):
            raise Unresolvable(place.where, f"Fn::Split of {source}, which only a deployment knows")
        return [*source.split(argument[0])]

    def _find_in_map(self, argument: Any, place: _Place) -> Value:
        keys = [self._value(key, place) for key in argument[:3]]
        found: Any = place.stack.body.get("Mappings") or {}
        for key in keys:
            if not isinstance(key, str) or key not in found:
                raise Unresolvable(place.where, f"Fn::FindInMap finds no {key}")
            found = found[key]
        return self._value(found, place)

    def _base64(self, argument: Any, place: _Place) -> Value:
        """The text itself: encoding hides nothing from whoever reads a machine's user data."""
        return self._value(argument, place)

    def _zones(self, argument: Any, place: _Place) -> Value:
        return [Given(f"AvailabilityZone{number}") for number in range(1, 7)]  # no region has more

    def _list(self, node: Any, place: _Place) -> list[Value]:
        items = self._value(node, place)
        if not isinstance(items, list):
            raise Unresolvable(place.where, f"{items} is no list that could be known before a deployment")
        return items

    _functions: Mapping[str, Callable[["Resolver", Any, _Place], Value]] = {
        REF: _ref,
        "Fn::GetAtt": _get_att,
        "Fn::Sub": _sub,
        "Fn::Join": _join,
        "Fn::Select": _select,
        "Fn::Split": _split,
        "Fn::FindInMap": _find_in_map,
        "Fn::GetAZs": _zones,
        "Fn::Base64": _base64,
    }


def _named(stack: Stack) -> str:
    return stack.address or stack.file.name
