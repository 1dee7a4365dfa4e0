"""What the rotation refuses or cannot do. No message holds a secret: Lambda logs every one of them.

RotationError
├── GateClosed           the event is not a step of a rotation under way
├── SecretInvalid        a version's value is not what the application's secret holds
├── TargetRefused        a new version would reach for another cluster or another user
├── LoginRefused         the database knows no such user, or not with this password
├── DatabaseUnreachable  no TLS session that the database's certificate vouches for, or none that lasts
├── StatementRefused     the database refuses a statement; `code` is its SQLSTATE
├── RolesForeign         a role exists that our master may not manage
└── PrivilegesWrong      the new user logs in, but may too little or too much
"""


class RotationError(Exception):
    """The rotation stops here; its next attempt starts the step again."""


class GateClosed(RotationError):
    """The event is not a step of a rotation under way."""


class SecretInvalid(RotationError):
    """A version's value is not what the application's secret holds."""


class TargetRefused(RotationError):
    """A new version would reach for another cluster or another user."""


class LoginRefused(RotationError):
    """The database knows no such user, or not with this password."""


class DatabaseUnreachable(RotationError):
    """No TLS session that the database's certificate vouches for, or none that lasts: it may pass."""


class StatementRefused(RotationError):
    """The database refuses a statement."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(f"the database refuses it: {message} ({code})")
        self.message = message
        self.code = code  # https://www.postgresql.org/docs/18/errcodes-appendix.html


class RolesForeign(RotationError):
    """A role exists that our master may not manage."""


class PrivilegesWrong(RotationError):
    """The new user logs in, but may too little or too much."""
