import msgspec
import pytest

from processor.alarms.definition import (
    Clock,
    DefinitionError,
    Deviation,
    Limit,
    Silence,
    Stuck,
    check_path,
    delays,
    read,
)
from processor.alarms.detectors import layout


def test_each_kind_is_read_with_its_defaults() -> None:
    assert read('{"kind": "limit", "high": 80, "deadband": 2}') == Limit(high=80.0, deadband=2.0)
    assert read('{"kind": "deviation"}') == Deviation()


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{", "truncated"),
        ('{"kind": "limits", "high": 1}', "limits"),
        ('{"high": 1}', "kind"),
        ('{"kind": "limit"}', "`high`, `low` or both"),
        ('{"kind": "limit", "high": "80"}', "$.high"),
        ('{"kind": "limit", "hihg": 80}', "hihg"),
        ('{"kind": "limit", "high": 5, "low": 3, "deadband": 1}', "deadband=1"),
        ('{"kind": "limit", "high": 3, "low": 5}', "high=3"),
        ('{"kind": "rate", "most": 0}', "$.most"),
        ('{"kind": "stuck"}', "within"),
        ('{"kind": "silence", "within": 1e9}', "$.within"),
        ('{"kind": "silence", "within": 0.5}', "$.within"),
        ('{"kind": "clock", "ahead": 0}', "$.ahead"),
        ('{"kind": "clock", "span": 1e9}', "$.span"),
    ],
)
def test_a_mistake_is_named(document: str, says: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        read(document)
    assert says in str(refused.value)


def test_a_clock_is_judged_by_one_metric_of_each_device() -> None:
    for path in ("a/b/c/d/e/*/*", "a/b/c/d/e/*/temp?"):
        with pytest.raises(DefinitionError, match="name one that every device sends"):
            check_path(path, Clock())
        check_path(path, Silence(within=60))
    check_path("a/*/*/*/*/*/uptime", Clock())


def test_what_is_written_is_read_again() -> None:
    for definition in (Limit(low=1.0, off_delay=3.0), Stuck(within=60), Deviation(limit=4)):
        assert read(msgspec.json.encode(definition)) == definition


def test_delays_are_in_microseconds() -> None:
    assert (delays(Limit(high=1, on_delay=1.5, off_delay=2)).on, delays(Stuck(within=9)).on) == (1_500_000, 0)


def test_a_point_takes_as_many_bytes_as_the_decision_says() -> None:
    assert (layout(Limit(high=1)).itemsize, layout(Stuck(within=1)).itemsize) == (26, 42)
    assert (layout(Silence(within=1)).itemsize, layout(Clock()).itemsize) == (42, 50)
    assert layout(Deviation()).itemsize == 98
