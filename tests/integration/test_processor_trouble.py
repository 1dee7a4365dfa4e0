"""What happens to a running processor, and that nothing is lost or doubled by it."""

import json
import signal
import time
from typing import Any

DEVICE = "acme/lon1/press/line2/cell4/m17"


def test_killed_processors_and_cut_connections_lose_and_double_nothing(site: Any) -> None:
    # Given a stream that fills while processors are killed and their connections are cut
    total, step = 24_000, 2_000
    process = site.start()
    for turn, start in enumerate(range(0, total, step)):
        site.put(*site.plant(start, step))
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
    site.check_tables(total)
    assert process.poll() is None


def test_sigterm_finishes_the_batch_and_the_next_one_goes_on_behind_it(site: Any) -> None:
    # Given a stream that is longer than a batch
    site.put(*site.plant(0, 6000))
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
    site.check_tables(6000)


def test_a_producers_retry_is_absorbed(site: Any) -> None:
    # Given the same readings twice, under new sequence numbers, and some that are new beside them
    site.put(*site.plant(0, 1000))
    site.start()
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 1000)
    stored = {
        (path, int(ts)): number
        for path, ts, number in site.query(
            "SELECT path, extract(epoch FROM ts) * 1000, number FROM reading JOIN point ON id = point"
        )
    }
    again = [{"path": path, "ts": ts, "value": value} for (path, ts), value in stored.items()]
    site.put(*again, *site.plant(1000, 500), {**again[0], "value": -1})

    # When they are read
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 1501)

    # Then only the new ones are stored and rolled up; another value at one timestamp is another reading
    assert site.query("SELECT sum(n), sum(sum) FROM rollup_1m") == [(1501, sum(range(1500)) - 1)]


def test_a_cache_that_is_away_delays_nothing(site: Any) -> None:
    # Given a cache that nobody answers for
    process = site.start(CACHE_PORT="9")
    site.put(*site.plant(0, 3000))

    # Then the readings are stored all the same
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 3000, 15)
    assert process.poll() is None
    assert site.log.read_text().count("the cache is away") == 1


def test_a_rotated_password_is_read_again(site: Any) -> None:
    # Given a running processor whose password is changed, at first only as the pending version
    site.start()
    site.put(*site.plant(0, 100))
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
        site.put(*site.plant(100, 100))

        # Then it logs in with the new password and goes on
        site.wait(lambda: site.one("SELECT count(*) FROM reading") == 200)
        site.check_tables(200)
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
    site.check_tables(3000)
