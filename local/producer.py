"""Puts envelopes on the deployed stream as a gateway would: in each device's order, again where refused."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from local.ledger import Ledger
from local.reading import Envelope

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

MOST_RECORDS = 500  # a PutRecords call's bounds
MOST_BYTES = 4 * 1024 * 1024
LONGEST_KEY = 256
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 2.0


class Producer:
    """One thread that puts `batches` and enters in `ledger` what the stream has taken.

    `wait(seconds)` sleeps and says whether to stop. A reading counts as sent once the stream has acknowledged
    it; what is refused (throttling, an internal failure) is put again until it is taken.
    """

    def __init__(
        self,
        client: "KinesisClient",
        stream: str,
        batches: Iterable[list[Envelope]],
        ledger: Ledger,
        wait: Callable[[float], bool],
    ) -> None:
        self._client = client
        self._stream = stream
        self._batches = batches
        self._ledger = ledger
        self._wait = wait
        self._thread = threading.Thread(target=self._run, name="producer", daemon=True)
        self.error: Exception | None = None
        self.refused = 0  # records that had to be put again

    def start(self) -> None:
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            for batch in self._batches:
                for call in calls(batch):
                    if not self._put(call):
                        return
        except Exception as error:
            self.error = error  # the run's main thread reports it

    def _put(self, envelopes: list[Envelope]) -> bool:
        """Put them, however often it takes. False: asked to stop before all were taken."""
        first_tried = time.time()
        entries = _entries(envelopes, first_tried)
        pause = FIRST_PAUSE_SECONDS
        while envelopes:
            answer = self._client.put_records(StreamName=self._stream, Records=entries)
            left = []
            for index, (envelope, result) in enumerate(zip(envelopes, answer["Records"], strict=True)):
                if result.get("ErrorCode"):
                    left.append(index)
                else:
                    self._ledger.add(envelope, result["ShardId"], int(result["SequenceNumber"]), first_tried)
            self.refused += len(left)
            envelopes, entries = [envelopes[i] for i in left], [entries[i] for i in left]
            if envelopes and self._wait(pause):
                return False
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return True


def calls(batch: list[Envelope]) -> Iterator[list[Envelope]]:
    """Cut a batch into PutRecords calls that each hold a device once.

    PutRecords keeps no order within a call, least of all where it refuses some; between calls it stands.
    """
    devices: set[str] = set()
    call: list[Envelope] = []
    size = 0
    for envelope in batch:
        length = 200 * len(
            envelope.readings
        )  # a generous reading; texts of a recording come one envelope a call
        if envelope.device in devices or len(call) == MOST_RECORDS or size + length > MOST_BYTES:
            yield call
            devices, call, size = set(), [], 0
        devices.add(envelope.device)
        call.append(envelope)
        size += length
    if call:
        yield call


def _entries(envelopes: list[Envelope], now: float) -> "list[PutRecordsRequestEntryTypeDef]":
    # The end of a path tells devices apart; six segments of 64 characters are more than a key may have.
    return [
        {"Data": item.body(round(now * 1000)), "PartitionKey": item.device[-LONGEST_KEY:]}
        for item in envelopes
    ]
