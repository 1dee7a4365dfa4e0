"""Who watches an operation: more than its events, also the time between them, and what to do on Ctrl-C."""

from enum import StrEnum
from typing import Protocol, runtime_checkable

from deployer.events import Listener, Progress


class Choice(StrEnum):
    """What to do with an operation that somebody interrupted."""

    STAY = "stay"
    CANCEL = "cancel"
    LEAVE = "leave"


@runtime_checkable
class Viewer(Protocol):
    """A listener that is also told of what no event tells."""

    def __call__(self, event: Progress, /) -> None: ...

    def begins(self, ago: float) -> None:
        """An operation is followed from here on; it began so many seconds ago."""

    def tick(self) -> None:
        """Time has passed; nothing need have happened."""

    def says(self, notice: str) -> None:
        """What stands in the way of looking, until it is "" again."""

    def choose(self, refusal: str) -> Choice:
        """Somebody pressed Ctrl-C. `refusal` is why the operation cannot be cancelled, "" when it can."""


class Deaf:
    """For a listener that wants events and nothing else; interrupted, it leaves."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def __call__(self, event: Progress, /) -> None:
        self._listener(event)

    def begins(self, ago: float) -> None:
        pass

    def tick(self) -> None:
        pass

    def says(self, notice: str) -> None:
        pass

    def choose(self, refusal: str) -> Choice:
        return Choice.LEAVE


def as_viewer(listener: Listener) -> Viewer:
    return listener if isinstance(listener, Viewer) else Deaf(listener)
