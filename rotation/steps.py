"""The four steps of a rotation with alternating users. Each can be repeated, and can die anywhere.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
Each returns what it did, in a few words for the log.
"""

from dataclasses import dataclass

from rotation import privileges, roles
from rotation.credentials import Credentials, pair_of
from rotation.database import session, transaction
from rotation.errors import LoginRefused, SecretInvalid
from rotation.versions import SecretsManager, Versions, read_master


@dataclass(frozen=True)
class Rotation:
    """One rotation: the secret's versions, and what the steps need to reach the database."""

    versions: Versions
    client: SecretsManager
    master_secret: str
    ca_file: str

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


def create_secret(rotation: Rotation) -> str:
    """Give AWSPENDING the other user and a new password, unless it has them already."""
    current = rotation.versions.current()
    strays = rotation.versions.drop_strays()
    pending = rotation.versions.pending()
    if pending is not None:
        pending.check_follows(current)
        return "kept the value from before"
    rotation.versions.fill(current.successor())
    return f"made a value; took AWSPENDING off {strays}" if strays else "made a value"


def set_secret(rotation: Rotation) -> str:
    """Make AWSPENDING's user and password true in the database.

    The checks come before any login: not even a password that is to be goes to another host. That AWSCURRENT
    logs in shows that who wrote the secret knows the database; the first rotation, when neither user exists,
    is told apart in docs/decisions/first-rotation.md.
    """
    current, pending = rotation.versions.current(), rotation.pending()
    pending.check_follows(current)
    if rotation.logs_in(pending):
        return "the password was set before"
    passwords = {pending.username: pending.password}
    known = rotation.logs_in(current)
    master = pending.of_master(*read_master(rotation.client, rotation.master_secret))
    with session(master, rotation.ca_file) as as_master, transaction(as_master):
        roles.lock(as_master)
        if not known:
            _check_first(roles.existing(as_master, pair_of(current.username)), current)
            passwords[current.username] = current.password
        roles.ensure(as_master, passwords)
    return "set the password" if known else "made both users: the first rotation"


def _check_first(users: set[str], current: Credentials) -> None:
    if users:
        raise LoginRefused(
            f"AWSCURRENT's {current.username} cannot log in although {', '.join(sorted(users))} exists: "
            "the secret or the database was changed by hand; put the right password into the secret, "
            f"or, if no application uses the database, drop {' and '.join(pair_of(current.username))}"
        )


def test_secret(rotation: Rotation) -> str:
    """Log in as AWSPENDING and try what its program does, and what it must not be able to do.

    It need not be the other user here: a rotation's rehearsal (`RotateImmediately=false`) tests a copy of
    AWSCURRENT.
    """
    pending = rotation.pending()
    pending.check_same_database(rotation.versions.current())
    with session(pending, rotation.ca_file) as as_pending:
        privileges.probe(as_pending, pending.username)
    return "logged in and tried its privileges"


def finish_secret(rotation: Rotation) -> str:
    """Make AWSPENDING current, and leave no AWSPENDING behind."""
    rotation.pending().check_follows(rotation.versions.current())  # an empty version must never be current
    rotation.versions.promote()
    rotation.versions.drop_pending()
    return "made it current"


STEPS = {
    "createSecret": create_secret,
    "setSecret": set_secret,
    "testSecret": test_secret,
    "finishSecret": finish_secret,
}
