"""Kinesis: shards that are split and merged, and what is left of them.

Upstream throws a shard away with its records. Here it is closed, as in AWS: nothing is put on it any more,
what lies in it is read to its end, and its end names the shards that go on from there.
https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-after-resharding.html
"""

import json
import time

from ministack.core import responses
from ministack.services import kinesis

from local.aws.patching import replace
from local.aws.stacks import Answer, Json

MOST_RECORDS, MOST_BYTES = 10_000, 10 * 1024 * 1024  # of one answer
CLOSED_AT, LAST = "closed_at", "ending_sequence_number"  # of a shard that is closed

_original_shard = kinesis._shard_out
_original_records = kinesis._get_records
_original_summary = kinesis._describe_stream_summary


def install() -> None:
    replace(kinesis._route_to_shard, route)
    replace(kinesis._split_shard, _split)
    replace(kinesis._merge_shards, _merge)
    replace(kinesis._update_shard_count, _update)
    replace(kinesis._list_shards, _list)
    replace(_original_shard, _shown)
    replace(_original_records, _records)
    replace(_original_summary, _summary)


def open_shards(stream: Json) -> dict[str, Json]:
    """By id, in the order of their hash keys."""
    found = [(name, shard) for name, shard in stream["shards"].items() if CLOSED_AT not in shard]
    return dict(sorted(found, key=lambda named: int(named[1]["starting_hash_key"])))


def route(hash_key: int, stream: Json) -> str:
    """The shard that a record goes to."""
    for name, shard in open_shards(stream).items():
        if hash_key <= int(shard["ending_hash_key"]):
            return name
    raise ValueError(f"{hash_key} is beyond the last hash key")


def forget_closed(stream: Json, oldest: float) -> None:
    """Drop the shards that were closed before this moment: no record of theirs is kept any more."""
    for name, shard in list(stream["shards"].items()):
        if shard.get(CLOSED_AT, oldest) < oldest:
            del stream["shards"][name]


def split(stream: Json, name: str, at: int) -> None:
    """Close a shard; two others share its hash keys, the second from `at` on."""
    parent = stream["shards"][name]
    _close(parent)
    _born(stream, parent["starting_hash_key"], str(at - 1), name)
    _born(stream, str(at), parent["ending_hash_key"], name)


def merge(stream: Json, name: str, adjacent: str) -> None:
    """Close two shards; one has the hash keys of both."""
    pair = [stream["shards"][name], stream["shards"][adjacent]]
    for parent in pair:
        _close(parent)
    first, second = sorted(pair, key=lambda shard: int(shard["starting_hash_key"]))
    _born(stream, first["starting_hash_key"], second["ending_hash_key"], name, adjacent)


def even_out(stream: Json, count: int) -> None:
    """Split and merge until so many shards have an even share of the hash keys each."""
    ranges = [(int(first), int(last)) for first, last in kinesis._compute_hash_ranges(count)]
    for first, _ in ranges[1:]:
        name, shard = next(
            (name, shard)
            for name, shard in open_shards(stream).items()
            if first <= int(shard["ending_hash_key"])
        )
        if first != int(shard["starting_hash_key"]):
            split(stream, name, first)
    for first, last in ranges:
        while len(within := _within(stream, first, last)) > 1:
            merge(stream, within[0], within[1])


def _within(stream: Json, first: int, last: int) -> list[str]:
    return [
        name
        for name, shard in open_shards(stream).items()
        if first <= int(shard["starting_hash_key"]) <= last
    ]


def _close(shard: Json) -> None:
    shard[LAST] = kinesis._next_sequence_number()
    shard[CLOSED_AT] = time.time()


def _born(stream: Json, first: str, last: str, parent: str, adjacent: str | None = None) -> None:
    name = f"shardId-{kinesis._max_shard_index(stream) + 1:012d}"
    stream["shards"][name] = {
        "records": [],
        "starting_hash_key": first,
        "ending_hash_key": last,
        "starting_sequence_number": kinesis._next_sequence_number(),
        "parent_shard_id": parent,
        "adjacent_parent_shard_id": adjacent,
    }


def _split(data: Json) -> Answer:
    name, stream = kinesis._resolve_stream(data)
    shard = str(data.get("ShardToSplit"))
    if (refused := _refused(name, stream, shard)) is not None:
        return refused
    parent, at = stream["shards"][shard], int(data.get("NewStartingHashKey") or 0)
    if not int(parent["starting_hash_key"]) < at <= int(parent["ending_hash_key"]):
        return _wrong(f"NewStartingHashKey {at} must be within {shard}'s hash keys, and not its first")
    split(stream, shard, at)
    return _said({})


def _merge(data: Json) -> Answer:
    name, stream = kinesis._resolve_stream(data)
    one, other = str(data.get("ShardToMerge")), str(data.get("AdjacentShardToMerge"))
    for shard in (one, other):
        if (refused := _refused(name, stream, shard)) is not None:
            return refused
    order = list(open_shards(stream))
    if abs(order.index(one) - order.index(other)) != 1:
        return _wrong(f"{one} and {other} are not adjacent")
    merge(stream, one, other)
    return _said({})


def _update(data: Json) -> Answer:
    name, stream = kinesis._resolve_stream(data)
    if not stream:
        return _absent(f"Stream {name} not found")
    current, target = len(open_shards(stream)), int(data.get("TargetShardCount") or 0)
    if not current / 2 <= target <= current * 2:
        # https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
        return _error(
            "LimitExceededException", f"TargetShardCount {target} must be from half to twice {current}"
        )
    even_out(stream, target)
    told = {"StreamName": stream["StreamName"], "StreamARN": stream["StreamARN"]}
    return _said(told | {"CurrentShardCount": current, "TargetShardCount": target})


def _list(data: Json) -> Answer:
    """With ShardFilter, which upstream passes over, and NextToken: a page is all there is."""
    name, stream = kinesis._resolve_stream(data)
    if not stream:
        return _absent(f"Stream {name} not found")
    kinesis._ensure_active(stream)
    kinesis._expire_records(stream)
    after = data.get("ExclusiveStartShardId") or ""
    wanted = _filtered(stream, data.get("ShardFilter") or {})
    return _said({"Shards": [_shown(one, stream["shards"][one]) for one in sorted(wanted) if one > after]})


def _filtered(stream: Json, asked: Json) -> list[str]:
    """https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ShardFilter.html"""
    kind, shards = asked.get("Type"), stream["shards"]
    if kind == "AFTER_SHARD_ID":
        return [name for name in shards if name > asked["ShardId"]]
    if kind == "AT_LATEST":
        return list(open_shards(stream))
    if kind == "AT_TRIM_HORIZON":  # those that were open then: all whose parents are gone
        return [name for name, shard in shards.items() if not _parents(shard) & shards.keys()]
    if kind in {"AT_TIMESTAMP", "FROM_TIMESTAMP"}:
        moment = float(asked["Timestamp"])
        return [
            name
            for name, shard in shards.items()
            if shard.get(CLOSED_AT, moment) >= moment
            and (kind == "FROM_TIMESTAMP" or _opened(shard) <= moment)
        ]
    return list(shards)


def _opened(shard: Json) -> float:
    """A sequence number begins with milliseconds, in 20 digits."""
    return int(shard["starting_sequence_number"][:20]) / 1000


def _parents(shard: Json) -> set[str]:
    return {one for one in (shard["parent_shard_id"], shard["adjacent_parent_shard_id"]) if one}


def _shown(name: str, shard: Json) -> Json:
    said: Json = _original_shard(name, shard)
    if LAST in shard:
        said["SequenceNumberRange"]["EndingSequenceNumber"] = shard[LAST]
    return said


def _records(data: Json) -> Answer:
    """At the end of a closed shard there is no next iterator, and the shards that go on are named.

    Upstream bounds an answer by its number of records alone.
    """
    answer: Answer = _original_records({**data, "Limit": _fitting(data)})
    status, _, body = answer
    if status != 200:
        return answer
    said = json.loads(body)
    iterator = kinesis._shard_iterators[said["NextShardIterator"]]
    stream = kinesis._streams[iterator["stream"]]
    shard = stream["shards"][iterator["shard_id"]]
    if CLOSED_AT not in shard or iterator["position"] < len(shard["records"]):
        return answer
    del kinesis._shard_iterators[said.pop("NextShardIterator")]
    said["ChildShards"] = _children(stream, iterator["shard_id"])
    return _said(said)


def _fitting(data: Json) -> int:
    """How many records an answer may have, one at least: those of 10 MiB.

    https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
    """
    most: int = min(int(data.get("Limit") or MOST_RECORDS), MOST_RECORDS)
    iterator = kinesis._shard_iterators.get(data.get("ShardIterator"))
    shard = iterator and kinesis._streams[iterator["stream"]]["shards"].get(iterator["shard_id"])
    if not shard:
        return most
    size, first = 0, iterator["position"]
    for count, record in enumerate(shard["records"][first : first + most]):
        size += len(record["Data"]) * 3 // 4  # Base64
        if size > MOST_BYTES:
            return max(1, count)
    return most


def _children(stream: Json, parent: str) -> list[Json]:
    return [
        {
            "ShardId": name,
            "ParentShards": sorted(_parents(shard)),
            "HashKeyRange": {
                "StartingHashKey": shard["starting_hash_key"],
                "EndingHashKey": shard["ending_hash_key"],
            },
        }
        for name, shard in sorted(stream["shards"].items())
        if parent in _parents(shard)
    ]


def _summary(data: Json) -> Answer:
    answer: Answer = _original_summary(data)
    _, stream = kinesis._resolve_stream(data)
    if not stream:
        return answer
    said = json.loads(answer[2])
    said["StreamDescriptionSummary"]["OpenShardCount"] = len(open_shards(stream))
    return _said(said)


def _refused(name: str, stream: Json | None, shard: str) -> Answer | None:
    if not stream:
        return _absent(f"Stream {name} not found")
    if shard not in stream["shards"]:
        return _absent(f"Shard {shard} not found")
    if CLOSED_AT in stream["shards"][shard]:
        return _wrong(f"Shard {shard} in stream {name} has already been merged or split")
    return None


def _absent(message: str) -> Answer:
    return _error("ResourceNotFoundException", message)


def _wrong(message: str) -> Answer:
    return _error("InvalidArgumentException", message)


def _error(kind: str, message: str) -> Answer:
    answer: Answer = responses.error_response_json(kind, message, 400)
    return answer


def _said(document: Json) -> Answer:
    answer: Answer = responses.json_response(document)
    return answer
