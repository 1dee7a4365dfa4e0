"""A change set that was read whole: what `plan` shows, and exactly what `apply` executes."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property

from deployer import access_changes, plan_text, security_groups, verdict
from deployer.access_changes import AccessChange
from deployer.changes import Change, Counts, StackPlan
from deployer.verdict import DataVerdict, Judged


class Kind(StrEnum):
    """CloudFormation's ChangeSetType, of those that are used here."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"


class Verdict(IntEnum):
    """What `plan` exits with."""

    NOTHING = 0
    CHANGES = 2
    DATA_AT_RISK = 3


@dataclass(frozen=True)
class Plan:
    """`stacks` is the root; `change_set_id` is None when there is nothing to do."""

    environment: str
    stack_name: str
    kind: Kind
    stacks: StackPlan
    change_set_id: str | None = None
    stack_id: str = ""
    token: str = ""  # the change set's name, and the token that its execution stamps on every event
    notes: tuple[str, ...] = ()  # what else to know before it is applied

    @property
    def counts(self) -> Counts:
        return self.stacks.counts

    @property
    def is_empty(self) -> bool:
        """Nothing to execute. A plan without resource changes need not be: outputs or tags may differ."""
        return self.change_set_id is None

    @property
    def account(self) -> str:
        """Of the stack, by its ARN; empty when it has none."""
        parts = self.stack_id.split(":")
        return parts[4] if len(parts) > 5 else ""

    @cached_property
    def judged(self) -> tuple[Judged, ...]:
        """Every resource's change with what it does to data."""
        return tuple(verdict.judged(self.stacks))

    @property
    def verdicts(self) -> tuple[DataVerdict, ...]:
        """What becomes of data, and of what protects it, in the order of the tree."""
        return tuple(each for one in self.judged for each in one.verdicts)

    @cached_property
    def access(self) -> tuple[AccessChange, ...]:
        """Statements and attachments that come and go."""
        found = (access_changes.of(path, change, self.account) for path, change in self.stacks.walk())
        return tuple(each for several in found for each in several)

    @cached_property
    def security_groups(self) -> tuple[AccessChange, ...]:
        """Rules of security groups that come and go."""
        found = (security_groups.of(path, change) for path, change in self.stacks.walk())
        return tuple(each for several in found for each in several)

    @property
    def at_risk(self) -> tuple[tuple[tuple[str, ...], Change], ...]:
        """The resources whose data would be destroyed or replaced, with their stacks' path."""
        return tuple((one.path, one.change) for one in self.judged if one.endangers)

    @property
    def only_adds(self) -> bool:
        counts = self.counts
        return self.kind is Kind.CREATE or not (counts.modify or counts.remove or counts.unresolved)

    @property
    def verdict(self) -> Verdict:
        if self.is_empty:
            return Verdict.NOTHING
        return Verdict.DATA_AT_RISK if self.at_risk else Verdict.CHANGES

    def render(self, width: int = 100, *, full: bool = False) -> str:
        """The tree of changes, then access, security groups, totals and data; at most `width` columns.

        `full` lists also what may stay as it is.
        """
        return "\n".join(line for paragraph in self.paragraphs(width, full=full) for line in paragraph)

    def paragraphs(self, width: int, *, full: bool = False) -> list[list[str]]:
        """The same, those lines together that are one sentence."""
        if self.is_empty:
            return [[f"{self.stack_name}: nothing to do"]]
        return list(
            plan_text.paragraphs(
                self.stacks, self.access, self.security_groups, self.verdicts, width, full=full
            )
        )
