"""What the rotation refuses or cannot do. No message holds a secret: Lambda logs every one of them.

RotationError
├── GateClosed           the event is not a step of a rotation under way
├── SecretInvalid        a version's value is not what the application's secret holds
├── TargetRefused        a new version would reach for another cluster or another user
├── LoginRefused         the database knows no such user, or not with this password
├── DatabaseUnreachable  no TLS session with the database that its certificate vouches for
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
    """No TLS session with the database that its certificate vouches for."""


class RolesForeign(RotationError):
    """A role exists that our master may not manage."""


class PrivilegesWrong(RotationError):
    """The new user logs in, but may too little or too much."""
