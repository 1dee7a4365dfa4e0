"""Telling whoever reads the log what the stream no longer holds."""

import logging

from processor.source.position import Gap

logger = logging.getLogger(__name__)


def say_gap(stream: str, shard: str, gap: Gap) -> None:
    """A gap's row is committed: one line that says from when to when."""
    logger.error(
        "the stream no longer holds what came after the position",
        extra={
            "stream": stream,
            "shard": shard,
            "after": gap.after,
            "from_at": gap.from_at,
            "before": gap.before,
            "to_at": gap.to_at,
            "reason": gap.reason,
        },
    )
