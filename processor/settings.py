"""What the processor is told by its environment. The task definition's variables are made from these fields.

A field without a default must be wired by the template; one with a default may be, and is else left out.
"""

import os
import zoneinfo
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from processor.secret import Credentials

LOGIN = '{"host", "port", "dbname", "username", "password"}'


class SettingsError(ValueError):
    """The environment cannot be used: the message names each variable, its value and what is allowed."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One environment variable per field, in upper case."""

    environment: str  # dev, prod: a label on logs and metrics
    stream_name: str
    database_secret_arn: str  # {"host", "port", "dbname", "username", "password"}, rotated
    database_ca_file: str  # PEM bundle that the database's certificate is verified against
    cache_host: str  # the replication group's primary endpoint
    cache_port: int
    cache_name: str  # the replication group's id: what an IAM token is made for
    cache_user: str  # an IAM user of the cache: id and name are the same
    oldest_reading_days: int
    newest_reading_minutes: int
    site_time_zone: str = ""  # IANA name; naive timestamps are refused without one
    cache_ca_file: str = ""  # the system's own bundle when empty
    health_port: int = 8080
    poll_seconds: float = 0.2  # Kinesis allows 5 GetRecords a second and shard
    batch_records: int = 10_000  # GetRecords's own limit

    @property
    def region(self) -> str:
        """The region that the secret's ARN names: everything stands in one."""
        return self.database_secret_arn.split(":")[3]


class MigrationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the migrations' container is told: one environment variable per field, in upper case."""

    environment: str  # dev, prod: a label on logs
    database_login: str  # the migrator's secret, whole, as ECS writes it into the container
    database_ca_file: str  # PEM bundle that the database's certificate is verified against
    reading_retention_days: int
    minute_retention_days: int
    hour_retention_days: int
    quarantine_retention_days: int

    @property
    def login(self) -> Credentials:
        """Raises SettingsError, which does not say what the login is."""
        try:
            return msgspec.json.decode(self.database_login, type=Credentials, strict=False)
        except msgspec.MsgspecError:
            raise SettingsError(
                f"DATABASE_LOGIN must be JSON with {LOGIN}; it is the migrator's secret, whole"
            ) from None

    @property
    def days(self) -> dict[str, int]:
        """Table → days that its rows are kept."""
        return {
            "reading": self.reading_retention_days,
            "rollup_1m": self.minute_retention_days,
            "rollup_1h": self.hour_retention_days,
            "quarantine": self.quarantine_retention_days,
        }

    def __repr__(self) -> str:
        return f"MigrationSettings(environment={self.environment!r}, …)"


_RANGES: dict[str, tuple[float, float]] = {
    "cache_port": (1, 65535),
    "oldest_reading_days": (1, 36500),
    "newest_reading_minutes": (0, 525_600),
    "reading_retention_days": (1, 36500),
    "minute_retention_days": (1, 36500),
    "hour_retention_days": (1, 36500),
    "quarantine_retention_days": (1, 36500),
    "health_port": (1, 65535),
    "poll_seconds": (0.01, 60),
    "batch_records": (1, 10_000),
}


Read = TypeVar("Read", bound=msgspec.Struct)


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read every field. Raises SettingsError: each wrong variable, its value and what is allowed."""
    return read(Settings, environment)


def read(settings: type[Read], environment: Mapping[str, str]) -> Read:
    """As `from_environment`, for any struct of settings."""
    values: dict[str, Any] = {}
    complaints: list[str] = []
    for field in msgspec.structs.fields(settings):
        variable = field.name.upper()
        text = environment.get(variable, "")
        if not text:
            if field.required:
                complaints.append(f"{variable} is not set; the task definition sets it")
            continue
        try:
            values[field.name] = _typed(field.name, field.type, text)
        except ValueError as error:
            complaints.append(f"{variable}={text!r}: {error}")
    if complaints:
        raise SettingsError("; ".join(complaints))
    return settings(**values)


def _typed(name: str, kind: type[str] | type[int] | type[float], text: str) -> str | int | float:
    if kind is str:
        _check_text(name, text)
        return text
    noun = "a whole number" if kind is int else "a number"
    lowest, highest = _RANGES[name]
    try:
        value = kind(text)
    except ValueError:
        raise ValueError(f"must be {noun} from {lowest:g} to {highest:g}") from None
    if not lowest <= float(value) <= highest:
        raise ValueError(f"must be {noun} from {lowest:g} to {highest:g}")
    return value


def _check_text(name: str, text: str) -> None:
    if name == "database_secret_arn" and (
        len(text.split(":")) != 7 or ":secretsmanager:" not in text or not text.startswith("arn:")
    ):
        raise ValueError("must be a secret's ARN, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME")
    if name == "site_time_zone":
        try:
            zoneinfo.ZoneInfo(text)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("must be an IANA time zone such as Europe/London") from None
