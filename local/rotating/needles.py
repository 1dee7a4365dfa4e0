"""Every password, verifier and token of a run: what may stand nowhere."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import psycopg

# Any token of the cache has this, whoever signed it and when (processor/cache.py).
CACHE_TOKEN = "X-Amz-Signature="  # noqa: S105
# The embedded Secrets Manager begins each of its rotation tokens so (local/aws/ceremony.py).
ROTATION_TOKEN = "rotation-token-"  # noqa: S105
VERIFIERS = "SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL AND rolname LIKE 'millrace%'"
# Of what all passwords and keys are made, and how long they are at least: nothing else of a log need be
# looked through for each of hundreds of them.
RUN = re.compile(r"[A-Za-z0-9+/=_-]{24,}")
SHORTEST_KEY = 40  # characters of a stored or server key in base64: 44; a salt has 24


@dataclass
class Needles:
    """What is sought, by its kind."""

    passwords: set[str] = field(default_factory=set, repr=False)
    verifiers: set[str] = field(default_factory=set, repr=False)

    def add_secret(self, value: str) -> None:
        """A secret's value, as Secrets Manager has it."""
        self.passwords.add(str(json.loads(value)["password"]))

    def add_verifiers(self, connection: "psycopg.Connection") -> None:
        """The keys of what the database keeps now: one alone would be enough to try passwords."""
        for (verifier,) in connection.execute(VERIFIERS).fetchall():
            keys = verifier.replace("$", ":").split(":")
            self.verifiers |= {key for key in keys if len(key) >= SHORTEST_KEY}

    def found_in(self, text: str) -> list[str]:
        """The kinds that it holds; never the value."""
        kinds: tuple[tuple[str, Iterable[str]], ...] = (
            ("a password", self.passwords),
            ("a verifier", self.verifiers),
            ("a token of the cache", (CACHE_TOKEN,)),
            ("a rotation's token", (ROTATION_TOKEN,)),
        )
        runs = "\n".join(RUN.findall(text))
        return [kind for kind, values in kinds if _any(values, text, runs)]


def _any(values: Iterable[str], text: str, runs: str) -> bool:
    return any(value in (runs if RUN.fullmatch(value) else text) for value in values)
