"""From a record's bytes to the JSON document in it: identity or gzip, told apart by magic bytes."""

import zlib

GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, 2.3.1
LARGEST_DOCUMENT = 16 * 1024 * 1024  # a Kinesis record is at most 10 MiB; more is a bomb, not a plant


class PayloadError(ValueError):
    """The bytes are no document: the message says why."""


def open_payload(data: bytes) -> bytes:
    """The JSON text of a record. Raises PayloadError when it is damaged or opens to more than 16 MiB."""
    if data[:2] == GZIP_MAGIC:
        return _gunzip(data)
    return data


def _gunzip(data: bytes) -> bytes:
    opened = bytearray()
    rest = data
    try:
        while rest:  # members may follow one another, RFC 1952, 2.2
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
