"""What a login's secret holds, and how one of its two users follows the other."""

import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rotation.errors import SecretInvalid, TargetRefused

# Pairs that take turns: while one is in use, the other gets a new password, so no session is ever cut.
USERS = ("millrace_app", "millrace_app_clone")  # the processor's
MIGRATORS = ("millrace_migrator", "millrace_migrator_clone")  # of a release's migrations
ALL_USERS = (*USERS, *MIGRATORS)
PASSWORD_LENGTH = 40  # letters and digits: 238 bits, and nothing that a DSN or a shell would take amiss
ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Credentials:
    """Who logs in where. `rest` is what else the secret holds (engine, instance): carried along untouched."""

    host: str
    port: int
    dbname: str
    username: str
    password: str = field(repr=False)
    rest: Mapping[str, object] = field(default_factory=dict, repr=False)

    def to_json(self) -> str:
        """The secret's value, with the password: for Secrets Manager alone."""
        return json.dumps(
            {
                **self.rest,
                "host": self.host,
                "port": self.port,
                "dbname": self.dbname,
                "username": self.username,
                "password": self.password,
            }
        )

    def successor(self) -> "Credentials":
        """The other user of the pair, with a new password."""
        password = "".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_LENGTH))
        return replace(self, username=other(self.username), password=password)

    def of_master(self, username: str, password: str) -> "Credentials":
        """The master's login to the same database."""
        return replace(self, username=username, password=password)

    def check_host(self, host: str) -> None:
        """Raise TargetRefused unless this reaches for the database that the function was made for.

        It logs in as that database's master: whoever could write the secret would else choose where to.
        """
        if self.host.lower() != host.lower():
            raise TargetRefused(
                f"AWSCURRENT's host is {self.host!r}, and this function rotates logins to {host!r} alone: "
                "it is another cluster's secret, or its database was replaced; put the right host into the "
                "secret with `aws secretsmanager put-secret-value`, or deploy the stack again"
            )

    def check_same_database(self, current: "Credentials") -> None:
        """Raise TargetRefused unless this reaches for current's own database."""
        for name in ("host", "port", "dbname"):
            ours, theirs = getattr(self, name), getattr(current, name)
            if ours != theirs:
                raise TargetRefused(
                    f"AWSPENDING's {name} is {ours!r}, AWSCURRENT's is {theirs!r}: "
                    "a rotation stays on its own database; remove that version's AWSPENDING label"
                )

    def precedes(self, current: "Credentials") -> bool:
        """Whether this is the other user of the pair, on current's own database."""
        here = (self.host, self.port, self.dbname, self.username)
        return here == (current.host, current.port, current.dbname, other(current.username))

    def check_follows(self, current: "Credentials") -> None:
        """Raise TargetRefused unless this is the other user of the pair on current's own database.

        The function may change passwords as the master: whoever could plant a version that names another
        cluster or another user would have it changed for them (the confused deputy).
        """
        self.check_same_database(current)
        if self.username != other(current.username):
            raise TargetRefused(
                f"AWSPENDING's username is {self.username!r}; after {current.username!r} "
                f"only {other(current.username)!r} may follow; remove that version's AWSPENDING label"
            )


def pair_of(username: str) -> tuple[str, str]:
    """The two users that take turns, this one among them. Raises SecretInvalid for any other user."""
    for pair in (USERS, MIGRATORS):
        if username in pair:
            return pair
    raise SecretInvalid(f"{username!r} is not a user that is rotated; allowed are {', '.join(ALL_USERS)}")


def other(username: str) -> str:
    """The user that takes turns with this one."""
    first, second = pair_of(username)
    return second if username == first else first


def parse(value: str, where: str) -> Credentials:
    """Read a version's value.

    Raises SecretInvalid that names the version and the field, never a value that might be the password.
    """
    fields = _object(value, where)
    for name in ("host", "dbname", "username", "password"):
        if not isinstance(fields.get(name), str) or not fields[name]:
            raise SecretInvalid(f"{where} has no {name!r}; it must be a string that is not empty")
    username, password, port = str(fields["username"]), str(fields["password"]), str(fields.get("port"))
    if username not in ALL_USERS:
        raise SecretInvalid(f"{where} has the username {username!r}; allowed are {', '.join(ALL_USERS)}")
    if not password.isascii() or not password.isprintable():
        raise SecretInvalid(f"{where} has a password with other than printable ASCII characters")
    # The attachment writes a number, a hand may have written a string.
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise SecretInvalid(f"{where} has no valid 'port'; allowed is 1 to 65535")
    if fields.get("engine", "postgres") != "postgres":
        raise SecretInvalid(f"{where} has the engine {fields['engine']!r}; this function rotates 'postgres'")
    known = {"host", "port", "dbname", "username", "password"}
    return Credentials(
        host=str(fields["host"]),
        port=int(port),
        dbname=str(fields["dbname"]),
        username=username,
        password=password,
        rest={name: fields[name] for name in fields if name not in known},
    )


def parse_master(value: str) -> tuple[str, str]:
    """RDS's managed secret: user name and password, and nothing else that we need."""
    fields = _object(value, "the master's secret")
    username, password = fields.get("username"), fields.get("password")
    if not isinstance(username, str) or not isinstance(password, str) or not username or not password:
        raise SecretInvalid("the master's secret lacks 'username' or 'password'")
    return username, password


def _object(value: str, where: str) -> dict[str, object]:
    try:
        fields = json.loads(value)
    except json.JSONDecodeError:
        fields = None  # not chained: the decoder's error carries the whole text
    if not isinstance(fields, dict):
        raise SecretInvalid(f"{where} is not a JSON object")
    return fields
