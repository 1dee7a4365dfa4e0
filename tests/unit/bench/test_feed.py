"""The readings that the path is measured with."""

import json

from bench import feed
from bench.feed import PATHS, make_feed
from processor.names import Names
from processor.pipeline import judge
from processor.source.records import Record
from processor.validate import Rules

NOW_MS = 1_763_897_519_000


def rows(records: list[Record]) -> list[tuple[object, ...]]:
    """What the processor makes of them; nothing may be refused."""
    names = Names()
    judged = judge(records, names, Rules(oldest_days=7, newest_minutes=10), 0)
    assert judged.refused == []
    columns = judged.columns
    paths = [names.paths[slot] for slot in columns.slot]
    return list(zip(paths, columns.ts.tolist(), columns.seq.tolist(), columns.number.tolist(), strict=True))


def test_both_shapes_of_records_hold_the_same_good_readings() -> None:
    made = make_feed(1_230, NOW_MS)

    single, packed = made.single(), made.packed()

    assert (len(single), len(packed)) == (1_230, 25)
    expected = [
        (PATHS[point], ts * 1000, seq, value)
        for point, ts, seq, value in zip(
            made.point.tolist(), made.ts.tolist(), made.seq.tolist(), made.value.tolist(), strict=True
        )
    ]
    assert rows(single) == rows(packed) == expected
    assert len({row[:3] for row in expected}) == 1_230
    assert expected[-1][1] == NOW_MS * 1000


def test_a_shorter_feed_is_the_longer_ones_beginning() -> None:
    made = make_feed(1_000, NOW_MS)

    assert rows(made.take(300).single()) == rows(made.single())[:300]


def test_batches_keep_every_record_and_the_streams_limits() -> None:
    single = make_feed(25_000, NOW_MS).single()
    heavy = [Record(bytes(4 * 1024 * 1024), str(number), 0.0) for number in range(5)]

    by_count = list(feed.batches(single))
    by_size = list(feed.batches(heavy))

    assert [len(batch.records) for batch in by_count] == [10_000, 10_000, 5_000]
    assert [record for batch in by_count for record in batch.records] == single
    assert [len(batch.records) for batch in by_size] == [2, 2, 1]


def test_sequence_numbers_rise_as_numbers() -> None:
    numbers = [int(record.sequence_number) for record in make_feed(500, NOW_MS).packed()]

    assert numbers == sorted(set(numbers))
    assert json.loads(make_feed(1, NOW_MS).single()[0].data)["path"] == PATHS[0]
