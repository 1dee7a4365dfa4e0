"""`python -m local` as its user has it: what it does with a plant, a recording and wrong input."""

import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

from tests.integration.runs import Run, alive, descendants, start

__all__ = ["start"]  # a fixture

KEYS = {
    "sent", "stored", "quarantined", "lost", "duplicated", "absorbed",
    "latency_ms", "seconds", "stacks", "resources", "plan", "rotation", "alarms", "rehearsal",
}  # fmt: skip


def test_a_plant_runs_through_though_the_processor_is_killed(start: Any, tmp_path: Path) -> None:
    out = tmp_path / "audit.json"
    run = start("--for", "4", "--rate", "500", "--machines", "3", "--json", str(out))
    run.wait_for("processor started as the deployed task says")
    time.sleep(1)
    started = descendants(run.pid)
    (processor,) = [pid for pid, command in started.items() if command.endswith("-m processor")]

    os.kill(processor, signal.SIGKILL)
    code, output = run.end()

    audit = json.loads(out.read_text())
    assert code == 0, run.chatter
    assert set(audit) == KEYS
    assert audit["sent"] == 2000
    assert audit["lost"] == audit["duplicated"] == 0
    assert audit["stored"] + audit["quarantined"] + audit["absorbed"] == 2000
    assert audit["stacks"] == 12
    assert audit["plan"]["add"] > 90
    assert audit["plan"]["modify"] == audit["plan"]["remove"] == 0
    assert audit["rotation"] == {"rotated": True}
    assert audit["alarms"].keys() == {"raised", "cleared", "told"}
    rehearsal = audit["rehearsal"]
    assert rehearsal["plan"] == 3
    assert "nobody accepted that for Stream/Readings" in rehearsal["refused"]
    assert "UPDATE_FAILED: the service refuses it" in rehearsal["cause"]
    assert (rehearsal["status"], rehearsal["restored"]) == ("UPDATE_ROLLBACK_COMPLETE", True)
    assert 0 < audit["latency_ms"]["p50"] <= audit["latency_ms"]["p99"]
    assert "restarted 1 times" in output
    assert alive(started) == []
    assert list(run.temporary.iterdir()) == []


RECORDING = """\
Zeit;Temp [°C];läuft
2013-12-02 21:15:00;73,96;true
2013-12-02 21:20:00;74,93;
2013-12-02 21:20:00;74,95;false
2013-12-02 21:25:00;NaN;false
2013-12-02 21:25:00;NaN;false
"""


def test_a_recording_is_stored_once_however_often_it_is_replayed(start: Any, tmp_path: Path) -> None:
    file, out = tmp_path / "Ofen 3.csv", tmp_path / "audit.json"
    file.write_text(RECORDING)
    arguments = ["--replay", str(file), "--timezone", "Europe/Berlin", "--state", str(tmp_path / "state")]

    audits = []
    for _ in range(2):
        run = start(*arguments, "--json", str(out))
        assert run.end()[0] == 0, run.chatter
        audits.append(json.loads(out.read_text()))
        assert "column 'Temp [°C]' is recordings/local/replay/line1/cell1/Ofen_3/Temp_C" in run.chatter

    first, second = audits
    assert [first[key] for key in ("sent", "stored", "absorbed", "lost", "duplicated")] == [9, 7, 2, 0, 0]
    assert [second[key] for key in ("sent", "stored", "absorbed", "lost", "duplicated")] == [9, 0, 9, 0, 0]
    assert second["plan"] == {"add": 0, "modify": 0, "remove": 0}
    assert second["rotation"] == {"rotated": True}
    assert list(run.temporary.iterdir()) == []


def refused(tmp_path: Path, *arguments: str) -> str:
    """The one line that wrong input gets; exit 2, and nothing started."""
    run = Run(tmp_path, *arguments)
    code, output = run.end(30)
    assert (code, output) == (2, "")
    assert "Traceback" not in run.chatter
    assert list(run.temporary.iterdir()) == []
    (line,) = run.chatter.splitlines()
    assert line.startswith("millrace: ")
    return line


def test_wrong_input_is_refused_before_anything_starts(tmp_path: Path) -> None:
    file = tmp_path / "recording.csv"
    file.write_text("timestamp,value\n2013-12-02 21:15:00,1\nyesterday,2\n")
    state = tmp_path / "state"

    assert "--rate: '0' is not allowed" in refused(tmp_path, "--rate", "0")
    line = refused(tmp_path, "--replay", str(file), "--state", str(state))
    assert f"{file}: row 3, column 1: 'yesterday' is no time" in line
    assert not state.exists()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(tmp_path, "--state", str(state), "--aws-port", str(port))
    assert f"port {port} on 127.0.0.1 is in use" in line
    assert not state.exists()
