import subprocess
import sys
from pathlib import Path

import pytest

from processor.__main__ import ALONE, ASKS, PRINTS, main

ROOT = Path(__file__).parents[3]


def test_an_environment_that_cannot_be_used_is_one_line_and_exit_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "processor"],
        env={"CACHE_PORT": "x"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "CACHE_PORT='x': must be a whole number from 1 to 65535" in done.stderr
    assert "STREAM_NAME is not set" in done.stderr


def test_a_trial_of_a_path_says_what_does_without_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_PORT", "x")
    week = ["--from", "2026-03-01T00:00:00Z", "--to", "2026-03-08T00:00:00Z"]
    given = ["--path", "*/*/*/*/*/*/temp", "--definition", '{"kind": "deviation"}']
    assert main(["rules", "try", *given, *week]) == 2
    assert capsys.readouterr().err.endswith("; at a desk give --database or --file\n")
    assert main(["rules", "try", "--rule", "hot", *week]) == 2
    assert "desk" not in capsys.readouterr().err


@pytest.mark.parametrize("asked", ["-h", "--help"])
def test_help_has_a_line_for_each_command(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([asked]) == 0
    told = capsys.readouterr().out
    for command in (*PRINTS, *ALONE, *ASKS, "migrate", "replay", "rules", "alarms"):
        assert f"\n  {command} " in told


def test_an_unknown_command_shows_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dance"]) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "begins"), [("settings", "| variable |"), ("metrics", "| metric |"), ("schema", "{")]
)
def test_what_needs_no_environment_is_printed(
    command: str, begins: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command]) == 0
    assert capsys.readouterr().out.startswith(begins)
    assert main([command, "more"]) == 2
