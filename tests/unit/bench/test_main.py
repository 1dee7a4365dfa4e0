"""The command: what it refuses, and what it writes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import __main__ as command
from bench.measure import Options, Row
from local.errors import ServerMissing

ROW = Row("row", 1.0, "other", 2.0, "s", 2.0, None, 5, 1.0, 2.0, "s")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Options]]:
    """Groups that measure nothing, and what they were asked."""
    heard: list[tuple[str, Options]] = []

    def group(name: str) -> Callable[[Options], list[Row]]:
        def rows(options: Options) -> list[Row]:
            heard.append((name, options))
            return [ROW]

        return rows

    monkeypatch.setattr(command, "GROUPS", {name: group(name) for name in ("emission", "path")})
    return heard


def test_all_groups_run_when_none_is_named(
    asked: list[tuple[str, Options]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"

    assert command.main(["--out", str(out)]) == 0

    assert asked == [("emission", Options(5, 2_000_000)), ("path", Options(5, 2_000_000))]
    assert len(json.loads(out.read_text())["rows"]) == 2
    assert capsys.readouterr().out.count("row ") == 2


def test_a_named_group_runs_alone_with_the_sizes_given(
    asked: list[tuple[str, Options]], tmp_path: Path
) -> None:
    arguments = ["path", "path", "--readings", "500000", "--runs", "7", "--out", str(tmp_path / "out.json")]

    assert command.main(arguments) == 0

    assert asked == [("path", Options(7, 500_000))]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["pth"], "there is no group 'pth'; there are: emission, path"),
        (["--readings", "many"], "'many' must be a whole number from 100000 on"),
        (["--runs", "4"], "'4' must be a whole number from 5 on"),
        (["--out", "/nowhere/at/all.json"], "there is no directory /nowhere/at"),
    ],
)
def test_a_wrong_command_line_is_one_clear_line_and_exit_2(
    asked: list[tuple[str, Options]],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)

    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
    assert asked == []


def test_figures_that_cannot_be_written_are_still_printed(
    asked: list[tuple[str, Options]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["emission", "--out", str(tmp_path)]) == 1

    printed = capsys.readouterr()
    assert "row " in printed.out
    assert f"bench: cannot write {tmp_path}: Is a directory; give another file by --out" in printed.err


def test_a_missing_server_is_named_and_the_last_results_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(options: Options) -> list[Row]:
        raise ServerMissing(server="Redis or Valkey", remedy="install one")

    monkeypatch.setattr(command, "GROUPS", {"path": missing})
    out = tmp_path / "out.json"
    out.write_text("the last ones")

    assert command.main(["--out", str(out)]) == 2

    assert "bench: there is no Redis or Valkey on this machine: install one" in capsys.readouterr().err
    assert out.read_text() == "the last ones"
