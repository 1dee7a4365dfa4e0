from pathlib import Path

import pytest

from processor.settings import MigrationSettings, Settings, SettingsError, described, from_environment

ENOUGH = {
    "ENVIRONMENT": "dev",
    "STREAM_NAME": "readings",
    "DATABASE_SECRET_ARN": "arn:aws:secretsmanager:eu-west-2:111122223333:secret:app-AbCdEf",
    "DATABASE_CA_FILE": "/app/certificates/rds-eu-west-2.pem",
    "CACHE_HOST": "cache.example",
    "CACHE_PORT": "6379",
    "CACHE_NAME": "millrace-dev",
    "CACHE_USER": "processor",
    "OLDEST_READING_DAYS": "7",
    "NEWEST_READING_MINUTES": "10",
}


def test_every_required_variable_is_read_with_its_type() -> None:
    settings = from_environment({**ENOUGH, "POLL_SECONDS": "0.5", "SITE_TIME_ZONE": "Europe/London"})
    assert (settings.cache_port, settings.poll_seconds, settings.health_port) == (6379, 0.5, 8080)
    assert settings.site_time_zone == "Europe/London"
    assert settings.region == "eu-west-2"


def test_an_empty_variable_takes_the_default() -> None:
    assert from_environment({**ENOUGH, "SITE_TIME_ZONE": "", "HEALTH_PORT": ""}).health_port == 8080


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        from_environment({})
    required = [name.upper() for name in Settings.__struct_fields__ if name.upper() in ENOUGH]
    assert all(f"{name} is not set" in str(error.value) for name in required)


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("CACHE_PORT", "many", "CACHE_PORT='many': must be a whole number from 1 to 65535"),
        ("CACHE_PORT", "70000", "CACHE_PORT='70000': must be a whole number from 1 to 65535"),
        ("POLL_SECONDS", "nan", "POLL_SECONDS='nan': must be a number from 0.01 to 60"),
        ("BATCH_RECORDS", "10001", "must be a whole number from 1 to 10000"),
        ("SITE_TIME_ZONE", "Mars/Base", "must be an IANA time zone"),
        ("SITE_TIME_ZONE", "../etc/passwd", "must be an IANA time zone"),
        ("DATABASE_SECRET_ARN", "app", "must be a secret's ARN"),
        ("STREAM_NAME", "arn:aws:kinesis:eu-west-2:111122223333:stream/readings", "must be a stream's name"),
        ("CACHE_HOST", "rediss://cache.example:6379", "must be a host's name"),
        ("CACHE_USER", "1st", "must be a letter"),
        ("ALARM_TOPIC_ARN", "plant-alarms", "must be a topic's ARN"),
        ("DATABASE_CA_FILE", "rds.pem", "must be an absolute path"),
        ("ENVIRONMENT", "the plant", "must be 1 to 64 letters"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(variable: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError, match=allowed.replace("'", "."), check=lambda e: value in str(e)):
        from_environment({**ENOUGH, variable: value})


def test_the_page_has_the_table_of_now() -> None:
    page = (Path(__file__).parents[3] / "docs/settings.md").read_text(encoding="utf-8")
    for told, table in zip((Settings, MigrationSettings), described().split("\n\n"), strict=True):
        assert table in page, "put what `python -m processor settings` prints into docs/settings.md"
        assert [row.split("`")[1] for row in table.splitlines()[2:]] == [
            name.upper() for name in told.__struct_fields__
        ]
