"""Processes below this one are seen as anyone on the host may see them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.rotating import haystack


@pytest.fixture
def grandchild() -> Iterator[int]:
    """A process below a process, with a word in its environment and one in its arguments."""
    inner = "print('ready', flush=True); input()"
    outer = (
        "import subprocess, sys;"
        f"subprocess.run([sys.executable, '-c', {inner!r}, 'argued'], env={{'WORD': 'environed'}})"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process.pid
    process.communicate("\n", timeout=10)


@pytest.mark.usefixtures("grandchild")
def test_arguments_and_environment_of_all_descendants_are_read() -> None:
    places = dict(haystack.processes())
    assert any("argued" in text for name, text in places.items() if name.startswith("cmdline"))
    assert any("WORD=environed" in text for name, text in places.items() if name.startswith("environ"))


def test_files_are_named_by_where_they_lie(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "redis.log").write_text("ready")
    assert list(haystack.files(tmp_path, ("*.log", "redis/*.log"))) == [("redis/redis.log", "ready")]
