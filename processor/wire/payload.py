"""From a record's bytes to the JSON document in it: identity or gzip, told apart by magic bytes."""

import zlib

GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, 2.3.1
# The contract's largest envelope is 2.4 MB. As objects, JSON takes up to 65 times its own size in memory, so
# more is a bomb and not a plant.
LARGEST_DOCUMENT = 4 * 1024 * 1024
MOST_MEMBERS = 100  # each costs a copy of what follows it: half a million empty ones would take minutes


class PayloadError(ValueError):
    """The bytes are no document: the message says why."""


def open_payload(data: bytes) -> bytes:
    """The JSON text of a record. Raises PayloadError when it is damaged, of too many members or too large."""
    if data[:2] == GZIP_MAGIC:
        return _gunzip(data)
    if len(data) > LARGEST_DOCUMENT:
        raise PayloadError(f"the document is larger than {LARGEST_DOCUMENT} bytes")
    return data


def _gunzip(data: bytes) -> bytes:
    opened = bytearray()
    rest = data
    members = 0
    try:
        while rest:  # members may follow one another, RFC 1952, 2.2
            members += 1
            if members > MOST_MEMBERS:
                raise PayloadError(f"gzip has more than {MOST_MEMBERS} members")
            stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            opened += stream.decompress(rest, LARGEST_DOCUMENT + 1 - len(opened))
            if len(opened) > LARGEST_DOCUMENT:
                raise PayloadError(f"gzip opens to more than {LARGEST_DOCUMENT} bytes")
            if not stream.eof:
                raise PayloadError("gzip ends too early")
            rest = stream.unused_data
    except zlib.error as error:
        raise PayloadError(f"gzip is damaged: {error}") from None
    return bytes(opened)
