import json
import socket
import urllib.error
import urllib.request

import pytest

from processor import health
from processor.health import HealthServer, ask
from processor.readiness import Readiness


def test_a_living_loop_is_healthy_and_says_how_it_is() -> None:
    with HealthServer(0, lambda: {"database": "connected"}) as server:
        healthy, said = ask(server.port)
    assert healthy
    assert json.loads(said) == {"alive": True, "silent_seconds": 0.0, "database": "connected"}


def test_a_loop_that_stands_still_is_not_until_it_beats_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "STANDSTILL_SECONDS", -1)
    with HealthServer(0, dict) as server:
        assert ask(server.port)[0] is False
        monkeypatch.setattr(health, "STANDSTILL_SECONDS", 10)
        server.beat()
        assert ask(server.port)[0] is True


def test_nobody_there_is_not_healthy() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    healthy, said = ask(port)
    assert not healthy
    assert "no answer" in said


def test_any_other_path_is_not_found() -> None:
    with (
        HealthServer(0, dict) as server,
        pytest.raises(urllib.error.HTTPError, match="404") as error,
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/"),
    ):
        pass
    error.value.close()


def test_readiness_is_another_question_with_its_own_answer() -> None:
    because = ["the database is away: gone"]
    with HealthServer(0, dict, lambda: Readiness(tuple(because), {"role": "reader"})) as server:
        alive, _ = ask(server.port)
        ready, said = ask(server.port, "/ready")
        because.clear()
        then_ready, then_said = ask(server.port, "/ready")
    assert alive
    assert not ready
    assert json.loads(said) == {"ready": False, "because": ["the database is away: gone"], "role": "reader"}
    assert then_ready
    assert json.loads(then_said)["because"] == []


def test_what_stands_still_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "STANDSTILL_SECONDS", -1)
    with HealthServer(0, dict) as server:
        ready, said = ask(server.port, "/ready")
    assert not ready
    assert json.loads(said)["because"] == ["the loop stands still"]


def test_a_question_that_fails_is_told_in_the_log_and_the_next_one_is_answered(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = iter([{"database": "connected"}])

    def state() -> dict[str, object]:
        if not caplog.records:
            raise ValueError("not foreseen")
        return dict(next(answers))

    with HealthServer(0, state) as server:
        healthy, said = ask(server.port)
        again, _ = ask(server.port)
    assert (healthy, again) == (False, True)
    assert "no answer" in said
    (line,) = caplog.records
    assert line.message == "a question was not answered"
    assert line.exc_info is not None and "not foreseen" in str(line.exc_info[1])
    assert "Traceback" not in capfd.readouterr().err
