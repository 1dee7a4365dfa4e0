"""A trial as a PNG: which points are drawn, and what is said around them.

The drawing is matplotlib's, of the extra `plot`, which the image does not have: a task can write no file, and
whoever tries a rule sits elsewhere.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType

from processor.alarms.definition import Definition
from processor.alarms.labels import Window
from processor.alarms.trial import Tried

MOST_PANELS = 8  # points; a panel less high shows no course
COLUMNS = 1_200  # of a panel: about a pixel each


class PictureError(ValueError):
    """No picture can be drawn or written: the message says why, and what to do."""


@dataclass(frozen=True)
class Frame:
    """What is said around the panels. `windows`: what is known to have been wrong."""

    definition: Definition
    since: datetime
    until: datetime
    points: int
    windows: Sequence[Window] = ()


def check() -> None:
    """Raises PictureError where the library is missing: before a trial that takes minutes, not after it."""
    _drawing()


def most_alarms(tried: Iterable[Tried]) -> list[Tried]:
    """Those that are drawn: the ones with the most alarms, in their order; then those without."""
    best = heapq.nlargest(MOST_PANELS, enumerate(tried), key=lambda one: (len(one[1].alarms), -one[0]))
    return [one for _, one in sorted(best, key=lambda one: one[0])]


def draw(panels: Sequence[Tried], frame: Frame, file: Path) -> None:
    """panels: with an outline each, MOST_PANELS at most. Raises PictureError where it cannot be written."""
    try:
        _drawing().draw(panels, frame, file)
    except OSError as error:
        raise PictureError(f"--plot {file} cannot be written: {error.strerror}; name another file") from None


def _drawing() -> ModuleType:
    try:
        return import_module("processor.alarms.drawing")
    except ImportError as error:
        raise PictureError(
            f"a picture needs matplotlib, and it cannot be loaded ({error}): in a clone of the repository "
            "pip install '.[processor,plot]', or leave --plot out"
        ) from None
