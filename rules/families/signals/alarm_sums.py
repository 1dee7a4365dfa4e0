"""What alarms make of several series: sums that are there, and that hide nothing."""

from collections.abc import Iterator

from rules.families.signals.alarm_answers import DOWNWARDS, UPWARDS, of_series
from rules.families.signals.alarm_queries import MATH, at_expression, math_of
from rules.families.signals.alarm_series import alarms, number
from rules.families.signals.metric_math import Node, calls, names
from rules.families.signals.metric_meanings import HIGH, LOW
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site


@rule(
    "W9646",
    cause="alarm {alarm} puts together series of {periods} s",
    remedy=(
        "give all queries one Period: math is done on the points of the same moment, of which "
        "the finer ones have more"
    ),
    sources=(MATH,),
)
def queries_of_several_periods(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        lengths = {number(one.period) for one in alarm.series if one.whole}
        if len(lengths) > 1 and None not in lengths and alarm.expressions:
            text = " and ".join(f"{length:g}" for length in sorted(one for one in lengths if one is not None))
            yield found(alarm.resource, "Metrics", alarm=alarm.resource, periods=text)


@rule(
    "W9647",
    cause=(
        "expression {id} of alarm {alarm} has no value while {metric} has none, and that is "
        "published only when something happens"
    ),
    remedy="write FILL({name}, 0)",
    sources=(MATH,),
    demanding=True,
)
def math_on_what_is_seldom_there(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        sparse = {one.id: one for one in alarm.series if _sparse(one)}
        for one in alarm.expressions if len(alarm.series) > 1 else ():
            node = math_of(one)
            for name in _bare(node) if node is not None else ():
                if name in sparse:
                    yield at_expression(alarm, one, metric=sparse[name].name, name=name)


def _sparse(series: object) -> bool:
    meant = of_series(series)  # type: ignore[arg-type]
    return meant is not None and meant.sparse


def _bare(node: Node) -> Iterator[str]:
    """Names in sums and differences that nothing fills."""
    if node.kind == "name":
        yield node.text
    if node.kind in ("+", "-"):
        for part in node.parts:
            yield from _bare(part)


@rule(
    "W9648",
    cause=(
        "expression {id} of alarm {alarm} fills {name} with {value}, and no data of {metric} "
        "means that nothing happened"
    ),
    remedy="write FILL({name}, 0)",
    sources=(MATH,),
)
def failures_made_up_where_there_are_none(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        sparse = {one.id: one for one in alarm.series if _sparse(one)}
        for one in alarm.expressions:
            node = math_of(one)
            for call in calls(node) if node is not None else ():
                if call.text == "FILL" and len(call.parts) == 2 and call.parts[0].text in sparse:
                    what, by = call.parts
                    if by.kind != "number" or float(by.text) != 0:
                        yield at_expression(
                            alarm,
                            one,
                            metric=sparse[what.text].name,
                            name=what.text,
                            value=by.text or "another",
                        )


@rule(
    "W9649",
    cause=(
        "expression {id} of alarm {alarm} takes the {function} of {ids}: it rings only when all "
        "of them are bad"
    ),
    remedy="take the {other}, so that one bad series is enough",
    sources=(MATH,),
    demanding=True,
)
def an_extreme_that_hides_the_worst(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        meant = {one.id: of_series(one) for one in alarm.series}
        for one in alarm.expressions:
            node = math_of(one)
            if node is None or node.kind != "call" or one.id != alarm.returned:
                continue
            inside = list(names(node))
            bad = {each.bad for name, each in meant.items() if name in inside and each is not None}
            hidden = (
                ("MIN", {HIGH})
                if alarm.operator in UPWARDS
                else ("MAX", {LOW})
                if alarm.operator in DOWNWARDS
                else ("", set())
            )
            if len(set(inside)) > 1 and (node.text, bad) == hidden:
                other = "MAX" if node.text == "MIN" else "MIN"
                yield at_expression(alarm, one, function=node.text, ids=" and ".join(inside), other=other)


@rule(
    "W9642",
    cause=(
        "expression {id} of alarm {alarm} takes {name} away from the others: the worse it is, "
        "the less they show"
    ),
    remedy="add what is bad, and take away what is good",
    sources=(MATH,),
)
def one_failure_that_hides_another(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        bad = {one.id: meant.bad for one in alarm.series if (meant := of_series(one)) is not None}
        for one in alarm.expressions:
            node = math_of(one)
            if node is None or one.id != alarm.returned:
                continue
            signs: dict[str, set[int]] = {}
            for name, sign in _signs(node, 1):
                signs.setdefault(f"{bad.get(name)}", set()).add(sign)
            for name, sign in _signs(node, 1):
                if bad.get(name) in (HIGH, LOW) and signs[bad[name]] == {1, -1} and sign < 0:
                    yield at_expression(alarm, one, name=name)


def _signs(node: Node, sign: int) -> Iterator[tuple[str, int]]:
    """Each name of a sum, and whether it is added or taken away."""
    if node.kind == "name":
        yield node.text, sign
    elif node.kind in ("+", "-"):
        yield from _signs(node.parts[0], sign)
        yield from _signs(node.parts[1], sign if node.kind == "+" else -sign)
    elif node.kind == "call" and node.text == "FILL" and node.parts:
        yield from _signs(node.parts[0], sign)
