"""What a running processor says of itself: /ready, its metrics on standard output, its log."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
STORED = "SELECT count(*) FROM reading"


def ready(site: Any, port: str) -> tuple[int, dict[str, Any]]:
    """Exit code and document of `python -m processor ready`."""
    done = subprocess.run(
        [sys.executable, "-m", "processor", "ready"],
        cwd=ROOT,
        env=site.environment(HEALTH_PORT=port),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, said


def test_a_reader_tells_that_it_is_ready_what_it_committed_and_whose_reading_it_refused(site: Any) -> None:
    # Given a reader that has stored a plant's readings and refused one
    port = site.free_port()
    process = site.start(HEALTH_PORT=port)
    site.put(*site.plant(0, 200), {"traceparent": TRACE, "readings": [{"path": "no", "ts": 1, "value": 1}]})
    site.wait(lambda: site.one(STORED) == 200)
    site.wait(lambda: site.one("SELECT count(*) FROM quarantine") == 1)

    # Then it is ready, and every shard has its commit
    code, said = ready(site, port)
    assert (code, said["ready"], said["because"]) == (0, True, [])
    assert (said["role"], said["tables"], said["database"], said["cache"]) == (
        "reader",
        True,
        "connected",
        "connected",
    )
    assert any(shard["committed_seconds_ago"] is not None for shard in said["shards"].values())

    # When it is told to stop
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0

    # Then its last lines hold the figures, and the refused reading has its trace
    lines = [json.loads(line) for line in site.log.read_text().splitlines()]
    figures = [line for line in lines if "Commits" in line]
    assert sum(line["ReadingsInserted"] for line in figures) == 200
    assert sum(line["ReadingsRefused"] for line in figures) == 1
    (refused,) = [line for line in lines if line.get("message") == "reading refused"]
    assert (refused["traceparent"], refused["reason"], refused["stream"]) == (TRACE, "path", site.stream)
    assert refused["sequence_number"] == site.one("SELECT sequence_number FROM quarantine")
