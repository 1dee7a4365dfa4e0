"""How long a resource took the last times, by its stack's own events, and how that is said."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING

from deployer.templates import NESTED

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackEventTypeDef

Path = tuple[str, ...]  # logical ids from the root's children to the resource


class History:
    """What each resource took, per action: CREATE, UPDATE, DELETE, IMPORT.

    A nested stack takes as long as what changes in it, so only what is in it tells anything.
    """

    def __init__(self) -> None:
        self._took: defaultdict[tuple[Path, str], list[float]] = defaultdict(list)

    def learn(self, stack: Path, events: "Iterable[StackEventTypeDef]") -> None:
        """Events of one stack's earlier operations, oldest first; what did not complete teaches nothing."""
        began: dict[str, tuple[str, datetime]] = {}
        for event in events:
            if event.get("ResourceType") == NESTED:
                continue
            name, status = event.get("LogicalResourceId", ""), event.get("ResourceStatus", "")
            if status.endswith("_IN_PROGRESS"):
                began.setdefault(name, (action(status), event["Timestamp"]))
                continue
            verb, at = began.pop(name, ("", event["Timestamp"]))
            if status == f"{verb}_COMPLETE":
                self._took[(*stack, name), verb].append((event["Timestamp"] - at).total_seconds())

    def expected(self, path: Path, verb: str) -> float | None:
        """The median, in seconds; None where it was never seen to complete."""
        took = self._took.get((path, verb))
        return median(took) if took else None


def action(status: str) -> str:
    """CREATE of CREATE_IN_PROGRESS."""
    return status.partition("_")[0]


def duration(seconds: float) -> str:
    """`8s`, `4m30s`, `1h02m`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def left(seconds: float) -> str:
    """`about 4 min left`; of less than a minute, in tens of seconds, which is as well as history knows."""
    if seconds < 55:
        return f"about {max(1, round(seconds / 10)) * 10} s left"
    return f"about {max(1, round(seconds / 60))} min left"
