"""The verifier against the exchange that RFC 7677 publishes."""

import base64
import hashlib
import hmac

from rotation.verifier import verifier

# RFC 7677 section 3: user `user`, password `pencil`.
SALT = "W22ZaJ0SNY7soEsUEjb6gQ=="
NONCE = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
EXCHANGE = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={NONCE},s={SALT},i=4096,c=biws,r={NONCE}".encode()
CLIENT_PROOF = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
SERVER_SIGNATURE = base64.b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def test_verifies_the_published_exchange_and_answers_as_its_server() -> None:
    mechanism, rounds_and_salt, keys = verifier("pencil", base64.b64decode(SALT)).split("$")
    stored, server = (base64.b64decode(key) for key in keys.split(":"))

    assert (mechanism, rounds_and_salt) == ("SCRAM-SHA-256", f"4096:{SALT}")
    signature = hmac.digest(stored, EXCHANGE, "sha256")
    client_key = bytes(a ^ b for a, b in zip(CLIENT_PROOF, signature, strict=True))
    assert hashlib.sha256(client_key).digest() == stored
    assert hmac.digest(server, EXCHANGE, "sha256") == SERVER_SIGNATURE


def test_salts_each_time() -> None:
    assert verifier("same") != verifier("same")
