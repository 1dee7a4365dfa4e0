"""What happens in a stack and all that it nests, fetched in order. Drawing it is another's work."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

from deployer.errors import is_absent
from deployer.templates import NESTED

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import DescribeStackEventsInputTypeDef, StackEventTypeDef


@dataclass(frozen=True)
class Progress:
    """One event. `stack` is the path of logical ids from the root to the stack, () for the root.

    `logical_id` is the stack's own name where the event is about the stack itself. `elapsed` is seconds
    since the operation began, `took` since this resource began to change, None while it is beginning.
    """

    stack: tuple[str, ...]
    logical_id: str
    type: str
    status: str
    reason: str
    elapsed: float
    took: float | None = None
    about_stack: bool = False

    @property
    def path(self) -> str:
        return "/".join(self.stack if self.about_stack and self.stack else (*self.stack, self.logical_id))

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")

    @property
    def settled(self) -> bool:
        """As it was meant to be; a resource that is kept when its stack goes is DELETE_SKIPPED."""
        return self.status.endswith(("_COMPLETE", "_SKIPPED"))

    @property
    def is_container(self) -> bool:
        """About a nested stack as its parent sees it, or about a stack itself."""
        return self.type == NESTED


class Listener(Protocol):
    """Receives each event as it comes."""

    def __call__(self, event: Progress, /) -> None: ...


class Silence:
    """A listener for who does not want to know."""

    def __call__(self, event: Progress, /) -> None:
        pass


class Streamer:
    """Follows one operation through all nested stacks.

    `mark` it before the operation starts, `fetch` while it runs. Only stacks that are still moving are
    asked, since DescribeStackEvents has a low quota.
    """

    def __init__(self, cloudformation: "CloudFormationClient", stack_id: str) -> None:
        self._cloudformation = cloudformation
        self._root = stack_id
        self._paths: dict[str, tuple[str, ...]] = {stack_id: ()}
        self._settled: set[str] = set()
        self._ending: set[str] = set()  # said to have ended by their parent, to be asked once more
        self._seen: set[str] = set()
        self._began: datetime | None = None
        self._resource_began: dict[tuple[str, str], datetime] = {}
        self.root_status: str | None = None  # the root's own, of this operation only

    def mark(self) -> None:
        """What there is so far belongs to earlier operations."""
        newest, _ = self._page(self._root, None)
        self._seen |= {event["EventId"] for event in newest}  # a page is enough: reading stops at one of them

    def fetch(self) -> list[Progress]:
        """What is new since the last call, oldest first, of every stack discovered so far or now."""
        fresh: list[StackEventTypeDef] = []
        asked: set[str] = set()
        while waiting := [
            stack for stack in self._paths if stack not in asked and stack not in self._settled
        ]:
            for stack in waiting:
                asked.add(stack)
                fresh += self._fresh(stack)
        # A parent is asked before its children, so these have just told what they did last.
        self._settled |= self._ending
        self._ending.clear()
        return [self._progress(event) for event in sorted(fresh, key=self._order)]

    def _order(self, event: "StackEventTypeDef") -> tuple[datetime, int]:
        """By time; at the same time a stack begins before what is in it, and ends after it.

        The sort is stable and a parent is asked first, which settles the beginnings.
        """
        ends = event.get("ResourceType") == NESTED and not event.get("ResourceStatus", "").endswith(
            "_IN_PROGRESS"
        )
        depth = len(self._paths[event["StackId"]])
        own = event.get("PhysicalResourceId") == event["StackId"]
        return event["Timestamp"], 1000 - 2 * depth - (0 if own else 1) if ends else 0

    def finish(self) -> list[Progress]:
        """What is left at the end: a nested stack cleans up after its parent called it complete."""
        self._settled.clear()
        return self.fetch()

    def _fresh(self, stack: str) -> "list[StackEventTypeDef]":
        """New events of one stack, oldest first; the nested stacks among them are followed from now on."""
        events = self._unseen(stack)
        events.reverse()
        if self._began is None and events and stack == self._root:
            self._began = events[0]["Timestamp"]
        if self._began is not None:
            # A nested stack that is older than the operation brings its past along.
            events = [event for event in events if event["Timestamp"] >= self._began]
        for event in events:
            self._note(event)
        return events

    def _unseen(self, stack: str) -> "list[StackEventTypeDef]":
        """Newest first, page by page, until one that was seen or that is older than the operation."""
        found: list[StackEventTypeDef] = []
        token: str | None = None
        while True:
            events, token = self._page(stack, token)
            for event in events:
                old = self._began is not None and event["Timestamp"] < self._began
                if event["EventId"] in self._seen or old:
                    return found
                found.append(event)
            if not token:
                return found

    def _page(self, stack: str, token: str | None) -> "tuple[list[StackEventTypeDef], str | None]":
        more: DescribeStackEventsInputTypeDef = {"StackName": stack}
        if token is not None:
            more["NextToken"] = token
        try:
            answer = self._cloudformation.describe_stack_events(**more)
        except ClientError as error:
            if is_absent(error):  # announced, and not there yet
                return [], None
            raise
        return answer["StackEvents"], answer.get("NextToken")

    def _note(self, event: "StackEventTypeDef") -> None:
        self._seen.add(event["EventId"])
        stack, physical = event["StackId"], event.get("PhysicalResourceId", "")
        status = event.get("ResourceStatus", "")
        key = (stack, event.get("LogicalResourceId", ""))
        if status.endswith("_IN_PROGRESS"):
            self._resource_began.setdefault(key, event["Timestamp"])
        if event.get("ResourceType") != NESTED:
            return
        if physical == stack:
            if stack == self._root:
                self.root_status = status
            return
        if physical and physical not in self._paths:
            self._paths[physical] = (*self._paths[stack], event.get("LogicalResourceId", ""))
        if physical and status.endswith("_IN_PROGRESS"):
            self._settled.discard(physical)
            self._ending.discard(physical)
        elif physical:
            self._ending.add(physical)

    def _progress(self, event: "StackEventTypeDef") -> Progress:
        stack, at = event["StackId"], event["Timestamp"]
        status = event.get("ResourceStatus", "")
        began = self._resource_began.get((stack, event.get("LogicalResourceId", "")))
        ended = not status.endswith("_IN_PROGRESS")
        return Progress(
            stack=self._paths[stack],
            logical_id=event.get("LogicalResourceId", ""),
            type=event.get("ResourceType", ""),
            status=status,
            reason=event.get("ResourceStatusReason", ""),
            elapsed=(at - (self._began or at)).total_seconds(),
            took=(at - began).total_seconds() if ended and began is not None else None,
            about_stack=event.get("PhysicalResourceId") == stack,
        )
