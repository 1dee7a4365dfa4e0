"""Programs that run for a server's account, and end with what they have started."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from local.account import Account
from local.interrupt import Interrupted, interruptible

# As initdb does: a child that works in the directory, and a parent that waits for it.
WORKING = "sh -c 'touch begun; while :; do touch busy; sleep 0.01; done' & wait"


def test_gives_back_what_a_program_said_and_how_it_ended(tmp_path: Path) -> None:
    ended = Account().run(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"], tmp_path)

    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "out\n", "err\n")


def test_nothing_goes_on_writing_after_an_interruption(tmp_path: Path) -> None:
    def interrupt() -> None:
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=interrupt).start()
    with pytest.raises(Interrupted), interruptible():
        Account().run(["/bin/sh", "-c", WORKING], tmp_path)

    time.sleep(0.2)  # who is killed ends the call that it is in
    (tmp_path / "busy").unlink(missing_ok=True)
    time.sleep(0.2)
    assert not (tmp_path / "busy").exists()
