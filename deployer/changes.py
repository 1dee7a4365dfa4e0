"""What a change set would do, as plain values: no service, no drawing."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# What CloudFormation puts where it cannot know yet: {{IntrinsicFunction:…}}, {{changeSet:KNOWN_AFTER_APPLY}}.
# A dynamic reference, {{resolve:…}}, is text that the template holds, and known.
UNKNOWN = re.compile(r"\{\{(?!resolve:)[^{}]*\}\}")

# Types that hold what nobody can make again, or not without an outage of everything that reads it.
HOLDING_DATA = frozenset(
    {
        "AWS::DynamoDB::Table",
        "AWS::ECR::Repository",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::KMS::Key",
        "AWS::Kinesis::Stream",
        "AWS::Logs::LogGroup",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
        "AWS::SecretsManager::Secret",
    }
)


class Action(StrEnum):
    """CloudFormation's ChangeAction."""

    ADD = "Add"
    MODIFY = "Modify"
    REMOVE = "Remove"
    IMPORT = "Import"
    DYNAMIC = "Dynamic"
    SYNC = "SyncWithActual"


class Replacement(StrEnum):
    """Whether a modified resource becomes another one."""

    NEVER = "False"
    ALWAYS = "True"
    CONDITIONAL = "Conditional"


@dataclass(frozen=True)
class PropertyChange:
    """One property's value before and after; None where there is none or none was told."""

    path: str
    before: str | None = None
    after: str | None = None
    dynamic: bool = False  # whether it changes at all is known only when it is executed
    cause: str | None = None
    recreates: bool = False  # if it changes, the resource is replaced whatever the value

    @property
    def unresolved(self) -> bool:
        """The value is another resource's, and may turn out to be the one that is there."""
        if self.after is not None and UNKNOWN.search(self.after):
            return self.before is None or _fits(document(self.before), document(self.after))
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

    @property
    def unresolved(self) -> bool:
        """Everything that would change it is unresolved: it may well stay as it is."""
        if self.action is Action.DYNAMIC:
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
    def endangers_data(self) -> bool:
        """It holds data, and is removed or replaced, or may be for a reason that is certain."""
        if self.type not in HOLDING_DATA or self.unresolved:
            return False
        if self.action is Action.REMOVE:
            return self.policy_action != "Retain"
        return self.action is Action.MODIFY and self.replacement is not Replacement.NEVER


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

    @property
    def counts(self) -> Counts:
        """This stack's and all below it."""
        return sum((child.counts for child in self.children), _count(self.changes))

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Change]]:
        """Each resource's change with the logical ids of the nested stacks that lead to it."""
        for change in self.changes:
            yield path, change
        for child in self.children:
            yield from child.walk((*path, child.name))


def document(text: str) -> Any:
    """A JSON object or list; the text itself if it is none: CloudFormation cuts long values."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (dict, list)) else text


def _fits(before: Any, after: Any) -> bool:
    """Whether `after` can be `before` once what is unknown in it is known."""
    if isinstance(after, dict) and isinstance(before, dict):
        return after.keys() == before.keys() and all(_fits(before[key], after[key]) for key in after)
    if isinstance(after, list) and isinstance(before, list):
        return len(after) == len(before) and all(map(_fits, before, after))
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
