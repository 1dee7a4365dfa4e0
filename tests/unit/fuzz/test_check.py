"""The processor against the contract on mutated records, and a check that sees when it reads one wrongly."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.check import Disagreement, check
from fuzz.mutate import mutated
from fuzz.seeds import READING, batches, put_together
from processor.pipeline import judge
from processor.quarantine import Refused
from processor.storage.store import Judged

SEEDS = list(batches())


@pytest.mark.parametrize("place", range(len(SEEDS)))
def test_every_known_oddity_is_judged_as_the_contract_says(place: int) -> None:
    check(SEEDS[place])


@settings(max_examples=1_500, deadline=None, derandomize=True)
@given(st.sampled_from(SEEDS), st.integers(0, 2**32), st.integers(1, 4))
def test_mutated_records_are_judged_as_the_contract_says(seed: list[bytes], chance: int, times: int) -> None:
    source = random.Random(chance)
    batch: Sequence[bytes] = seed
    for _ in range(times):
        batch = mutated(batch, source)
    check(batch)


def test_half_a_character_in_one_field_does_not_cost_its_siblings() -> None:
    odd = {**READING, "seq": "\ud800", "more": 1}
    check([json.dumps({"readings": [READING, odd, {**READING, "seq": 1}]}).encode()])


def _other_path(judged: Judged) -> Judged:
    judged.names.paths[:] = ["a/b/c/d/e/f/g" for _ in judged.names.paths]
    return judged


def _columns(judged: Judged, **changed: Any) -> Judged:
    return replace(judged, columns=replace(judged.columns, **changed))


WRONG: dict[str, Callable[[Judged], Judged]] = {
    "path": _other_path,
    "ts": lambda judged: _columns(judged, ts=judged.columns.ts + 1),
    "value": lambda judged: _columns(judged, number=judged.columns.number * 2),
    "values exchanged": lambda judged: _columns(judged, number=judged.columns.number[::-1]),
    "quality": lambda judged: _columns(judged, quality=judged.columns.quality * 0),
    "seq": lambda judged: _columns(judged, seq=judged.columns.seq + 1),
    "hist": lambda judged: _columns(judged, hist=~judged.columns.hist),
    "one lost": lambda judged: replace(judged, columns=judged.columns.take(judged.columns.seq > 1)),
    "one refused": lambda judged: replace(judged, refused=[]),
}


MISPLACED: dict[str, Callable[[Refused], Refused]] = {
    "part": lambda one: one._replace(sub_sequence=one.sub_sequence + 1),
    "reading": lambda one: one._replace(place=one.place + 1),
    "record": lambda one: one._replace(sequence_number="1"),
}


@pytest.mark.parametrize("wrong", MISPLACED)
def test_the_check_sees_what_is_refused_at_another_place(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = json.dumps(READING).encode(), json.dumps({**READING, "path": "wrong"}).encode()
    batch = [put_together([("m17", good), ("m17", bad)]), good]
    check(batch)

    def misplaced(*given: Any) -> Judged:
        judged = judge(*given)
        return replace(judged, refused=[MISPLACED[wrong](one) for one in judged.refused])

    monkeypatch.setattr("fuzz.check.judge", misplaced)
    with pytest.raises(Disagreement):
        check(batch)


@pytest.mark.parametrize("wrong", WRONG)
def test_the_check_sees_a_processor_that_errs(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = [
        json.dumps({**READING, "seq": number, "value": number + 0.5}).encode() for number in range(1, 4)
    ] + [b"nonsense"]
    check(batch)
    monkeypatch.setattr("fuzz.check.judge", lambda *given: WRONG[wrong](judge(*given)))

    with pytest.raises(Disagreement):
        check(batch)
