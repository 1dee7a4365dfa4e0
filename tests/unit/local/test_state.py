"""What an earlier run left is looked at before anything is started on it."""

import shutil
from pathlib import Path

import pytest

from local import state
from local.errors import StateDamaged


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """What a whole run leaves, as far as the next one needs it."""
    for name, content in {
        "lock": "",
        "ports.json": "{}",
        "master.password": "secret",
        "postgres/superuser.password": "secret",
        "postgres/data/PG_VERSION": "18\n",
        "postgres/data/global/pg_control": "\0",
        "aws/aws/cloudformation.json": '{"_stacks": {"millrace-dev": {}}}',
        "aws/aws/rds.json": "{}",
        "redis/redis.rdb": "REDIS0011",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def test_a_whole_one_is_gone_on_with(kept: Path) -> None:
    state.check(kept)


@pytest.mark.parametrize("left", [[], ["postgres/data"], ["postgres/data-x1", "aws/aws"]])
def test_a_run_that_was_interrupted_early_left_nothing_to_miss(tmp_path: Path, left: list[str]) -> None:
    for name in left:
        (tmp_path / name).mkdir(parents=True)

    state.check(tmp_path)


def test_an_account_without_stacks_names_no_ports(kept: Path) -> None:
    (kept / "ports.json").unlink()
    (kept / "aws/aws/cloudformation.json").write_text('{"_stacks": {}}')

    state.check(kept)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("ports.json", None, "is missing"),
        ("ports.json", "", "is empty"),
        ("master.password", None, "is missing"),
        ("master.password", "", "is empty"),
        ("postgres/superuser.password", None, "is missing"),
        ("postgres/data/PG_VERSION", None, "is missing"),
        ("postgres/data/PG_VERSION", "17\n", "says version '17', and this is PostgreSQL 18"),
        ("postgres/data/global/pg_control", "", "is empty"),
        ("aws/aws/cloudformation.json", None, "is missing"),
        ("aws/aws/rds.json", '{"instances": ', "is damaged"),
        ("redis/redis.rdb", "no dump", "is damaged"),
    ],
)
def test_what_is_damaged_is_named_with_the_way_out(
    kept: Path, name: str, content: str | None, why: str
) -> None:
    if content is None:
        (kept / name).unlink()
    else:
        (kept / name).write_text(content)

    with pytest.raises(StateDamaged) as refused:
        state.check(kept)

    assert f"{kept / name} of an earlier run {why}: give another directory to --state" in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_database_that_is_gone_is_missed(kept: Path) -> None:
    shutil.rmtree(kept / "postgres")

    with pytest.raises(StateDamaged, match="is missing"):
        state.check(kept)
