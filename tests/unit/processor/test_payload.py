import gzip
import struct
from contextlib import suppress

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

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


def test_zstd_is_opened_over_frames_and_past_what_may_be_skipped() -> None:
    skippable = struct.pack("<II", 0x184D2A57, 5) + b"hello"
    data = zstd.compress(b'{"a"') + skippable + zstd.compress(b":1}")
    assert open_payload(data) == open_payload(skippable + data) == b'{"a":1}'


def test_damaged_zstd_is_refused() -> None:
    whole = zstd.compress(b"x" * 100, options={zstd.CompressionParameter.checksum_flag: 1})
    for data in (
        whole[:-4],
        whole[:-1] + b"?",
        whole + b"rest",
        whole[:4],
        struct.pack("<II", 0x184D2A50, 9),
    ):
        with pytest.raises(PayloadError, match="zstd"):
            open_payload(data)


def test_a_bomb_of_zstd_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(PayloadError, match="more than"):
        open_payload(zstd.compress(bytes(payload.LARGEST_DOCUMENT + 1)))
    assert len(open_payload(zstd.compress(bytes(payload.LARGEST_DOCUMENT)))) == payload.LARGEST_DOCUMENT
    with pytest.raises(PayloadError, match="more than 100 members"):
        open_payload(zstd.compress(b"") * 101)


def test_what_a_reader_would_have_to_know_or_hold_is_told() -> None:
    # A dictionary that the writer had; a frame that asks for 128 MiB (its header as RFC 8878, 3.1.1.1, says)
    known = zstd.train_dict([b'{"path":"a/b/%d"}' % number for number in range(2000)], 1024)
    with pytest.raises(PayloadError, match="compress without one"):
        open_payload(zstd.compress(b'{"path":"a/b/1"}', zstd_dict=known))
    with pytest.raises(PayloadError, match="window of more than 8 MiB"):
        open_payload(payload.ZSTD_MAGIC + bytes([0b0000_0000, (27 - 10) << 3]) + b"\x01\x00\x00")


@given(st.binary(max_size=300), st.integers(0, 40), st.binary(max_size=3))
def test_whatever_is_cut_or_changed_in_what_is_packed_is_a_document_or_refused(
    document: bytes, place: int, change: bytes
) -> None:
    for pack in (gzip.compress, zstd.compress):
        packed = pack(document)
        assert open_payload(packed) == document
        for damaged in (packed[:place], packed[:place] + change + packed[place + len(change) :]):
            with suppress(PayloadError):
                assert isinstance(open_payload(damaged), bytes)
