"""What an alarm answers when all is well, and when all is bad: by the meaning of what it watches."""

from collections.abc import Mapping

from rules.families.signals.alarm_series import Alarm, Series
from rules.families.signals.metric_math import BadExpression, Node, Unjudged, names, parsed, value
from rules.families.signals.metric_meanings import EITHER, HIGH, LEVEL, LOW, PERCENT, Meaning, meaning
from topology.values import Text

COMPARISONS = {
    "GreaterThanThreshold": lambda left, right: left > right,
    "GreaterThanOrEqualToThreshold": lambda left, right: left >= right,
    "LessThanThreshold": lambda left, right: left < right,
    "LessThanOrEqualToThreshold": lambda left, right: left <= right,
}
UPWARDS = ("GreaterThanThreshold", "GreaterThanOrEqualToThreshold")
DOWNWARDS = ("LessThanThreshold", "LessThanOrEqualToThreshold")
PLENTY, SOME = 1e15, 10.0  # more than any threshold; a usual number of tasks or hosts


def of_series(series: Series) -> Meaning | None:
    """What a metric says; of one that no service publishes, what its name does: an age grows."""
    return meaning(series.namespace, series.name) or (AGE if is_age(series) else None)


AGE = Meaning(LEVEL, HIGH)
AGES = ("agedays", "agehours", "ageseconds", "sincelast", "dayssince", "hourssince")


def is_age(series: Series) -> bool:
    where, name = series.namespace, series.name
    own = isinstance(where, str) and isinstance(name, str) and not where.startswith("AWS/")
    return own and str(name).lower().replace("_", "").endswith(AGES)


def spread(meant: Meaning) -> tuple[float, float]:
    """(best, worst)."""
    most = 100.0 if meant.kind == PERCENT else SOME if meant.beat else meant.top or PLENTY
    return (0.0, most) if meant.bad == HIGH else (most, 0.0)


def rings(alarm: Alarm, given: Mapping[str, float]) -> bool | None:
    """Whether the values breach its threshold; by id, "" for the one of an alarm without queries.

    None where that cannot be told.
    """
    compare = COMPARISONS.get(alarm.operator)
    if compare is None or alarm.threshold is None:
        return None
    single = [series for series in alarm.series if series.id in ("", alarm.returned)]
    try:
        if len(single) == 1:
            return bool(compare(given[single[0].id], alarm.threshold))
        return bool(compare(value(_whole(alarm), given), alarm.threshold))
    except (Unjudged, ZeroDivisionError, KeyError, OverflowError, TypeError):
        return None


def _whole(alarm: Alarm) -> Node:
    """The judged expression, with those that it names put in."""
    written: dict[str, Node] = {}
    for one in alarm.expressions:
        if isinstance(one.text, str):
            try:
                written[one.id] = parsed(one.text)
            except BadExpression as error:
                raise Unjudged(str(error)) from error
        elif isinstance(one.text, Text) and not any(series.id == one.id for series in alarm.series):
            raise Unjudged(one.id)
    if alarm.returned not in written:
        raise Unjudged(alarm.returned)
    return _put_in(written[alarm.returned], written, (alarm.returned,))


def _put_in(node: Node, written: Mapping[str, Node], seen: tuple[str, ...]) -> Node:
    if node.kind == "name" and node.text in written:
        if node.text in seen:
            raise Unjudged(node.text)
        return _put_in(written[node.text], written, (*seen, node.text))
    return Node(node.kind, node.text, tuple(_put_in(part, written, seen) for part in node.parts))


def used(alarm: Alarm) -> list[Series]:
    """The series that its judged expression names, or the one that it judges."""
    try:
        needed = set(names(_whole(alarm)))
    except Unjudged:
        needed = {alarm.returned, ""}
    return [series for series in alarm.series if series.id in needed]


def at(alarm: Alarm, worst: bool, except_for: str | None = None) -> dict[str, float] | None:
    """A value for each series: all at their best or worst but one; None where one has no meaning."""
    given: dict[str, float] = {}
    for series in alarm.series:
        meant = of_series(series)
        if meant is None:
            return None
        if meant.bad == EITHER:
            given[series.id] = SOME
        else:
            best_worst = spread(meant)
            given[series.id] = best_worst[worst != (series.id == except_for)]
    return given


def judged_bad(alarm: Alarm) -> bool:
    """Whether anything that it watches has a bad side at all."""
    meant = [of_series(series) for series in used(alarm)]
    return bool(meant) and any(one is not None and one.bad in (HIGH, LOW) for one in meant)
