"""Times, counts and rules in a line, as a person reads them in a terminal and on a picture."""

from datetime import datetime

from processor.alarms.definition import Definition, Limit, delays
from processor.alarms.terms import allowed, duration

DAY_OR_MONTH = "for 02/12/2026 give --dates day-first or month-first"


def time(moment: datetime) -> str:
    """`2026-03-01T06:00:00Z`; the moment is UTC."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def counted(count: int, noun: str) -> str:
    """`1 alarm`, `2,000 alarms`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def rule(definition: Definition) -> str:
    """`limit: at most 80, deadband 2, on-delay 60 s`."""
    waits = delays(definition)
    said = [f"{definition.__struct_config__.tag}: {allowed(definition, None)}"]
    if isinstance(definition, Limit) and definition.deadband:
        said.append(f"deadband {definition.deadband:g}")
    if waits.on:
        said.append(f"on-delay {duration(waits.on / 1e6)}")
    if waits.off:
        said.append(f"off-delay {duration(waits.off / 1e6)}")
    return ", ".join(said)
