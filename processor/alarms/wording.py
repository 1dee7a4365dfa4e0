"""Times, lengths of time and rules in words, as a person reads them in a terminal and on a picture."""

from datetime import datetime

from processor.alarms.definition import Definition, Deviation, Limit, Rate, Silence, Stuck

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def time(moment: datetime) -> str:
    """`2026-03-01T06:00:00Z`; the moment is UTC."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def length(seconds: float) -> str:
    """`3.5 h`, `2 d`, `0.25 s`: the largest unit of which there is one at least."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def counted(count: int, noun: str) -> str:
    """`1 alarm`, `2,000 alarms`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def kind(definition: Definition) -> str:
    """As a rule's JSON names it."""
    return str(definition.__struct_config__.tag)


def rule(definition: Definition) -> str:
    """What it tells, with its figures."""
    match definition:
        case Limit(high=high, low=low, deadband=deadband):
            bounds = [f"above {high:g}" for _ in [0] if high is not None]
            bounds += [f"below {low:g}" for _ in [0] if low is not None]
            said = " or ".join(bounds) + (f", well again by {deadband:g}" if deadband else "")
        case Rate(most=most, span=span):
            said = f"more than {most:g} an hour, by means of {length(span)}"
        case Stuck(within=within):
            said = f"one and the same value for {length(within)}"
        case Silence(within=within):
            said = f"nothing for more than {length(within)}"
        case Deviation(limit=limit):
            said = f"more than {limit:g} widths from where it usually is"
    return f"{said}{_delays(definition)}"


def judged(definition: Definition, figure: float) -> str:
    """What a detector judged: in a rule's own terms."""
    match definition:
        case Limit():
            return f"{figure:g}"
        case Rate():
            return f"{figure:+.4g} an hour"
        case Stuck():
            return f"the same for {length(figure)}"
        case Silence():
            return f"silent for {length(figure)}"
        case Deviation():
            return f"{figure:.3g} widths away"


def _delays(definition: Definition) -> str:
    on = 0.0 if isinstance(definition, Stuck | Silence) else definition.on_delay
    said = [f"on-delay {length(on)}"] if on else []
    said += [f"off-delay {length(definition.off_delay)}"] if definition.off_delay else []
    return f" ({', '.join(said)})" if said else ""
