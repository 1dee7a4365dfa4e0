"""An operation on the screen: a line per event, or on a terminal a tree that is drawn again and again."""

from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from deployer import drawing
from deployer.events import Listener, Progress

SHOWN_AT_ONCE = 12  # resources under way below a stack; more would scroll the tree away


def line(event: Progress) -> str:
    """`  12.3s  Database/Readings  AWS::RDS::DBInstance  CREATE_COMPLETE  in 8.1s`"""
    parts = [f"{event.elapsed:7.1f}s", event.path, event.type, event.status]
    if event.took is not None:
        parts.append(f"in {event.took:.1f}s")
    if event.reason and (event.failed or "ROLLBACK" in event.status):
        parts.append(event.reason)
    return "  ".join(parts)


class Lines:
    """A plain line per event: for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Progress, /) -> None:
        if event.about_stack and event.stack:
            return  # its parent says the same of it
        print(line(event), file=self._stream, flush=True)

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Board:
    """The state of every stack and of what is under way in it, from the events so far."""

    def __init__(self) -> None:
        self._stacks: dict[tuple[str, ...], Progress] = {}
        self._resources: dict[tuple[str, ...], dict[str, Progress]] = {}

    def take(self, event: Progress) -> None:
        if event.is_container:
            # What its parent says of a nested stack and what it says of itself is one line.
            path = event.stack if event.about_stack else (*event.stack, event.logical_id)
            self._stacks[path] = event
        else:
            self._stacks.setdefault(event.stack, event)
            self._resources.setdefault(event.stack, {})[event.logical_id] = event

    def lines(self) -> list[str]:
        """The tree: done of begun resources per stack, and those that are under way or failed."""
        entries: list[tuple[int, str]] = []
        for path in sorted(self._stacks, key=self._place):
            resources = list(self._resources.get(path, {}).values())
            open_ = [event for event in resources if not event.settled]
            done = len(resources) - len(open_)
            stack = self._stacks[path]
            status = stack.status if stack.is_container else ""
            name = path[-1] if path else stack.logical_id
            entries.append((len(path), f"{name}  {status}  {done}/{len(resources)}  {stack.elapsed:.0f}s"))
            for event in open_[:SHOWN_AT_ONCE]:
                reason = f"  {event.reason}" if event.failed else ""
                text = f"{event.logical_id}  {event.type}  {event.status}{reason}"
                entries.append((len(path) + 1, text))
        return drawing.branches(entries)

    def _place(self, path: tuple[str, ...]) -> tuple[int, ...]:
        """Parents before children, siblings in the order in which they were first seen."""
        order = list(self._stacks)
        return tuple(
            order.index(path[:depth]) if path[:depth] in order else 0 for depth in range(len(path) + 1)
        )


class Tree:
    """The board on a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._board = Board()
        self._console = Console(file=stream)
        self._live = Live(console=self._console, refresh_per_second=4, transient=False)

    def __call__(self, event: Progress, /) -> None:
        self._board.take(event)
        self._live.update(Text("\n").join(_coloured(text) for text in self._board.lines()))

    def __enter__(self) -> Listener:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


def _coloured(text: str) -> Text:
    style = "red" if "FAILED" in text else "yellow" if "IN_PROGRESS" in text or "ROLLBACK" in text else ""
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def screen(stream: TextIO) -> Lines | Tree:
    """What suits the stream: colours and redrawing on a terminal only."""
    return Tree(stream) if stream.isatty() else Lines(stream)
