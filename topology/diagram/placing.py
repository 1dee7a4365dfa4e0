"""Where everything stands, in units that are pixels where the picture is shown at its own width."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import ceil

from topology.diagram.columns import Columns, columns
from topology.diagram.content import Box, Content, Frame
from topology.diagram.flows import What
from topology.diagram.measure import width, wrapped
from topology.diagram.rect import Rect

MARGIN = 20.0
TITLE, TEXT, SMALL = 13.5, 12.0, 10.5  # sizes of letters
LEAD = 15.0  # from line to line
HEADER = 24.0  # of a frame, its name in it
PAD = 10.0  # between a frame and its boxes, a box and its text
GAP = 12.0  # between boxes of one frame
APART = 24.0  # between frames
GUTTER = 46.0  # between columns, for the lines
NARROWEST, WIDEST = 84.0, 146.0  # boxes
WIDEST_BELOW = 128.0  # boxes of the bottom row
TOP = 62.0  # of the first row, beneath the heading
BENEATH = 30.0  # between rows
MANY = 3  # boxes of one frame that stand beneath each other; more stand two by two where there is room
LEGEND = 26.0
ROOMY = 1020.0  # so wide a picture is still read well in a column of text


@dataclass
class Placement:
    """What has its place; a plan in the making until `placed` hands it over."""

    width: float = 0.0
    height: float = 0.0
    frames: dict[str, Rect] = field(default_factory=dict)
    boxes: dict[str, Rect] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)  # box → the lines below its title
    zones: dict[str, Rect] = field(default_factory=dict)
    zone_texts: dict[str, list[str]] = field(default_factory=dict)
    network: Rect | None = None
    network_text: list[str] = field(default_factory=list)
    column: dict[str, int] = field(default_factory=dict)  # box → its column, those of the bottom row apart
    gutters: dict[int, tuple[float, float]] = field(default_factory=dict)  # column → the room left of it
    legend_y: float = 0.0


def placed(content: Content) -> Placement:
    return _Placing(content, columns(content)).placement()


class _Placing:
    """x of the columns first, then y: the network, what leads to it, what is beneath, the bottom row."""

    def __init__(self, content: Content, plan: Columns) -> None:
        self.content = content
        self.plan = plan
        self.made = Placement()
        self.x: dict[int, float] = {}  # column → its frames' left side
        self.w = {column: _widest(frames, WIDEST) for column, frames in plan.main.items()}  # of its boxes
        self.right = self._across()

    def placement(self) -> Placement:
        first = TOP + self._network_header()
        lowest = self._within(first)
        for column in sorted(self.plan.outside, reverse=True):
            self._before(column, first)
        self._network(first, lowest)
        self._down(TOP - min(rect.y for rect in self.made.frames.values()))
        bottom = self._beneath(self._lowest() + BENEATH)
        right, bottom = self._bottom_row(bottom + BENEATH)
        self.made.width = max(self.right, right) + MARGIN
        self.made.legend_y = bottom + LEGEND
        self.made.height = bottom + LEGEND + MARGIN
        return self.made

    def _across(self) -> float:
        """Every column's x and the gutter left of it; where the last one ends."""
        x = MARGIN
        for at, (column, frames) in enumerate(self.plan.main.items()):
            inside = column in self.plan.inside
            if at:
                start, x = x, x + GUTTER + (2 * PAD if inside else 0)
                self.made.gutters[column] = (start, x)
            self.x[column] = x
            x += self.w[column] + (2 * PAD if any(frame.name for frame in frames) else 0)
            self.made.column |= {box.key: column for frame in frames for box in frame.boxes}
        return x + (2 * PAD if self.plan.inside else 0)

    # a frame

    def _frame(self, frame: Frame, column: int, y: float) -> Rect:
        return self._frame_at(frame, self.x[column], y, self.w[column])

    def _frame_at(self, frame: Frame, x: float, y: float, w: float, across: int = 1) -> Rect:
        """A frame with its boxes, `across` in a row; `w` is a box's width."""
        if not frame.name:
            made = self._box(frame.boxes[0], x, y, w)
        else:
            top = y + HEADER
            for start in range(0, len(frame.boxes), across):
                row = frame.boxes[start : start + across]
                tallest = max(
                    self._box(box, x + PAD + at * (w + GAP), top, w).h for at, box in enumerate(row)
                )
                for box in row:
                    self.made.boxes[box.key] = replace(self.made.boxes[box.key], h=tallest)
                top += tallest + GAP
            made = Rect(x, y, _frame_width(frame, w, across), top - GAP + PAD - y)
        self.made.frames[frame.key] = made
        return made

    def _box(self, box: Box, x: float, y: float, w: float) -> Rect:
        lines = [line for text in box.face.lines for line in wrapped(text, TEXT, w - 2 * PAD)]
        self.made.texts[box.key] = lines
        self.made.boxes[box.key] = Rect(x, y, w, 2 * PAD + LEAD * (len(lines) + 1))
        return self.made.boxes[box.key]

    def _move(self, frame: Frame, dy: float) -> None:
        self.made.frames[frame.key] = self.made.frames[frame.key].moved(dy)
        for box in frame.boxes:
            self.made.boxes[box.key] = self.made.boxes[box.key].moved(dy)

    # the network and what leads to it

    def _network_header(self) -> float:
        """The height of what is written above the frames of the network."""
        if not self.plan.inside:
            return 0.0
        room = self.right - self.x[min(self.plan.inside)]
        self.made.network_text = [line for text in self.content.network for line in wrapped(text, TEXT, room)]
        for zone in self.content.zones:
            room = self.w[self._column_of(zone.name)] + 2 * PAD
            self.made.zone_texts[zone.name] = wrapped(", ".join(zone.cidrs), SMALL, room)
        return LEAD * (len(self.made.network_text) + 1) + PAD + self._zone_header()

    def _zone_header(self) -> float:
        return LEAD * (1 + max((len(text) for text in self.made.zone_texts.values()), default=0)) + PAD

    def _column_of(self, zone: str) -> int:
        return next(
            at for at, frames in self.plan.main.items() if any(frame.zone == zone for frame in frames)
        )

    def _within(self, first: float) -> float:
        """The columns of the network, each centred on the tallest; where that ends."""
        ends: dict[int, float] = {}
        for column in self.plan.inside:
            y = first
            for frame in self.plan.main[column]:
                y = self._frame(frame, column, y).bottom + APART
            ends[column] = y - APART
        lowest = max(ends.values(), default=first)
        for column, end in ends.items():
            for frame in self.plan.main[column]:
                self._move(frame, (lowest - end) / 2)
        return lowest

    def _network(self, first: float, lowest: float) -> None:
        top = first - self._zone_header()
        for zone in self.content.zones:
            column = self._column_of(zone.name)
            w = self.w[column] + 4 * PAD
            self.made.zones[zone.name] = Rect(self.x[column] - PAD, top, w, lowest - top + PAD)
        if self.made.zones:
            x = min(rect.x for rect in self.made.zones.values()) - PAD
            self.made.network = Rect(x, TOP, self.right - x, lowest + 2 * PAD - TOP)

    def _before(self, column: int, first: float) -> None:
        """A column outside: level with what its readings go to next; who skips a column passes above it."""
        frames, y = self.plan.main[column], first
        for frame in frames:
            y = self._frame(frame, column, y).bottom + GAP
        own = {box.key for frame in frames for box in frame.boxes}
        ends = [
            (self.made.boxes[flow.source].middle[1], self.made.boxes[flow.target].middle[1])
            for flow in self.content.flows
            if flow.what is What.READINGS
            and flow.source in own
            and self.made.column[flow.target] == column + 1
        ]
        for frame in frames:
            self._move(frame, ends[-1][1] - ends[-1][0] if ends else 0)
        for frame, below in zip(frames[-2::-1], frames[:0:-1], strict=True):
            rect = self.made.frames[frame.key]
            lowest = min(
                self.made.frames[below.key].y - GAP,
                *(other.y - GAP + rect.h / 2 for other in self._passed(frame, column)),
                rect.bottom,
            )
            self._move(frame, lowest - rect.bottom)

    def _passed(self, frame: Frame, column: int) -> Iterable[Rect]:
        own = {box.key for box in frame.boxes}
        for flow in self.content.flows:
            if flow.source in own:
                for between in range(column + 1, self.made.column[flow.target]):
                    for other in self.plan.main[between]:
                        yield self.made.frames[other.key]

    # beneath

    def _down(self, dy: float) -> None:
        """Everything so far, where a column has grown above the first row."""
        if dy > 0:
            for frames in self.plan.main.values():
                for frame in frames:
                    self._move(frame, dy)
            self.made.zones = {name: rect.moved(dy) for name, rect in self.made.zones.items()}
            self.made.network = self.made.network.moved(dy) if self.made.network else None

    def _lowest(self) -> float:
        network = [self.made.network] if self.made.network else []
        return max(rect.bottom for rect in (*self.made.frames.values(), *network))

    def _beneath(self, y: float) -> float:
        bottom = y - BENEATH
        for column, frame in self.plan.beneath.items():
            self.made.column |= {box.key: column for box in frame.boxes}
            bottom = max(bottom, self._frame(frame, column, y).bottom)
        for frame in self.plan.beneath.values():
            if not frame.name:
                self._level(frame)
        return bottom

    def _bottom_row(self, y: float) -> tuple[float, float]:
        """Where it ends, to the right and below. Frames with lines have their boxes beneath each other."""
        frames = self.plan.bottom
        lined = {end for flow in self.content.flows for end in (flow.source, flow.target)}
        across = [
            2 if len(frame.boxes) > MANY and not lined & {box.key for box in frame.boxes} else 1
            for frame in frames
        ]
        widths = [_widest([frame], WIDEST_BELOW) for frame in frames]
        room = max(self.right, ROOMY - MARGIN) - MARGIN
        while 2 in across and self._row_width(frames, widths, across) > room:
            across[len(across) - 1 - across[::-1].index(2)] = 1
        x, bottom = MARGIN, y
        for nth, frame in enumerate(frames):
            at = 1 + max(self.plan.main, default=0) + nth
            rect = self._frame_at(frame, x, y, widths[nth], across[nth])
            self.made.gutters[at] = (x - APART, x + PAD)
            self.made.column |= {box.key: at for box in frame.boxes}
            x, bottom = rect.right + APART, max(bottom, rect.bottom)
        for frame in frames:
            if not frame.name:
                self._level(frame)
        return x - APART, bottom

    def _level(self, frame: Frame) -> None:
        """Somebody outside stands level with what tells them."""
        key = frame.boxes[0].key
        told = [self.made.boxes[flow.source].middle[1] for flow in self.content.flows if flow.target == key]
        if told:
            self._move(frame, sum(told) / len(told) - self.made.boxes[key].middle[1])

    def _row_width(self, frames: list[Frame], widths: list[float], across: list[int]) -> float:
        each = [_frame_width(*parts) for parts in zip(frames, widths, across, strict=True)]
        return sum(each) + APART * (len(each) - 1)


def _widest(frames: Iterable[Frame], most: float) -> float:
    """The width of boxes in which every title fits, and every line or its longest words."""
    wanted = [NARROWEST]
    for box in (box for frame in frames for box in frame.boxes):
        wanted.append(width(box.face.title, TITLE, bold=True) + 2 * PAD)
        wanted += [min(width(line, TEXT) + 2 * PAD, most) for line in box.face.lines]
        words = (word for line in box.face.lines for word in line.split(" "))
        wanted += [width(word, TEXT) + 2 * PAD for word in words]
    return ceil(max(wanted))


def _frame_width(frame: Frame, w: float, across: int) -> float:
    used = min(across, len(frame.boxes))
    return used * w + (used - 1) * GAP + 2 * PAD if frame.name else w
