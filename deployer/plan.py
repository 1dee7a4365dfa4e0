"""A change set that was read whole: what `plan` shows, and exactly what `apply` executes."""

import textwrap
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from deployer import drawing
from deployer.changes import Change, Counts, StackPlan


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
    def at_risk(self) -> tuple[tuple[tuple[str, ...], Change], ...]:
        """The resources that hold data and would be removed or replaced, with their stacks' path."""
        return tuple((path, change) for path, change in self.stacks.walk() if change.endangers_data)

    @property
    def only_adds(self) -> bool:
        counts = self.counts
        return self.kind is Kind.CREATE or not (counts.modify or counts.remove or counts.unresolved)

    @property
    def verdict(self) -> Verdict:
        if self.is_empty:
            return Verdict.NOTHING
        return Verdict.DATA_AT_RISK if self.at_risk else Verdict.CHANGES

    def render(self, width: int = 100) -> str:
        """The tree of changes, then what they come to; plain text of at most `width` columns."""
        lines = [f"{self.stack_name}: nothing to do"]
        if not self.is_empty:
            lines = [*drawing.stack_plan(self.stacks, width), "", drawing.totals(self.counts)]
            for path, change in self.at_risk:  # wrapped: of these no word may be cut off
                lines += textwrap.wrap(drawing.risk(path, change), width, subsequent_indent="  ")
        return "\n".join(drawing.cut(line, width) for line in lines)
