"""The deployer killed at points of its way through a life on the embedded AWS: `make soak` in small."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SEED = 11


def test_twenty_kills_with_seed_11_lead_to_what_an_undisturbed_life_leads_to() -> None:
    soak = subprocess.run(
        [sys.executable, "-m", "local.soak", "--tries", "20", "--seed", str(SEED)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert soak.returncode == 0, f"seed {SEED}:\n{soak.stdout}{soak.stderr}"
    assert f"20 tries, 0 failed, seed {SEED}" in soak.stdout
