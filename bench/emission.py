"""The builder: what the lint cache saves when nothing changed."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measure import Row, Way, in_turn

ROOT = Path(__file__).parent.parent


def rows() -> list[Row]:
    """One row: build and lint with a warm cache, against the same with none."""
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as directory:
        return [
            in_turn(
                "emit_lint_cached_vs_cold",
                Way("cached", lambda: _build(Path(directory))),
                Way("cold", lambda: _build_cold(Path(directory))),
                goal=5,
            )
        ]


def _build_cold(directory: Path) -> None:
    shutil.rmtree(ROOT / ".cache", ignore_errors=True)
    _build(directory)


def _build(directory: Path) -> None:
    command = [sys.executable, str(ROOT / "build.py"), "--env", "dev", "--out", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
