"""All rules on signals together: that each has a case, and what metric math amounts to."""

import pytest

from rules.families.signals.metric_math import BadExpression, Unjudged, parsed, value
from rules.seam.discovery import every_rule
from tests.unit.rules import (
    test_signal_actions,
    test_signal_alarms,
    test_signal_coverage,
    test_signal_events,
    test_signal_people,
)

MODULES = (
    test_signal_actions,
    test_signal_alarms,
    test_signal_coverage,
    test_signal_events,
    test_signal_people,
)
# Judged by tests of their own: it takes several alarms, or two templates, or their counterparts, or roles.
APART = {"W9617", "W9630", "E9697", "E9600", "E9607", "E9661", "W9600", "W9601", "W9629"} | {
    *("E9660", "W9658", "E9694", "W9690", "W9691", "W9693")
}


def test_each_rule_has_a_template_that_passes_and_one_that_fails() -> None:
    tried = {case[0] for module in MODULES for case in module.CASES}

    assert {rule.id for rule in every_rule() if rule.family == "signals"} == tried | APART


@pytest.mark.parametrize(
    ("expression", "amounts"),
    [
        ("a + b * 2", 7.0),
        ("(a + b) * 2", 8.0),
        ("-a ^ 2", -1.0),
        ("a - b - 1", -3.0),
        ("IF(a < b AND b == 3, 5, 6)", 5.0),
        ("IF(a > b || !a, 5, 6)", 6.0),
        ("MAX([a, b])", 3.0),
        ("MIN([FILL(a, 0), b])", 1.0),
        ("SUM(METRICS())", 4.0),
        ("AVG([a, b])", 2.0),
        ("ABS(a - b)", 2.0),
    ],
)
def test_metric_math_amounts_to(expression: str, amounts: float) -> None:
    assert value(parsed(expression), {"a": 1.0, "b": 3.0}) == amounts


@pytest.mark.parametrize("expression", ["a +", "a b", "(a", "FILL(a 0)", "[a, b", "a $ b", ""])
def test_metric_math_that_nobody_can_read(expression: str) -> None:
    with pytest.raises(BadExpression):
        parsed(expression)


def test_what_hangs_on_more_than_a_point_is_not_judged() -> None:
    with pytest.raises(Unjudged):
        value(parsed("RATE(a)"), {"a": 1.0})
