import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.alarms.definition import Deviation, Limit
from processor.alarms.memory import Packed
from processor.alarms.pattern import expression
from processor.alarms.watch import Outcome, Watch, Watched
from processor.columns import Columns, Int64
from processor.storage.rows import Rows

FOREVER = 2**62
TEMPERATURES, ALL = expression("a/*/*/*/*/*/temp"), expression("*/*/*/*/*/*/*")
WATCHED = [
    Watched(1, 1, TEMPERATURES, Limit(high=5.0, on_delay=2), 0, 30_000_000),
    Watched(1, 2, TEMPERATURES, Limit(high=4.0), 30_000_000, FOREVER),
    Watched(2, 1, ALL, Deviation(limit=1, bin=1, off_delay=0), 0, FOREVER),
]
PATHS = ["", "a/b/c/d/e/m1/temp", "a/b/c/d/e/m1/speed", "a/b/c/d/e/m2/temp", "z/b/c/d/e/m2/temp"]

Reading = tuple[int, int, float, bool]  # point, ts in seconds, value, history


def rows(readings: list[Reading]) -> tuple[Rows, Int64]:
    """One record each, and when each arrived."""
    count = len(readings)
    order = sorted(range(count), key=lambda place: readings[place][:2])
    point, ts, value, history = zip(*(readings[place] for place in order), strict=True)
    columns = Columns(
        slot=np.array(point, np.int32),
        record=np.array(order, np.int64),
        ts=np.array(ts, np.int64) * 1_000_000,
        seq=np.zeros(count, np.int64),
        quality=np.full(count, 192, np.int16),
        status=np.full(count, -1, np.int64),
        kind=np.zeros(count, np.int8),
        number=np.array(value, np.float64),
        hist=np.array(history, np.bool_),
        text=None,
        extra=None,
    )
    arrivals = np.array([reading[1] for reading in readings], np.int64) * 1_000_000
    return Rows(np.array(point, np.int32), columns), arrivals


class Table:
    """The fake of alarm_state."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int, int], Packed] = {}
        self.asked: list[str] = []

    def find(self, devices: "list[str] | tuple[str, ...] | object") -> list[Packed]:
        assert isinstance(devices, list)
        self.asked += devices
        return [row for row in self.rows.values() if row.device in devices]

    def write(self, outcome: Outcome) -> None:
        self.rows |= {(row.device, row.rule, row.version): row for row in outcome.rows}


def changes(outcome: Outcome) -> list[tuple[int, int, int, bool, bool, int]]:
    return [
        (
            told.watched.rule,
            told.watched.version,
            int(told.point[place]),
            bool(told.history[place]),
            bool(told.judgement.raised[place]),
            int(told.judgement.at[place]),
        )
        for told in outcome.told
        for place in range(len(told.judgement))
    ]


@settings(max_examples=60, deadline=None)
@given(
    readings=st.lists(
        st.tuples(st.integers(1, 4), st.integers(0, 60), st.sampled_from([0.0, 4.5, 6.0]), st.booleans()),
        min_size=1,
        max_size=60,
        unique_by=lambda reading: reading[:2],
    ),
    size=st.integers(1, 20),
    harms=st.lists(st.sampled_from(["none", "rolled back", "taken over", "again"]), min_size=1, max_size=20),
)
def test_rollbacks_repetitions_and_new_owners_change_nothing(
    readings: list[Reading], size: int, harms: list[str]
) -> None:
    # Given what an undisturbed owner says of everything at once
    whole, table = Watch(WATCHED, PATHS), Table()
    once = whole.judge(*rows(readings), table.find)
    table.write(once)

    # When batches are rolled back, sent again, and met by owners who know nothing
    watch, other = Watch(WATCHED, PATHS), Table()
    said = []
    for place, start in enumerate(range(0, len(readings), size)):
        batch, harm = rows(readings[start : start + size]), harms[place % len(harms)]
        if harm == "rolled back":
            watch.judge(*batch, other.find)
        if harm in {"rolled back", "taken over"}:
            watch = Watch(WATCHED, PATHS)
        for _ in range(2 if harm == "again" else 1):
            outcome = watch.judge(*batch, other.find)
            said += changes(outcome)
            other.write(outcome)

    # Then the same alarms have changed, and every state is the same
    assert sorted(said) == sorted(changes(once))
    assert {key: contents(row) for key, row in other.rows.items()} == {
        key: contents(row) for key, row in table.rows.items()
    }


def contents(row: Packed) -> tuple[bytes, bytes]:
    return row.subjects, row.states


def test_a_rule_judges_its_points_and_a_version_its_time() -> None:
    outcome = Watch(WATCHED[:2], PATHS).judge(
        *rows(
            [
                (1, 10, 9.0, False),
                (1, 13, 9.0, False),
                (2, 13, 9.0, False),
                (4, 13, 9.0, False),
                (3, 40, 4.5, True),
            ]
        ),
        Table().find,
    )
    assert changes(outcome) == [(1, 1, 1, False, True, 13_000_000), (1, 2, 3, True, True, 40_000_000)]
    assert [(row.device, row.version) for row in outcome.rows] == [("a/b/c/d/e/m1", 1), ("a/b/c/d/e/m2", 2)]


def test_a_record_is_judged_by_the_version_of_its_arrival() -> None:
    readings, _ = rows([(1, 40, 9.0, False), (3, -900, 9.0, True)])
    arrivals = np.array([13, 41], np.int64) * 1_000_000

    outcome = Watch(WATCHED[:2], PATHS).judge(readings, arrivals, Table().find)

    assert [(row.device, row.version) for row in outcome.rows] == [("a/b/c/d/e/m1", 1), ("a/b/c/d/e/m2", 2)]


def test_a_device_is_asked_for_once() -> None:
    watch, table = Watch(WATCHED, PATHS), Table()
    for second in range(3):
        watch.judge(*rows([(1, second, 1.0, False), (2, second, 1.0, False)]), table.find)
    assert table.asked == ["a/b/c/d/e/m1"]
