"""What goes wrong around a rotation: the database away or full, hands in the roles, a restore to before."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from local.postgres import MASTER
from rotation.credentials import Credentials
from rotation.errors import DatabaseUnreachable, LoginRefused
from rotation.verifier import verifier
from rotation.versions import read_master
from tests.integration.rotations import MASTER_PASSWORD, Plant

Watch = Callable[[Callable[[str], None]], None]
PASSWORDS = (
    "SELECT rolname, rolpassword FROM pg_authid WHERE rolname IN ('millrace_app', 'millrace_app_clone')"
)


def begun(plant: Plant, version: str) -> None:
    plant.manager.begin(version)
    plant.take("createSecret", version)


def test_a_master_s_password_that_changes_between_reading_and_login_is_read_again(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [(MASTER, "tHe-OnE-oF-bEfOrE")]
    monkeypatch.setattr(
        "rotation.steps.read_master",
        lambda client, secret: answers.pop() if answers else read_master(client, secret),
    )
    plant.rotate("v1")
    plant.check_settled("v1")
    assert answers == []


def test_a_master_s_secret_that_is_wrong_is_told_with_the_command_that_mends_it(plant: Plant) -> None:
    plant.manager._others["master"] = f'{{"username": "{MASTER}", "password": "wRoNg"}}'
    begun(plant, "v1")
    with pytest.raises(
        LoginRefused, match="aws rds modify-db-instance --rotate-master-user-password"
    ) as told:
        plant.take("setSecret", "v1")
    assert "wRoNg" not in str(told.value)
    plant.manager._others["master"] = f'{{"username": "{MASTER}", "password": "{MASTER_PASSWORD}"}}'
    plant.steps("v1")
    plant.check_settled("v1")


FULL = ("CONNECTION LIMIT 0", "CONNECTION LIMIT -1", r"\(53300\); its connections are used up")
STANDBY = (
    "SET default_transaction_read_only = on",
    "RESET default_transaction_read_only",
    r"\(25006\); it takes no writes",
)
SHUT = ("ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true", "not currently accepting connections")


@pytest.mark.parametrize(
    ("step", "trouble", "over", "said"),
    [
        ("setSecret", *FULL),
        ("setSecret", *STANDBY),
        ("testSecret", *STANDBY),
        ("testSecret", *FULL),
        ("finishSecret", *SHUT),
    ],
)
def test_a_database_that_is_full_or_a_standby_s_is_waited_for(
    plant: Plant, step: str, trouble: str, over: str, said: str
) -> None:
    plant.rotate("v1")
    begun(plant, "v2")
    for before in ("setSecret", "testSecret"):
        if before == step:
            break
        plant.take(before, "v2")
    # A superuser may always connect, so it is done and undone from another database.
    with plant.server.connect() as connection:
        connection.execute(f"ALTER DATABASE millrace {trouble}".encode())
        try:
            with pytest.raises(DatabaseUnreachable, match=said):
                plant.take(step, "v2")
        finally:
            connection.execute(f"ALTER DATABASE millrace {over}".encode())
    plant.steps("v2")
    plant.check_settled("v2")


@pytest.mark.parametrize("moment", ["CREATE TEMPORARY", "COPY", "DO"])
def test_a_session_that_is_cut_in_the_middle_leaves_nothing(plant: Plant, watch: Watch, moment: str) -> None:
    # A restart, or a fail-over, while setSecret is at work; what is asked next meets a session that is gone.
    def cut(statement: str) -> None:
        if statement.lstrip().startswith(moment):
            with plant.superuser() as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE application_name = 'millrace-rotation'"
                )

    begun(plant, "v1")
    watch(cut)
    with pytest.raises(DatabaseUnreachable, match="the session"):
        plant.take("setSecret", "v1")
    assert plant.roles() == set()


def test_a_server_that_would_hash_with_md5_is_given_a_scram_verifier_all_the_same(plant: Plant) -> None:
    with plant.server.connect() as connection:
        connection.execute("ALTER DATABASE millrace SET password_encryption = 'md5'")
    try:
        plant.rotate("v1")
    finally:
        with plant.server.connect() as connection:
            connection.execute("ALTER DATABASE millrace RESET password_encryption")
    with plant.superuser() as connection:
        stored = connection.execute(PASSWORDS).fetchall()
    assert {kept.split("$")[0] for _, kept in stored} == {"SCRAM-SHA-256"}
    plant.check_settled("v1")


@pytest.mark.parametrize("spoilt", ["whose turn it is", "that is in use"])
@pytest.mark.parametrize(
    "hands",
    [
        ["REVOKE CONNECT ON DATABASE millrace FROM {user}", "DROP ROLE {user}"],
        ["REVOKE millrace_writer FROM {user}", "REVOKE CONNECT ON DATABASE millrace FROM {user}"],
        ["ALTER ROLE {user} NOLOGIN CONNECTION LIMIT 0 VALID UNTIL '2020-01-01' PASSWORD NULL"],
    ],
    ids=["dropped", "without its rights", "locked out"],
)
def test_what_hands_did_to_a_user_is_mended_by_a_rotation(
    plant: Plant, hands: list[str], spoilt: str
) -> None:
    plant.rotate("v1")
    label = "AWSCURRENT" if spoilt == "that is in use" else "AWSPREVIOUS"
    user = plant.value(label).username
    plant.as_master(*(statement.format(user=user) for statement in hands))
    plant.rotate("v2")
    plant.check_settled("v2")


def snapshot(plant: Plant) -> Callable[[], None]:
    """What is stored of both users now; the result puts it back, as a restore to this moment does."""
    with plant.superuser() as connection:
        stored = connection.execute(PASSWORDS).fetchall()

    def restore() -> None:
        with plant.superuser() as connection:
            for user, kept in stored:
                connection.execute(f"ALTER ROLE {user} PASSWORD '{kept}'".encode())

    return restore


def test_a_restore_to_before_the_last_rotation_is_mended_by_the_next(plant: Plant) -> None:
    plant.rotate("v1")
    restore = snapshot(plant)
    plant.rotate("v2")
    restore()
    assert not logs_in(plant, "AWSCURRENT")
    begun(plant, "v3")
    plant.take("setSecret", "v3")
    assert logs_in(plant, "AWSCURRENT"), "at once: it is what the application reads"
    plant.steps("v3")
    plant.check_settled("v3")


def logs_in(plant: Plant, label: str) -> bool:
    try:
        plant.connect(plant.value(label)).close()
    except Exception as error:
        assert "password authentication failed" in str(error)
        return False
    return True


def give_its_password(plant: Plant, who: Credentials) -> None:
    """What psql's \\password sends: a verifier that it made itself."""
    plant.as_master(f"ALTER ROLE {who.username} PASSWORD '{verifier(who.password)}'")


def drop_both(plant: Plant, who: Credentials) -> None:
    """The other way: the next rotation is a first one again."""
    plant.as_master(
        "REVOKE CONNECT ON DATABASE millrace FROM millrace_app, millrace_app_clone",
        "DROP ROLE millrace_app, millrace_app_clone",
    )


@pytest.mark.parametrize("mend", [give_its_password, drop_both])
def test_an_older_restore_is_refused_and_the_master_mends_it(
    plant: Plant, mend: Callable[[Plant, Credentials], None]
) -> None:
    # given a restore to before the last two rotations: no login of the secret works
    plant.rotate("v1")
    restore = snapshot(plant)
    plant.rotate("v2")
    plant.rotate("v3")
    restore()
    begun(plant, "v4")
    with pytest.raises(LoginRefused, match=r"nor does AWSPREVIOUS.*psql's \\password.*docs/rotation\.md"):
        plant.take("setSecret", "v4")
    # when the operator does what docs/rotation.md says, as the master
    mend(plant, plant.value("AWSCURRENT"))
    # then the rotation that stopped goes on
    plant.steps("v4")
    plant.check_settled("v4") if mend is drop_both else plant.connect(plant.value("AWSCURRENT")).close()
    plant.rotate("v5")
    plant.check_settled("v5")


def test_a_current_that_nothing_vouches_for_is_no_first_rotation(plant: Plant) -> None:
    # given someone who may write the secret, and knows no password
    plant.rotate("v1")
    for label in ("AWSCURRENT", "AWSPREVIOUS"):
        guessed = replace(plant.value(label), password="gUeSs")
        plant.manager.values[plant.manager.labels[label]] = guessed.to_json()
    with plant.superuser() as connection:
        before = connection.execute(PASSWORDS).fetchall()
        begun(plant, "v2")
        with pytest.raises(LoginRefused, match="although millrace_app, millrace_app_clone exists"):
            plant.take("setSecret", "v2")
        assert connection.execute(PASSWORDS).fetchall() == before


def test_one_user_s_own_password_vouches_for_its_pair_alone(plant: Plant, release: Plant) -> None:
    # given the processor's login in AWSPREVIOUS of the release's secret
    plant.rotate("v1")
    release.rotate("m1")
    wrong: Any = replace(release.value("AWSCURRENT"), password="gUeSs")
    release.manager.values["m1"] = wrong.to_json()
    release.manager.values["initial"] = plant.manager.values["v1"]
    begun(release, "m2")
    with pytest.raises(LoginRefused, match="although millrace_migrator, millrace_migrator_clone exists"):
        release.take("setSecret", "m2")
