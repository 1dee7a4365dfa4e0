"""A signal ends a run in order once it has begun, and at once before that."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.interrupt import Interrupted, deferred, interruptible

ROOT = Path(__file__).parents[3]
# Stands for any of the modules that a run imports for half a second.
SLOW = "import pathlib, time; pathlib.Path(__file__).with_suffix('.reached').touch(); time.sleep(30)"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_before_anything_is_started_it_ends_at_once(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    (tmp_path / "psycopg.py").write_text(SLOW)
    run = subprocess.Popen(
        [sys.executable, "-m", "local", "--for", "1"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 20
    while not (tmp_path / "psycopg.reached").exists():
        assert time.monotonic() < end
        time.sleep(0.02)

    run.send_signal(number)

    assert run.communicate(timeout=20) == ("", f"millrace: stopped by {number.name}\n")
    assert run.returncode == code


def test_in_a_run_the_first_is_raised_and_the_others_change_nothing() -> None:
    former = signal.getsignal(signal.SIGTERM)

    with pytest.raises(Interrupted, match="SIGTERM") as stopped, interruptible():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), signal.SIGINT)  # impatience while servers stop

    assert stopped.value.exit_code == 143
    assert signal.getsignal(signal.SIGTERM) is former


def test_a_signal_that_comes_while_something_is_started_is_heard_once_it_is_known() -> None:
    started = False
    with pytest.raises(Interrupted), interruptible():
        with deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            started = True
        pytest.fail("it was not heard")
    assert started
