import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.alarms.pattern import PatternError, expression, matcher
from processor.alarms.rules import watched

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
    assert bool(matcher(expression(pattern)).match(M17)) is fits


LEVEL = st.text("ab*?.", min_size=1, max_size=5).filter(lambda level: level.count("*") <= 3)


@given(
    pattern=st.lists(LEVEL, min_size=7, max_size=7),
    path=st.lists(st.text("ab.", max_size=5), min_size=7, max_size=7),
)
def test_made_for_python_it_fits_the_same_paths(pattern: list[str], path: list[str]) -> None:
    fits = expression("/".join(pattern))
    name = "/".join(path)
    assert bool(matcher(fits).match(name)) is bool(re.match(fits, name))


def test_stars_that_stand_together_are_one() -> None:
    assert expression("**/a***b/*/*/*/*/*") == expression("*/a*b/*/*/*/*/*")


def test_as_many_stars_as_are_allowed_in_each_level_take_a_moment() -> None:
    fits = matcher(expression("/".join(["*a*a*"] * 6 + ["*a*ab"])))
    began = time.process_time()
    assert not fits.match("/".join(["a" * 64] * 7))
    assert time.process_time() - began < 1


def test_a_rule_that_stands_with_more_stars_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    class Stands:
        def execute(self, *given: Any) -> list[Any]:
            limit = '{"kind": "limit", "high": 1}'
            return [(1, 1, "*/*/*/*/*/*/*a*a*a*b", limit, True, 0, 1), (2, 1, M17, limit, True, 0, 1)]

    connection: Any = Stands()
    assert [one.rule for one in watched(connection, 0)] == [2]
    assert "a rule is left out" in caplog.text


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("acme/*/spindle_temp", "must have 7 levels, not 3"),
        ("a/b/c/d/e/f/g/h", "must have 7 levels, not 8"),
        ("acme/lon1/press/line2/cell4//spindle_temp", "device ''"),
        ("acme/lon1/press/line2/cell4/m[17]/spindle_temp", "device 'm[17]'"),
        ("ac|me/lon1/press/line2/cell4/m17/" + "x" * 65, "enterprise 'ac|me'"),
        ("a/b/c/d/e/*a*b*c*/temp", "has 4 stars apart from one another and may have 3"),
    ],
)
def test_a_mistake_names_the_level(pattern: str, says: str) -> None:
    with pytest.raises(PatternError) as refused:
        expression(pattern)
    assert says in str(refused.value)
