"""From errors and lines to exit codes: nothing that happens beneath a run ends in a traceback."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local import command
from local.errors import PortInUse

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (PortInUse(port=5432, host="127.0.0.1"), 2, "millrace: port 5432 on 127.0.0.1 is in use: "),
        (OSError(28, "No space left on device", "/tmp/x"), 1, "No space left on device: '/tmp/x'"),
        (psycopg.OperationalError("the server has gone away"), 1, "millrace: not done: audited: the server"),
    ],
)
def test_an_error_is_told_without_a_traceback(
    error: Exception,
    code: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def failing(*_: Any) -> None:
        error.add_note("not done: audited")
        raise error

    monkeypatch.setattr(command, "run", failing)

    assert command.main([]) == code
    said = capsys.readouterr().err
    assert line in said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1


def test_a_reader_that_has_left_does_not_break_a_run() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    script = "from local.command import publish; publish('one'); publish('two'); raise SystemExit(7)"

    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False
    )

    os.close(writing)
    assert (ended.returncode, ended.stderr) == (7, b"")


def test_results_that_cannot_be_printed_are_one_line(tmp_path: Path) -> None:
    script = """
import sys
from local import command
command.run = lambda *_: command.publish("lost 0")
sys.exit(command.main([]))
"""
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False
        )

    assert (ended.returncode, ended.stderr) == (1, b"millrace: [Errno 28] No space left on device\n")


def test_without_a_standard_error_it_keeps_its_exit_code() -> None:
    ended = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m local --rate 0 2>&-"], cwd=ROOT, check=False
    )

    assert ended.returncode == 2
