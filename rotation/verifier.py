"""A password's SCRAM-SHA-256 verifier: what PostgreSQL stores, made here so that it never sees the password.

RFC 5802 section 3, RFC 7677 section 3; the text form is PostgreSQL's:
https://www.postgresql.org/docs/18/catalog-pg-authid.html
"""

import base64
import hashlib
import hmac
import os

ITERATIONS = 4096  # PostgreSQL's own; a random password of 238 bits gains nothing from more
SALT_BYTES = 16


def verifier(password: str, salt: bytes | None = None) -> str:
    """`SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>` for a password of printable ASCII.

    ASCII is what SASLprep (RFC 4013) leaves as it is, so no preparation is needed.
    """
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored_key)}:{_text(server_key)}"


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode("ascii")
