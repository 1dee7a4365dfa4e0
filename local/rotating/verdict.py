"""What a run found, and which of it is not as it must be."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from local.aws.asked import Asked

LEAST_ROTATIONS = 3  # of each secret: both users of a pair have had a new password then
# A session is left between two batches: what it lives beyond its time is a batch, and a login.
LATE_SECONDS = 20.0
MOST_SESSIONS = 6  # of the processors: each has one, a second one while it hands over, a third for retention
SHOWN = 5  # lines of trouble


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Users of the database are those of the application."""

    seconds: float  # until all that was sent was committed
    sent: int
    stored: int
    lost: int
    duplicated: int
    most_epochs: int  # 1: no shard ever changed its owner
    restarts: int
    trouble: Sequence[str]  # of the processors' log
    rotations: Mapping[str, int]  # by secret
    longest_rotation: float  # seconds
    ceremonies: Sequence[str]  # what went wrong with them
    session_seconds: float  # how long a session is to live
    oldest_session: float
    most_sessions: int
    opened_sessions: Mapping[str, int]  # by user
    left_behind: Sequence[str]  # sessions after the end
    admitted: int  # connections to the cache, each with a token of its own
    refused: int
    leaks: Sequence[str]
    searched: int  # places
    needles: int  # values that were sought
    asked: Sequence[Asked]  # what roles asked AWS for


def wrong(found: Found) -> list[str]:
    """A line each."""
    lines = [
        *(f"{found.lost:,} readings lost" for _ in range(found.lost > 0)),
        *(f"{found.duplicated:,} readings doubled" for _ in range(found.duplicated > 0)),
        *(f"the processors' log: {line}" for line in found.trouble[:SHOWN]),
        *(f"rotation: {line}" for line in found.ceremonies),
        *(f"left behind: {line}" for line in found.left_behind),
        *(f"leak: {line}" for line in found.leaks),
        *(f"refused: {one.role} asked for {one.action}" for one in found.asked if not one.allowed),
    ]
    if found.refused or found.admitted < LEAST_ROTATIONS:
        lines.append(f"the cache let {found.admitted} connections in, and refused {found.refused}")
    if found.stored == 0:
        lines.append("no reading was stored, so nothing was shown")
    if found.most_epochs != 1:
        lines.append(f"a shard changed its owner: epoch {found.most_epochs}")
    if found.restarts:
        lines.append(f"processors were started again {found.restarts} times")
    for secret, count in found.rotations.items():
        if count < LEAST_ROTATIONS:
            lines.append(f"{secret} was rotated {count} times only")
    if len(found.opened_sessions) < 2:
        lines.append(f"the processors logged in as {', '.join(found.opened_sessions)} only")
    if found.oldest_session > found.session_seconds + LATE_SECONDS:
        lines.append(f"a session lived {found.oldest_session:.1f} s")
    if found.most_sessions > MOST_SESSIONS:
        lines.append(f"{found.most_sessions} sessions of the processors at once")
    return lines


def summary(found: Found) -> list[str]:
    """As it is printed."""
    users = ", ".join(f"{count} as {user}" for user, count in sorted(found.opened_sessions.items()))
    rows = [
        ("sent", f"{found.sent:,}", f"readings, {found.sent / found.seconds:,.0f} a second"),
        ("stored", f"{found.stored:,}", "newly"),
        ("lost", f"{found.lost:,}", "nowhere to be found"),
        ("duplicated", f"{found.duplicated:,}", "stored more than once, or counted so by a rollup"),
        ("tried twice", f"{len(found.trouble):,}", "batches, or anything else that the log tells of trouble"),
        ("rotations", f"{sum(found.rotations.values()):,}", f"the longest {found.longest_rotation:.1f} s"),
        ("sessions", f"{sum(found.opened_sessions.values()):,}", f"opened: {users}"),
        ("at once", f"{found.most_sessions:,}", f"sessions; the oldest lived {found.oldest_session:.1f} s"),
        ("left behind", f"{len(found.left_behind):,}", "sessions after the end"),
        ("cache", f"{found.admitted:,}", f"connections, a token each; {found.refused} refused"),
        ("leaks", f"{len(found.leaks):,}", f"of {found.needles} values in {found.searched:,} places"),
    ]
    return [f"  {name:<12} {count:>12}   {what}" for name, count, what in rows]


def counted(opened: set[tuple[str, int]], users: Sequence[str]) -> dict[str, int]:
    """Sessions by user, of these users alone."""
    return dict(Counter(user for user, _ in opened if user in users))
