"""One run: everything set up, rotated under load, and looked through."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from local.arguments import Options
from local.audit import Audit
from local.directory import RunDirectory
from local.rotating import haystack
from local.rotating.ceremonies import Ceremonies, Rotated
from local.rotating.needles import Needles
from local.rotating.readers import Readers, trouble
from local.rotating.sessions import Login, Sessions, logins
from local.rotating.stage import Stage, staged
from local.rotating.verdict import Found, counted
from local.screen import Screen
from local.streaming import Streaming
from parameters.settings import load
from rotation.credentials import USERS

ENVIRONMENT = "dev"
MACHINES = 40
SESSION_SECONDS = 5.0  # so that sessions move as often as logins do
LEAVE_SECONDS = 5.0  # a backend ends some time after its client
FILES = ("*.log", "postgres/*.log", "redis/*.log", "templates/**/*.yaml", "aws/**/*.json")
EPOCHS = "SELECT coalesce(max(epoch), 0) FROM millrace.shard_progress"


@dataclass(frozen=True)
class Asking:
    """How long, a rotation of each login every so many seconds, at so many readings a second."""

    seconds: float
    every: float
    rate: float


def run(asking: Asking, screen: Screen, said: Callable[[], str]) -> Found:
    """said: all that the screen has been told. Raises LocalError, DeployerError, EmbeddedAwsError."""
    needles = Needles()
    with RunDirectory(None) as directory, staged(directory, load(ENVIRONMENT), screen) as stage:
        needles.passwords.add(directory.master_password())
        return Run(stage, asking, needles).found(screen, said)


class Run:
    """A stage that is set, and what is learnt on it."""

    def __init__(self, stage: Stage, asking: Asking, needles: Needles) -> None:
        self._stage = stage
        self._asking = asking
        self._needles = needles
        self._places: dict[str, str] = {}  # what was seen while it ran
        self._streamed_seconds = 0.0
        self._connection = stage.servers.database()  # the watching threads have each one of their own

    def found(self, screen: Screen, said: Callable[[], str]) -> Found:
        stage = self._stage
        secrets = stage.session.client("secretsmanager")
        ceremonies = Ceremonies(secrets, stage.secrets, self._asking.every, self._rotated)
        for secret in stage.secrets:
            self._needles.add_secret(ceremonies.value(secret))
        self._needles.add_verifiers(self._connection)
        with closing(stage.servers.database()) as watched, Sessions(watched) as sessions:
            with stage.readers(SESSION_SECONDS) as readers, ceremonies:
                audit = self._streamed(readers, screen)
            left = self._left()
        if sessions.error is not None:
            raise sessions.error
        with screen.phase("searched for passwords, verifiers and tokens"):
            leaks, searched = self._leaks(sessions, said())
        row = self._connection.execute(EPOCHS).fetchone()
        self._connection.close()
        return Found(
            seconds=round(self._streamed_seconds, 1),
            sent=audit.sent,
            stored=audit.stored,
            lost=audit.lost,
            duplicated=audit.duplicated,
            most_epochs=row[0] if row else 0,
            restarts=readers.restarts,
            trouble=trouble(stage.log),
            rotations=ceremonies.counts(),
            longest_rotation=max((one.seconds for one in ceremonies.rotations), default=0.0),
            ceremonies=ceremonies.wrong,
            session_seconds=SESSION_SECONDS,
            oldest_session=max((sessions.oldest.get(user, 0.0) for user in USERS), default=0.0),
            most_sessions=sessions.most,
            opened_sessions=counted(sessions.opened, USERS),
            left_behind=[f"{login.program} as {login.user}" for login in left],
            admitted=stage.servers.gate.admitted,
            refused=stage.servers.gate.refused,
            leaks=leaks,
            searched=searched,
            needles=len(self._needles.passwords) + len(self._needles.verifiers),
            asked=stage.servers.aws.asked(),
        )

    def _streamed(self, readers: Readers, screen: Screen) -> Audit:
        began = time.monotonic()
        options = Options(seconds=self._asking.seconds, rate=self._asking.rate, machines=MACHINES)
        stage = self._stage
        with closing(Streaming(stage.servers, stage.stream, options, None)) as streaming:
            with screen.phase("readings streamed while the logins rotated", moving=True):
                streaming.flow(stage.session.client("kinesis"), readers, screen)
            self._streamed_seconds = time.monotonic() - began
            with screen.phase("audited, reading by reading"):
                return streaming.audit()

    def _rotated(self, rotated: Rotated) -> None:
        """What is there now is sought later, and who can be seen is looked at."""
        self._needles.add_secret(rotated.value)
        self._needles.add_verifiers(self._connection)
        self._places |= dict(haystack.processes())

    def _left(self) -> list[Login]:
        """Sessions that are there when all processors have ended."""
        end = time.monotonic() + LEAVE_SECONDS
        while (left := logins(self._connection)) and time.monotonic() < end:
            time.sleep(0.1)
        return left

    def _leaks(self, sessions: Sessions, said: str) -> tuple[list[str], int]:
        places = list(self._haystack(sessions, said))
        leaks = [f"{kind} in {name}" for name, text in places for kind in self._needles.found_in(text)]
        return leaks, len(places)

    def _haystack(self, sessions: Sessions, said: str) -> Iterator[tuple[str, str]]:
        yield "what the deployer said", said
        yield from haystack.files(self._stage.directory, FILES)
        yield from haystack.log_groups(self._stage.session.client("logs"))
        yield from self._places.items()
        for statement in sessions.statements:
            yield f"pg_stat_activity: {statement[:40]}", statement
