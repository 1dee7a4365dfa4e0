"""What happens to a running processor, and that nothing is lost or doubled by it."""

import json
import os
import signal
import time
from typing import Any

DEVICE = "acme/lon1/press/line2/cell4/m17"


def plant(start: int, count: int) -> list[dict[str, object]]:
    """`count` single readings from `start` on, a millisecond apart, each its own value."""
    base = int(time.time() * 1000) - 3_600_000
    return [
        {"path": f"{DEVICE}/metric_{number % 5}", "ts": base + number, "value": number}
        for number in range(start, start + count)
    ]


# How many buckets are not what their readings make them.
WRONG_ROLLUPS = """
    WITH usable AS (
        SELECT *, CASE WHEN quality <> 0 THEN coalesce(number, flag::int) END AS value FROM reading),
    expected AS (
        SELECT point, date_trunc('{unit}', ts, 'UTC') AS bucket, count(*) AS n,
            count(*) - count(value) AS n_bad, sum(value), sum(value * value) AS sumsq, min(value), max(value),
            (array_agg(value ORDER BY ts, value) FILTER (WHERE value IS NOT NULL))[1] AS first,
            (array_agg(value ORDER BY ts DESC, value DESC) FILTER (WHERE value IS NOT NULL))[1] AS last
        FROM usable GROUP BY 1, 2)
    SELECT count(*) FROM expected AS e FULL JOIN {table} AS r USING (point, bucket)
    WHERE (e.n, e.n_bad, e.sum, e.sumsq, e.min, e.max, e.first, e.last)
        IS DISTINCT FROM (r.n, r.n_bad, r.sum, r.sumsq, r.min, r.max, r.first, r.last)"""


def check_tables(site: Any, expected: int) -> None:
    """Each value once, and the rollups of exactly those rows."""
    assert site.query("SELECT count(*), count(DISTINCT number), sum(number) FROM reading") == [
        (expected, expected, sum(range(expected)))
    ]
    for table, unit in (("rollup_1m", "minute"), ("rollup_1h", "hour")):
        assert site.query(f"SELECT sum(n), sum(sum) FROM {table}") == [(expected, sum(range(expected)))]
        assert site.one(WRONG_ROLLUPS.format(table=table, unit=unit)) == 0


def test_killed_processors_and_cut_connections_lose_and_double_nothing(site: Any) -> None:
    # Given a stream that fills while processors are killed and their connections are cut
    total, step = 24_000, 2_000
    process = site.start()
    for turn, start in enumerate(range(0, total, step)):
        site.put(*plant(start, step))
        if turn % 3 == 1:
            site.wait(lambda seen=start: (site.one("SELECT count(*) FROM reading") or 0) > seen / 2)
            process.kill()
            process.wait(10)
            process = site.start()
        elif turn % 3 == 2:
            site.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'millrace-processor' AND datname = current_database()"
            )

    # Then, in the end, every reading is there once
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == total, 60)
    check_tables(site, total)
    assert process.poll() is None


def test_sigterm_finishes_the_batch_and_the_next_one_goes_on_behind_it(site: Any) -> None:
    # Given a stream that is longer than a batch
    site.put(*plant(0, 6000))
    process = site.start(BATCH_RECORDS="500")
    site.wait(lambda: site.one("SELECT count(*) FROM reading"))

    # When the first processor is told to stop, and a second one is started
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    stored = site.one("SELECT count(*) FROM reading")
    site.start()

    # Then what stands there are whole batches, and the second one brings the rest, each reading once
    assert stored % 500 == 0
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 6000)
    check_tables(site, 6000)


def test_a_producers_retry_is_absorbed(site: Any) -> None:
    # Given the same readings twice, under new sequence numbers, and some that are new beside them
    site.put(*plant(0, 1000))
    site.start()
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 1000)
    stored = {
        (path, int(ts)): number
        for path, ts, number in site.query(
            "SELECT path, extract(epoch FROM ts) * 1000, number FROM reading JOIN point ON id = point"
        )
    }
    again = [{"path": path, "ts": ts, "value": value} for (path, ts), value in stored.items()]
    site.put(*again, *plant(1000, 500), {**again[0], "value": -1})

    # When they are read
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 1501)

    # Then only the new ones are stored and rolled up; another value at one timestamp is another reading
    assert site.query("SELECT sum(n), sum(sum) FROM rollup_1m") == [(1501, sum(range(1500)) - 1)]


def test_a_zombie_is_fenced_and_leaves(site: Any) -> None:
    # Given a processor that was stopped in the middle, and another one that took its shard over
    zombie = site.start()
    site.put(*plant(0, 100))
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 100)
    os.kill(zombie.pid, signal.SIGSTOP)
    site.start()
    site.wait(lambda: site.one("SELECT epoch FROM shard_progress") == 2)

    # When the zombie wakes and both read on
    site.put(*plant(100, 100))
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 200)
    os.kill(zombie.pid, signal.SIGCONT)

    # Then it stores nothing more and ends by itself, with its own exit code
    assert zombie.wait(30) == 3
    check_tables(site, 200)


def test_a_cache_that_is_away_delays_nothing(site: Any) -> None:
    # Given a cache that nobody answers for
    process = site.start(CACHE_PORT="9")
    site.put(*plant(0, 3000))

    # Then the readings are stored all the same
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 3000, 15)
    assert process.poll() is None
    assert site.log.read_text().count("the cache is away") == 1


def test_a_rotated_password_is_read_again(site: Any) -> None:
    # Given a running processor whose password is changed, at first only as the pending version
    site.start()
    site.put(*plant(0, 100))
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 100)
    with site.postgres.operator(site.credentials.dbname) as connection:
        connection.execute("ALTER ROLE millrace_app PASSWORD 'the next one'")
    held = json.loads(site.secrets.get_secret_value(SecretId=site.secret_arn)["SecretString"])
    site.secrets.put_secret_value(
        SecretId=site.secret_arn,
        SecretString=json.dumps({**held, "password": "the next one"}),
        VersionStages=["AWSPENDING"],
    )
    try:
        # When its connection is cut
        site.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'millrace-processor' AND datname = current_database()"
        )
        site.put(*plant(100, 100))

        # Then it logs in with the new password and goes on
        site.wait(lambda: site.one("SELECT count(*) FROM reading") == 200)
        check_tables(site, 200)
    finally:
        with site.postgres.operator(site.credentials.dbname) as connection:
            connection.execute("ALTER ROLE millrace_app PASSWORD 'application'")


def test_history_of_years_makes_its_partitions(site: Any) -> None:
    # Given one batch of envelopes with 500 readings each, from 2013 to today
    first, today = 1_356_998_400_000, int(time.time() * 1000)
    step = (today - first) // 500
    history = [
        {"path": f"{DEVICE}/temperature", "ts": first + number // 6 * step, "value": number, "hist": True}
        for number in range(3000)
    ]
    site.put(*({"readings": history[start : start + 500]} for start in range(0, 3000, 500)))

    # When it is read
    site.start()
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 3000, 60)

    # Then each day has its partition, and history shows no latest value
    days = {(first + number // 6 * step) // 86_400_000 for number in range(3000)}
    made = site.one("SELECT count(*) FROM pg_inherits WHERE inhparent = 'reading'::regclass")
    assert made >= len(days)
    assert site.cache.client().keys("latest:*") == []
    check_tables(site, 3000)
