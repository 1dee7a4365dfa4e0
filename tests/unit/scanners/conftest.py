"""The scanners in their own environment, which make sets up when it is not there yet."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

Scan = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def scan() -> Scan:
    """`scan("guard", "--templates", …)`: what `python -m scanners` prints, and its exit code."""
    ready = ["make", "--silent", ".venv-scan/.ready", f"PYTHON={sys.executable}"]
    subprocess.run(ready, cwd=ROOT, check=True)

    def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        command = [ROOT / ".venv-scan/bin/python", "-m", "scanners", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    return run
