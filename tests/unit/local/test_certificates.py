"""The run's own authority: verified like any other, its key nobody else's."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from local.certificates import Authority


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str | None:
    """The protocol that both agree on, or the client's refusal."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()  # a client that refuses the certificate says so by leaving

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(ours, server_hostname=name) as session:
            return session.version()
    finally:
        ours.close()
        thread.join()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_is_verified_in_full(tmp_path: Path, name: str) -> None:
    authority = Authority(tmp_path)
    client = ssl.create_default_context(cafile=authority.ca_file)
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # Python 3.13's default

    assert handshake(authority.server_context(), client, name) == "TLSv1.3"


def test_vouches_for_no_other_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    client = ssl.create_default_context(cafile=authority.ca_file)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"database\.internal"):
        handshake(authority.server_context(), client, "database.internal")


def test_another_run_is_another_authority(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    client = ssl.create_default_context(cafile=theirs.ca_file)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(ours.server_context(), client, "localhost")


def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    authority.key_file.chmod(0o644)

    again = Authority(tmp_path / "tls")

    assert again.key_file.stat().st_mode & 0o777 == 0o600
    with_keys = [file for file in (tmp_path / "tls").iterdir() if "PRIVATE KEY" in file.read_text()]
    assert with_keys == [again.key_file]
