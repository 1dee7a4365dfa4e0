"""A plan as `plan --json` prints it: everything that the screen shows, and nothing cut.

Words of CloudFormation's are text here, so that one that it adds some day breaks no reader. Secrets are
`****` already.
"""

from dataclasses import dataclass

from deployer.access_changes import AccessChange
from deployer.changes import Change, Counts, PropertyChange, StackPlan
from deployer.plan import Plan
from deployer.verdict import DataVerdict


@dataclass(frozen=True)
class Totals:
    """Resources; `unresolved` ones stand in none of the others, `replace` are those of `modify`."""

    add: int
    modify: int
    replace: int
    remove: int
    unresolved: int


@dataclass(frozen=True)
class PropertyDocument:
    """`path` below the part of the resource that `attribute` names; values as CloudFormation tells them."""

    path: str
    attribute: str
    before: str | None
    after: str | None
    unresolved: bool
    replacement: str  # Never, Conditionally or Always: what a change of it requires
    cause: str | None
    source: str | None


@dataclass(frozen=True)
class ChangeDocument:
    """One resource. `replaced`: for certain; `replacement` is CloudFormation's own word."""

    logical_id: str
    type: str
    action: str
    replacement: str
    replaced: bool
    unresolved: bool
    policy_action: str | None
    physical_id: str | None
    hooks: int
    properties: list[PropertyDocument]


@dataclass(frozen=True)
class StackDocument:
    """One stack and those that it nests. `action` is its container's, null for the root."""

    name: str
    action: str | None
    stack_id: str
    change_set_id: str
    totals: Totals
    changes: list[ChangeDocument]
    stacks: list["StackDocument"]


@dataclass(frozen=True)
class AccessDocument:
    """`sign`: + comes, - goes, ? may be the one that is there."""

    resource: str
    type: str
    sign: str
    text: str
    broadens: str | None


@dataclass(frozen=True)
class VerdictDocument:
    """`endangers`: it makes the exit code 3. `danger`: see docs/plan.md."""

    resource: str
    type: str
    danger: str
    certain: bool
    endangers: bool
    reason: str
    remedy: str
    source: str


@dataclass(frozen=True)
class PlanDocument:
    """`plan` and `change_set_id` are null when there is nothing to do."""

    environment: str
    stack_name: str
    kind: str
    plan: str | None
    change_set_id: str | None
    stack_id: str
    exit_code: int
    totals: Totals
    stacks: StackDocument
    access: list[AccessDocument]
    security_groups: list[AccessDocument]
    verdicts: list[VerdictDocument]
    notes: list[str]  # what else to know before it is applied


def of(plan: Plan) -> PlanDocument:
    return PlanDocument(
        environment=plan.environment,
        stack_name=plan.stack_name,
        kind=plan.kind.value,
        plan=None if plan.is_empty else plan.token,
        change_set_id=plan.change_set_id,
        stack_id=plan.stack_id,
        exit_code=plan.verdict.value,
        totals=_totals(plan.counts),
        stacks=_stack(plan.stacks),
        access=[_access(change) for change in plan.access],
        security_groups=[_access(change) for change in plan.security_groups],
        verdicts=[_verdict(verdict) for verdict in plan.verdicts],
        notes=list(plan.notes),
    )


def _totals(counts: Counts) -> Totals:
    return Totals(counts.add, counts.modify, counts.replace, counts.remove, counts.unresolved)


def _stack(stack: StackPlan) -> StackDocument:
    return StackDocument(
        name=stack.name,
        action=None if stack.container is None else str(stack.container.action),
        stack_id=stack.stack_id,
        change_set_id=stack.change_set_id,
        totals=_totals(stack.counts),
        changes=[_change(change) for change in stack.changes],
        stacks=[_stack(child) for child in stack.children],
    )


def _change(change: Change) -> ChangeDocument:
    return ChangeDocument(
        logical_id=change.logical_id,
        type=change.type,
        action=str(change.action),
        replacement=str(change.replacement),
        replaced=change.replaces,
        unresolved=change.unresolved,
        policy_action=change.policy_action,
        physical_id=change.physical_id,
        hooks=change.hooks,
        properties=[_property(told) for told in change.properties],
    )


def _property(told: PropertyChange) -> PropertyDocument:
    return PropertyDocument(
        path=told.path,
        attribute=told.attribute,
        before=told.before,
        after=told.after,
        unresolved=told.unresolved,
        replacement="Always" if told.recreates else "Conditionally" if told.may_recreate else "Never",
        cause=told.cause,
        source=told.source,
    )


def _access(change: AccessChange) -> AccessDocument:
    return AccessDocument(change.name, change.type, change.sign, change.text, change.broadens)


def _verdict(verdict: DataVerdict) -> VerdictDocument:
    return VerdictDocument(
        resource=verdict.name,
        type=verdict.type,
        danger=verdict.danger.value,
        certain=verdict.certain,
        endangers=verdict.endangers,
        reason=verdict.reason,
        remedy=verdict.remedy,
        source=verdict.source,
    )
