"""What is read first, and when something is lost: a table of cases, and what holds for all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.source.position import (
    SKEW_SECONDS,
    First,
    Gap,
    Known,
    Loss,
    Range,
    Start,
    finished,
    gap,
    gone,
    start,
)

NOW = 1_763_897_519.0
HORIZON = NOW - 86_400
LONG_AGO = HORIZON - 3_600
OPEN = Range("100")
CLOSED = Range("100", "900")

numbers = st.integers(0, 10**56).map(str)
times = st.none() | st.floats(NOW - 10**6, NOW)
knowns = st.builds(Known, st.none() | numbers, times, times, st.booleans())
firsts = st.none() | st.builds(First, numbers, st.floats(HORIZON, NOW))


@pytest.mark.parametrize(
    ("position", "checkpoint", "first"),
    [
        (None, None, Start(None)),  # a new shard
        ("200", None, Start("200")),  # no engine
        ("200", "200", Start("200")),  # the two agree
        ("200", "150", Start("200")),  # the engine is behind: what comes again is absorbed
        ("200", "300", Start("200", "300")),  # a restored database: read again what lies between
        (None, "300", Start(None, "300")),  # restored to before this shard was there
        ("200", "TRIM_HORIZON", Start("200")),
        ("99", None, Start(None)),  # of another stream of this name
        ("99", "300", Start(None, "300")),
        ("99999999999", "100000000000", Start("99999999999", "100000000000")),  # as numbers, not as text
    ],
)
def test_what_is_read_first(position: str | None, checkpoint: str | None, first: Start) -> None:
    assert start(Known(position), OPEN, checkpoint) == first


@given(knowns, st.none() | numbers)
def test_the_engines_checkpoint_never_moves_the_reader_past_the_position(
    known: Known, checkpoint: str | None
) -> None:
    what = start(known, OPEN, checkpoint)
    assert what.after is None or what.after == known.position
    if what.until is not None:
        assert what.until == checkpoint
        assert what.after is None or int(what.after) < int(what.until)
    elif checkpoint is not None:
        assert what.after is not None
        assert int(checkpoint) <= int(what.after)


@pytest.mark.parametrize("known", [Known("200", LONG_AGO), Known("200", None), Known("200", HORIZON + 600)])
def test_a_position_that_the_stream_still_holds_has_no_gap_behind_it(known: Known) -> None:
    assert gap(known, OPEN, First("200", NOW), HORIZON, NOW) is None
    assert gap(known, OPEN, First("150", NOW), HORIZON, NOW) is None


@pytest.mark.parametrize(
    ("known", "from_at"),
    [
        (Known("200", LONG_AGO), LONG_AGO),
        (Known("200", LONG_AGO, LONG_AGO + 60), LONG_AGO + 60),  # quiet for a minute, then the outage
        (Known("200", HORIZON + SKEW_SECONDS - 1), HORIZON + SKEW_SECONDS - 1),  # nobody can be sure
        (Known("200", HORIZON + SKEW_SECONDS + 1), HORIZON + SKEW_SECONDS + 1),  # the retention was raised
        (Known("200"), None),  # stored by a version that did not note the time
        (Known(None, None, LONG_AGO), LONG_AGO),  # a child of parents read until then
    ],
)
def test_a_position_that_has_expired_is_a_gap(known: Known, from_at: float | None) -> None:
    found = gap(known, OPEN, First("700", NOW - 5), HORIZON, NOW)
    assert found == Gap(known.position, from_at, "700", NOW - 5, Loss.EXPIRED)
    none_since = gap(known, OPEN, None, HORIZON, NOW)
    assert none_since is not None
    assert (none_since.before, none_since.to_at) == (None, max(HORIZON, from_at or 0))


@pytest.mark.parametrize(
    "known",
    [
        Known(),  # the first start
        Known("200", LONG_AGO, NOW - 5),  # a quiet shard whose last record expired
        Known(None, None, NOW - 5),  # a child of parents just read
    ],
)
def test_what_was_read_to_its_tip_has_no_gap(known: Known) -> None:
    assert gap(known, OPEN, First("700", NOW), HORIZON, NOW) is None
    assert gap(known, OPEN, None, HORIZON, NOW) is None


@pytest.mark.parametrize("shard", [Range("201"), Range("100", "199")])
def test_a_position_that_is_not_the_shards_is_of_a_stream_that_is_no_more(shard: Range) -> None:
    assert gap(Known("200", NOW - 9), shard, First("700", NOW - 5), HORIZON, NOW) == Gap(
        "200", NOW - 9, "700", NOW - 5, Loss.REMADE
    )
    assert gap(Known("200", NOW - 9), shard, None, HORIZON, NOW) == Gap(
        "200", NOW - 9, None, NOW, Loss.REMADE
    )


@given(knowns, firsts)
def test_a_gap_never_ends_before_it_begins_and_is_never_silent_about_what_expired(
    known: Known, first: First | None
) -> None:
    found = gap(known, OPEN, first, HORIZON, NOW)
    if found is not None:
        assert found.from_at is None or found.from_at <= found.to_at
    elif known.read_to is not None and known.read_to < HORIZON:
        assert known.position is not None
        assert first is not None
        assert int(first.sequence_number) <= int(known.position)


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (Known("200", LONG_AGO), Loss.EXPIRED),
        (Known("200", NOW - 600), Loss.REMADE),  # within its retention a shard does not go by itself
        (Known("200", LONG_AGO, ended=True), None),
        (Known("200"), None),
    ],
)
def test_what_is_lost_with_a_shard_that_is_no_more(known: Known, reason: Loss | None) -> None:
    lost = gone(known, HORIZON, NOW)
    assert (lost and lost.reason) == reason
    if lost is not None:
        assert (lost.after, lost.from_at, lost.before) == ("200", known.read_to, None)


@pytest.mark.parametrize(
    ("known", "shard", "whether"),
    [
        (Known("200", ended=True), CLOSED, True),
        (Known("200", ended=True), OPEN, False),  # of a stream of before
        (Known("99", ended=True), CLOSED, False),
        (Known(None, ended=True), CLOSED, False),  # nothing to tell the streams apart by: read it again
        (Known("200"), CLOSED, False),
    ],
)
def test_when_nothing_of_a_shard_is_left_to_read(known: Known, shard: Range, whether: bool) -> None:
    assert finished(known, shard) is whether
