"""The rotation against a real PostgreSQL over TLS: whole cycles, deaths after every effect, refusals."""

import json
import logging
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.certificates import Authority
from local.front import Protocol, TlsFront
from local.postgres import DATABASE, MASTER, PostgresServer
from rotation import handler
from rotation.credentials import MIGRATORS, USERS, Credentials, parse
from rotation.database import Session, session
from rotation.errors import (
    DatabaseUnreachable,
    LoginRefused,
    PrivilegesWrong,
    RolesForeign,
    TargetRefused,
)
from rotation.memory import SecretsManagerInMemory
from rotation.steps import STEPS

MASTER_PASSWORD = "mAsTeR-pAsSwOrD"
FIRST_PASSWORD = "fIrStPaSsWoRd"
SECRET = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:application"
FORGET = """
DROP SCHEMA IF EXISTS millrace CASCADE;
DROP ROLE IF EXISTS millrace_app, millrace_app_clone, millrace_migrator, millrace_migrator_clone,
    millrace_owner, millrace_writer, millrace_reader
"""
# What a step leaves behind: statements that change something, calls that change a version or a label.
EFFECTS = ("CREATE ROLE", "CREATE SCHEMA", "ALTER ROLE", "GRANT", "COMMIT")


class Died(BaseException):
    """The function's process is gone: nothing of it runs on."""


@dataclass
class Fuse:
    """Lets so many effects happen, then the function dies."""

    left: int

    def burn(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Died


class Mortal(SecretsManagerInMemory):
    """Its caller may die before the answer to a call comes back."""

    fuse = Fuse(0)

    def put_secret_value(self, **request: Any) -> dict[str, Any]:
        answer = super().put_secret_value(**request)
        self.fuse.burn()
        return answer

    def update_secret_version_stage(self, **request: str) -> dict[str, Any]:
        answer = super().update_secret_version_stage(**request)
        self.fuse.burn()
        return answer


@dataclass
class Plant:
    """A database that knows no application yet, and the application's secret as the stack has made it."""

    server: PostgresServer
    front: TlsFront
    authority: Authority
    manager: Mortal

    def take(self, step: str, version: str) -> None:
        event = {"Step": step, "SecretId": SECRET, "ClientRequestToken": version, "RotationToken": "pRoOf"}
        handler.take(event, self.manager)

    def rotate(self, version: str) -> None:
        self.manager.begin(version)
        for step in STEPS:
            self.take(step, version)

    def value(self, label: str) -> Credentials:
        return parse(self.manager.values[self.manager.labels[label]] or "", label)

    def connect(self, who: Credentials) -> psycopg.Connection:
        """As the processor does."""
        return psycopg.connect(
            host=who.host,
            port=who.port,
            user=who.username,
            password=who.password,
            dbname=who.dbname,
            sslmode="verify-full",
            sslrootcert=str(self.authority.ca_file),
        )

    def check_settled(self, version: str, username: str) -> None:
        """The rotation to `version` is over: its user works, and no label is left astray."""
        assert self.manager.labels["AWSCURRENT"] == version
        assert "AWSPENDING" not in self.manager.labels
        current = self.value("AWSCURRENT")
        assert current.username == username
        with self.connect(current) as connection:
            found = connection.execute("SELECT session_user, current_user, current_schema").fetchone()
        role = "millrace_owner" if username in MIGRATORS else "millrace_writer"
        assert found == (username, role, "millrace")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path_factory.mktemp("postgres")) as running:
        running.create_master(MASTER_PASSWORD)
        with running.connect() as connection:
            connection.execute("ALTER SYSTEM SET log_statement = 'all'")
            connection.execute("SELECT pg_reload_conf()")
        yield running


@pytest.fixture(scope="module")
def front(server: PostgresServer, authority: Authority) -> Iterator[TlsFront]:
    with TlsFront(authority, server.socket, Protocol.POSTGRESQL) as running:
        yield running


@pytest.fixture
def plant(
    server: PostgresServer, front: TlsFront, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Plant:
    monkeypatch.setenv("MASTER_SECRET_ARN", "master")
    monkeypatch.setenv("DATABASE_CA_FILE", str(authority.ca_file))
    forget(server)
    return Plant(server, front, authority, new_manager(front, USERS[0]))


@pytest.fixture
def release(plant: Plant) -> Plant:
    """The same database, and the secret of a release's migrations."""
    return Plant(plant.server, plant.front, plant.authority, new_manager(plant.front, MIGRATORS[0]))


def forget(server: PostgresServer) -> None:
    with server.connect(DATABASE) as connection:
        connection.execute(FORGET)


def new_manager(front: TlsFront, username: str = USERS[0]) -> Mortal:
    value = {
        "engine": "postgres",
        "host": front.host,
        "port": front.port,
        "dbname": DATABASE,
        "username": username,
        "password": FIRST_PASSWORD,
    }
    master = json.dumps({"username": MASTER, "password": MASTER_PASSWORD})
    return Mortal(SECRET, json.dumps(value), {"master": master})


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], None]], None]:
    """Have every statement that the function has run told to a function of the test's."""

    def install(tell: Callable[[str], None]) -> None:
        run = Session.query

        def told(self: Session, statement: str, **parameters: object) -> list[list[Any]]:
            rows = run(self, statement, **parameters)
            tell(statement)
            return rows

        monkeypatch.setattr(Session, "query", told)

    return install


def test_two_cycles_from_nothing(plant: Plant) -> None:
    for number, username in enumerate([USERS[1], USERS[0], USERS[1], USERS[0]]):
        former = plant.value("AWSCURRENT")
        plant.rotate(f"v{number}")
        plant.check_settled(f"v{number}", username)
        # What the application still holds works until the next rotation but one.
        plant.connect(former).close()
        assert plant.value("AWSPREVIOUS") == former


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
    for version, username in (("v1", USERS[1]), ("v2", USERS[0])):
        plant.manager.begin(version)
        for step in STEPS:
            for _ in range(3):
                plant.take(step, version)
        plant.check_settled(version, username)


def test_a_late_repetition_leaves_a_newer_rotation_alone(plant: Plant) -> None:
    plant.rotate("v1")
    plant.manager.begin("v2")
    plant.take("createSecret", "v2")
    plant.take("finishSecret", "v1")
    for step in STEPS:
        plant.take(step, "v2")
    plant.check_settled("v2", USERS[0])


def rotate_with_a_death(plant: Plant, version: str, effects: int, resume: str) -> bool:
    """Rotate; die after so many effects and go on. False if there were not that many."""
    plant.manager.begin(version)
    plant.manager.fuse = Fuse(effects)
    for step in STEPS:
        try:
            plant.take(step, version)
        except Died:
            if resume == "with the step":
                plant.take(step, version)
            elif resume == "from the start":
                for again in STEPS:
                    plant.take(again, version)
                return True
            else:  # an operator gives that rotation up, and the next one comes
                plant.manager.labels.pop("AWSPENDING", None)
                plant.rotate(f"{version}-anew")
                return True
    return plant.manager.fuse.left <= 0


@pytest.mark.parametrize("resume", ["with the step", "from the start", "anew"])
def test_the_first_rotation_may_die_after_any_effect(
    plant: Plant, watch: Callable[[Callable[[str], None]], None], resume: str
) -> None:
    watch(lambda statement: plant.manager.fuse.burn() if statement.startswith(EFFECTS) else None)
    effects = 0
    died = True
    while died:
        effects += 1
        forget(plant.server)
        plant.manager = new_manager(plant.front)
        died = rotate_with_a_death(plant, "v1", effects, resume)
        current = plant.manager.labels["AWSCURRENT"]
        assert current in ("v1", "v1-anew")
        plant.check_settled(current, plant.value("AWSCURRENT").username)
    assert effects > 20  # roles, schema, grants, passwords, commit, labels: all of them were deadly once


@pytest.mark.parametrize("resume", ["with the step", "from the start", "anew"])
def test_a_later_rotation_may_die_after_any_effect(
    plant: Plant, watch: Callable[[Callable[[str], None]], None], resume: str
) -> None:
    plant.rotate("v0")
    watch(lambda statement: plant.manager.fuse.burn() if statement == "COMMIT" else None)
    effects = 0
    died = True
    while died:
        effects += 1
        died = rotate_with_a_death(plant, f"v{effects}", effects, resume)
        current = plant.manager.labels["AWSCURRENT"]
        assert current in (f"v{effects}", f"v{effects}-anew")
        plant.check_settled(current, plant.value("AWSCURRENT").username)
    assert effects == 5  # the value, the password, two labels, and once to the end


def test_tables_belong_to_the_owner_whoever_made_them(plant: Plant, release: Plant) -> None:
    plant.rotate("v1")
    release.rotate("m1")
    release.check_settled("m1", MIGRATORS[1])
    with release.connect(release.value("AWSCURRENT")) as connection:
        connection.execute("CREATE TABLE millrace.reading (n int)")
        connection.execute("GRANT INSERT ON millrace.reading TO millrace_writer")
    plant.rotate("v2")
    release.rotate("m2")
    release.check_settled("m2", MIGRATORS[0])
    with plant.connect(plant.value("AWSCURRENT")) as connection:
        connection.execute("INSERT INTO reading VALUES (1)")
        for statement in ("ALTER TABLE reading ADD COLUMN m int", "SET ROLE millrace_owner"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement)
    with release.connect(release.value("AWSCURRENT")) as connection:
        connection.execute("ALTER TABLE reading ADD COLUMN m int")
        owner = connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'reading'").fetchone()
    assert owner == ("millrace_owner",)


def test_a_user_that_could_become_the_owner_cannot_after_its_next_rotation(plant: Plant) -> None:
    # given both of the processor's users as an earlier release made them
    plant.rotate("v1")
    with plant.server.connect(DATABASE) as connection:
        connection.execute(f"SET SESSION AUTHORIZATION {MASTER}")
        connection.execute(
            "GRANT millrace_owner TO millrace_app, millrace_app_clone WITH SET TRUE, INHERIT FALSE"
        )

    for version in ("v2", "v3"):
        plant.rotate(version)
        with (
            plant.connect(plant.value("AWSCURRENT")) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute("SET ROLE millrace_owner")


def test_one_pair_never_follows_the_other(plant: Plant) -> None:
    plant.rotate("v1")
    plant_pending(plant, "v2", username=MIGRATORS[0])
    with pytest.raises(TargetRefused, match="only 'millrace_app' may follow"):
        plant.take("setSecret", "v2")


def test_the_release_s_user_does_what_migrations_do_and_no_more(release: Plant) -> None:
    release.manager.begin("m1")
    for step in ("createSecret", "setSecret", "testSecret"):
        release.take(step, "m1")
    for spoil, said in (
        ("REVOKE CREATE ON SCHEMA millrace FROM millrace_owner", "permission denied for schema millrace"),
        ("GRANT millrace_writer TO millrace_migrator_clone", "is a member of"),
    ):
        with release.server.connect(DATABASE) as connection:
            connection.execute(spoil)
        with pytest.raises(PrivilegesWrong, match=said):
            release.take("testSecret", "m1")


def plant_pending(plant: Plant, version: str, **changes: Any) -> None:
    """Put what an attacker would like into a rotation's version."""
    plant.manager.begin(version)
    value = {**json.loads(plant.value("AWSCURRENT").successor().to_json()), **changes}
    plant.manager.values[version] = json.dumps(value)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("changes", [{"host": "127.0.0.1"}, {"port": 5433}, {"dbname": "postgres"}])
def test_another_target_is_refused_before_any_login(
    plant: Plant, changes: dict[str, object], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.rotate("v1")
    plant_pending(plant, "v2", **changes)

    def no_login(*_: object) -> None:
        pytest.fail("somebody was logged in")

    monkeypatch.setattr("rotation.steps.session", no_login)
    with pytest.raises(TargetRefused):
        plant.take(step, "v2")
    assert plant.manager.labels["AWSCURRENT"] == "v1"


@pytest.mark.parametrize("step", ["createSecret", "setSecret", "finishSecret"])
def test_another_user_is_refused(plant: Plant, step: str) -> None:
    plant.rotate("v1")
    plant_pending(plant, "v2", username=USERS[1], password="cHoSeN")
    with pytest.raises(TargetRefused, match="only 'millrace_app' may follow"):
        plant.take(step, "v2")
    assert plant.manager.labels["AWSCURRENT"] == "v1"
    plant.connect(plant.value("AWSCURRENT")).close()


def test_a_current_that_does_not_log_in_is_no_first_rotation(plant: Plant) -> None:
    plant.rotate("v1")
    wrong = replace(plant.value("AWSCURRENT"), password="gUeSs")
    plant.manager.values["v1"] = wrong.to_json()
    plant.manager.begin("v2")
    plant.take("createSecret", "v2")
    with pytest.raises(LoginRefused, match="cannot log in although millrace_app, millrace_app_clone exists"):
        plant.take("setSecret", "v2")


def test_a_rehearsal_may_test_a_copy_of_current(plant: Plant) -> None:
    plant.rotate("v1")
    plant.manager.begin("rehearsal")
    plant.manager.values["rehearsal"] = plant.manager.values["v1"]
    plant.take("testSecret", "rehearsal")


def test_a_role_that_somebody_else_made_is_not_taken_over(plant: Plant) -> None:
    with plant.server.connect() as connection:
        connection.execute("CREATE ROLE millrace_owner")
    plant.manager.begin("v1")
    plant.take("createSecret", "v1")
    with pytest.raises(RolesForeign, match="millrace_owner exists, and the master may not manage it"):
        plant.take("setSecret", "v1")
    with plant.server.connect() as connection:
        made = connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'millrace_a%'").fetchall()
    assert made == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("ALTER ROLE millrace_app_clone CREATEDB", "powers over the whole server"),
        ("GRANT pg_read_all_data TO millrace_app_clone", "is a member of"),
        ("GRANT millrace_owner TO millrace_app_clone", "is a member of"),
        ("ALTER ROLE millrace_app_clone RESET role", "logs in as"),
        ("ALTER ROLE millrace_app_clone SET search_path = public", "logs in as"),
        ("GRANT CREATE ON SCHEMA millrace TO millrace_writer", "the writer creates tables"),
        ("GRANT CREATE ON SCHEMA millrace TO PUBLIC", "the writer creates tables"),
    ],
)
def test_too_much_and_too_little_are_found(plant: Plant, spoil: str, said: str) -> None:
    plant.manager.begin("v1")
    plant.take("createSecret", "v1")
    plant.take("setSecret", "v1")
    plant.take("testSecret", "v1")
    with plant.server.connect(DATABASE) as connection:
        connection.execute(spoil)
    with pytest.raises(PrivilegesWrong, match=said):
        plant.take("testSecret", "v1")


def test_the_probe_leaves_no_trace(plant: Plant) -> None:
    plant.rotate("v1")
    with plant.server.connect(DATABASE) as connection:
        tables = connection.execute("SELECT FROM pg_tables WHERE schemaname = 'millrace'").fetchall()
        roles = connection.execute("SELECT FROM pg_roles WHERE rolname LIKE '%probe%'").fetchall()
    assert (tables, roles) == ([], [])


def test_no_password_is_written_anywhere(
    plant: Plant, watch: Callable[[Callable[[str], None]], None], caplog: pytest.LogCaptureFixture
) -> None:
    statements: list[str] = []  # what pg_stat_activity would show
    watch(statements.append)
    with caplog.at_level(logging.DEBUG):
        plant.rotate("v1")
        plant.rotate("v2")
        plant.manager.begin("v3")
        with suppress(TargetRefused):
            plant_pending(plant, "v3", host="elsewhere")
            plant.take("setSecret", "v3")
    written = {
        "the function's log": caplog.text,
        "the statements": "\n".join(statements),
        "the server's log": plant.server.log.read_text(),
    }
    assert "set the password" in written["the function's log"]
    assert "millrace_app_clone" in written["the statements"]
    assert "PASSWORD 'SCRAM-SHA-256$" in written["the server's log"]
    passwords = [parse(value or "", "v").password for value in plant.manager.values.values()]
    for secret in (*passwords, MASTER_PASSWORD, "pRoOf"):
        for where, text in written.items():
            assert secret not in text, where


def test_another_authority_is_not_believed(plant: Plant, tmp_path: Path) -> None:
    plant.rotate("v1")
    other = Authority(tmp_path)
    with (
        pytest.raises(DatabaseUnreachable, match="certificate verify failed"),
        session(plant.value("AWSCURRENT"), str(other.ca_file)),
    ):
        pass


def test_another_name_is_not_believed(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.rotate("v1")
    connect = socket.create_connection
    monkeypatch.setattr(
        "rotation.database.socket.create_connection",
        lambda address, timeout: connect(("localhost", address[1]), timeout),
    )
    who = replace(plant.value("AWSCURRENT"), host="db.example.internal")
    with (
        pytest.raises(DatabaseUnreachable, match=r"certificate is not valid for 'db\.example\.internal'"),
        session(who, str(plant.authority.ca_file)),
    ):
        pass


def listen(
    family: int, address: Any, handle: Callable[[socket.socket], None]
) -> tuple[socket.socket, threading.Thread]:
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen()

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            handle(client)

    thread = threading.Thread(target=serve)
    thread.start()
    return listener, thread


def test_a_server_without_tls_learns_nothing(plant: Plant) -> None:
    heard = bytearray()

    def decline(client: socket.socket) -> None:
        heard.extend(client.recv(8))
        client.sendall(b"N")
        while data := client.recv(1000):
            heard.extend(data)

    listener, thread = listen(socket.AF_INET, ("127.0.0.1", 0), decline)
    who = replace(plant.value("AWSCURRENT"), port=listener.getsockname()[1])
    with pytest.raises(DatabaseUnreachable, match="refuses SSL"), session(who, str(plant.authority.ca_file)):
        pass
    thread.join()
    listener.close()
    assert bytes(heard) == struct.pack("!ii", 8, 80877103)


def test_a_server_that_asks_for_the_password_itself_does_not_get_it(plant: Plant, tmp_path: Path) -> None:
    heard = bytearray()

    def ask(client: socket.socket) -> None:
        heard.extend(client.recv(1000))
        client.sendall(b"R" + struct.pack("!ii", 8, 3))
        while data := client.recv(1000):
            heard.extend(data)

    listener, thread = listen(socket.AF_UNIX, str(tmp_path / "s"), ask)
    with TlsFront(plant.authority, tmp_path / "s", Protocol.POSTGRESQL) as greedy:
        who = replace(plant.value("AWSCURRENT"), port=greedy.port)
        with (
            pytest.raises(DatabaseUnreachable, match="asks for the password in clear text"),
            session(who, str(plant.authority.ca_file)),
        ):
            pass
        thread.join()
    listener.close()
    assert USERS[0].encode() in heard
    assert FIRST_PASSWORD.encode() not in heard
