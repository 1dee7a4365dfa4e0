"""The engine's child against a real PostgreSQL, as the daemon starts it: its promises at each hand-over."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from processor.source.records import Record, records_of
from tests.integration.conftest import DEVICE, ROOT
from tests.unit.processor.conftest import aggregated
from tests.unit.processor.engine.daemon import ChildGone, FakeDaemon

SHARD = "shardId-000000000000"
POSITION = "SELECT sequence_number, epoch, ended_at IS NOT NULL FROM shard_progress WHERE shard = %s"


@dataclass
class Child:
    """A process and its daemon."""

    process: "subprocess.Popen[bytes]"
    daemon: FakeDaemon

    def end(self) -> int:
        """As when the daemon closes its pipe; the exit code."""
        self.daemon.leave()
        return self.process.wait(30)


@pytest.fixture
def start(site: Any, tmp_path: Path) -> Iterator[Callable[..., Child]]:
    made: list[Child] = []

    def begin(**changes: str) -> Child:
        environment = site.environment(
            SOURCE="kcl",
            ENGINE_NAME="millrace-test",
            CHILDREN_DIRECTORY=str(tmp_path / "children"),
            **changes,
        )
        with site.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "processor", "child"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert process.stdin is not None and process.stdout is not None
        site.running.append(process)
        daemon = FakeDaemon(cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout))
        made.append(Child(process, daemon))
        return made[-1]

    yield begin
    for child in made:
        child.process.kill()
        child.process.wait(10)
        for pipe in (child.process.stdin, child.process.stdout):
            if pipe is not None:
                pipe.close()


def stream_of(site: Any, shard: str = SHARD) -> list[Record]:
    """All that the shard holds."""
    given = {"StreamName": site.stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = site.kinesis.get_shard_iterator(**given)["ShardIterator"]
    found: list[Record] = []
    while True:
        answer = site.kinesis.get_records(ShardIterator=iterator)
        found += records_of(answer)
        iterator = answer.get("NextShardIterator")
        if iterator is None or not answer["Records"]:
            return found


def test_a_child_stores_what_it_is_given_and_checkpoints_what_it_stored(site: Any, start: Any) -> None:
    site.put(*site.plant(0, 500))
    records = stream_of(site)
    child = start(CHECKPOINT_SECONDS="3600")
    child.daemon.initialize(SHARD)
    for begin in range(0, 500, 100):
        child.daemon.hand_over(records[begin : begin + 100])
    assert child.daemon.checkpoints == []  # not due yet

    child.daemon.tell("shutdownRequested")

    site.check_tables(500)
    assert child.daemon.checkpoints == [(records[-1].sequence_number, 0)]
    assert site.query(POSITION, SHARD) == [(records[-1].sequence_number, 1, False)]
    child.daemon.tell("leaseLost")
    assert child.end() == 0
    assert child.daemon.noise == []


def test_a_checkpoint_is_stored_when_it_is_due_and_not_before(site: Any, start: Any) -> None:
    site.put(*site.plant(0, 20))
    records = stream_of(site)
    child = start(CHECKPOINT_SECONDS="0.1")
    child.daemon.initialize(SHARD)
    child.daemon.hand_over(records[:10])
    time.sleep(0.2)
    child.daemon.hand_over([])  # an empty one is an occasion too
    assert child.daemon.checkpoints[-1] == (records[9].sequence_number, 0)
    site.check_tables(10)
    stored = len(child.daemon.checkpoints)
    time.sleep(0.2)
    child.daemon.hand_over([])
    assert len(child.daemon.checkpoints) == stored  # nothing has come since


def test_a_child_that_is_killed_before_its_checkpoint_costs_a_repetition_and_nothing_else(
    site: Any, start: Any
) -> None:
    site.put(*site.plant(0, 500))
    records = stream_of(site)
    first = start(CHECKPOINT_SECONDS="3600")
    first.daemon.initialize(SHARD)
    first.daemon.hand_over(records[:300])
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 300)
    first.process.kill()

    second = start(CHECKPOINT_SECONDS="3600")
    second.daemon.initialize(SHARD)  # the engine knows of nothing that was stored
    second.daemon.hand_over(records[:400])
    second.daemon.hand_over(records[400:])
    second.daemon.tell("shutdownRequested")

    site.check_tables(500)
    assert second.end() == 0


def test_what_a_restored_database_lacks_before_the_checkpoint_is_read_again_first(
    site: Any, start: Any
) -> None:
    site.put(*site.plant(0, 500))
    records = stream_of(site)
    before = start()
    before.daemon.initialize(SHARD)
    before.daemon.hand_over(records[:200])
    before.daemon.tell("shutdownRequested")
    assert before.end() == 0

    # Given a checkpoint that is ahead of what the database knows, as after a restore
    after = start()
    after.daemon.initialize(SHARD, records[399].sequence_number)
    site.check_tables(500)  # what lies behind the checkpoint may be stored as well

    after.daemon.hand_over(records[400:])
    after.daemon.tell("shutdownRequested")
    site.check_tables(500)
    assert "ahead of the position" in site.log.read_text()


def test_a_zombie_answers_and_writes_nothing(site: Any, start: Any) -> None:
    site.put(*site.plant(0, 300))
    records = stream_of(site)
    zombie = start(CHECKPOINT_SECONDS="0.1")
    zombie.daemon.initialize(SHARD)
    owner = start(CHECKPOINT_SECONDS="3600")
    owner.daemon.initialize(SHARD)

    zombie.daemon.hand_over(records[:100])
    site.wait(lambda: "another process took the shard" in site.log.read_text())
    zombie.daemon.hand_over(records[100:200])
    zombie.daemon.tell("leaseLost")
    assert zombie.end() == 0
    assert zombie.daemon.checkpoints == []
    assert site.one("SELECT count(*) FROM reading") == 0

    owner.daemon.hand_over(records)
    owner.daemon.tell("shutdownRequested")
    site.check_tables(300)


def test_an_aggregated_record_is_the_same_whole_and_taken_apart(site: Any, start: Any) -> None:
    good = site.plant(0, 50)
    users = [(f"m{place}", json.dumps(document).encode()) for place, document in enumerate(good)]
    users.insert(7, ("m7", b'{"path": "nowhere", "ts": 1, "value": 1}'))
    site.put(aggregated(users), b"no document")
    whole, plain = stream_of(site)
    parts = [
        whole._replace(data=data, partition_key=key, sub_sequence=place)
        for place, (key, data) in enumerate(users)
    ]
    refused = (
        "SELECT sequence_number, sub_sequence, index, reason, partition_key FROM quarantine ORDER BY 1, 2"
    )

    apart = start()
    apart.daemon.initialize(SHARD)
    apart.daemon.hand_over([*parts, plain])
    apart.daemon.tell("shutdownRequested")
    site.check_tables(50)
    assert apart.daemon.checkpoints == [(plain.sequence_number, 0)]
    told = site.query(refused)
    assert [(row[1], row[3]) for row in told] == [(7, "path"), (0, "undecodable")]

    # Given a database that has forgotten its position, and the same records as they lie in the stream
    site.query("UPDATE shard_progress SET sequence_number = NULL, arrived_at = NULL RETURNING 1")
    again = start()
    again.daemon.initialize(SHARD)
    again.daemon.hand_over([whole, plain])
    again.daemon.tell("shutdownRequested")
    site.check_tables(50)
    assert site.query(refused) == told


def test_the_end_of_a_shard_is_noted_before_it_is_checkpointed(site: Any, start: Any) -> None:
    site.put(*site.plant(0, 10))
    records = stream_of(site)
    child = start()
    child.daemon.initialize(SHARD)
    child.daemon.hand_over(records)
    child.daemon.errors = ["ThrottlingException"]
    child.daemon.tell("shardEnded")
    assert child.daemon.checkpoints == [(None, None)]
    assert site.query(POSITION, SHARD) == [(records[-1].sequence_number, 1, True)]
    assert child.end() == 0


def test_a_malformed_line_ends_the_child_at_once_and_is_never_answered(site: Any, start: Any) -> None:
    child = start()
    child.daemon.initialize(SHARD)
    child.process.stdin.write(b'{"action": "processRecords", "records": [{"data": "!"}]}\n')
    child.process.stdin.close()
    assert child.process.stdout.read() == b""
    assert child.process.wait(30) == 1
    assert "is no message of the daemon" in site.log.read_text()


def test_a_signal_is_for_the_daemon_and_its_silent_end_is_heard(site: Any, start: Any) -> None:
    site.put(*site.plant(0, 10))
    child = start()
    child.daemon.initialize(SHARD)
    child.process.terminate()
    child.daemon.hand_over(stream_of(site))
    site.wait(lambda: site.one("SELECT count(*) FROM reading") == 10)
    assert child.end() == 1  # neither a lease lost nor a shutdown was told


def test_who_is_left_by_its_daemon_in_an_outage_of_the_database_leaves_as_well(site: Any, start: Any) -> None:
    site.put(*site.plant(0, 10))
    child = start(CHECKPOINT_SECONDS="3600")
    child.daemon.initialize(SHARD)
    wrong = {"host": "localhost", "port": 1, "dbname": "none", "username": "nobody", "password": "none"}
    site.secrets.put_secret_value(SecretId=site.secret_arn, SecretString=json.dumps(wrong))
    site.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'millrace_app'")
    child.daemon.hand_over(stream_of(site))
    site.wait(lambda: "the database is away" in site.log.read_text())
    assert child.end() == 1
    assert site.one("SELECT count(*) FROM reading") == 0


def test_a_refused_checkpoint_ends_the_child_unanswered(site: Any, start: Any) -> None:
    site.put(*site.plant(0, 10))
    child = start(CHECKPOINT_SECONDS="0.1")
    child.daemon.initialize(SHARD)
    child.daemon.errors = ["InvalidStateException"] * 9
    with pytest.raises(ChildGone):
        for _ in range(100):
            child.daemon.hand_over(stream_of(site))
            time.sleep(0.05)
    assert child.process.wait(30) == 1
    assert "the engine's table must exist" in site.log.read_text()


def test_health_reads_how_each_child_stands(site: Any, start: Any, tmp_path: Path) -> None:
    kcl = {"SOURCE": "kcl", "ENGINE_NAME": "millrace-test", "CHILDREN_DIRECTORY": str(tmp_path / "children")}
    assert site.health(**kcl) == 0  # a task without a shard stands by
    child = start()
    child.daemon.initialize(SHARD)
    file = tmp_path / "children" / f"{SHARD}.child.json"
    site.wait(lambda: file.exists() and json.loads(file.read_bytes())["state"] == "owner")
    assert site.health(**kcl) == 0
    child.process.kill()
    child.process.wait(10)
    assert site.health(**kcl) == 1  # and the daemon, which is this process, runs on


def test_a_backlog_is_worked_off_in_80_mib_of_a_childs_own(site: Any, start: Any) -> None:
    child = start()
    child.daemon.initialize(SHARD)
    numbers = iter(range(10**6))
    for packed in (
        1,
        50,
    ):  # readings a record; 20,000 of them a batch, which is what Kinesis gives in seconds
        for _ in range(5):
            child.daemon.hand_over(
                [backlog(numbers, packed) for _ in range(min(2_000, 20_000 // packed))], lag_ms=60_000
            )
    child.daemon.tell("shutdownRequested")
    assert site.one("SELECT count(*) FROM reading") == 110_000
    (own,) = [
        int(line.split()[1]) / 1024
        for line in Path(f"/proc/{child.process.pid}/status").read_text().splitlines()
        if line.startswith("RssAnon:")  # without the code of its libraries, which all children share
    ]
    assert own < 80
    assert child.end() == 0


def backlog(numbers: Iterator[int], readings: int) -> Record:
    base = int(time.time() * 1000) - 3_600_000
    held = [
        {"path": f"{DEVICE}/metric_{number % 500}", "ts": base + number, "value": number, "seq": number}
        for number in (next(numbers) for _ in range(readings))
    ]
    document = held[0] if readings == 1 else {"v": 1, "readings": held}
    return Record(json.dumps(document).encode(), str(10**20 + next(numbers)), time.time(), 0, "m17")
