from zoneinfo import ZoneInfo

import pytest

from processor.moment import MomentError, read_moment

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (1_763_897_519_123, 1_763_897_519_123_000),
        ("2025-11-23T11:31:59.123Z", 1_763_897_519_123_000),
        ("2025-11-23t11:31:59z", 1_763_897_519_000_000),
        ("2025-11-23 12:31:59.1234567+01:00", 1_763_897_519_123_456),
        ("1969-12-31T23:59:59.5Z", -500_000),
    ],
)
def test_epoch_milliseconds_and_rfc_3339_become_microseconds(raw: int | str, expected: int) -> None:
    assert read_moment(raw, None) == expected


def test_a_naive_time_is_in_the_sites_zone_and_refused_without_one() -> None:
    assert read_moment("2025-11-23T12:31:59", BERLIN) == read_moment("2025-11-23T11:31:59Z", None)
    with pytest.raises(MomentError, match="no SITE_TIME_ZONE"):
        read_moment("2025-11-23T12:31:59", None)


def test_of_a_time_that_comes_twice_the_earlier_is_taken() -> None:
    assert read_moment("2025-10-26T02:30:00", BERLIN) == read_moment("2025-10-26T00:30:00Z", None)


def test_a_time_in_the_gap_keeps_the_offset_before_it() -> None:
    assert read_moment("2025-03-30T02:30:00", BERLIN) == read_moment("2025-03-30T03:30:00+02:00", None)


@pytest.mark.parametrize(
    "raw",
    ["", "yesterday", "2025-02-30T00:00:00Z", "2025-11-23", "2025-11-23T11:31Z", "١٩٩٩-01-01T00:00:00Z"],
)
def test_anything_else_is_refused(raw: str) -> None:
    with pytest.raises(MomentError, match="ts "):
        read_moment(raw, BERLIN)
