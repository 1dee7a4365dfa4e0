"""The judge of harm to processors sees each way in which something can be wrong."""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.faults.trial import Trial
from local.faults.world import opened


@pytest.fixture(scope="module")
def trial() -> Iterator[Trial]:
    """One that has stored good readings and poison, with nothing wrong."""
    with tempfile.TemporaryDirectory(
        dir="/tmp", prefix="millrace-faults-", ignore_cleanup_errors=True
    ) as name:
        directory = Path(name)
        directory.chmod(0o755)
        with opened(directory) as world, Trial(world, 0, random.Random(1)) as made:
            made.put([*made.plant.parcels(40), *(made.plant.poison() for _ in range(10))])
            assert made.judged() == []
            yield made


DAMAGE = {
    "lost reading": "DELETE FROM reading WHERE ctid = (SELECT min(ctid) FROM reading)",
    "foreign reading": (
        "UPDATE reading SET ts = ts + interval '1 ms' WHERE seq = (SELECT max(seq) FROM reading)"
    ),
    "doubled reading": (
        "INSERT INTO reading (point, ts, seq, number, quality, ingested_at)"
        " SELECT point, ts, seq + 1, number, quality, now() FROM reading WHERE number > 0 LIMIT 1"
    ),
    "lost refusal": (
        "DELETE FROM quarantine WHERE sequence_number = (SELECT max(sequence_number) FROM quarantine)"
    ),
    "foreign refusal": "UPDATE quarantine SET index = index + 100",
    "lost alarm": "DELETE FROM alarm_event WHERE ctid = (SELECT min(ctid) FROM alarm_event)",
    "foreign alarm": "UPDATE alarm_event SET raised_at = raised_at + interval '1 ms'",
    "rollups": "UPDATE rollup_1m SET sumsq = sumsq + 1",
    "went back": "UPDATE shard_progress SET epoch = epoch - 1",
}


@pytest.mark.parametrize("wrong", DAMAGE)
def test_the_judge_sees_what_is_wrong(trial: Trial, wrong: str) -> None:
    # Given tables that are as they must be, and harm done to them in a transaction that will be undone
    with trial.world.operator() as connection, connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path = millrace")
        connection.execute(DAMAGE[wrong].encode())

        # Then it is named
        assert any(wrong in line for line in trial.found(connection)), trial.found(connection)
    assert trial.judged() == []


UNHEARD = {
    "was tried 0 times": "UPDATE alarm_notice SET attempts = 0",
    "was sent and never came": "UPDATE alarm_notice SET id = '00000000-0000-4000-8000-000000000000'"
    " WHERE place = (SELECT min(place) FROM alarm_notice)",
    "nobody is told of raised": "DELETE FROM alarm_change WHERE change = 'raised'",
}


@pytest.mark.parametrize("wrong", UNHEARD)
def test_the_judge_sees_what_people_should_have_heard(trial: Trial, wrong: str) -> None:
    assert trial.judged(at_the_end=True) == []
    with trial.world.operator() as connection, connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path = millrace")
        connection.execute("ALTER TABLE alarm_change DROP CONSTRAINT alarm_change_notice_fkey")
        connection.execute(UNHEARD[wrong].encode())
        found = trial.inbox.judge(connection, 0)
        assert any(wrong in line for line in found), found


def test_the_judge_sees_a_latest_value_that_went_back(trial: Trial) -> None:
    assert trial.judged_latest() == []
    row = next(iter(trial.account.newest.values()))
    device, metric = row[0].rsplit("/", 1)
    client = trial.world.cache()
    client.hset(f"latest:{device}", metric, f'{row[1] - 1} {{"ts": 1, "value": 0, "q": 192}}')

    assert any(row[0] in line for line in trial.shown(client))
    client.close()


def test_a_processor_that_ends_by_itself_is_wrong(trial: Trial) -> None:
    reader = trial.reader()
    reader.process.kill()
    reader.process.wait(10)
    trial.processors.keep()

    assert any("exit code -9" in line for line in trial.processors.wrong)
    trial.processors.wrong.clear()
    trial.settle()
