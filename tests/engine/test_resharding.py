"""Shards that are split and merged while records come: order, and nothing lost or doubled."""

import json
import time

from local.engine.trial import SHARDS, Trial

HALF_MINUTE = 30.0


def split(trial: Trial, shard: str) -> None:
    found = trial.kinesis.list_shards(StreamName=trial.stream)["Shards"]
    keys = next(one["HashKeyRange"] for one in found if one["ShardId"] == shard)
    middle = (int(keys["StartingHashKey"]) + int(keys["EndingHashKey"]) + 1) // 2
    trial.kinesis.split_shard(StreamName=trial.stream, ShardToSplit=shard, NewStartingHashKey=str(middle))


def steady(trial: Trial, seconds: float) -> list[tuple[str, int]]:
    """A reading of each device in turn, a record each; path and microseconds in the order of the puts."""
    put, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        for device in range(trial.plant.devices):
            reading, row = trial.plant.reading(device=device, metric=0)
            trial.put([trial.plant.good(device, json.dumps(reading).encode(), row)])
            put.append((row[0], row[1]))
        trial.keep()
    return put


def out_of_order(trial: Trial, put: list[tuple[str, int]]) -> list[str]:
    """Devices of which a later record was committed before an earlier one."""
    query = """
        SELECT path, (extract(epoch FROM ts) * 1000000)::bigint, extract(epoch FROM ingested_at)
        FROM millrace.reading JOIN millrace.point ON id = point WHERE path LIKE %s"""
    with trial.world.operator() as connection:
        rows = connection.execute(query.encode(), [f"{trial.plant.prefix}/%"]).fetchall()
    stored = {(path, ts): at for path, ts, at in rows}
    of_device: dict[str, list[float]] = {}
    for one in put:
        of_device.setdefault(one[0], []).append(stored[one])
    return [path for path, times in of_device.items() if times != sorted(times)]


def test_splits_and_merges_under_load_keep_each_devices_order_and_lose_and_double_nothing(
    trial: Trial,
) -> None:
    put = steady(trial, 2)
    split(trial, trial.open_shards()[0])
    put += steady(trial, 3)
    first, second, *_ = trial.open_shards()
    trial.kinesis.merge_shards(StreamName=trial.stream, ShardToMerge=first, AdjacentShardToMerge=second)
    split(trial, trial.open_shards()[-1])
    put += steady(trial, 3)
    trial.kinesis.update_shard_count(
        StreamName=trial.stream, TargetShardCount=SHARDS + 2, ScalingType="UNIFORM_SCALING"
    )
    put += steady(trial, 2)

    assert trial.judged() == []
    assert out_of_order(trial, put) == []
    assert len(trial.open_shards()) == SHARDS + 2
    assert not trial.ended, "no worker ended by itself"


def test_the_shards_that_are_over_are_no_longer_anybodys(trial: Trial) -> None:
    opened = set(trial.open_shards())

    trial.fleet.until(lambda: opened <= set(trial.fleet.owners()), HALF_MINUTE, "an owner for each")

    assert set(trial.fleet.owners()) == opened
