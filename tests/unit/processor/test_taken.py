"""Several batches in one transaction are what one batch of all their records would be."""

import json
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processor.names import Names
from processor.pipeline import judge
from processor.source.records import Record
from processor.storage.store import Lease
from processor.taken import Taken, merged
from processor.validate import Rules

NOW_MS = 1_763_897_519_000
readings = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["a/b/c/d/e/f/g", "a/b/c/d/e/f/h", "wrong"]),
        "ts": st.integers(NOW_MS - 5, NOW_MS),
        "value": st.sampled_from([1, 2.5, True, "on", None, "NaN"]),
    },
    optional={"seq": st.integers(0, 3), "q": st.sampled_from([0, 64, 192]), "more": st.just("field")},
)


@given(st.lists(st.lists(readings, min_size=1, max_size=4), min_size=1, max_size=4))
def test_parts_merged_are_their_records_judged_at_once(batches: list[list[dict[str, Any]]]) -> None:
    numbers = iter(range(1, 100))
    lease, names, rules = Lease("shard", 1, None), Names(), Rules(7, 10)
    made = [
        [
            Record(json.dumps(item).encode(), str(number), number)
            for item, number in zip(batch, numbers, strict=False)
        ]
        for batch in batches
    ]
    parts = [
        Taken(lease, judge(records, names, rules, place), len(records), 0.25)
        for place, records in enumerate(made)
    ]
    whole = judge([record for records in made for record in records], names, rules, len(made) - 1)
    together = merged(parts)
    for name, column in vars(whole.columns).items():
        np.testing.assert_array_equal(getattr(together.judged.columns, name), column)
    np.testing.assert_array_equal(together.judged.arrivals, whole.arrivals)
    assert together.judged.refused == whole.refused
    assert (together.judged.position, together.judged.size) == (whole.position, whole.size)
    assert (together.judged.lag_ms, together.records) == (whole.lag_ms, sum(map(len, made)))
    assert (together.decode_seconds, together.judged.oldest_arrived) == (0.25 * len(made), 1)
