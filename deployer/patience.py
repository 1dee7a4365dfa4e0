"""How long to go on while AWS cannot be asked: what it runs goes on by itself, for hours at times.

botocore has tried each call several times already before one of these errors is seen here.
"""

from dataclasses import dataclass
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from deployer import account
from deployer.clock import Clock
from deployer.errors import MissingCredentials, RejectedCredentials, Unreachable
from deployer.viewer import Viewer

LONGEST_PAUSE = 60.0  # seconds
# Beside botocore's own list (retries/standard.py) the one that CloudFormation's quotas use:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html
THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown"}
)
AILING = frozenset({"InternalFailure", "InternalError", "ServiceUnavailable"})


@dataclass(frozen=True)
class Trouble:
    """One reason why AWS cannot be asked, and for how many minutes it is waited out."""

    what: str
    minutes: float


CREDENTIALS = Trouble("AWS refuses the credentials: renew them (aws sso login)", 30.0)  # a person must come
CONNECTION = Trouble("AWS cannot be reached", 15.0)  # a train in a tunnel, a laptop that sleeps
LIMIT = Trouble("AWS asks for fewer requests", 10.0)
SERVICE = Trouble("AWS has a failure of its own", 10.0)


def trouble(error: BotoCoreError | ClientError, own_account: str) -> Trouble | None:
    """None for what no waiting mends."""
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in THROTTLED:
            return LIMIT
        if code in AILING or status >= 500:
            return SERVICE
    meaning = account.explained(error, own_account)
    if isinstance(meaning, (MissingCredentials, RejectedCredentials)):
        return CREDENTIALS
    return CONNECTION if isinstance(meaning, Unreachable) else None


class Patience:
    """Of one operation that is followed. `poll` is the first pause, in seconds; it doubles."""

    def __init__(self, clock: Clock, viewer: Viewer, own_account: str, poll: float) -> None:
        self._clock = clock
        self._viewer = viewer
        self._account = own_account
        self._poll = poll
        self._now: Trouble | None = None
        self._until = 0.0
        self._tries = 0
        self.was_refused = False  # by credentials, at any time: those that came then may be another account's

    def after(self, error: BotoCoreError | ClientError) -> float | None:
        """The seconds to wait before the next try; None when it has been tried for long enough."""
        found = trouble(error, self._account)
        if found is None:
            return None
        if found != self._now:
            self._now, self._tries = found, 0
            self._until = self._clock.now() + found.minutes * 60
        if self._clock.now() >= self._until:
            return None
        self.was_refused = self.was_refused or found is CREDENTIALS
        rest = self._until - self._clock.now()
        until = self._clock.wall() + timedelta(seconds=rest)
        self._viewer.says(f"{found.what}; waiting until {until:%H:%M}")
        self._tries += 1
        return min(self._poll * 2.0**self._tries, LONGEST_PAUSE, rest)

    def well(self) -> None:
        """AWS has answered."""
        if self._now is not None:
            self._now = None
            self._viewer.says("")
