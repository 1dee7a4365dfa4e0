"""The path with rules and without them, over few readings: both judge and store what they should."""

import pytest

from bench import detectors
from bench.measure import Options


def test_what_is_left_with_rules_is_compared_to_the_path_without_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detectors, "MANY", 1_000)
    cost, memory = detectors.rows(Options(runs=1, readings=1_000))
    assert (cost.name, cost.against, cost.goal) == ("detectors_cost", "without rules", 0.85)
    assert cost.ratio == pytest.approx(cost.ours / cost.theirs)
    assert memory.name == "watch_of_1000_points"
    # A limit's state has 26 bytes, a deviation's 98, and 8 each say whose it is.
    assert memory.theirs == 1_000 * (26 + 98 + 2 * 8) / detectors.MIB
