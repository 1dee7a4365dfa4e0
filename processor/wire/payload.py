"""From a record's bytes to the JSON document in it: identity, gzip or zstd, told apart by magic bytes."""

import zlib
from collections.abc import Callable
from typing import Protocol

from backports import zstd

GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, 2.3.1
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"  # RFC 8878, 3.1.1
SKIPPABLE_MAGIC = b"\x2a\x4d\x18"  # RFC 8878, 3.1.2: after one byte from 0x50 to 0x5f
# The contract's largest envelope is 2.4 MB. As objects, JSON takes up to 65 times its own size in memory, so
# more is a bomb and not a plant.
LARGEST_DOCUMENT = 4 * 1024 * 1024
MOST_MEMBERS = 100  # each costs a copy of what follows it: half a million empty ones would take minutes
# A frame says how much memory its reader needs, up to 2 GiB. RFC 8878, 3.1.1.1.2, asks for 8 MiB to be heard.
_ZSTD_BOUNDS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}


class PayloadError(ValueError):
    """The bytes are no document: the message says why."""


class TooLarge(PayloadError):
    """They are one, or would open to one, of more than LARGEST_DOCUMENT bytes."""


class _Stream(Protocol):
    """One member or frame being opened: zlib's and zstd's objects are alike."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def is_packed(data: bytes) -> bool:
    """Whether it begins as gzip or zstd does."""
    return data[:2] == GZIP_MAGIC or _is_zstd(data)


def _is_zstd(data: bytes) -> bool:
    return data[:4] == ZSTD_MAGIC or (data[1:4] == SKIPPABLE_MAGIC and data[0] >> 4 == 5)


def open_payload(data: bytes) -> bytes:
    """The JSON text of a record. Raises PayloadError when it is damaged, of too many members or too large."""
    if data[:2] == GZIP_MAGIC:
        try:
            return _opened(data, "gzip", lambda: zlib.decompressobj(wbits=zlib.MAX_WBITS | 16))
        except zlib.error as error:
            raise PayloadError(f"gzip is damaged: {error}") from None
    if _is_zstd(data):
        try:
            return _opened(data, "zstd", lambda: zstd.ZstdDecompressor(options=_ZSTD_BOUNDS))
        except zstd.ZstdError as error:
            raise PayloadError(_zstd_fault(data, error)) from None
    if len(data) > LARGEST_DOCUMENT:
        raise TooLarge(f"the document is larger than {LARGEST_DOCUMENT} bytes")
    return data


def _opened(data: bytes, name: str, start: Callable[[], _Stream]) -> bytes:
    opened = bytearray()
    rest = data
    members = 0
    while rest:  # members may follow one another: RFC 1952, 2.2, and RFC 8878, 3.1
        members += 1
        if members > MOST_MEMBERS:
            raise PayloadError(f"{name} has more than {MOST_MEMBERS} members")
        stream = start()
        opened += stream.decompress(rest, LARGEST_DOCUMENT + 1 - len(opened))
        if len(opened) > LARGEST_DOCUMENT:
            raise TooLarge(f"{name} opens to more than {LARGEST_DOCUMENT} bytes")
        if not stream.eof:
            raise PayloadError(f"{name} ends too early")
        rest = stream.unused_data
    return bytes(opened)


def _zstd_fault(data: bytes, error: zstd.ZstdError) -> str:
    said = str(error).removeprefix("Unable to decompress Zstandard data: ")
    if "Dictionary" in said:
        return "zstd needs a dictionary, and none is agreed on: compress without one"
    if "too much memory" in said:
        return "zstd needs a window of more than 8 MiB: compress at level 19 or lower, without --long"
    return f"zstd is damaged: {said}"
