"""A trial's picture: the readings, what is usual, the limits, and when an alarm would have stood.

White behind everything, so that it can be read on a dark page as well.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from processor.alarms.definition import Deviation, Limit
from processor.alarms.outline import Outline
from processor.alarms.phrases import counted, rule, time
from processor.alarms.picture import Frame
from processor.alarms.trial import Tried
from processor.columns import Float64

DOTS = 150  # an inch
WIDTH = 12.0  # inches
HEIGHTS = {1: 5.0, 2: 3.1, 3: 2.5}  # of a panel, by how many there are
LEAST_HEIGHT = 2.0
BETWEEN = 0.62  # inches, for a title
LEFT, RIGHT = 0.065, 0.955  # of the width, where the panels are
FEW = 300  # readings, which are shown as dots too
FARTHEST = 1e150  # what is beyond is drawn there: its distances would be no numbers
DAY = 86_400.0
# Of ticks that are years, months, days, hours, minutes, seconds apart; and at the first of each.
FORMATS = ["%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M", "%H:%M:%S"]
AT_ZERO = ["%Y", "%b %Y", "%d %b", "%d %b", "%H:%M", "%H:%M"]

INK, FAINT, GRID = "#1f2933", "#6b7785", "#e4e8ec"
READINGS, JUDGED = "#5b8db8", "#0b3c66"
USUAL, CENTRE = "#cfe3d4", "#4f8a61"
BOUND = "#b3541e"
HOT, STANDING = "#f6c453", "#d64545"
KNOWN = "#7b5ea7"
STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with the library, so a picture is the same everywhere
    "font.size": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "timezone": "UTC",
}


def draw(panels: Sequence[Tried], frame: Frame, file: Path) -> None:
    """panels: with an outline each. Raises OSError."""

    with matplotlib.rc_context(STYLE):
        height = HEIGHTS.get(len(panels), LEAST_HEIGHT)
        figure = Figure(figsize=(WIDTH, height * len(panels) + 0.9), dpi=DOTS, facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axis, tried in zip(axes, panels, strict=True):
            _panel(axis, tried, frame)
        _time_axis(axes[-1], frame)
        _around(figure, frame, len(panels))
        # Without the library's name and version: the same trial is the same file.
        figure.savefig(file, format="png", metadata={"Software": None}, pil_kwargs={"optimize": True})


def _panel(axis: Axes, tried: Tried, frame: Frame) -> None:
    outline = tried.outline
    if outline is None:
        raise RuntimeError(f"{tried.name} has no outline")
    _alarms(axis, tried, frame, outline)
    days = outline.middles / DAY
    if isinstance(frame.definition, Deviation):
        low, high = outline.centre - outline.reach, outline.centre + outline.reach
        axis.fill_between(days, low, high, color=USUAL, linewidth=0, zorder=1)
        axis.plot(days, outline.centre, color=CENTRE, linewidth=0.8, zorder=2)
        _learning(axis, outline)
    x, y = _line(outline, tried.course.step)
    few = tried.course.count <= FEW
    axis.plot(x, y, color=READINGS, linewidth=0.8, marker="." if few else "", markersize=3, zorder=3)
    axis.plot(days, outline.judged, color=JUDGED, linewidth=1.2, zorder=4)
    if isinstance(frame.definition, Limit):
        _limits(axis, frame.definition)
    axis.grid(axis="y", color=GRID, linewidth=0.6)
    axis.set_axisbelow(True)
    axis.margins(y=0.08)
    axis.set_title(f"{tried.name}  ·  {counted(len(tried.alarms), 'alarm')}")
    axis.set_ylabel(tried.unit or tried.name.rsplit("/", 1)[-1])
    if not tried.course.count:
        axis.text(0.5, 0.5, "no readings", transform=axis.transAxes, ha="center", color=FAINT)


def _line(outline: Outline, step: int) -> tuple[Float64, Float64]:
    """Up and down through each column that has readings; broken where more than three steps are missing."""
    there = np.flatnonzero(np.isfinite(outline.low))
    width = (outline.span.until - outline.span.since) / len(outline.low)
    apart = np.diff(there, prepend=there[:1]) > max(1.5, 3 * step / width)
    days = outline.middles[there] / DAY
    x = np.column_stack([np.where(apart, days, np.nan), days, days]).ravel()
    low, high = (np.clip(side[there], -FARTHEST, FARTHEST) for side in (outline.low, outline.high))
    y = np.column_stack([np.full(len(there), np.nan), low, high]).ravel()
    wanted = np.column_stack([apart, np.ones((len(there), 2), np.bool_)]).ravel()
    return x[wanted], y[wanted]


def _alarms(axis: Axes, tried: Tried, frame: Frame, outline: Outline) -> None:
    """Amber since it was so, red since it was raised; a mark where somebody would have been told."""
    least = (outline.span.until - outline.span.since) / 1e6 / DAY / len(outline.low)
    end = outline.span.until / 1e6 / DAY
    before, standing, told = [], [], []
    for alarm in tried.alarms:
        since, raised = _days(alarm.since), _days(alarm.raised)
        cleared = end if alarm.cleared is None else _days(alarm.cleared)
        before.append((since, raised - since))
        standing.append((raised, max(cleared - raised, least)))
        told.append(raised)
    whole = axis.get_xaxis_transform()
    axis.broken_barh(before, (0, 1), transform=whole, color=HOT, alpha=0.4, linewidth=0, zorder=2)
    axis.broken_barh(standing, (0, 1), transform=whole, color=STANDING, alpha=0.25, linewidth=0, zorder=2)
    axis.plot(
        told, [1.0] * len(told), "v", transform=whole, color=STANDING, markersize=5, clip_on=False, zorder=5
    )
    known = [(_days(one.since), _days(one.until) - _days(one.since)) for one in frame.windows]
    axis.broken_barh(known, (0, 0.035), transform=whole, color=KNOWN, linewidth=0, zorder=5)


def _learning(axis: Axes, outline: Outline) -> None:
    """Where nothing can be raised, since there is no band yet."""
    there = np.flatnonzero(np.isfinite(outline.low))
    known = np.flatnonzero(np.isfinite(outline.centre))
    if not len(there):
        return
    if not len(known) or known[0] > there[0]:
        place = (outline.middles[there[0]] / DAY, 0.05)
        axis.annotate(
            "learning", place, (4, 0), xycoords=axis.get_xaxis_transform(), textcoords="offset points",
            color=FAINT, fontsize=8,
        )  # fmt: skip


def _limits(axis: Axes, limit: Limit) -> None:
    for bound, back in ((limit.high, -limit.deadband), (limit.low, limit.deadband)):
        if bound is None:
            continue
        place, well = np.clip([bound, bound + back], -FARTHEST, FARTHEST)
        axis.axhline(place, color=BOUND, linewidth=1, zorder=4)
        if limit.deadband:
            axis.axhline(well, color=BOUND, linewidth=0.8, linestyle=(0, (1, 2)), zorder=4)
        axis.annotate(
            f" {bound:g}",
            (1, place),
            xycoords=("axes fraction", "data"),
            color=BOUND,
            va="center",
            fontsize=8.5,
        )


def _time_axis(axis: Axes, frame: Frame) -> None:

    locator = AutoDateLocator(tz="UTC")
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(
        ConciseDateFormatter(locator, tz="UTC", formats=FORMATS, zero_formats=AT_ZERO, show_offset=False)
    )
    axis.set_xlim(_days(frame.since), _days(frame.until))
    axis.set_xlabel("time, UTC")


def _around(figure: Figure, frame: Frame, panels: int) -> None:
    """What was tried, over what, and which colour is what."""
    height = figure.get_figheight()
    drawn = (
        f", {panels} of {frame.points:,} points: those with the most alarms" if frame.points > panels else ""
    )
    figure.suptitle(
        rule(frame.definition),
        x=LEFT, y=1 - 0.14 / height, ha="left", va="top", fontsize=11.5, fontweight="bold",
    )  # fmt: skip
    figure.text(
        LEFT, 1 - 0.42 / height, f"{time(frame.since)} to {time(frame.until)}{drawn}",
        ha="left", va="top", color=FAINT,
    )  # fmt: skip
    figure.legend(
        handles=_key(frame), loc="upper right", bbox_to_anchor=(RIGHT, 1 - 0.36 / height), frameon=False,
        ncols=7, fontsize=8, handlelength=1.4, columnspacing=1.2, borderaxespad=0, borderpad=0,
    )  # fmt: skip
    apart = BETWEEN / HEIGHTS.get(panels, LEAST_HEIGHT)
    figure.subplots_adjust(left=LEFT, right=RIGHT, top=1 - 0.95 / height, bottom=0.55 / height, hspace=apart)


def _key(frame: Frame) -> list[Any]:

    key: list[Any] = [Line2D([], [], color=READINGS, label="readings, least to greatest")]
    if isinstance(frame.definition, Deviation):
        key += [
            Line2D([], [], color=JUDGED, label="mean of an hour"),
            Line2D([], [], color=CENTRE, label="usual"),
            Patch(color=USUAL, label="band"),
        ]
    if isinstance(frame.definition, Limit):
        key.append(Line2D([], [], color=BOUND, label="limit"))
        if frame.definition.deadband:
            key.append(Line2D([], [], color=BOUND, linestyle=(0, (1, 2)), label="well again"))
    key += [
        Patch(color=HOT, alpha=0.4, label="not yet told"),
        Patch(color=STANDING, alpha=0.25, label="alarm"),
    ]
    return [*key, Patch(color=KNOWN, label="known")] if frame.windows else key


def _days(moment: datetime) -> float:
    """As matplotlib counts them: since 1970."""
    return moment.timestamp() / DAY
