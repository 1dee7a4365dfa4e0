"""Which frame stands in which column and row: from left to right as readings go, the rest beneath.

A frame's column is how many steps its readings have behind them. What holds no readings but works with what
does stands beneath it; what has to do with neither, in the bottom row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from topology.diagram.content import Content, Frame
from topology.diagram.flows import What

FROM_NOWHERE = 99.0  # what nothing flows into stands below what something does


@dataclass(frozen=True)
class Columns:
    main: Mapping[int, list[Frame]]  # column → frames, from top to bottom
    beneath: Mapping[int, Frame]  # column → the frame beneath it
    bottom: list[Frame]
    steps: Mapping[str, int]  # box → steps of its readings

    @property
    def inside(self) -> list[int]:
        """The columns within the network."""
        return [column for column, frames in self.main.items() if any(frame.zone for frame in frames)]

    @property
    def outside(self) -> list[int]:
        return [column for column in self.main if column not in self.inside]


def columns(content: Content) -> Columns:
    steps = steps_of(content, What.READINGS)
    main = _main(content, steps)
    beneath = _beneath(content, main)
    rest = [frame for frame in content.frames if frame not in main and frame not in beneath.values()]
    return Columns(_ordered(content, main, steps), beneath, _bottom(content, rest), steps)


def steps_of(content: Content, what: What) -> dict[str, int]:
    """Box → how many steps have been made when something comes to it, the longest way.

    Raises RuntimeError for lines that go in a circle.
    """
    lines = sorted({(flow.source, flow.target) for flow in content.flows if flow.what is what})
    found = dict.fromkeys((end for line in lines for end in line), 0)
    for _ in found:
        longer = {target: found[source] + 1 for source, target in lines if found[target] <= found[source]}
        if not longer:
            break
        found |= longer
    else:
        if found:
            raise RuntimeError(
                f"{what} go in a circle; topology/diagram/flows.py reads a grant the wrong way"
            )
    return found


def _main(content: Content, steps: Mapping[str, int]) -> dict[Frame, int]:
    made: dict[Frame, int] = {}
    for frame in content.frames:
        own = [steps[box.key] for box in frame.boxes if box.key in steps]
        if own:
            made[frame] = min(own)
    zones = {frame.zone: column for frame, column in made.items() if frame.zone}
    also = {frame: zones[frame.zone] for frame in content.frames if frame not in made and frame.zone in zones}
    return made | also


def _beneath(content: Content, main: Mapping[Frame, int]) -> dict[int, Frame]:
    """Each under the leftmost that it works with, or in the free column next to that.

    Who is told of alarms by one that stands beneath stands there too, beside it.
    """
    home = {box.key: frame for frame in content.frames for box in frame.boxes}
    found: dict[int, Frame] = {}
    for frame in content.frames:
        own = {box.key for box in frame.boxes}
        near = [
            main[home[other]]
            for flow in content.flows
            if flow.what is not What.ALARMS
            for one, other in ((flow.source, flow.target), (flow.target, flow.source))
            if one in own and home[other] in main
        ]
        if frame not in main and near:
            found[_free(main, found, min(near))] = frame
    beneath = {frame: column for column, frame in found.items()}
    for frame in content.frames:
        tell = [
            beneath[home[flow.source]]
            for flow in content.flows
            if not frame.name and flow.target == frame.boxes[0].key and home[flow.source] in beneath
        ]
        if frame not in main and tell:
            found[_free(main, found, min(tell))] = frame
    return found


def _free(main: Mapping[Frame, int], taken: Mapping[int, Frame], near: int) -> int:
    """The next column to another beneath which nothing stands yet."""
    free = [column for column in range(max(main.values()) + 1) if column not in taken]
    return min(free, key=lambda column: (abs(column - near), column))


def _ordered(content: Content, main: Mapping[Frame, int], steps: Mapping[str, int]) -> dict[int, list[Frame]]:
    """Each column's frames: beside those that their readings come from; who skips a column is above."""
    found: dict[int, list[Frame]] = {}
    place: dict[str, int] = {}

    def key(frame: Frame) -> tuple[float, int]:
        own = {box.key for box in frame.boxes}
        behind = [place[flow.source] for flow in content.flows if flow.target in own and flow.source in place]
        ahead = [steps[flow.target] for flow in content.flows if flow.source in own and flow.target in steps]
        return (sum(behind) / len(behind) if behind else FROM_NOWHERE), -max(ahead, default=0)

    for column in sorted(set(main.values())):
        found[column] = sorted((frame for frame in main if main[frame] == column), key=key)
        place |= {box.key: at for at, frame in enumerate(found[column]) for box in frame.boxes}
    return found


def _bottom(content: Content, frames: Iterable[Frame]) -> list[Frame]:
    """What has no lines comes first, then as alarms go."""
    steps = steps_of(content, What.ALARMS)

    def key(frame: Frame) -> int:
        return max((steps[box.key] + 1 for box in frame.boxes if box.key in steps), default=0)

    return sorted(frames, key=key)
