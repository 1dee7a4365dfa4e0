"""What the secret may hold, and who may follow whom."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.credentials import USERS, Credentials, other, parse, parse_master
from rotation.errors import SecretInvalid, TargetRefused

VALUE: dict[str, Any] = {
    "engine": "postgres",
    "host": "db.example.internal",
    "port": 5432,
    "dbname": "millrace",
    "username": "millrace_app",
    "password": "sEcReT",
    "dbInstanceIdentifier": "db-1",
}


def read(**changes: object) -> Credentials:
    return parse(json.dumps({**VALUE, **changes}), "AWSCURRENT")


def test_reads_and_writes_the_same() -> None:
    assert json.loads(read().to_json()) == VALUE


def test_takes_a_port_written_as_text() -> None:
    assert read(port="5432").port == 5432


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("host", "", "'host'"),
        ("host", None, "'host'"),
        ("dbname", 7, "'dbname'"),
        ("port", 0, "1 to 65535"),
        ("port", "5432;", "1 to 65535"),
        ("port", "٥", "1 to 65535"),
        ("port", None, "1 to 65535"),
        ("engine", "mysql", "'mysql'"),
        (
            "username",
            "millrace_master",
            "allowed are millrace_app, millrace_app_clone, millrace_migrator, millrace_migrator_clone",
        ),
        ("username", 'millrace_app"; DROP', "allowed are"),
        ("password", "päss", "printable ASCII"),
        ("password", "line\nbreak", "printable ASCII"),
    ],
)
def test_refuses_and_names_the_field(field: str, value: object, said: str) -> None:
    with pytest.raises(SecretInvalid, match=said) as refused:
        read(**{field: value})
    assert VALUE["password"] not in str(refused.value)


@pytest.mark.parametrize("text", ["", "sEcReT", "[]", '"sEcReT"', '{"password": "sEcReT"'])
def test_refuses_what_is_no_object_without_showing_it(text: str) -> None:
    with pytest.raises(SecretInvalid, match="AWSCURRENT is not a JSON object") as refused:
        parse(text, "AWSCURRENT")
    assert "sEcReT" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_shows_no_password() -> None:
    assert "sEcReT" not in f"{read()!r} {read()}"


def test_the_two_users_take_turns() -> None:
    first = read()
    second = first.successor()
    third = second.successor()
    assert [who.username for who in (first, second, third)] == [*USERS, USERS[0]]
    assert len({who.password for who in (first, second, third)}) == 3
    assert replace(third, password=first.password) == first


@given(st.integers(0, 1))
def test_a_new_password_needs_no_quoting(which: int) -> None:
    made = read(username=USERS[which]).successor()
    assert made.password.isalnum()
    assert len(made.password) == 40
    made.check_follows(read(username=other(made.username)))


@pytest.mark.parametrize("field", ["host", "port", "dbname"])
def test_another_database_may_not_follow(field: str) -> None:
    current = read()
    changed = {"host": "evil.example.net", "port": 5433, "dbname": "postgres"}[field]
    pending = parse(json.dumps({**json.loads(current.successor().to_json()), field: changed}), "AWSPENDING")
    with pytest.raises(TargetRefused, match=field):
        pending.check_follows(current)


def test_the_same_user_may_not_follow() -> None:
    with pytest.raises(TargetRefused, match="only 'millrace_app_clone' may follow"):
        replace(read(), password="other").check_follows(read())


def test_only_the_functions_own_host_is_accepted_however_it_is_written() -> None:
    read(host="DB.example.internal").check_host("db.EXAMPLE.internal")
    with pytest.raises(TargetRefused, match=r"'db\.example\.internal'.*'other\.example\.internal' alone"):
        read().check_host("other.example.internal")


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "millrace_app"},
        {"username": "millrace_migrator"},
        {"host": "evil.example.net"},
        {"port": 5433},
        {"dbname": "postgres"},
    ],
)
def test_only_the_other_user_of_the_same_database_precedes(changes: dict[str, object]) -> None:
    current = read()
    assert read(username="millrace_app_clone").precedes(current)
    assert not read(**{"username": "millrace_app_clone", **changes}).precedes(current)


@pytest.mark.parametrize("name", ["host", "port", "dbname", "username", "password"])
def test_a_field_that_is_missing_is_named(name: str) -> None:
    value = {field: kept for field, kept in VALUE.items() if field != name}
    with pytest.raises(SecretInvalid, match=name):
        parse(json.dumps(value), "AWSCURRENT")


def test_fields_that_it_does_not_know_are_kept() -> None:
    # masterarn is what AWS's own template of alternating users writes.
    more = {"masterarn": "arn:aws:secretsmanager:eu-west-2:111122223333:secret:m", "note": {"a": [1, None]}}
    assert json.loads(read(**more).successor().to_json()).items() >= more.items()


@pytest.mark.parametrize("text", ["{}", '{"username": "m"}', '{"username": "", "password": "p"}'])
def test_a_master_without_a_login_is_refused(text: str) -> None:
    with pytest.raises(SecretInvalid, match="master"):
        parse_master(text)
