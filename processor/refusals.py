"""A log line for each refused reading: where it lies, which trace it belongs to, nothing of what it says."""

import logging
import time
from collections.abc import Callable, Sequence

from processor.quarantine import Refused
from processor.source.records import Record
from processor.trace import traceparent
from processor.wire.aggregated import user_records

logger = logging.getLogger(__name__)

# A producer gone wild refuses thousands a second: the quarantine has them all, the log the first of a minute.
MOST_LINES = 100
WINDOW_SECONDS = 60.0


class Refusals:
    """Of one stream. `clock` counts seconds; only differences matter."""

    def __init__(self, stream: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._began = clock()
        self._told = 0

    def tell(self, shard: str, records: Sequence[Record], refused: Sequence[Refused]) -> None:
        """What of these records goes to the quarantine. Raises nothing."""
        if not refused:
            return
        if self._clock() - self._began >= WINDOW_SECONDS:
            self._began, self._told = self._clock(), 0
        chosen = refused[: MOST_LINES - self._told]
        self._told += len(chosen)
        wanted = {(one.sequence_number, one.sub_sequence) for one in chosen}
        numbers = {number for number, _ in wanted}
        traces = {
            key: traceparent(part.data)
            for record in records
            if record.sequence_number in numbers
            for part in user_records([record])
            if (key := (part.sequence_number, part.sub_sequence)) in wanted
        }
        for one in chosen:
            logger.warning(
                "reading refused",
                extra={
                    "stream": self._stream,
                    "shard": shard,
                    "sequence_number": one.sequence_number,
                    "sub_sequence": one.sub_sequence,
                    "index": one.place,
                    "reason": one.reason.value,
                    "traceparent": traces.get((one.sequence_number, one.sub_sequence)),
                },
            )
        logger.warning(
            "readings refused",
            extra={
                "stream": self._stream,
                "shard": shard,
                "count": len(refused),
                "reasons": sorted({one.reason.value for one in refused}),
                "told": len(chosen),
            },
        )
