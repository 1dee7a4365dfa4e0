"""An operation on the screen: a line per event, or on a terminal a tree that is drawn again and again."""

import os
import re
import sys
from itertools import accumulate
from threading import Lock
from typing import Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from deployer.board import Board
from deployer.clock import Clock, SystemClock
from deployer.estimate import duration
from deployer.events import Progress
from deployer.viewer import Choice
from deployer.wrapping import paragraphs, wrapped

QUIET_SECONDS = 30.0  # a log that says nothing for longer looks like one that hangs, and some CI ends it
STILL = 3  # resources that such a line names

FURTHER = re.compile(r"  \S")  # of a reason below the failure that it belongs to
FAILURES = ("failed:", "also:", "in the roll-back:")
CHOICES = {"d": Choice.LEAVE, "c": Choice.CANCEL, "s": Choice.STAY}


def line(event: Progress) -> str:
    """`  12.3s  Database/Readings  AWS::RDS::DBInstance  CREATE_COMPLETE  in 8.1s`"""
    parts = [f"{event.elapsed:7.1f}s", event.path, event.type, event.status]
    if event.took is not None:
        parts.append(f"in {event.took:.1f}s")
    if event.moving and event.expected is not None:
        parts.append(f"took {duration(event.expected)} last time")
    if event.reason and (event.failed or "ROLLBACK" in event.status):
        parts.append(event.reason)
    return "  ".join(parts)


class Elapsed:
    """Seconds since the operation began, by AWS's events as well as by the clock here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._zero: float | None = None  # of our clock, when the operation began

    def begins(self, ago: float) -> None:
        self._zero = self._clock.now() - ago

    def hears(self, event: Progress) -> None:
        """An event comes after it happened: the earliest beginning that one speaks for is the best."""
        zero = self._clock.now() - event.elapsed
        self._zero = zero if self._zero is None else min(self._zero, zero)

    def now(self) -> float:
        return 0.0 if self._zero is None else self._clock.now() - self._zero


class Lines:
    """A plain line per event, and one now and then while there is none: for logs and pipes."""

    def __init__(self, stream: TextIO, clock: Clock | None = None) -> None:
        self._stream = stream
        self._clock = clock or SystemClock()
        self._elapsed = Elapsed(self._clock)
        self._board = Board()
        self._spoke = self._clock.now()
        self._notice = ""

    def __call__(self, event: Progress, /) -> None:
        self._elapsed.hears(event)
        self._board.take(event)
        if event.about_stack and event.stack:
            return  # its parent says the same of it
        self._print(line(event))

    def begins(self, ago: float) -> None:
        self._board = Board()
        self._elapsed.begins(ago)

    def tick(self) -> None:
        if self._clock.now() - self._spoke >= QUIET_SECONDS:
            self._print(still(self._board, self._elapsed.now()))

    def says(self, notice: str) -> None:
        if notice and notice != self._notice:
            self._print(notice)
        self._notice = notice

    def choose(self, refusal: str) -> Choice:
        return Choice.LEAVE

    def _print(self, text: str) -> None:
        self._spoke = self._clock.now()
        if self._stream.isatty():  # one that cannot be drawn on
            text = paragraphs(text, Console(file=self._stream).width)
        print(text, file=self._stream, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def still(board: Board, now: float) -> str:
    """`still: Database/Instance CREATE_IN_PROGRESS 4m30s, about 6 min left`"""
    rows = board.running()
    named = [f"{row.last.path} {row.last.status} {row.time(now)}" for row in rows[:STILL]]
    if len(rows) > STILL:
        named.append(f"and {len(rows) - STILL} more")
    return f"still: {'; '.join(named) or f'waiting for AWS, {duration(now)}'}"


class Tree:
    """The board on a terminal. `answers` is where somebody says what Ctrl-C means; without, it ends."""

    def __init__(self, stream: TextIO, clock: Clock | None = None, answers: TextIO | None = None) -> None:
        self._stream = stream
        self._answers = answers
        self._board = Board()
        self._elapsed = Elapsed(clock or SystemClock())
        self._notice = ""
        self._lock = Lock()  # it is drawn by a thread of rich's, so that seconds pass while AWS is asked
        self._console = Console(file=stream, highlight=False)
        self._live: Live | None = None

    def __call__(self, event: Progress, /) -> None:
        with self._lock:
            self._elapsed.hears(event)
            self._board.take(event)
        self._show()

    def begins(self, ago: float) -> None:
        if not self._board.is_empty:  # the picture of what has ended stays, without what is said of the next
            self._notice, notice = "", self._notice
            self._stop()
            self._notice = notice
        with self._lock:
            self._board = Board()
            self._elapsed.begins(ago)

    def tick(self) -> None:
        pass

    def says(self, notice: str) -> None:
        with self._lock:
            self._notice = notice
        if notice:
            self._show()

    def choose(self, refusal: str) -> Choice:
        if self._answers is None:
            return Choice.LEAVE
        self._stop()  # the picture stays while somebody thinks, and comes back below the answer
        choice = ask(refusal, self._stream, self._answers)
        if choice is not Choice.LEAVE:
            self._show()
        return choice

    def picture(self) -> list[str]:
        """The lines as they are now."""
        with self._lock:
            width = self._console.width
            notice = wrapped(self._notice, width)
            height = self._console.height - 1 - len(notice)
            lines = self._board.lines(self._elapsed.now(), width, height)
        return [*notice, *lines]

    def _show(self) -> None:
        if self._live is None:
            self._live = Live(
                console=self._console, get_renderable=self._drawn, refresh_per_second=4, transient=False
            )
            self._live.start()

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()  # the last picture stays
            self._live = None

    def _drawn(self) -> Group:
        lines = self.picture()
        styles = accumulate(lines, _style, initial="")
        next(styles)
        return Group(
            *(
                Text(text, style=style, no_wrap=True, overflow="ellipsis")
                for text, style in zip(lines, styles, strict=True)
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()


def ask(refusal: str, stream: TextIO, answers: TextIO) -> Choice:
    """Ctrl-C's three ways on; a second one, or the end of input, is the first of them."""
    cancel = "" if refusal else ", cancel the update (c)"
    question = f"Detach and let it run (d){cancel}, stay (s)? "
    if refusal:
        print(paragraphs(f"It cannot be cancelled: {refusal}", Console(file=stream).width), file=stream)
    while True:
        print(question, end="", file=stream, flush=True)
        try:
            answer = answers.readline()
        except KeyboardInterrupt:
            answer = ""
        if not answer:
            print(file=stream)
            return Choice.LEAVE
        choice = CHOICES.get(answer.strip().lower())
        if choice is not None and not (refusal and choice is Choice.CANCEL):
            return choice


def _style(above: str, text: str) -> str:
    """By what the line says; what goes on from the line above is as that one."""
    if FURTHER.match(text):
        return above
    if text.startswith(FAILURES) or "_FAILED" in text:
        return "red"
    return "yellow" if "IN_PROGRESS" in text or "ROLLBACK" in text else ""


def screen(stream: TextIO, clock: Clock | None = None) -> Lines | Tree:
    """What suits the stream: colours and redrawing on a terminal only, questions where one can answer."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return Lines(stream, clock)
    return Tree(stream, clock, sys.stdin if sys.stdin.isatty() else None)
