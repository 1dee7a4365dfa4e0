"""A migration runs under the release before: what takes something from it says why nobody needs that."""

import re
from pathlib import Path

import pytest

from processor.migrate import needed

DIRECTORY = Path(__file__).parents[3] / "processor" / "migrations"
TAKES = re.compile(
    r"""(?mx)
    ^\s*(?:
        DROP\b | TRUNCATE\b | REVOKE\b(?!.*\bFROM\s+PUBLIC\b)
        | ALTER\s+TABLE\b[^;]*?\b(?:
            DROP\b | RENAME\b | SET\s+NOT\s+NULL | ALTER\s+(?:COLUMN\s+)?\w+\s+(?:SET\s+DATA\s+)?TYPE\b
            | ADD\s+COLUMN\b[^,;]*\bNOT\s+NULL\b(?![^,;]*\bDEFAULT\b)
            | ADD\s+(?:CONSTRAINT\b|CHECK\b|UNIQUE\b|PRIMARY\b)(?![^;]*\bNOT\s+VALID\b)
        )
        | CREATE\s+UNIQUE\s+INDEX\b | LOCK\b | VACUUM\b
    )"""
)
SAYS = re.compile(r"(?m)^-- contracts: \S.{20,}$")
BEFORE_THERE_WAS_A_RELEASE = {"0004.arrival"}


def takes(sql: str) -> bool:
    """Whether it takes away, or refuses, what the release before may rely on.

    Bodies of functions do not, nor does what only concerns a table that is new with it.
    """
    said = re.sub(r"(?s)\$\$.*?\$\$", "", re.sub(r"(?m)--.*$", "", sql))
    for table in re.findall(r"(?m)^CREATE TABLE (\w+)", said):
        said = re.sub(rf"(?m)^CREATE UNIQUE INDEX \w+ ON {table}\b", "", said)
    return TAKES.search(said) is not None


@pytest.mark.parametrize("name", needed())
def test_a_migration_only_adds_or_says_what_it_takes(name: str) -> None:
    sql = (DIRECTORY / f"{name}.sql").read_text()

    assert not takes(sql) or SAYS.search(sql) or name in BEFORE_THERE_WAS_A_RELEASE, (
        f"{name} takes something away while the release before still runs: leave that to a later release, or "
        "say in a line `-- contracts: <what nobody needs any more, since which migration>`"
    )


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE point;",
        "ALTER TABLE point DROP COLUMN unit;",
        "ALTER TABLE point\n    RENAME COLUMN low TO lowest;",
        "ALTER TABLE point ALTER COLUMN id TYPE bigint;",
        "ALTER TABLE point ADD COLUMN owner text NOT NULL;",
        "ALTER TABLE point ALTER unit SET NOT NULL;",
        "ALTER TABLE point ADD CONSTRAINT low_below_high CHECK (low < high);",
        "CREATE UNIQUE INDEX one ON point (unit);",
        "REVOKE INSERT ON reading FROM millrace_writer;",
        "TRUNCATE reading;",
    ],
)
def test_what_would_stop_the_release_before_is_seen(statement: str) -> None:
    assert takes(f"-- a heading\n{statement}\n")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE place (id integer PRIMARY KEY);",
        "ALTER TABLE point ADD COLUMN owner text;",
        "ALTER TABLE point ADD COLUMN n integer NOT NULL DEFAULT 0;",
        "ALTER TABLE point ADD CONSTRAINT c CHECK (low < high) NOT VALID;",
        "REVOKE ALL ON FUNCTION f() FROM PUBLIC;",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\nDROP TABLE x; END $$;",
        "CREATE INDEX one ON quarantine (quarantined_at);",
    ],
)
def test_what_only_adds_passes(statement: str) -> None:
    assert not takes(statement)


def test_each_says_what_it_comes_after_and_numbers_are_taken_once() -> None:
    numbers = [name.split(".")[0] for name in needed()]

    assert len(set(numbers)) == len(numbers)
    for name in needed()[1:]:
        depends = re.search(r"(?m)^-- depends: (.+)$", (DIRECTORY / f"{name}.sql").read_text())
        assert depends, f"{name} would run in any order"
        assert all(other in needed() and other < name for other in depends[1].split())
