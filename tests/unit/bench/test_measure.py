"""Two ways in turn, on a clock that moves only when the work says so."""

import pytest

from bench.measure import Clock, Way, in_turn


class Work:
    """Runs that take the seconds they are given, one after the other, and tell what happened."""

    def __init__(self) -> None:
        self.now = 0.0
        self.used = 0.0
        self.heard: list[str] = []

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: self.used)

    def way(self, name: str, *seconds: float, amount: int | None = None, around: float = 0) -> Way:
        left = iter(seconds)

        def run() -> None:
            self.heard.append(name)
            passed = next(left)
            self.now += passed
            self.used += passed / 2

        def beside(what: str) -> None:
            self.heard.append(f"{what} {name}")
            self.now += around
            self.used += around

        if not around:
            return Way(name, run, amount=amount)
        return Way(name, run, lambda: beside("before"), lambda: beside("after"), amount)


def test_the_ways_take_turns_after_one_run_of_each_that_does_not_count() -> None:
    work = Work()

    row = in_turn("row", work.way("a", 90, 1, 1, 1), work.way("b", 9, 2, 2, 2), runs=3, clock=work.clock)

    assert work.heard == ["a", "b"] * 4
    assert (row.ours, row.theirs, row.ratio, row.runs) == (1, 2, 2, 3)
    assert (row.name, row.against, row.unit, row.cpu_unit) == ("row", "b", "s", "s")


def test_medians_are_compared_so_one_disturbed_run_changes_nothing() -> None:
    work = Work()

    row = in_turn(
        "row",
        work.way("a", 1, 1, 50, 3, 1, 2),
        work.way("b", 1, 4, 4, 5, 90, 4),
        goal=1.5,
        clock=work.clock,
    )

    assert (row.ours, row.theirs, row.ratio) == (2, 4, 2)
    assert (row.ours_cpu, row.theirs_cpu) == (1, 2)
    assert (row.goal, row.runs) == (1.5, 5)


def test_what_comes_before_and_after_a_run_is_not_measured() -> None:
    work = Work()

    row = in_turn(
        "row", work.way("a", 1, 1, around=100), work.way("b", 3, 3, around=200), runs=1, clock=work.clock
    )

    assert work.heard == ["before a", "a", "after a", "before b", "b", "after b"] * 2
    assert (row.ours, row.theirs) == (1, 3)
    assert (row.ours_cpu, row.theirs_cpu) == (0.5, 1.5)


def test_with_amounts_rates_are_compared_though_the_sizes_differ() -> None:
    work = Work()

    # Given 1000 readings in 2 s against 10 readings in 1 s
    row = in_turn(
        "row",
        work.way("a", 2, 2, amount=1000),
        work.way("b", 1, 1, amount=10),
        runs=1,
        things="readings",
        clock=work.clock,
    )

    # Then the figures are rates, the greater is ours, and the processor time is for a million
    assert (row.ours, row.theirs, row.unit) == (500, 10, "readings/s")
    assert row.ratio == pytest.approx(50)
    assert (row.ours_cpu, row.theirs_cpu) == pytest.approx((1000, 50_000))
    assert row.cpu_unit == "s/million readings"


def test_an_amount_on_one_side_alone_is_refused_before_anything_runs() -> None:
    work = Work()

    with pytest.raises(ValueError, match="row: both ways need an amount, or neither; give 'b'"):
        in_turn("row", work.way("a", 1, 1, amount=5), work.way("b", 1, 1), runs=1, clock=work.clock)

    assert work.heard == []
