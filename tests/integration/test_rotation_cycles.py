"""Whole rotations against a real PostgreSQL over TLS: cycle after cycle, by both pairs of users."""

import json
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from rotation.credentials import MIGRATORS, USERS
from rotation.steps import STEPS
from tests.integration.rotations import ROLES, Plant


@pytest.mark.parametrize("pair", [USERS, MIGRATORS], ids=["application", "migrator"])
def test_two_cycles_from_nothing(plant: Plant, release: Plant, pair: tuple[str, str]) -> None:
    ours = plant if pair == USERS else release
    for number, username in enumerate([pair[1], pair[0], pair[1], pair[0]]):
        former = ours.value("AWSCURRENT")
        ours.rotate(f"v{number}")
        ours.check_settled(f"v{number}")
        assert ours.value("AWSCURRENT").username == username
        assert ours.value("AWSPREVIOUS") == former
    assert ours.roles() == {*pair, "millrace_owner", "millrace_writer", "millrace_reader"}


def test_both_secrets_may_rotate_for_the_first_time_at_once(plant: Plant, release: Plant) -> None:
    # As the stack makes them: two schedules, which rotate the moment they stand.
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(one.rotate, "v1") for one in (plant, release)]:
            done.result(60)
    plant.check_settled("v1")
    release.check_settled("v1")
    assert plant.roles() == set(ROLES)


def test_a_stolen_password_works_until_the_second_rotation_from_now(plant: Plant) -> None:
    # given both users, and a thief who has read the secret; docs/incidents.md says to rotate twice
    plant.rotate("v1")
    stolen = plant.value("AWSCURRENT")

    plant.rotate("v2")
    plant.connect(stolen).close()

    plant.rotate("v3")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        plant.connect(stolen)


def test_every_step_may_come_again(plant: Plant) -> None:
    for version in ("v1", "v2"):
        plant.manager.begin(version)
        for step in STEPS:
            for _ in range(3):
                plant.take(step, version)
        plant.check_settled(version)


def test_tables_belong_to_the_owner_whoever_made_them(plant: Plant, release: Plant) -> None:
    plant.rotate("v1")
    release.rotate("m1")
    with release.connect(release.value("AWSCURRENT")) as connection:
        connection.execute("CREATE TABLE millrace.thing (n int)")
        connection.execute("GRANT INSERT ON millrace.thing TO millrace_writer")
    plant.rotate("v2")
    release.rotate("m2")
    with plant.connect(plant.value("AWSCURRENT")) as connection:
        connection.execute("INSERT INTO thing VALUES (1)")
        for statement in ("ALTER TABLE thing ADD COLUMN m int", "SET ROLE millrace_owner"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement)
    with release.connect(release.value("AWSCURRENT")) as connection:
        assert connection.info.user == MIGRATORS[0], "another than made it"
        connection.execute("ALTER TABLE thing ADD COLUMN m int")
        owner = connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'thing'").fetchone()
    assert owner == ("millrace_owner",)


def test_what_else_the_secret_holds_is_kept_and_believed_in_nothing(plant: Plant) -> None:
    # given the fields that AWS's own templates write; theirs connect without TLS where `ssl` is false
    master = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:master"
    beside = {"masterarn": master, "ssl": False, "note": [1]}
    value = json.loads(plant.manager.values["initial"] or "")
    plant.manager.values["initial"] = json.dumps({**value, **beside})
    plant.rotate("v1")
    plant.rotate("v2")
    kept = json.loads(plant.manager.values["v2"] or "")
    assert {name: kept[name] for name in beside} == beside
    assert (kept["engine"], kept["dbInstanceIdentifier"]) == ("postgres", "millrace-dev")


def test_what_it_calls_is_what_its_role_allows(plant: Plant) -> None:
    # tests/unit/stacks holds that the role has exactly these
    plant.rotate("v1")
    plant.rotate("v2")
    assert plant.manager.called == {
        "DescribeSecret",
        "GetSecretValue",
        "PutSecretValue",
        "UpdateSecretVersionStage",
    }
