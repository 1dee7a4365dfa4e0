"""The four steps of a rotation with alternating users. Each can be repeated, and can die anywhere.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
Each returns what it did, in a few words for the log.

Secrets Manager asks for one step after another, but a call of before may still run: Lambda repeats what it
lost sight of, and a rotation can be cancelled while a step waits. So whatever cannot be taken back, a
password or the move of AWSCURRENT, is done under a lock in the database, if the gate is open *then*.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from rotation import privileges, roles
from rotation.credentials import Credentials, pair_of
from rotation.database import Session, session, transaction
from rotation.errors import LoginRefused, SecretInvalid, TargetRefused
from rotation.versions import Held, SecretsManager, Versions, read_master


@dataclass(frozen=True)
class Rotation:
    """One rotation: the secret's versions, and what the steps need to reach the database."""

    versions: Versions
    client: SecretsManager
    host: str  # the one that the function was made for
    master_secret: str
    ca_file: str

    def current(self) -> Held:
        """Raises TargetRefused for a secret of another cluster."""
        found = self.versions.current()
        found.value.check_host(self.host)
        return found

    def pending(self) -> Credentials:
        found = self.versions.pending()
        if found is None:
            raise SecretInvalid("AWSPENDING has no value yet: createSecret has not been done")
        return found

    def logs_in(self, who: Credentials) -> bool:
        """False when the database refuses it; anything else that is wrong is raised."""
        try:
            with session(who, self.ca_file):
                return True
        except LoginRefused:
            return False

    @contextmanager
    def as_master(self, database: Credentials) -> Iterator[Session]:
        """A session of the master's. RDS may change the password between our reading it and the login."""
        read = read_master(self.client, self.master_secret)
        with ExitStack() as stack:
            try:
                opened = stack.enter_context(session(database.of_master(*read), self.ca_file))
            except LoginRefused as refused:
                again = read_master(self.client, self.master_secret)
                if again == read:
                    raise LoginRefused(
                        f"{refused}; the master's secret does not fit the database: unless RDS is just "
                        "rotating it, `aws rds modify-db-instance --rotate-master-user-password "
                        "--apply-immediately --db-instance-identifier <the instance>`"
                    ) from None
                opened = stack.enter_context(session(database.of_master(*again), self.ca_file))
            yield opened


def create_secret(rotation: Rotation) -> str:
    """Give AWSPENDING the other user and a new password, unless it has them already.

    A value that may not follow AWSCURRENT loses its label, since a version never changes: it was planted, or
    made for an AWSCURRENT of before. The next rotation then begins with a version of its own.
    """
    current = rotation.current().value
    strays = rotation.versions.drop_strays()
    pending = rotation.versions.pending()
    if pending is not None:
        try:
            pending.check_follows(current)
        except TargetRefused:
            rotation.versions.drop_pending()
            raise
        return "kept the value from before"
    rotation.versions.fill(current.successor())
    return f"made a value; took AWSPENDING off {strays}" if strays else "made a value"


def set_secret(rotation: Rotation) -> str:
    """Make AWSPENDING's user and password true in the database.

    The checks come before any login: not even a password that is to be goes to another host.
    """
    pending = rotation.pending()
    pending.check_follows(rotation.current().value)
    if rotation.logs_in(pending):
        return "the password was set before"
    with rotation.as_master(pending) as as_master, transaction(as_master):
        roles.lock(as_master)
        if not rotation.versions.open_gate():
            return "is current already"
        current = rotation.current().value
        pending.check_follows(current)
        outcome, passwords = _allowed(rotation, as_master, current)
        roles.ensure(as_master, {**passwords, pending.username: pending.password})
    return outcome


def _allowed(rotation: Rotation, as_master: Session, current: Credentials) -> tuple[str, dict[str, str]]:
    """What is done, and which passwords are set beside AWSPENDING's. Raises LoginRefused if nothing may be.

    That a login of the secret works shows that who wrote the secret knows the database. AWSPREVIOUS alone
    works in a database that was restored to before the last rotation, and where somebody changed AWSCURRENT's
    password by hand. The first rotation, when neither user exists, is told apart in
    docs/decisions/first-rotation.md.
    """
    if rotation.logs_in(current):
        return "set the password", {}
    both = {current.username: current.password}
    users = roles.existing(as_master, pair_of(current.username))
    if not users:
        return "made both users: the first rotation", both
    previous = rotation.versions.previous()
    if previous is not None and previous.precedes(current) and rotation.logs_in(previous):
        return "set both passwords: only AWSPREVIOUS logged in", both
    raise _unvouched(users, current)


def _unvouched(users: set[str], current: Credentials) -> LoginRefused:
    return LoginRefused(
        f"AWSCURRENT's {current.username} cannot log in although {', '.join(sorted(users))} exists, nor does "
        "AWSPREVIOUS: the secret or the database was changed by hand, or the database was restored; as the "
        f"master give {current.username} AWSCURRENT's password (psql's \\password), then rotate "
        "(docs/rotation.md)"
    )


def test_secret(rotation: Rotation) -> str:
    """Log in as AWSPENDING and try what its program does, and what it must not be able to do.

    It need not be the other user here: a rotation's rehearsal (`RotateImmediately=false`) tests a copy of
    AWSCURRENT.
    """
    pending = rotation.pending()
    pending.check_same_database(rotation.current().value)
    with session(pending, rotation.ca_file) as as_pending:
        privileges.probe(as_pending, pending.username)
    return "logged in and tried its privileges"


def finish_secret(rotation: Rotation) -> str:
    """Make AWSPENDING current, and leave no AWSPENDING behind.

    AWSPENDING's session holds the lock meanwhile: it logs in now, and nobody sets another password before it
    is current.
    """
    pending = rotation.pending()  # an empty version must never be current
    pending.check_follows(rotation.current().value)
    with session(pending, rotation.ca_file) as as_pending, transaction(as_pending):
        roles.lock(as_pending)
        current = rotation.current()
        if rotation.versions.open_gate():
            pending.check_follows(current.value)
            rotation.versions.promote(over=current.version)
    rotation.versions.drop_pending()
    return "made it current"


STEPS = {
    "createSecret": create_secret,
    "setSecret": set_secret,
    "testSecret": test_secret,
    "finishSecret": finish_secret,
}
