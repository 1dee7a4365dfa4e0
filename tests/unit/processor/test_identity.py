import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processor.columns import Kind
from processor.identity import identity_hash


def hashed(
    kind: Kind, number: float = np.nan, text: str | None = None, quality: int = 192, status: int = -1
) -> int:
    row = identity_hash(
        np.array([kind], np.int8),
        np.array([number]),
        {} if text is None else {0: text},
        np.array([quality], np.int16),
        np.array([status], np.int64),
    )
    return int(row[0])


def test_the_hash_never_changes() -> None:
    # Written down once: another figure here means that every replay would store its readings again.
    assert hashed(Kind.NUMBER, 73.9) == -2610283856466276667
    assert hashed(Kind.FLAG, 1.0) == -2773194889440027235
    assert hashed(Kind.TEXT, text="läuft") == -1950501948383769883
    assert hashed(Kind.NOTHING, quality=0, status=0x80050000) == -3610661814999421882


def test_both_zeros_are_one_value() -> None:
    assert hashed(Kind.NUMBER, 0.0) == hashed(Kind.NUMBER, -0.0)


def test_kind_quality_and_code_tell_readings_apart() -> None:
    seen = {
        hashed(Kind.NUMBER, 1.0),
        hashed(Kind.FLAG, 1.0),
        hashed(Kind.TEXT, text="1.0"),
        hashed(Kind.NOTHING),
        hashed(Kind.NOTHING, text="NaN"),
        hashed(Kind.NUMBER, 1.0, quality=64),
        hashed(Kind.NUMBER, 1.0, status=216),
    }
    assert len(seen) == 7


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_values_are_told_apart_and_the_hash_is_negative(one: float, other: float) -> None:
    assert (hashed(Kind.NUMBER, one) == hashed(Kind.NUMBER, other)) == (one == other)
    assert hashed(Kind.NUMBER, one) < 0
