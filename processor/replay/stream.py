"""Reading the stream again: every shard from a time to the position that the service has reached.

It asks seldom, since GetRecords's limits are the shard's, whoever asks: five calls and 2 MB a second.
https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from processor.source.records import Record, records_of
from processor.source.shards import list_shards
from processor.storage.database import Stopping

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import GetRecordsOutputTypeDef

logger = logging.getLogger(__name__)

RECORDS_A_CALL = 1000
PAUSE_SECONDS = 1.0


class PastReader:
    """`wait(seconds)` sleeps and says whether to stop."""

    def __init__(self, client: "KinesisClient", stream: str, wait: Callable[[float], bool]) -> None:
        self._client = client
        self._stream = stream
        self._wait = wait

    def shards(self) -> list[str]:
        """All that the stream still lists, those that are closed too. Raises ClientError."""
        return [shard["ShardId"] for shard in list_shards(self._client, self._stream)]

    def records(self, shard: str, since: datetime, position: str) -> Iterator[list[Record]]:
        """Records that arrived at `since` or later, up to the one at `position`, a call's worth at a time.

        Raises Stopping, ClientError.
        """
        end = int(position)
        last: str | None = None
        iterator: str | None = self._iterator(shard, since, last)
        while iterator is not None:
            answer = self._ask(iterator)
            if answer is None:
                iterator = self._iterator(shard, since, last)
                continue
            found = records_of(answer)
            wanted = [record for record in found if int(record.sequence_number) <= end]
            if wanted:
                last = wanted[-1].sequence_number
                yield wanted
            reached = last is not None and int(last) >= end
            if reached or len(wanted) < len(found) or (not found and not answer.get("MillisBehindLatest")):
                return
            iterator = answer.get("NextShardIterator")
            self._rest()

    def _ask(self, iterator: str) -> "GetRecordsOutputTypeDef | None":
        """None: the iterator has expired, and another one is needed."""
        while True:
            try:
                return self._client.get_records(ShardIterator=iterator, Limit=RECORDS_A_CALL)
            except self._client.exceptions.ProvisionedThroughputExceededException:
                logger.info("the shard is read to its limit: waiting, so that the service goes first")
                self._rest()
            except self._client.exceptions.ExpiredIteratorException:
                return None

    def _rest(self) -> None:
        if self._wait(PAUSE_SECONDS):
            raise Stopping

    def _iterator(self, shard: str, since: datetime, last: str | None) -> str:
        if last is None:
            answer = self._client.get_shard_iterator(
                StreamName=self._stream, ShardId=shard, ShardIteratorType="AT_TIMESTAMP", Timestamp=since
            )
        else:
            answer = self._client.get_shard_iterator(
                StreamName=self._stream,
                ShardId=shard,
                ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                StartingSequenceNumber=last,
            )
        return answer["ShardIterator"]
