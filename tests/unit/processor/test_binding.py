"""A record whose partition key is a device's path holds that device's readings, and no other's."""

from collections.abc import Callable

import pytest

from processor import binding
from processor.names import Names
from processor.pipeline import judge
from processor.quarantine import Reason
from processor.source.records import Record
from processor.validate import Rules
from tests.unit.processor.conftest import aggregated

Make = Callable[..., Record]
DEVICE = "acme/lon1/press/line2/cell4/m17"
NOW_MS = 1_763_897_519_000


def reading(device: str, value: int = 1) -> dict[str, object]:
    return {"path": f"{device}/speed", "ts": NOW_MS, "value": value}


def told(records: list[Record], rules: Rules | None = None) -> tuple[list[float], list[tuple[int, Reason]]]:
    judged = judge(records, Names(), rules or Rules(7, 10), 0)
    return judged.columns.number.tolist(), [(one.place, one.reason) for one in judged.refused]


@pytest.mark.parametrize(
    "other",
    [
        DEVICE.replace("m17", "m18"),
        DEVICE.replace("m17", "m171"),
        DEVICE.replace("lon1", "lon2"),
        DEVICE.replace("m17", "M17"),
    ],
)
def test_a_device_cannot_write_anothers_readings(record: Make, other: str) -> None:
    envelope = {"readings": [reading(DEVICE, 1), reading(other, 2), reading(DEVICE, 3)]}
    assert told([record(envelope, key=DEVICE)]) == ([1, 3], [(1, Reason.DEVICE)])


def test_each_record_is_judged_by_its_own_key(record: Make) -> None:
    other = DEVICE.replace("m17", "m18")
    records = [
        record(reading(DEVICE, 1), 1, key=DEVICE),
        record(reading(DEVICE, 2), 2, key=other),
        record(reading(other, 3), 3, key=other),
        record({"path": "wrong", "ts": NOW_MS, "value": 4}, 4, key=other),
        record(reading(other, 5), 5),
    ]
    assert told(records) == ([1, 3, 5], [(0, Reason.PATH), (0, Reason.DEVICE)][::-1])


@pytest.mark.parametrize("key", ["", "gw-7", "m17", "acme/lon1", f"{DEVICE}/speed"])
def test_a_key_that_is_no_device_binds_nothing(record: Make, key: str) -> None:
    other = DEVICE.replace("m17", "m18")
    assert told([record({"readings": [reading(DEVICE, 1), reading(other, 2)]}, key=key)]) == ([1, 2], [])


def test_a_record_with_no_valid_path_is_refused_for_its_paths(record: Make) -> None:
    assert told([record({"path": "x", "ts": NOW_MS, "value": 1}, key=DEVICE)]) == ([], [(0, Reason.PATH)])


def test_the_setting_lets_everything_pass(record: Make) -> None:
    records = [record(reading(DEVICE.replace("m17", "m18")), key=DEVICE)]
    assert told(records, Rules(7, 10, bind_devices=False)) == ([1], [])


def test_a_user_record_is_bound_by_its_own_key_and_first_by_its_records(record: Make) -> None:
    # A device may publish any bytes, so what it calls itself inside them counts for nothing.
    other = DEVICE.replace("m17", "m18")
    part = b'{"path":"%s/speed","ts":%d,"value":1}' % (DEVICE.encode(), NOW_MS)
    users = aggregated([(DEVICE, part), (other, part), ("gw-7", part)])
    assert told([record(users, key="a")]) == ([1, 1], [(0, Reason.DEVICE)])
    assert told([record(users, key=DEVICE)]) == ([1, 1, 1], [])
    assert told([record(users, key=other)]) == ([], [(0, Reason.DEVICE)] * 3)


def test_keys_are_remembered_up_to_a_bound_and_judged_the_same_after(
    record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binding, "MOST_KEYS", 10)
    names, other = Names(), DEVICE.replace("m17", "m18")
    for turn in range(40):
        records = [
            record(reading(DEVICE, 1), 1, key=f"gw-{turn}"),
            record(reading(DEVICE, 2), 2, key=DEVICE),
            record(reading(f"{DEVICE}{turn}", 3), 3, key=other),
        ]
        judged = judge(records, names, Rules(7, 10), 0)
        assert judged.columns.number.tolist() == [1, 2]
        assert [one.sequence_number for one in judged.refused] == ["3"]
        assert len(names.binding._numbers) < 60
