"""What is sought, and that it is found."""

from typing import Any

import pytest

from local.rotating.needles import Needles
from rotation.verifier import verifier

PASSWORD = "q" * 40


class Roles:
    """pg_authid, with one verifier."""

    def __init__(self, kept: str) -> None:
        self._kept = kept

    def execute(self, statement: str) -> "Roles":
        return self

    def fetchall(self) -> list[tuple[str]]:
        return [(self._kept,)]


@pytest.fixture
def kept() -> str:
    return verifier(PASSWORD)


@pytest.fixture
def needles(kept: str) -> Needles:
    roles: Any = Roles(kept)
    made = Needles()
    made.add_secret(f'{{"username": "millrace_app", "password": "{PASSWORD}"}}')
    made.add_verifiers(roles)
    return made


def test_a_password_is_found_and_not_told(needles: Needles) -> None:
    assert needles.found_in(f"connecting with {PASSWORD}!") == ["a password"]
    assert PASSWORD not in repr(needles)


def test_a_password_is_found_amid_other_letters_and_one_of_other_characters_too(needles: Needles) -> None:
    assert needles.found_in(f"xx{PASSWORD}yy") == ["a password"]
    needles.passwords.add("short, and odd")
    assert needles.found_in("it was: short, and odd!") == ["a password"]


def test_each_key_of_a_verifier_is_found_by_itself(needles: Needles, kept: str) -> None:
    stored, server = kept.rpartition("$")[2].split(":")
    for key in (stored, server):
        assert needles.found_in(f"PASSWORD '{key}'") == ["a verifier"]


def test_any_token_is_found_whoever_made_it(needles: Needles) -> None:
    assert needles.found_in("cache/?Action=connect&X-Amz-Signature=0f") == ["a token of the cache"]
    assert needles.found_in("event: rotation-token-1b9d") == ["a rotation's token"]


def test_what_holds_none_of_them_is_quiet(needles: Needles, kept: str) -> None:
    salt = kept.split(":")[1].partition("$")[0]
    assert needles.found_in(f"ALTER ROLE millrace_app; SCRAM-SHA-256$4096 {salt}") == []
