"""What a plan does to the data: one verdict a resource that holds some, with its reason and what to do.

From the change's action and policy, the properties that force a replacement, and what each service does
with a property (deployer/lossy.py). A replacement that only an unknown value asks for is told, and counts as
danger where something that the value comes from is itself added, removed or replaced.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deployer import lossy
from deployer.changes import Action, Change, Replacement, StackPlan
from deployer.holding import HOLDING_DATA, sign_of_data
from deployer.lossy import DOCS, Danger

POLICIES = f"{DOCS}/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html"
REPLACE_POLICY = f"{DOCS}/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html"
ACTIONS = f"{DOCS}/AWSCloudFormation/latest/APIReference/API_ResourceChange.html"
HARMLESS = frozenset({Danger.LET_GO, Danger.PROTECTION_LOWERED})
# ChangeSource, of a value that another resource has and of one that is handed over.
OF_RESOURCES = frozenset({"ResourceReference", "ResourceAttribute"})
OF_PARAMETERS = frozenset({"ParameterReference", "Automatic"})
STRENGTH = {"Delete": 0, "Snapshot": 1, "Retain": 2, "RetainExceptOnCreate": 2}

# What goes with it, or stops, beyond the resource itself.
BEYOND = {
    "AWS::ECR::Repository": "CloudFormation deletes it only when it is empty, or with EmptyOnDelete",
    "AWS::KMS::Key": "its deletion is scheduled; after the waiting period all that it encrypts is unreadable",
    "AWS::Kinesis::Stream": "records that no consumer has read yet go with it",
    "AWS::S3::Bucket": "CloudFormation deletes it only when it is empty; otherwise the operation fails",
    "AWS::SQS::Queue": "messages that nobody has received yet go with it",
    "AWS::SecretsManager::Secret": "whoever reads it by its ARN fails until he is given the new one",
}


@dataclass(frozen=True)
class DataVerdict:
    """`certain` is False where only a value that nobody knows yet asks for it."""

    path: tuple[str, ...]  # the nested stacks that lead to it
    logical_id: str
    type: str
    danger: Danger
    reason: str
    remedy: str
    source: str
    certain: bool = True

    @property
    def name(self) -> str:
        return "/".join((*self.path, self.logical_id))

    @property
    def endangers(self) -> bool:
        """Data is destroyed or replaced: `plan` exits with 3, and `apply` wants the resource accepted."""
        return self.certain and self.danger not in HARMLESS


@dataclass(frozen=True)
class Judged:
    """One resource's change and what it does to data; no verdicts when it does nothing."""

    path: tuple[str, ...]
    change: Change
    verdicts: tuple[DataVerdict, ...]

    @property
    def endangers(self) -> bool:
        return any(verdict.endangers for verdict in self.verdicts)


def judged(stacks: StackPlan) -> Iterator[Judged]:
    """Every resource's change with its verdicts, in the order of the tree."""
    yield from _below(stacks, (), fed=False)


def _below(stack: StackPlan, path: tuple[str, ...], fed: bool) -> Iterator[Judged]:
    """`fed`: a stack that this one's parameters come from changes its resources for certain."""
    live = _live(stack, fed)
    for change in stack.changes:
        verdicts = (
            DataVerdict(path, change.logical_id, change.type, *fields)
            for fields in _judge(change, change.logical_id in live)
        )
        yield Judged(path, change, tuple(verdicts))
    moving = _moving(stack, live)
    for child in stack.children:
        yield from _below(child, (*path, child.name), fed or child.name in moving)


def _moving(stack: StackPlan, live: set[str]) -> set[str]:
    """The children to which a live resource, or a child with structural changes, leads over any others."""
    feeds: dict[str, list[str]] = {}
    for child in stack.children:
        for feeder in child.fed_by:
            feeds.setdefault(feeder, []).append(child.name)
    waiting = [child.name for child in stack.children if any(each.is_structural for _, each in child.walk())]
    beside = [name for first in (*waiting, *live) for name in feeds.get(first, ())]
    return _reached(beside, feeds)


def _live(stack: StackPlan, fed: bool) -> set[str]:
    """The resources that come or go, and those that a value of such a one, unknown yet, may replace."""
    feeds: dict[str, list[str]] = {}
    structural = [change.logical_id for change in stack.changes if change.is_structural]
    waiting = list(structural)
    for change in stack.changes:
        if change.is_structural or change.replacement is Replacement.NEVER:
            continue
        for reason in [each for each in change.reasons if each.unresolved] or change.properties:
            if reason.source in OF_RESOURCES and reason.cause:
                feeds.setdefault(reason.cause.split(".", maxsplit=1)[0], []).append(change.logical_id)
            elif fed or (structural and reason.source not in OF_PARAMETERS):
                waiting.append(change.logical_id)
    return _reached(waiting, feeds)


def _reached(first: Iterable[str], leads: Mapping[str, list[str]]) -> set[str]:
    """Those that are first, and all to which they lead over any number of others."""
    waiting = list(first)
    reached = set(waiting)
    while waiting:
        for name in leads.get(waiting.pop(), ()):
            if name not in reached:
                reached.add(name)
                waiting.append(name)
    return reached


Fields = tuple[Danger, str, str, str, bool]


def _judge(change: Change, live: bool) -> Iterator[Fields]:
    sign = sign_of_data(
        change.type, {**change.properties_before, **change.properties_after}, change.policy_action
    )
    if change.action is Action.ADD or change.action is Action.IMPORT:
        return
    replaced = change.action is Action.MODIFY and change.replacement is not Replacement.NEVER
    if change.type in HOLDING_DATA or sign:
        aside = f" (taken to hold data: {sign})" if sign else ""
        if change.action is Action.REMOVE:
            yield _removed(change, aside)
        elif replaced:
            yield _replaced(change, aside, live)
        elif not change.action.is_known or change.action is Action.DYNAMIC:
            why = f"CloudFormation tells the action {change.action}, and not what that does{aside}"
            yield (
                Danger.MAY_BE_LOST,
                why,
                "look at the change set in the console before you apply",
                ACTIONS,
                True,
            )
    if change.action is not Action.REMOVE:
        if not change.replaces:
            yield from _shortened(change)
        yield from _weakened(change)


def _removed(change: Change, aside: str) -> Fields:
    beyond = BEYOND.get(change.type)
    tail = f"; {beyond}" if beyond else ""
    match change.policy_action:
        case "Retain":
            why = f"it leaves the stack and stays in the account{aside}"
            return Danger.LET_GO, why, "import it where it belongs, or delete it by hand", POLICIES, True
        case "Snapshot":
            why = f"it is removed, and a snapshot stays{aside}"
            return (
                Danger.LOST_WITH_SNAPSHOT,
                why,
                _accept("restore from the snapshot if need be"),
                POLICIES,
                True,
            )
        case None | "Delete":
            why = f"it is removed with all that it holds{aside}{tail}"
            return (
                Danger.LOST,
                why,
                _accept("set DeletionPolicy: Retain and apply that first"),
                POLICIES,
                True,
            )
        case unknown:
            why = f"it is removed, with a policy that the deployer does not know: {unknown}{aside}"
            return Danger.MAY_BE_LOST, why, _accept("look at the change set in the console"), ACTIONS, True


def _replaced(change: Change, aside: str, live: bool) -> Fields:
    because = _because(change)
    if not change.replaces:
        unknown = change.unresolved or (bool(change.reasons) and all(r.unresolved for r in change.reasons))
        certain = live or not unknown
        why = f"it is replaced by an empty one{because} if the value turns out to be another{aside}"
        if not unknown:
            why = f"it may be replaced by an empty one{because}{aside}"
        remedy = (
            _accept("read what the property's update requires") if certain else "nothing to do if it stays"
        )
        return Danger.MAY_BE_LOST, why, remedy, REPLACE_POLICY, certain
    beyond = BEYOND.get(change.type)
    tail = f"; {beyond}" if beyond else ""
    empty = f"an empty one takes its place{because}"
    match change.policy_action:
        case "ReplaceAndRetain":
            why = f"{empty}, the old one stays outside the stack{aside}"
            return (
                Danger.KEPT_ASIDE,
                why,
                _accept("move the data, then delete the old one"),
                REPLACE_POLICY,
                True,
            )
        case "ReplaceAndSnapshot":
            why = f"{empty}, the old one is deleted and leaves a snapshot{aside}"
            return Danger.LOST_WITH_SNAPSHOT, why, _accept("restore from the snapshot"), REPLACE_POLICY, True
        case _:
            why = f"{empty}, the old one is deleted{aside}{tail}"
            remedy = _accept("set UpdateReplacePolicy: Retain and apply that first")
            return Danger.LOST, why, remedy, REPLACE_POLICY, True


def _accept(otherwise: str) -> str:
    return f"{otherwise}, or accept the loss by name when you apply"


def _because(change: Change) -> str:
    reasons = [reason for reason in change.reasons if not reason.unresolved] or list(change.reasons)
    names = ", ".join(dict.fromkeys(reason.path for reason in reasons))
    return f" because of {names}" if names else ""


def _shortened(change: Change) -> Iterator[Fields]:
    before, after = change.properties_before, change.properties_after
    for rule, old, new in lossy.broken(change.type, before, after):
        values = (
            "" if isinstance(old, Mapping) or isinstance(new, Mapping) else f" {_said(old)} → {_said(new)}"
        )
        yield rule.danger, f"{rule.path}{values}: {rule.reason}", rule.remedy, rule.source, True
    for told in change.properties:
        falls_under = lossy.of_property(change.type, told.path)
        untold = told.before is None and told.after is None and not told.unresolved
        if falls_under and untold and told.attribute == "Properties" and change.before is None:
            why = f"{told.path} changes, and no value was told; if it is lowered: {falls_under.reason}"
            remedy = "compare the templates before you apply"
            yield Danger.MAY_BE_LOST, why, remedy, falls_under.source, True


def _said(value: Any) -> str:
    if value is None:
        return "(none)"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 40 else "(a longer text)"


def _weakened(change: Change) -> Iterator[Fields]:
    """DeletionPolicy and UpdateReplacePolicy are a matter of their own, of whatever type."""
    for attribute, source in (("DeletionPolicy", POLICIES), ("UpdateReplacePolicy", REPLACE_POLICY)):
        before, after = _policies(change, attribute)
        if before is not None and STRENGTH.get(after or "Delete", 0) < STRENGTH.get(before, 0):
            when = "removal it goes" if attribute == "DeletionPolicy" else "replacement the old one goes"
            why = f"{attribute} {before} → {after or '(none)'}: at the next {when}"
            yield Danger.PROTECTION_LOWERED, why, f"keep {attribute}: {before}", source, True


def _policies(change: Change, attribute: str) -> tuple[str | None, str | None]:
    for told in change.properties:
        if told.attribute == attribute and (told.before is not None or told.after is not None):
            return told.before, told.after
    if change.before is None or change.after is None:
        return None, None
    return change.before.get(attribute), change.after.get(attribute)
