"""What a run shows: on a terminal a picture that is drawn anew, else plain lines now and then.

Chatter goes to standard error, results to standard output. Drawing only: what is shown is handed in.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from deployer.events import Listener
from deployer.events import Progress as StackEvent
from deployer.plan import Plan
from deployer.progress import Tree
from local.audit import Audit
from local.progress import Progress

LINE_SECONDS = 5.0  # between plain lines


@dataclass(frozen=True)
class Latest:
    """A point's latest value as the cache has it."""

    device: str
    metric: str
    value: str
    quality: str  # good, uncertain, bad
    age_seconds: float


class Screen:
    """One run's output. `stream` is standard error."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._console = Console(file=stream, highlight=False)
        self.live = stream.isatty()

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def phase(self, name: str, *, moving: bool = False) -> Iterator[None]:
        """Say what was done and how long it took, once it is done; a terminal sees that it is under way.

        moving: something else is drawn meanwhile. An error that ends the phase carries its name as a note.
        """
        began = self._clock()
        waiting = nullcontext() if moving or not self.live else self._console.status(name)
        try:
            with waiting:
                yield
        except Exception as error:
            error.add_note(f"not done: {name}")
            raise
        self.say(f"  {name:<46} {self._clock() - began:6.1f} s")

    @contextmanager
    def stacks(self) -> Iterator[Listener]:
        """Follows an operation on stacks: a tree on a terminal, else a line for each stack that is done."""
        if self.live:
            with Tree(self._stream) as listener:
                yield listener
        else:
            yield self._stack_line

    def _stack_line(self, event: StackEvent, /) -> None:
        settled = event.about_stack and not event.status.endswith("_IN_PROGRESS")
        if event.failed or settled:
            reason = f"  {event.reason}" if event.reason else ""
            self.say(f"    {event.elapsed:5.1f} s  {event.path}  {event.status}{reason}")

    def plan(self, plan: Plan) -> None:
        counts = plan.counts
        self.say(f"  plan: {counts.add} to add, {counts.modify} to modify, {counts.remove} to remove")

    @contextmanager
    def streaming(self, title: str) -> Iterator["Stream"]:
        """While readings flow."""
        if not self.live:
            yield Stream(self, title, None)
            return
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            yield Stream(self, title, live)


class Stream:
    """The part of the screen that moves."""

    def __init__(self, screen: Screen, title: str, live: Live | None) -> None:
        self._screen = screen
        self._title = title
        self._live = live
        self._next_line = 0.0

    def show(
        self, progress: Progress, restarts: int, latest: Sequence[Latest], age: float | None = None
    ) -> None:
        """To be called every second or so. age: at the last commit, as the processor says."""
        if self._live is not None:
            self._live.update(picture(self._title, progress, restarts, latest, age), refresh=True)
        elif progress.at >= self._next_line:
            self._next_line = progress.at + LINE_SECONDS
            self._screen.say(f"  {line(progress, restarts, age)}")


def line(progress: Progress, restarts: int, age: float | None = None) -> str:
    """`  12 s  sent 24,000 (2,000/s)  committed 23,900 (2,000/s)  lag 0.2 s  age at commit 0.3 s`"""
    again = f"  processor restarted {restarts}×" if restarts else ""
    sent = f"sent {progress.sent:,} ({progress.sent_rate:,.0f}/s)"
    passed = f"committed {progress.passed:,} ({progress.passed_rate:,.0f}/s)"
    return f"{progress.at:5.0f} s  {sent}  {passed}  lag {progress.lag_seconds:.1f} s{_aged(age)}{again}"


def _aged(age: float | None) -> str:
    return "" if age is None else f"  age at commit {age:.1f} s"


def picture(
    title: str, progress: Progress, restarts: int, latest: Sequence[Latest], age: float | None = None
) -> RenderableType:
    """Rates above, latest values below."""
    flow = Table.grid(padding=(0, 3))
    for column in range(4):
        flow.add_column(justify="left" if column == 0 else "right")
    flow.add_row("sent", f"{progress.sent:,}", f"{progress.sent_rate:,.0f}/s", "")
    lag = f"lag {progress.lag_seconds:.1f} s{_aged(age)}"
    flow.add_row("committed", f"{progress.passed:,}", f"{progress.passed_rate:,.0f}/s", lag)
    parts: list[RenderableType] = [Text(f"{title}: {progress.at:.0f} s", style="bold"), flow]
    if restarts:
        parts.append(Text(f"the processor was restarted {restarts}×", style="yellow"))
    if latest:
        parts += [Text(""), _values(latest)]
    return Group(*parts)


def _values(latest: Sequence[Latest]) -> Table:
    """A row a device, a column a metric."""
    metrics = list(dict.fromkeys(item.metric for item in latest))
    # A name of two words stands in two lines: so it fits 80 columns, and who it is and how old stay in 60.
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    names = {item.device.rsplit("/", 1)[-1] for item in latest}
    table.add_column("latest", no_wrap=True, min_width=max(map(len, names)))
    for metric in metrics:
        table.add_column(metric.replace("_", "\n"), justify="right", no_wrap=True)
    table.add_column("age", justify="right", no_wrap=True, min_width=len("12.3 s"))
    styles = {"good": "", "uncertain": "yellow", "bad": "red"}
    for device in dict.fromkeys(item.device for item in latest):
        of_device = {item.metric: item for item in latest if item.device == device}
        shown = [of_device.get(metric) for metric in metrics]
        cells = [Text(item.value, style=styles[item.quality]) if item else Text("") for item in shown]
        age = min(item.age_seconds for item in of_device.values())
        table.add_row(device.rsplit("/", 1)[-1], *cells, f"{age:.1f} s")
    return table


def summary(audit: Audit, facts: Mapping[str, str]) -> list[str]:
    """The end of a run: every sent reading, and what became of it."""
    rows = [
        ("sent", f"{audit.sent:,}", "readings put on the stream and acknowledged"),
        ("stored", f"{audit.stored:,}", "newly, by this run"),
        ("absorbed", f"{audit.absorbed:,}", "came again, or were there already"),
        ("quarantined", f"{audit.quarantined:,}", "set aside with the reason"),
        ("lost", f"{audit.lost:,}", "nowhere to be found"),
        ("duplicated", f"{audit.duplicated:,}", "stored more than once, or counted so by a rollup"),
    ]
    lines = [f"  {name:<12} {count:>12}   {what}" for name, count, what in rows]
    if audit.rollup_difference:
        lines.append(f"  the rollups differ from their rows by {audit.rollup_difference:,} readings")
    if audit.latency_ms is not None:
        p50, p99 = audit.latency_ms.p50, audit.latency_ms.p99
        lines.append(
            f"  {'latency':<12} {p50:>9,.0f} ms   put to committed, median; 99 % within {p99:,.0f} ms"
        )
    return [*lines, *(f"  {name:<12} {text}" for name, text in facts.items())]
