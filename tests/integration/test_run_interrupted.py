"""`python -m local` that is interrupted or killed: how it exits, and what it leaves."""

import os
import signal
import time
from typing import Any

import pytest

from tests.integration.runs import alive, descendants, start

__all__ = ["start"]  # a fixture


@pytest.mark.parametrize(
    ("phase", "number", "code"),
    [
        ("templates built", signal.SIGTERM, 143),
        ("processor started", signal.SIGINT, 130),
    ],
)
def test_an_interrupted_run_leaves_nothing(start: Any, phase: str, number: signal.Signals, code: int) -> None:
    run = start("--for", "60", "--rate", "200", "--machines", "2")
    run.wait_for(phase)
    time.sleep(0.5)
    started = descendants(run.pid)

    os.kill(run.pid, number)
    ended, output = run.end(60)

    assert (ended, output) == (code, "")
    assert started
    assert alive(started) == []
    assert list(run.temporary.iterdir()) == []
    assert "Traceback" not in run.chatter


def test_a_killed_run_leaves_no_servers(start: Any) -> None:
    run = start("--for", "60", "--rate", "200", "--machines", "2")
    run.wait_for("stacks deployed")
    started = descendants(run.pid)

    os.kill(run.pid, signal.SIGKILL)
    run.end()

    end = time.monotonic() + 30
    while left := alive(started):
        assert time.monotonic() < end, left
        time.sleep(0.1)
