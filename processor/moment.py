"""Timestamps: to microseconds since 1970, in UTC."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)


class MomentError(ValueError):
    """The timestamp cannot be used: the message says why and what is allowed."""


def read_moment(raw: int | str, zone: ZoneInfo | None) -> int:
    """Microseconds since 1970 of epoch milliseconds or RFC 3339 text; finer digits are cut.

    A naive time is in `zone` and refused without one. Where a clock change makes a naive time come twice, the
    earlier instant is taken (PEP 495, fold=0); one that never was is read by the offset before the change, so
    02:30 in the gap becomes 03:30. Both keep the order of a recorder that runs on. Raises MomentError.
    """
    if isinstance(raw, int):
        return raw * 1000
    match = _RFC_3339.fullmatch(raw)
    if match is None:
        raise MomentError("ts must be epoch milliseconds or RFC 3339, such as 2025-11-23T11:31:59.000Z")
    day, clock, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in ('Z', 'z') else offset or ''}")
        if moment.tzinfo is None:
            if zone is None:
                raise MomentError("ts has no offset, and no SITE_TIME_ZONE is set")
            moment = moment.replace(tzinfo=zone)
        whole = (moment - EPOCH) // MICROSECOND
    except (ValueError, OverflowError) as error:
        if isinstance(error, MomentError):
            raise
        raise MomentError(f"ts is no date: {error}") from None
    return whole + int((fraction or "0").ljust(6, "0")[:6])
