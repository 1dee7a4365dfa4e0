"""What the processor is told by its environment. The task definition's variables are made from these fields.

A field without a default must be wired by the template; one with a default may be, and is else left out.
"""

import os
from collections.abc import Mapping

import msgspec


class SettingsError(ValueError):
    """{variable}: {why}"""


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
    reading_retention_days: int
    site_time_zone: str = ""  # IANA name; naive timestamps are refused without one
    cache_ca_file: str = ""  # the system's own bundle when empty
    health_port: int = 8080
    poll_seconds: float = 0.2  # Kinesis allows 5 GetRecords a second and shard
    batch_records: int = 10_000  # GetRecords's own limit


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read every field. Raises SettingsError that names the variable, its value and what is allowed."""
