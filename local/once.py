"""A command of the processor's, run to its end with an environment of its own, as a container runs it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local.processor import INHERITED

ROOT = Path(__file__).parent.parent
SECONDS = 180.0  # as long as Fargate waits
LINES = 12  # of its end, which are shown


def once(arguments: list[str], environment: Mapping[str, str], log: Path) -> int:
    """Run `python -m processor …`; its exit code. Both outputs are appended to the log."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    with log.open("ab") as output:
        done = subprocess.run(
            [sys.executable, "-m", "processor", *arguments],
            cwd=ROOT,
            env={**inherited, **environment},
            stdout=output,
            stderr=output,
            timeout=SECONDS,
            check=False,
        )
    return done.returncode


def tail(log: Path) -> str:
    """The end of the log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-LINES:])
