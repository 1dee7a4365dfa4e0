"""Rotations, one after another, as an operator's `rotate-secret` begins them, to their end."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

LONGEST_SECONDS = 30.0  # of one rotation
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Rotated:
    """One rotation that ended. `value` is the secret's, with the password: for nobody's log."""

    secret: str
    at: float  # monotonic seconds
    seconds: float
    value: str = field(repr=False)


class Ceremonies:
    """`with Ceremonies(…) as ceremonies:` rotates every secret in turn, each `every` seconds, until it ends.

    seen: told of each rotation as it ends. A rotation that does not end in time is in `wrong`.
    """

    def __init__(
        self,
        client: "SecretsManagerClient",
        secrets: tuple[str, ...],
        every: float,
        seen: Callable[[Rotated], None],
    ) -> None:
        self._client = client
        self._secrets = secrets
        self._every = every
        self._seen = seen
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ceremonies", daemon=True)
        self.rotations: list[Rotated] = []
        self.wrong: list[str] = []

    def __enter__(self) -> "Ceremonies":
        self._thread.start()
        return self

    def __exit__(self, *ending: object) -> None:
        self._stop.set()
        self._thread.join(LONGEST_SECONDS * 2)

    def value(self, secret: str) -> str:
        """What is current."""
        return self._client.get_secret_value(SecretId=secret)["SecretString"]

    def counts(self) -> dict[str, int]:
        """Rotations that ended, by secret."""
        return {secret: sum(one.secret == secret for one in self.rotations) for secret in self._secrets}

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                for secret in self._secrets:
                    self._rotate(secret)
            except Exception as error:  # of this thread nobody else would hear
                self.wrong.append(f"the rotations ended: {type(error).__name__}: {error}")
                return
            self._stop.wait(max(0.0, self._every - (time.monotonic() - began)))

    def _rotate(self, secret: str) -> None:
        began = time.monotonic()
        before = self._last(secret)
        self._client.rotate_secret(SecretId=secret)
        while time.monotonic() - began < LONGEST_SECONDS:
            now = self._last(secret)
            if now is not None and (before is None or now > before):
                ended = time.monotonic()
                rotated = Rotated(secret, ended, ended - began, self.value(secret))
                self.rotations.append(rotated)
                self._seen(rotated)
                return
            time.sleep(LOOK_SECONDS)
        self.wrong.append(f"{secret} was not rotated within {LONGEST_SECONDS:.0f} s")

    def _last(self, secret: str) -> datetime | None:
        return self._client.describe_secret(SecretId=secret).get("LastRotatedDate")
