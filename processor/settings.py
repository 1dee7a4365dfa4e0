"""What the processor is told by its environment. The task definition's variables are made from these fields.

A field without a default must be wired by the template; one with a default may be, and is else left out.
"""

import os
import re
import zoneinfo
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, get_args

import msgspec
from msgspec import Meta

from processor.secret import Credentials

LOGIN = '{"host", "port", "dbname", "username", "password"}'


class SettingsError(ValueError):
    """The environment cannot be used: the message names each variable, its value and what is allowed."""


Days = Annotated[int, Meta(ge=1, le=36500)]
Port = Annotated[int, Meta(ge=1, le=65535)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One environment variable per field, in upper case."""

    environment: Annotated[str, Meta(description="dev, prod: a label on logs and metrics")]
    stream_name: Annotated[str, Meta(description="the Kinesis stream")]
    database_secret_arn: Annotated[
        str, Meta(description='{"host", "port", "dbname", "username", "password"}, rotated')
    ]
    database_ca_file: Annotated[
        str, Meta(description="PEM bundle that the database's certificate is verified against")
    ]
    cache_host: Annotated[str, Meta(description="the replication group's primary endpoint")]
    cache_port: Annotated[Port, Meta(description="its port")]
    cache_name: Annotated[str, Meta(description="the replication group's id: what an IAM token is made for")]
    cache_user: Annotated[str, Meta(description="an IAM user of the cache: id and name are the same")]
    oldest_reading_days: Annotated[
        int, Meta(ge=1, le=36500, description="a reading older than this goes to the quarantine")
    ]
    newest_reading_minutes: Annotated[
        int, Meta(ge=0, le=525_600, description="so does one that is further ahead")
    ]
    site_time_zone: Annotated[
        str,
        Meta(
            description="IANA name; naive timestamps are refused without one; times in the plant's mails are "
            "in it, else in UTC"
        ),
    ] = ""
    bind_devices: Annotated[
        int,
        Meta(ge=0, le=1, description="0: a record keyed by a device's path may hold other devices' readings"),
    ] = 1
    alarm_topic_arn: Annotated[
        str, Meta(description="the SNS topic of the plant's alarms; nobody is told when empty")
    ] = ""
    cache_ca_file: Annotated[str, Meta(description="the system's own bundle when empty")] = ""
    health_port: Annotated[Port, Meta(description="of /health and /ready, on loopback")] = 8080
    poll_seconds: Annotated[
        float, Meta(ge=0.01, le=60, description="Kinesis allows 5 GetRecords a second and shard")
    ] = 0.2
    batch_records: Annotated[int, Meta(ge=1, le=10_000, description="GetRecords's own limit")] = 10_000
    source: Annotated[
        str,
        Meta(description="who reads the stream: this process, or the engine through a child for each shard"),
    ] = "poll"
    engine_name: Annotated[
        str, Meta(description="kcl: the application's name, and so its lease table's; must be set with kcl")
    ] = ""
    consumer_arn: Annotated[
        str, Meta(description="kcl: the registered consumer that records are pushed to; polled when empty")
    ] = ""
    most_shards: Annotated[
        int, Meta(ge=1, le=1000, description="kcl: shards that one task takes; each costs a child's memory")
    ] = 6
    heap_mib: Annotated[
        int, Meta(ge=32, le=30720, description="kcl: MiB of Java's heap, where batches wait for the children")
    ] = 512
    checkpoint_seconds: Annotated[
        float, Meta(ge=0.1, le=3600, description="kcl: at most so much is handed over again after a crash")
    ] = 10.0
    children_directory: Annotated[
        str, Meta(description="kcl: where each child writes how it stands, for the health check")
    ] = "/run/millrace/children"
    aws_endpoint_url: Annotated[
        str, Meta(description="kcl: instead of AWS's own endpoints, as boto3 reads it; for one machine")
    ] = ""
    session_minutes: Annotated[
        float,
        Meta(
            ge=0.01,
            le=1440,
            description="a session with the database lives so long; then the next one logs in",
        ),
    ] = 60

    @property
    def region(self) -> str:
        """The region that the secret's ARN names: everything stands in one."""
        return self.database_secret_arn.split(":")[3]


class MigrationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the migrations' container is told: one environment variable per field, in upper case."""

    environment: Annotated[str, Meta(description="dev, prod: a label on logs")]
    database_login: Annotated[
        str, Meta(description="the migrator's secret, whole, as ECS writes it into the container")
    ]
    database_ca_file: Annotated[
        str, Meta(description="PEM bundle that the database's certificate is verified against")
    ]
    reading_retention_days: Annotated[Days, Meta(description="days that readings are kept")]
    minute_retention_days: Annotated[Days, Meta(description="the same of rollups by the minute")]
    hour_retention_days: Annotated[Days, Meta(description="of rollups by the hour")]
    quarantine_retention_days: Annotated[Days, Meta(description="of what was refused")]

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


# What is allowed, and in words; as in botocore's models of kinesis (StreamName) and elasticache (UserId).
_TEXTS: dict[str, tuple[str, str]] = {
    "environment": (r"[A-Za-z0-9-]{1,64}", "1 to 64 letters, digits and dashes"),
    "stream_name": (r"[a-zA-Z0-9_.-]{1,128}", "a stream's name, not its ARN: 1 to 128 of [a-zA-Z0-9_.-]"),
    "database_secret_arn": (
        r"arn:[^:]+:secretsmanager:[^:]+:[^:]*:secret:[^:]+",
        "a secret's ARN, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME",
    ),
    "database_login": (r"(?s).+", LOGIN),  # any text, or the complaint would show it
    "database_ca_file": (r"/.+", "an absolute path"),
    "cache_host": (r"[A-Za-z0-9.-]+", "a host's name without port or scheme"),
    "cache_name": (r"[A-Za-z0-9-]+", "letters, digits and dashes"),
    "cache_user": (r"[a-zA-Z][a-zA-Z0-9-]*", "a letter, then letters, digits and dashes"),
    "alarm_topic_arn": (
        r"arn:aws[^:]*:sns:[^:]+:\d{12}:[A-Za-z0-9_-]{1,256}",  # botocore's model of sns, CreateTopic
        "a topic's ARN, arn:aws:sns:REGION:ACCOUNT:NAME",
    ),
    "cache_ca_file": (r"/.+", "an absolute path"),
    "site_time_zone": (r".+", "an IANA time zone such as Europe/London"),
    "source": (r"poll|kcl", "poll or kcl"),
    # botocore's models of dynamodb (TableName) and kinesis (ConsumerARN)
    "engine_name": (r"[a-zA-Z0-9_.-]{3,255}", "a DynamoDB table's name: 3 to 255 of [a-zA-Z0-9_.-]"),
    "consumer_arn": (
        r"arn:aws.*:kinesis:.*:\d{12}:.*stream/[a-zA-Z0-9_.-]+/consumer/[a-zA-Z0-9_.-]+:[0-9]+",
        "a consumer's ARN, arn:aws:kinesis:REGION:ACCOUNT:stream/STREAM/consumer/NAME:TIME",
    ),
    "children_directory": (r"/.+", "an absolute path"),
    "aws_endpoint_url": (r"https?://[^\s]+", "a URL that begins with http:// or https://"),
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
        except ValueError:
            complaints.append(f"{variable}={text!r}: must be {_allowed(field.name, field.type)}")
    if complaints:
        raise SettingsError("; ".join(complaints))
    return settings(**values)


def _typed(name: str, annotated: Any, text: str) -> str | int | float:
    """Raises ValueError for what is not allowed."""
    kind, lowest, highest, _ = _declared(annotated)
    if kind is str:
        _check_text(name, text)
        return text
    value: int | float = kind(text)
    if not lowest <= value <= highest:
        raise ValueError(text)
    return value


def _check_text(name: str, text: str) -> None:
    if not re.fullmatch(_TEXTS[name][0], text, re.ASCII):
        raise ValueError(text)
    if name == "site_time_zone":
        try:
            zoneinfo.ZoneInfo(text)
        except (zoneinfo.ZoneInfoNotFoundError, OSError):
            raise ValueError(text) from None


def _allowed(name: str, annotated: Any) -> str:
    kind, lowest, highest, _ = _declared(annotated)
    if kind is str:
        return _TEXTS[name][1]
    noun = "a whole number" if kind is int else "a number"
    return f"{noun} from {lowest:g} to {highest:g}"


def _declared(annotated: Any) -> tuple[Any, float, float, str]:
    """Type, bounds, meaning."""
    kind, *metas = get_args(annotated)
    bounds = [meta for meta in metas if meta.ge is not None]
    (meaning,) = [meta.description for meta in metas if meta.description]
    return kind, bounds[0].ge if bounds else 0.0, bounds[0].le if bounds else 0.0, meaning


def described() -> str:
    """The tables of docs/settings.md: the processor's, then the migrations'."""
    return _table(Settings) + "\n" + _table(MigrationSettings)


def _table(settings: type[msgspec.Struct]) -> str:
    rows = ["| variable | allowed | default | means |\n", "|---|---|---|---|\n"]
    for field in msgspec.structs.fields(settings):
        default = "must be set" if field.required else f"`{field.default}`" if field.default else "empty"
        allowed, meaning = _allowed(field.name, field.type), _declared(field.type)[3]
        rows.append(f"| `{field.name.upper()}` | {allowed} | {default} | {meaning} |\n")
    return "".join(rows)
