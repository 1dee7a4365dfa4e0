"""A tree with conditions as the plain trees that it can become: each `Fn::If` taken one way, all ways told.

A condition is decided where the wiring decides it, and else by what a deployment gives. A scenario is one way
to give: a tree without `Fn::If`, without the resources and outputs whose condition does not hold. What is
wrong in a scenario is wrong for whoever deploys so; nothing is said of ways that exclude each other, such as
one parameter with two values. A root's parameter that has a default, and of which no condition says
otherwise, is its default: so the tree is deployed by whoever gives nothing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from topology.resolution import NO_VALUE, Resolver
from topology.tree import Stack, Tree
from topology.values import REF, Given, Unknown, Value, known

IF = "Fn::If"
ALL_WAYS = 4  # up to so many undecided comparisons, every combination; beyond, each alone against the rest
ABSENT = {REF: NO_VALUE}
EMPTY = "''"  # as a person reads it

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Scenario:
    """One way in which a tree can be deployed."""

    tree: Tree
    taken: Mapping[str, bool] = field(hash=False)  # a comparison that a deployment decides → what it comes to
    usual: bool = True  # no parameter has another value than its default


def scenarios(tree: Tree) -> list[Scenario]:
    """At least one; one alone where no condition is left to a deployment."""
    if not any(_conditional(stack.body) for stack in tree.stacks.values()):
        return [Scenario(_given(tree, _Deployment(tree, {}, True)), {})]
    first = [_scenario(tree, {}, otherwise) for otherwise in (True, False)]
    asked = list(dict.fromkeys(name for scenario in first for name in scenario.taken))
    if len(asked) <= ALL_WAYS:
        ways = [dict(zip(asked, way, strict=True)) for way in product((True, False), repeat=len(asked))]
        made = [_scenario(tree, way, True) for way in ways]
    else:
        apart = [_scenario(tree, {name: not rest}, rest) for rest in (True, False) for name in asked]
        made = [*first, *apart, _scenario(tree, {}, False, by_default=True)]
    return list({tuple(sorted(scenario.taken.items())): scenario for scenario in made}.values())


def _conditional(node: Any) -> bool:
    if isinstance(node, Mapping):
        return IF in node or bool(node.get("Conditions")) or any(map(_conditional, node.values()))
    return isinstance(node, list) and any(map(_conditional, node))


def _scenario(tree: Tree, way: Mapping[str, bool], otherwise: bool, *, by_default: bool = False) -> Scenario:
    deployment = _Deployment(tree, way, otherwise, by_default=by_default)
    stacks: dict[str, Stack] = {}
    for stack in tree.stacks.values():
        if stack.parent is None:
            given: Mapping[str, Any] = stack.arguments
        elif stack.parent in stacks and stack.address in _nested(stacks[stack.parent]):
            given = _nested(stacks[stack.parent])[stack.address]
        else:
            continue  # the condition of its nesting, or of what nests it further out, does not hold
        here = replace(stack, arguments=given)
        before = Tree({**tree.stacks, **stacks, stack.address: here}, tree.top)
        stacks[stack.address] = _Rewriting(here, Resolver(before, patient=True), deployment).done()
    return Scenario(_given(Tree(stacks, tree.top), deployment), deployment.taken, deployment.usual)


def _given(tree: Tree, deployment: "_Deployment") -> Tree:
    """With the values that the root's parameters have."""
    values = deployment.values()
    if not values:
        return tree
    root = replace(tree.root, arguments={**values, **tree.root.arguments})
    return Tree({**tree.stacks, root.address: root}, tree.top)


def _nested(stack: Stack) -> dict[str, Mapping[str, Any]]:
    return {
        resource.address: resource.properties.get("Parameters") or {} for resource in stack.resources.values()
    }


class _Deployment:
    """Decides what only a deployment can, the same way whenever it is asked, and never against itself."""

    def __init__(
        self, tree: Tree, way: Mapping[str, bool], otherwise: bool, *, by_default: bool = False
    ) -> None:
        self.taken: dict[str, bool] = {}
        self.usual = True
        self._way, self._otherwise, self._by_default = way, otherwise, by_default
        self._parameters = tree.root.parameters
        self._values: dict[str, set[str]] = {}  # a parameter → the values that it was said not to have
        self._settled: dict[str, str] = {}  # a parameter → the value that it was said to have

    def equal(self, left: Value, right: Value, written: object) -> bool:
        if _literal(left) and _literal(right):
            return _text(left) == _text(right)
        if _literal(left):
            left, right = right, left
        if isinstance(left, Given) and _literal(right):
            return self._parameter(left.name, _text(right))
        if left == right and not isinstance(left, Unknown):
            return True
        if known(left) and right == "":
            return False  # how a child asks whether it was given something, and a resource is something
        return self._asked(json.dumps(written, sort_keys=True, default=str))

    def _parameter(self, name: str, value: str) -> bool:
        allowed = {_text(one) for one in self._parameters.get(name, {}).get("AllowedValues") or ()}
        refused = self._values.setdefault(name, set())
        if name in self._settled:
            return self._settled[name] == value
        if allowed and (value not in allowed or allowed - refused == {value}):
            return value in allowed
        comparison = f"{name} = {value or EMPTY}"
        default = self._parameters.get(name, {}).get("Default")
        if self._by_default and _literal(default):
            self.taken[comparison] = _text(default) == value
        if self._asked(comparison) != (_text(default) == value) and _literal(default):
            self.usual = False
        if self.taken[comparison]:
            self._settled[name] = value
        else:
            refused.add(value)
        return self.taken[comparison]

    def values(self) -> dict[str, Any]:
        """Of each parameter of which it is known: what it was said to be, else its default."""
        found = {name: self._value_of(name, declared) for name, declared in self._parameters.items()}
        return {name: value for name, value in found.items() if value is not None}

    def _value_of(self, name: str, declared: Mapping[str, Any]) -> Any:
        if name in self._settled:
            return self._settled[name]
        refused = self._values.get(name, set())
        left = {_text(one) for one in declared.get("AllowedValues") or ()} - refused
        default = declared.get("Default")
        if refused and len(left) == 1:
            return left.pop()
        # An empty one asks to be given; one of a Systems Manager type names where its value lies.
        named = str(declared.get("Type")).startswith("AWS::SSM::")
        known_one = _literal(default) and default != "" and not named and _text(default) not in refused
        return default if known_one else None

    def _asked(self, comparison: str) -> bool:
        return self.taken.setdefault(comparison, self._way.get(comparison, self._otherwise))


def _literal(value: Value) -> bool:
    return isinstance(value, str | int | float | bool)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Rewriting:
    """One stack with its conditions decided; each value keeps the line on which it is written."""

    def __init__(self, stack: Stack, resolver: Resolver, deployment: _Deployment) -> None:
        self._stack, self._resolver, self._deployment = stack, resolver, deployment
        self._conditions = stack.body.get("Conditions") or {}
        self._decided: dict[str, bool] = {}
        self._lines: dict[Path, int] = {}

    def done(self) -> Stack:
        body = dict(self._stack.body)
        for section in ("Resources", "Outputs"):
            entries = body.get(section) or {}
            body[section] = {
                name: self._rewritten(entry, (section, name), (section, name))
                for name, entry in entries.items()
                if not isinstance(entry, Mapping) or self._holds(entry.get("Condition"))
            }
        return replace(self._stack, body=body, lines={**self._stack.lines, **self._lines})

    def _holds(self, name: object) -> bool:
        """A name that no condition has decides nothing; a linter's schema says so."""
        if not isinstance(name, str) or name not in self._conditions:
            return True
        if name not in self._decided:
            self._decided[name] = True  # what a condition that leads back to itself finds
            self._decided[name] = self._true(self._conditions[name])
        return self._decided[name]

    def _true(self, node: Any) -> bool:
        if isinstance(node, Mapping) and len(node) == 1:
            ((function, argument),) = node.items()
            if function == "Condition":
                return self._holds(argument)
            if function == "Fn::Equals" and isinstance(argument, list) and len(argument) == 2:
                left, right = (self._resolver.value(side, self._stack.address) for side in argument)
                return self._deployment.equal(left, right, argument)
            if isinstance(argument, list):
                if function == "Fn::And":
                    return all(self._true(part) for part in argument)
                if function == "Fn::Or":
                    return any(self._true(part) for part in argument)
                if function == "Fn::Not" and len(argument) == 1:
                    return not self._true(argument[0])
        return self._deployment.equal(Given(json.dumps(node, default=str)), "true", node)

    def _rewritten(self, node: Any, old: Path, new: Path) -> Any:
        """`old`: where the template has it; `new`: where it stands once it is rewritten."""
        for way in (old, old[:-1]):
            if way in self._stack.lines:
                self._lines[new] = self._stack.lines[way]
                break
        if isinstance(node, Mapping):
            if node.keys() == {IF} and isinstance(node[IF], list) and len(node[IF]) == 3:
                condition = node[IF][0]
                if isinstance(condition, Mapping) or condition in self._conditions:
                    written_out = isinstance(condition, Mapping)
                    holds = self._true(condition) if written_out else self._holds(condition)
                    taken = 1 if holds else 2
                    short = (*old, taken)
                    way = short if short in self._stack.lines else (*old, IF, taken)
                    return self._rewritten(node[IF][taken], way, new)
            pairs = ((key, self._rewritten(part, (*old, key), (*new, key))) for key, part in node.items())
            return {key: part for key, part in pairs if part != ABSENT}
        if isinstance(node, list):
            return list(self._items(node, old, new))
        return node

    def _items(self, node: list[Any], old: Path, new: Path) -> Iterator[Any]:
        position = 0
        for at, part in enumerate(node):
            made = self._rewritten(part, (*old, at), (*new, position))
            if made != ABSENT:
                position += 1
                yield made
