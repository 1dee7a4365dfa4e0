"""What the record says of the rules as they stand: enough is seen, and what is not is explained."""

from mutation.discovery import every_break
from mutation.record import FILE, load
from mutation.score import held


def test_the_rules_see_enough_and_the_rest_is_explained() -> None:
    assert held(every_break(), load(FILE)) == []
