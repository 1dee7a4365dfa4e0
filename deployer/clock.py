"""Time as the deployer knows it, so that a test needs none."""

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds, from any origin, that never go back."""

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class FakeClock:
    """Sleeping is what moves it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
