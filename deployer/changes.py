"""What a change set would do, as plain values: no service, no drawing."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

# What CloudFormation puts where it cannot know yet: {{IntrinsicFunction:…}}, {{changeSet:KNOWN_AFTER_APPLY}}.
# A dynamic reference, {{resolve:…}}, is text that the template holds, and known.
UNKNOWN = re.compile(r"\{\{(?!resolve:)[^{}]*\}\}")


class Word(StrEnum):
    """A word of CloudFormation's. One that it adds some day is kept as it was told, and equals none here."""

    @classmethod
    def _missing_(cls, value: object) -> Self:
        word = str.__new__(cls, value)
        word._name_ = word._value_ = str(value)
        return word

    @property
    def is_known(self) -> bool:
        return self in type(self).__members__.values()


class Action(Word):
    """CloudFormation's ChangeAction."""

    ADD = "Add"
    MODIFY = "Modify"
    REMOVE = "Remove"
    IMPORT = "Import"
    DYNAMIC = "Dynamic"
    SYNC = "SyncWithActual"


class Replacement(Word):
    """Whether a modified resource becomes another one."""

    NEVER = "False"
    ALWAYS = "True"
    CONDITIONAL = "Conditional"


@dataclass(frozen=True)
class PropertyChange:
    """One property's value before and after; None where there is none or none was told.

    `attribute` is the part of the resource that it belongs to: Properties, Tags, Metadata, DeletionPolicy …
    `cause` is CloudFormation's CausingEntity, `source` its ChangeSource.
    """

    path: str
    before: str | None = None
    after: str | None = None
    dynamic: bool = False  # whether it changes at all is known only when it is executed
    cause: str | None = None
    recreates: bool = False  # if it changes, the resource is replaced whatever the value
    may_recreate: bool = False  # if it changes, the resource is replaced for some values
    attribute: str = "Properties"
    source: str | None = None

    @cached_property
    def unresolved(self) -> bool:
        """The value is another resource's, and may turn out to be the one that is there."""
        if self.after is not None and UNKNOWN.search(self.after):
            return self.before is None or fits(document(self.before), document(self.after))
        return self.dynamic and self.after in {None, self.before}


@dataclass(frozen=True)
class Change:
    """One resource's change."""

    logical_id: str
    type: str
    action: Action
    replacement: Replacement = Replacement.NEVER
    policy_action: str | None = None
    physical_id: str | None = None
    properties: tuple[PropertyChange, ...] = ()
    # The whole resource before and after, as BeforeContext and AfterContext tell it; None: not told.
    before: Mapping[str, Any] | None = field(default=None, repr=False, hash=False)
    after: Mapping[str, Any] | None = field(default=None, repr=False, hash=False)
    hooks: int = 0  # how many CloudFormation Hooks look at it before it is changed

    @cached_property
    def unresolved(self) -> bool:
        """Everything that would change it is unresolved: it may well stay as it is."""
        if self.action is Action.DYNAMIC or not self.action.is_known:
            return True
        return (
            self.action is Action.MODIFY
            and bool(self.properties)
            and all(change.unresolved for change in self.properties)
        )

    @property
    def replaces(self) -> bool:
        """It is certain that another resource takes its place.

        CloudFormation says so also for a value that it does not know yet.
        """
        if self.action is not Action.MODIFY or self.replacement is not Replacement.ALWAYS or self.unresolved:
            return False
        reasons = [change for change in self.properties if change.recreates]
        return not reasons or not all(change.unresolved for change in reasons)

    @property
    def is_structural(self) -> bool:
        """For certain a physical resource comes or goes, and what refers to it gets another value."""
        if self.unresolved:
            return False
        return self.replaces or self.action in {Action.ADD, Action.IMPORT, Action.REMOVE}

    @cached_property
    def properties_before(self) -> Mapping[str, Any]:
        """The properties that are deployed: all of them if that was told, else those that change."""
        return self._side(self.before, "before")

    @cached_property
    def properties_after(self) -> Mapping[str, Any]:
        """The properties that are planned, in the same way."""
        return self._side(self.after, "after")

    def _side(self, whole: Mapping[str, Any] | None, side: str) -> Mapping[str, Any]:
        if whole is not None and isinstance(properties := whole.get("Properties", {}), Mapping):
            return properties
        told: dict[str, Any] = {}
        for change in self.properties:
            value = getattr(change, side)
            if change.attribute in {"Properties", "Tags"} and value is not None:
                *parents, leaf = change.path.split("/")
                place = told
                for part in parents:
                    below = place.setdefault(part, {})
                    place = below if isinstance(below, dict) else {}
                place[leaf] = document(value)
        return told

    @property
    def reasons(self) -> tuple[PropertyChange, ...]:
        """The properties for which it is, or may be, replaced; those that are certain first."""
        found = [change for change in self.properties if change.recreates or change.may_recreate]
        return tuple(sorted(found, key=lambda change: (change.unresolved, not change.recreates)))


@dataclass(frozen=True)
class Counts:
    """Resources of all stacks, nested-stack containers apart.

    `replace` of those in `modify` are certainly replaced; `unresolved` stand in none of the others.
    """

    add: int = 0
    modify: int = 0
    remove: int = 0
    replace: int = 0
    unresolved: int = 0

    @property
    def certain(self) -> int:
        return self.add + self.modify + self.remove

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.add + other.add,
            self.modify + other.modify,
            self.remove + other.remove,
            self.replace + other.replace,
            self.unresolved + other.unresolved,
        )


@dataclass(frozen=True)
class StackPlan:
    """One stack's changes, and its nested stacks'. The root's `container` is None."""

    name: str  # the logical id in its parent; the stack's name for the root
    changes: tuple[Change, ...] = ()  # without the nested-stack containers
    children: tuple["StackPlan", ...] = ()
    container: Change | None = None
    stack_id: str = ""
    change_set_id: str = ""
    fed_by: tuple[str, ...] = ()  # the nested stacks and resources beside it that its parameters come from

    @cached_property
    def counts(self) -> Counts:
        """This stack's and all below it."""
        return sum((child.counts for child in self.children), _count(self.changes))

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Change]]:
        """Each resource's change with the logical ids of the nested stacks that lead to it."""
        for inside, stack in self.every_stack(path):
            for change in stack.changes:
                yield inside, change

    def every_stack(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], "StackPlan"]]:
        """This one and all below it, each with the logical ids that lead to it."""
        yield path, self
        for child in self.children:
            yield from child.every_stack((*path, child.name))


def document(text: str) -> Any:
    """A JSON object or list; the text itself if it is none: CloudFormation cuts long values."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (dict, list)) else text


def fits(before: Any, after: Any) -> bool:
    """Whether `after` can be `before` once what is unknown in it is known."""
    if isinstance(after, dict) and isinstance(before, dict):
        return after.keys() == before.keys() and all(fits(before[key], after[key]) for key in after)
    if isinstance(after, (list, tuple)) and isinstance(before, (list, tuple)):
        return len(after) == len(before) and all(map(fits, before, after))
    if not isinstance(after, str) or not UNKNOWN.search(after):
        return bool(before == after)
    if not isinstance(before, str):
        return UNKNOWN.fullmatch(after) is not None
    first, *between, last = UNKNOWN.split(after)
    place = len(first)
    for text in between:
        found = before.find(text, place)
        if found < 0:
            return False
        place = found + len(text)
    return before.startswith(first) and before.endswith(last) and place + len(last) <= len(before)


def _count(changes: tuple[Change, ...]) -> Counts:
    certain = [change for change in changes if not change.unresolved]
    return Counts(
        add=sum(change.action in {Action.ADD, Action.IMPORT} for change in certain),
        modify=sum(change.action in {Action.MODIFY, Action.SYNC} for change in certain),
        remove=sum(change.action is Action.REMOVE for change in certain),
        replace=sum(change.replaces for change in certain),
        unresolved=len(changes) - len(certain),
    )
