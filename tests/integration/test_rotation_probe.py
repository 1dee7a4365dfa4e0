"""testSecret finds a user that may too little or too much, and leaves no trace of having tried."""

import pytest

from rotation.credentials import USERS
from rotation.errors import PrivilegesWrong
from rotation.grants import OWNER, READER, WRITER
from tests.integration.rotations import Plant


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("ALTER ROLE millrace_app_clone CREATEDB", "powers over the whole server"),
        ("GRANT pg_read_all_data TO millrace_app_clone", "is a member of"),
        ("GRANT millrace_owner TO millrace_app_clone", "is a member of"),
        ("GRANT millrace_writer TO millrace_app_clone WITH ADMIN TRUE", "may make others members"),
        ("GRANT millrace_writer TO millrace_app_clone WITH INHERIT TRUE", "sees the schema without"),
        ("ALTER ROLE millrace_app_clone RESET role", "logs in as"),
        ("ALTER ROLE millrace_app_clone SET search_path = public", "logs in as"),
        ("GRANT CREATE ON SCHEMA millrace TO millrace_writer", "the writer creates tables"),
        ("GRANT CREATE ON SCHEMA millrace TO PUBLIC", "the writer creates tables"),
    ],
)
def test_too_much_and_too_little_are_found(plant: Plant, spoil: str, said: str) -> None:
    plant.manager.begin("v1")
    for step in ("createSecret", "setSecret", "testSecret"):
        plant.take(step, "v1")
    with plant.superuser() as connection:
        connection.execute(spoil.encode())
    with pytest.raises(PrivilegesWrong, match=said):
        plant.take("testSecret", "v1")


def test_the_release_s_user_does_what_migrations_do_and_no_more(release: Plant) -> None:
    release.manager.begin("m1")
    for step in ("createSecret", "setSecret", "testSecret"):
        release.take(step, "m1")
    for spoil, said in (
        ("REVOKE CREATE ON SCHEMA millrace FROM millrace_owner", "permission denied for schema millrace"),
        ("GRANT millrace_writer TO millrace_migrator_clone", "is a member of"),
    ):
        with release.superuser() as connection:
            connection.execute(spoil.encode())
        with pytest.raises(PrivilegesWrong, match=said):
            release.take("testSecret", "m1")


def test_the_probe_leaves_no_trace(plant: Plant) -> None:
    plant.rotate("v1")
    with plant.superuser() as connection:
        tables = connection.execute("SELECT FROM pg_tables WHERE schemaname = 'millrace'").fetchall()
    assert tables == []
    assert plant.roles() == {*USERS, OWNER, WRITER, READER}
