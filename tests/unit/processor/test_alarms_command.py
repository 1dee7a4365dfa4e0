from typing import Any

from processor.alarms.command import lines
from processor.alarms.request import List


class Empty:
    """A database without a rule."""

    def execute(self, query: object) -> list[Any]:
        return []


def test_that_there_is_no_rule_is_said() -> None:
    nothing: Any = Empty()
    assert list(lines(nothing, List())) == ["there is no rule"]
