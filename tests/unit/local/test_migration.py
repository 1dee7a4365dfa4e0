"""Migrations as their container runs them: with its environment alone, to the end."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from local import once
from local.migration import MigrationFailed, injected, migrate

FAKE = """
import os, sys
print(sorted(name for name in os.environ if name.isupper()), sys.argv[1:], flush=True)
sys.exit("a lock was not had in time" if os.environ.get("FAILS") else 0)
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a stand-in for the real processor writes."""
    package = tmp_path / "processor"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(FAKE)
    monkeypatch.setattr(once, "ROOT", tmp_path)
    monkeypatch.setenv("STRAY", "from the user's own shell")
    return tmp_path / "processor.log"


def test_it_gets_its_own_environment_and_no_other(log: Path) -> None:
    migrate({"DATABASE_LOGIN": "{}"}, log)

    said = log.read_text()
    assert "'DATABASE_LOGIN'" in said
    assert "STRAY" not in said
    assert "['migrate']" in said


def test_a_failure_ends_the_run_with_what_it_said(log: Path) -> None:
    with pytest.raises(MigrationFailed, match=r"(?s)exit code 1.*a lock was not had in time"):
        migrate({"FAILS": "1"}, log)


@pytest.fixture
def account() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Credentials of a role, and a Secrets Manager that remembers whose key signed."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say({"AccessKeyId": "ASIAEXECUTION", "SecretAccessKey": "s", "Token": "t"})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((body["SecretId"], self.headers["Authorization"]))
            self._say({"SecretString": f"value of {body['SecretId']}"})

        def _say(self, document: dict[str, str]) -> None:
            text = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_secrets_are_read_with_the_rights_of_the_role_that_starts_the_task(
    account: tuple[str, list[tuple[str, str]]],
) -> None:
    url, asked = account
    role = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url, "AWS_REGION": "eu-west-2", "AWS_ENDPOINT_URL": url}

    assert injected({"DATABASE_LOGIN": "arn:migrator"}, role) == {"DATABASE_LOGIN": "value of arn:migrator"}
    ((secret, signed),) = asked
    assert secret == "arn:migrator"
    assert "ASIAEXECUTION" in signed
