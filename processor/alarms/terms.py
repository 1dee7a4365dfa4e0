"""What a rule would have and what its detector found, in a person's words."""

from processor.alarms.definition import (
    Clock,
    Definition,
    DefinitionError,
    Deviation,
    Limit,
    Rate,
    Silence,
    Stuck,
    read,
)


def known(document: str | None) -> Definition | str:
    """A definition; the document itself where this release does not know it."""
    if document is None:
        return "not known any more"
    try:
        return read(document)
    except DefinitionError:
        return document


def allowed(definition: Definition | str, unit: str | None) -> str:
    """What the rule would have."""
    match definition:
        case Limit():
            said = _within(definition, unit)
        case Rate(most=most):
            said = f"a change of at most {measured(most, unit)} an hour"
        case Stuck(within=within):
            said = f"one and the same value for less than {duration(within)}"
        case Silence(within=within):
            said = f"a reading at least every {duration(within)}"
        case Clock(ahead=ahead, behind=behind):
            said = f"a clock at most {duration(ahead)} ahead and {duration(behind)} behind"
        case Deviation(limit=limit):
            said = f"within {limit:g} widths of where the point usually is"
        case str():
            said = definition
    return said


def found(definition: Definition | str, figure: float | None, unit: str | None) -> str | None:
    """What the detector judged, in the rule's own terms; None where that is the value itself."""
    if figure is None:
        return None
    said: str | None = None
    match definition:
        case Rate():
            said = f"a change of {measured(figure, unit)} an hour"
        case Stuck():
            said = f"the same value for {duration(figure)}"
        case Silence():
            said = f"no reading for {duration(figure)}"
        case Clock():
            said = f"{duration(abs(figure))} {'ahead' if figure > 0 else 'behind'}"
        case Deviation():
            said = f"{figure:.3g} widths away"
    return said


def measured(value: float | None, unit: str | None) -> str:
    """A value with its unit."""
    if value is None:
        return "none"
    return f"{value:.6g} {unit}" if unit else f"{value:.6g}"


def duration(seconds: float) -> str:
    """The two largest units of it."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    left, parts = round(seconds), []
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def _within(limit: Limit, unit: str | None) -> str:
    if limit.low is None:
        return f"at most {measured(limit.high, unit)}"
    if limit.high is None:
        return f"at least {measured(limit.low, unit)}"
    return f"from {limit.low:.6g} to {measured(limit.high, unit)}"
