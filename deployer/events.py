"""What happens in a stack and all that it nests, fetched in order. Drawing it is another's work."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

from deployer.errors import is_absent
from deployer.estimate import History, action
from deployer.templates import NESTED

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import DescribeStackEventsInputTypeDef, StackEventTypeDef


@dataclass(frozen=True)
class Progress:
    """One event. `stack` is the path of logical ids from the root to the stack, () for the root.

    `logical_id` is the stack's own name where the event is about the stack itself. `elapsed` is seconds
    since the operation began, `took` since this resource began to change, None while it is beginning,
    `expected` what the same took the last times, None where the stack's events do not tell. `token` is that
    of the request which made it happen.
    """

    stack: tuple[str, ...]
    logical_id: str
    type: str
    status: str
    reason: str
    elapsed: float
    took: float | None = None
    about_stack: bool = False
    expected: float | None = None
    token: str = ""

    @property
    def path(self) -> str:
        return "/".join(self.stack if self.about_stack and self.stack else (*self.stack, self.logical_id))

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")

    @property
    def moving(self) -> bool:
        return self.status.endswith("_IN_PROGRESS")

    @property
    def settled(self) -> bool:
        """As it was meant to be; a resource that is kept when its stack goes is DELETE_SKIPPED."""
        return self.status.endswith(("_COMPLETE", "_SKIPPED"))

    @property
    def is_container(self) -> bool:
        """About a nested stack as its parent sees it, or about a stack itself."""
        return self.type == NESTED


def in_time(events: Iterable[Progress]) -> list[Progress]:
    """As they happened: a nested stack that is found late tells late what came before.

    Of one millisecond a nested stack's come first: what its parent says of it then is because of them.
    """
    return sorted(events, key=lambda event: (event.elapsed, -len(event.stack)))


def was_cancelled(events: Sequence[Progress]) -> bool:
    """Whether an update's events, oldest first, say that somebody asked for its roll-back.

    It then carries another request's token than the update:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html
    """
    own = [event for event in events if event.about_stack and not event.stack]
    return any(event.status == "UPDATE_ROLLBACK_IN_PROGRESS" and event.token != own[0].token for event in own)


class Listener(Protocol):
    """Receives each event as it comes."""

    def __call__(self, event: Progress, /) -> None: ...


class Silence:
    """A listener for who does not want to know."""

    def __call__(self, event: Progress, /) -> None:
        pass


class Streamer:
    """Follows one operation through all nested stacks.

    `mark` it before the operation starts, or give the time at which it `began`; `fetch` while it runs. Only
    stacks that are still moving are asked, since DescribeStackEvents has a low quota. What the pages tell of
    earlier operations is the history by which it expects how long things take: it costs no call of its own.

    A call that fails loses nothing: what was read by then comes with the next `fetch`.
    """

    def __init__(
        self, cloudformation: "CloudFormationClient", stack_id: str, began: datetime | None = None
    ) -> None:
        self._cloudformation = cloudformation
        self._root = stack_id
        self._paths: dict[str, tuple[str, ...]] = {stack_id: ()}
        self._settled: set[str] = set()
        self._ending: set[str] = set()  # said to have ended by their parent, to be asked once more
        self._seen: set[str] = set()
        self._read: list[StackEventTypeDef] = []  # and not handed out yet
        self._began = began
        self._history = History()
        self._learned: set[str] = set()
        self._resource_began: dict[tuple[str, str], datetime] = {}
        self._took: dict[str, float] = {}  # by event
        self.root_status: str | None = None  # the root's own, of this operation only
        self.token = ""  # with which the operation was begun

    def mark(self) -> None:
        """What there is so far belongs to earlier operations."""
        newest, _ = self._page(self._root, None)
        self._seen |= {event["EventId"] for event in newest}  # a page is enough: reading stops at one of them
        self._learn(self._root, newest)

    def fetch(self) -> list[Progress]:
        """What is new since the last call, oldest first, of every stack discovered so far or now."""
        asked: set[str] = set()
        while waiting := [
            stack for stack in self._paths if stack not in asked and stack not in self._settled
        ]:
            for stack in waiting:
                asked.add(stack)
                self._read += self._fresh(stack)
        # A parent is asked before its children, so these have just told what they did last.
        self._settled |= self._ending
        self._ending.clear()
        fresh, self._read = self._read, []
        return [self._progress(event) for event in self._in_order(fresh)]

    def finish(self) -> list[Progress]:
        """What is left at the end: a nested stack cleans up after its parent called it complete."""
        self._settled.clear()
        return self.fetch()

    def _in_order(self, events: "list[StackEventTypeDef]") -> "Iterator[StackEventTypeDef]":
        """By time; at one instant in each stack's own order, parents first.

        Times are told by the millisecond, and a failure can pass through two levels within one: what a stack
        tells comes before its parent says how it ended, and so before the parent turns back over it.
        """
        # The sort is stable, and each stack's events stand in their order already.
        events = sorted(events, key=itemgetter("Timestamp"))
        for _, several in groupby(events, key=itemgetter("Timestamp")):
            left: dict[str, list[StackEventTypeDef]] = {}
            for event in several:
                left.setdefault(event["StackId"], []).append(event)
            for stack in sorted(left, key=lambda each: len(self._paths[each])):
                yield from _unfolded(stack, left)

    def _fresh(self, stack: str) -> "list[StackEventTypeDef]":
        """New events of one stack, oldest first; the nested stacks among them are followed from now on."""
        events = self._unseen(stack)
        events.reverse()
        if events and stack == self._root and self.root_status is None:
            self._began = self._began or events[0]["Timestamp"]
            self.token = events[0].get("ClientRequestToken", "")
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
            for position, event in enumerate(events):
                if event["EventId"] in self._seen or self._is_past(event):
                    self._learn(stack, [each for each in events[position:] if self._is_past(each)])
                    return found
                found.append(event)
            if not token:
                return found

    def _is_past(self, event: "StackEventTypeDef") -> bool:
        return self._began is not None and event["Timestamp"] < self._began

    def _learn(self, stack: str, newest_first: "list[StackEventTypeDef]") -> None:
        if stack not in self._learned:
            self._learned.add(stack)
            self._history.learn(self._paths[stack], reversed(newest_first))

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
        elif (began := self._resource_began.pop(key, None)) is not None:
            self._took[event["EventId"]] = (event["Timestamp"] - began).total_seconds()
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
        status, logical_id = event.get("ResourceStatus", ""), event.get("LogicalResourceId", "")
        path = self._paths[stack]
        return Progress(
            stack=path,
            logical_id=logical_id,
            type=event.get("ResourceType", ""),
            status=status,
            reason=event.get("ResourceStatusReason", ""),
            elapsed=(at - (self._began or at)).total_seconds(),
            took=self._took.pop(event["EventId"], None),
            about_stack=event.get("PhysicalResourceId") == stack,
            expected=self._history.expected((*path, logical_id), action(status)),
            token=event.get("ClientRequestToken", ""),
        )


def _unfolded(stack: str, left: "dict[str, list[StackEventTypeDef]]") -> "Iterator[StackEventTypeDef]":
    """A stack's events, each end of a nested one after what that has told; they are taken out of `left`."""
    for event in left.pop(stack, ()):
        ended = event.get("ResourceType") == NESTED and not event.get("ResourceStatus", "").endswith(
            "_IN_PROGRESS"
        )
        if ended:
            yield from _unfolded(event.get("PhysicalResourceId", ""), left)
        yield event
