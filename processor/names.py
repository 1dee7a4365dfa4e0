"""The points that this process has seen: a small number for each path and unit, so columns stay numeric."""

import re

PATH = re.compile(r"[A-Za-z0-9_.-]{1,64}(?:/[A-Za-z0-9_.-]{1,64}){6}", re.ASCII)
LONGEST_UNIT = 64
MOST_NAMES = 500_000  # some 100 MB; a plant has fewer, so more is a producer gone wild


class Names:
    """Interns (path, unit). The numbers mean nothing outside this object; the database's are its own."""

    def __init__(self) -> None:
        self.slots: dict[tuple[str, str | None], int] = {}
        self.first: dict[str, int] = {}  # path → its slot with the unit that it came with first
        self.paths: list[str] = []
        self.units: list[str | None] = []

    @property
    def full(self) -> bool:
        """Whether to start anew, so that memory is bounded."""
        return len(self.paths) >= MOST_NAMES

    def add(self, path: str, unit: str | None) -> int:
        """The number of a valid pair, new or known."""
        slot = self.slots.setdefault((path, unit), len(self.paths))
        if slot == len(self.paths):
            self.first.setdefault(path, slot)
            self.paths.append(path)
            self.units.append(unit)
        return slot


def path_fault(path: str) -> str | None:
    """Why a path is refused, or None."""
    if PATH.fullmatch(path):
        return None
    return "path must have 7 segments of [A-Za-z0-9_.-]{1,64}: enterprise/site/area/line/cell/device/metric"


def unit_fault(unit: str | None) -> str | None:
    """Why a unit is refused, or None."""
    if unit is None or (len(unit) <= LONGEST_UNIT and unit.isprintable()):
        return None
    return f"unit must be at most {LONGEST_UNIT} printable characters"
