"""The course of one operation, kept while it is shown: what became of each resource, and when."""

from dataclasses import dataclass, field

from deployer.events import Listener, Progress
from deployer.viewer import Choice, Viewer, as_viewer


@dataclass
class Course:
    """`begun` once an operation is followed; `events` in the order in which they came."""

    begun: bool = False
    events: list[Progress] = field(default_factory=list)

    def shown_to(self, listener: Listener) -> Viewer:
        """A viewer that hands all on to the listener, and keeps it here."""
        return _Keeping(self, as_viewer(listener))

    @property
    def status(self) -> str | None:
        """The root's, as its events told it last."""
        told = [event.status for event in self.events if event.about_stack and not event.stack]
        return told[-1] if told else None

    @property
    def seconds(self) -> float | None:
        """From its beginning to the last that happened."""
        return max((event.elapsed for event in self.events), default=None)

    @property
    def ends(self) -> list[Progress]:
        """What each resource and nested stack came to; twice where it was rolled back."""
        # A nested stack says of itself what its parent says of it.
        return [event for event in self.events if not event.moving and not event.about_stack]


class _Keeping:
    def __init__(self, course: Course, viewer: Viewer) -> None:
        self._course = course
        self._viewer = viewer

    def __call__(self, event: Progress, /) -> None:
        self._course.events.append(event)
        self._viewer(event)

    def begins(self, ago: float) -> None:
        self._course.begun = True
        self._viewer.begins(ago)

    def tick(self) -> None:
        self._viewer.tick()

    def says(self, notice: str) -> None:
        self._viewer.says(notice)

    def choose(self, refusal: str) -> Choice:
        return self._viewer.choose(refusal)
