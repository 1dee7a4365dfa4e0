import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local import processor
from local.processor import Processor, ProcessorFailed

FAKE = """
import http.server, os, pathlib, signal, sys, threading
pathlib.Path("pid").write_text(str(os.getpid()))
print({name: os.environ[name] for name in sorted(os.environ)}, flush=True)
if os.environ.get("FAILS"):
    sys.exit("no such secret")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ready = b'{"shards": {"a": {"age_at_commit_seconds": 0.2}, "b": {"age_at_commit_seconds": 0.7},'
        ready += b' "c": {"age_at_commit_seconds": null}}}'
        body = ready if self.path == "/ready" else b""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["HEALTH_PORT"])), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
print("stopped in order", flush=True)
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a stand-in for the real processor, found first as the package of that name, writes."""
    package = tmp_path / "processor"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(FAKE)
    monkeypatch.setattr(processor, "ROOT", tmp_path)
    monkeypatch.setattr(processor, "PAUSE_SECONDS", 0.0)
    monkeypatch.setenv("STRAY", "from the user's own shell")
    return tmp_path / "processor.log"


def wait(condition: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_it_gets_the_tasks_environment_and_nothing_of_ours(log: Path) -> None:
    with Processor({"STREAM_NAME": "readings"}, log, lambda: True):
        said = log.read_text()

    assert "'STREAM_NAME': 'readings'" in said
    assert "STRAY" not in said
    assert log.read_text().endswith("stopped in order\n")


def test_the_age_at_commit_is_the_worst_of_its_shards_and_nobody_s_when_it_is_gone(log: Path) -> None:
    with Processor({}, log, lambda: True) as running:
        assert running.commit_age() == 0.7
    assert running.commit_age() is None


def test_it_is_started_again_when_it_has_died(log: Path) -> None:
    with Processor({}, log, lambda: True) as running:
        running.watch()
        assert running.restarts == 0

        os.kill(int((log.parent / "pid").read_text()), signal.SIGKILL)
        while not running.restarts:
            running.watch()
        wait(lambda: log.read_text().count("HEALTH_PORT") == 2)
    assert running.restarts == 1


def test_one_that_cannot_start_is_reported_with_the_end_of_its_log(log: Path) -> None:
    with pytest.raises(ProcessorFailed, match=r"(?s)ended while it started.*no such secret") as failed:
        Processor({"FAILS": "yes"}, log, lambda: True).__enter__()

    assert failed.value.exit_code == 1


def test_one_that_never_reads_the_stream_is_stopped_and_reported(log: Path) -> None:
    with pytest.raises(ProcessorFailed, match="was not ready within"):
        Processor({}, log, lambda: False, ready_seconds=0.5).__enter__()

    wait(lambda: "stopped in order" in log.read_text())
