"""Harm to running processors: a hundred faults of all kinds."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SEED = 11


def test_a_hundred_faults_with_seed_11_lose_and_double_nothing() -> None:
    faults = subprocess.run(
        [sys.executable, "-m", "local.faults", "--faults", "100", "--seed", str(SEED)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1200,  # a guard against standing still; a busy machine takes minutes
        check=False,
    )

    assert faults.returncode == 0, f"seed {SEED}:\n{faults.stdout}{faults.stderr}"
    assert f"100 faults, seed {SEED}," in faults.stdout
    assert "nothing lost, nothing doubled" in faults.stdout
