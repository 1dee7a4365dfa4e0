import math

import pytest

from local.identity import SIZE, identity
from local.ledger import Ledger
from local.reading import BAD, Envelope, Reading, Value

DEVICE = "a/b/c/d/e/f"


def envelope(*values: float, start: int = 0) -> Envelope:
    readings = [Reading(f"{DEVICE}/m", start + n, value) for n, value in enumerate(values)]
    return Envelope(DEVICE, "gw", readings)


def test_it_keeps_each_reading_with_its_records_place_and_time() -> None:
    ledger = Ledger()
    ledger.add(envelope(1, 2), "shard-0", 10, put_at=100.0)
    ledger.add(envelope(3), "shard-1", 7, put_at=101.0)

    assert ledger.sent == 3
    assert ledger.put_times().tolist() == [100.0, 100.0, 101.0]
    assert ledger.spans() == {("shard-0", 10): range(2), ("shard-1", 7): range(2, 3)}
    assert len(ledger.identities().tobytes()) == 3 * SIZE


def test_it_knows_the_span_of_what_was_sent() -> None:
    ledger = Ledger()
    ledger.add(envelope(1, 2, start=500), "s", 1, 0.0)
    ledger.add(envelope(1, start=400), "s", 2, 0.0)

    assert (ledger.first_micros, ledger.last_micros, ledger.paths) == (400, 501, {f"{DEVICE}/m"})


def test_it_tells_what_lies_behind_the_committed_positions() -> None:
    ledger = Ledger()
    ledger.add(envelope(1, 2), "a", 10, 100.0)
    ledger.add(envelope(3), "a", 20, 101.0)
    ledger.add(envelope(4, 5, 6), "b", 5, 102.0)

    passed = [
        ledger.passed(p) for p in ({}, {"a": 9}, {"a": 10}, {"a": 15, "b": 5}, {"a": 99, "b": 99, "c": 1})
    ]
    since = [ledger.waiting_since(p) for p in ({}, {"a": 10}, {"a": 20}, {"a": 20, "b": 5})]

    assert passed == [0, 0, 2, 5, 6]
    assert since == [100.0, 101.0, 102.0, None]


def test_records_of_one_call_may_be_numbered_in_another_order() -> None:
    ledger = Ledger()
    for position, values in ((10, (1.0,)), (30, (2.0, 3.0)), (20, (4.0, 5.0, 6.0))):
        ledger.add(envelope(*values), "a", position, float(position))

    assert [ledger.passed({"a": p}) for p in (10, 20, 30)] == [1, 4, 6]
    assert ledger.waiting_since({"a": 10}) == 20.0


def test_sequence_numbers_are_compared_as_numbers_of_any_length() -> None:
    ledger = Ledger()
    long = 49590338271490256608559692538361571095921575989136588898
    ledger.add(envelope(1), "a", long, 0.0)

    assert [ledger.passed({"a": p}) for p in (long - 1, long, 10**60)] == [0, 1, 1]


PLAIN = Reading(f"{DEVICE}/m", 1_000_000, 5.0)


@pytest.mark.parametrize(
    "other",
    [
        Reading(f"{DEVICE}/n", 1_000_000, 5.0),
        Reading(f"{DEVICE}/m", 1_000_001, 5.0),
        Reading(f"{DEVICE}/m", 1_000_000, 5.000000000000001),
        Reading(f"{DEVICE}/m", 1_000_000, "5.0"),
        Reading(f"{DEVICE}/m", 1_000_000, True),
        Reading(f"{DEVICE}/m", 1_000_000, None),
        Reading(f"{DEVICE}/m", 1_000_000, 5.0, q=64),
        Reading(f"{DEVICE}/m", 1_000_000, 5.0, seq=1),
    ],
)
def test_readings_that_differ_have_different_identities(other: Reading) -> None:
    assert identity(other) != identity(PLAIN)


def test_what_no_double_holds_is_told_apart_by_what_was_sent() -> None:
    values: list[Value] = [math.nan, math.inf, -math.inf, 2**53, 2**53 + 1, 10**25, 10**25 + 1]
    assert len({identity(Reading("p", 1, value, q=BAD)) for value in [*values, None]}) == 8


def test_what_is_stored_alike_has_one_identity() -> None:
    assert identity(Reading("p", 1, 0.0)) == identity(Reading("p", 1, -0.0))
    assert identity(Reading("p", 1, 5)) == identity(Reading("p", 1, 5.0))
    assert identity(Reading("p", 1, math.nan)) == identity(Reading("p", 1, math.nan, q=BAD))
    assert identity(Reading("p", 1, 2**53)) == identity(Reading("p", 1, 2.0**53))
    assert identity(Reading("p", 1, 5.0, unit="Cel")) == identity(Reading("p", 1, 5.0, hist=True))
