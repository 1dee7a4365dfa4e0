"""The path with rules and without them, over few readings: both judge and store what they should."""

import pytest

from bench import detectors
from bench.measure import Options


def test_what_is_left_with_rules_is_compared_to_the_path_without_them() -> None:
    (row,) = detectors.rows(Options(runs=1, readings=1_000))
    assert (row.name, row.against, row.goal) == ("detectors_cost", "without rules", 0.85)
    assert row.ratio == pytest.approx(row.ours / row.theirs)
