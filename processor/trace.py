"""The trace that a record belongs to: `traceparent` of W3C Trace Context, if what it carries is one.

https://www.w3.org/TR/trace-context/#traceparent-header; in CloudEvents an extension of the same name.
"""

import re

from processor.wire.payload import PayloadError, open_payload

# Version 00 has these four fields and nothing more; a later one may go on after a dash. ff is forbidden.
_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_LENGTH = 55
# An escaped quotation mark is not one, so a string that only looks like the field does not count.
_FIELD = re.compile(rb'"traceparent"\s*:\s*"([0-9a-f-]{55}[^"\\]{0,200})"')


def valid(text: object) -> str | None:
    """The 55 characters that name trace and parent; None for what is no traceparent."""
    if not isinstance(text, str) or not _PARENT.fullmatch(text[:_LENGTH]):
        return None
    rest = text[_LENGTH:]
    if rest and (text.startswith("00") or not rest.startswith("-")):
        return None
    return text[:_LENGTH]


def traceparent(data: bytes) -> str | None:
    """Of a record's bytes, whole documents or not: what is refused is often no JSON. Raises nothing."""
    try:
        found = _FIELD.search(open_payload(data))
    except PayloadError:
        return None
    return valid(found[1].decode("ascii", "replace")) if found else None
