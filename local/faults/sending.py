"""Putting a plant's records on a stream, and into the account of what must come of them."""

from collections.abc import Iterable
from typing import Any

from local.faults.judge import Account
from local.faults.plant import Parcel

MOST_AT_ONCE = 500  # records of one PutRecords


def send(kinesis: Any, account: Account, parcels: Iterable[Parcel]) -> list[Parcel]:
    """All of them, in their order, on the account's stream; they themselves. `kinesis`: a client."""
    sent = list(parcels)
    for start in range(0, len(sent), MOST_AT_ONCE):
        some = sent[start : start + MOST_AT_ONCE]
        answer = kinesis.put_records(
            StreamName=account.stream,
            Records=[{"Data": parcel.data, "PartitionKey": parcel.key} for parcel in some],
        )
        for parcel, result in zip(some, answer["Records"], strict=True):
            account.add(parcel, result["ShardId"], result["SequenceNumber"])
    return sent
