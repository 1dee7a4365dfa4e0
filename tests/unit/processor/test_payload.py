import gzip

import pytest

from processor.wire import payload
from processor.wire.payload import PayloadError, open_payload


def test_plain_bytes_are_handed_on_and_gzip_is_opened() -> None:
    assert open_payload(b'{"a":1}') == b'{"a":1}'
    assert open_payload(gzip.compress(b'{"a"') + gzip.compress(b":1}")) == b'{"a":1}'


@pytest.mark.parametrize(
    "data",
    [gzip.compress(b"x" * 100)[:-4], gzip.compress(b"x") + b"rest", b"\x1f\x8b"],
    ids=["cut", "more behind", "a head alone"],
)
def test_damaged_gzip_is_refused(data: bytes) -> None:
    with pytest.raises(PayloadError, match="gzip"):
        open_payload(data)


def test_a_bomb_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(PayloadError, match="more than"):
        open_payload(gzip.compress(bytes(payload.LARGEST_DOCUMENT + 1)))
    with pytest.raises(PayloadError, match="larger than"):
        open_payload(bytes(payload.LARGEST_DOCUMENT + 1))
    assert len(open_payload(gzip.compress(bytes(payload.LARGEST_DOCUMENT)))) == payload.LARGEST_DOCUMENT


def test_a_record_of_countless_empty_members_is_refused_at_once() -> None:
    with pytest.raises(PayloadError, match="more than 100 members"):
        open_payload(gzip.compress(b"") * 101)
    assert open_payload(gzip.compress(b"{") + gzip.compress(b"}") + gzip.compress(b"") * 98) == b"{}"
