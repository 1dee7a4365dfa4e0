import os
import subprocess
import sys
from pathlib import Path

import pytest

from processor.alarms.output import show

ROOT = Path(__file__).parents[3]
SHOWN = [sys.executable, "-c", "from processor.alarms.output import show; show(map(str, range(100_000)))"]


def test_a_reader_that_has_had_enough_ends_it_quietly() -> None:
    taken, given = os.pipe()
    os.close(taken)
    done = subprocess.run(SHOWN, cwd=ROOT, stdout=given, stderr=subprocess.PIPE, check=False)
    os.close(given)
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_the_output_cannot_write_is_escaped() -> None:
    code = "from processor.alarms.output import show; show(['\\u00fcn\\u00ef.csv', 'end'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"\\xfcn\\xef.csv\nend\n", b"")


def test_lines_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    show(["one", "two"])
    assert capsys.readouterr().out == "one\ntwo\n"
