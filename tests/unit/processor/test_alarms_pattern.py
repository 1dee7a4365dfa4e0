import re

import pytest

from processor.alarms.pattern import PatternError, expression

M17 = "acme/lon1/press/line2/cell4/m17/spindle_temp"


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        (M17, True),
        ("acme/*/*/*/*/*/spindle_temp", True),
        ("acme/lon1/press/line?/cell4/m1*/spindle*", True),
        ("*/*/*/*/*/*/*", True),
        ("acme/lon1/press/line2/cell4/m17/spindle", False),
        ("acme/lon1/press/line2/cell4/m17/spindle.temp", False),
        ("acme/lon1/press/line?2/cell4/m17/spindle_temp", False),
    ],
)
def test_a_star_is_any_characters_of_one_level(pattern: str, fits: bool) -> None:
    assert bool(re.match(expression(pattern), M17)) is fits


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("acme/*/spindle_temp", "must have 7 levels, not 3"),
        ("a/b/c/d/e/f/g/h", "must have 7 levels, not 8"),
        ("acme/lon1/press/line2/cell4//spindle_temp", "device ''"),
        ("acme/lon1/press/line2/cell4/m[17]/spindle_temp", "device 'm[17]'"),
        ("ac|me/lon1/press/line2/cell4/m17/" + "x" * 65, "enterprise 'ac|me'"),
    ],
)
def test_a_mistake_names_the_level(pattern: str, says: str) -> None:
    with pytest.raises(PatternError) as refused:
        expression(pattern)
    assert says in str(refused.value)
