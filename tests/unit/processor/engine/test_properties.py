"""The daemon's properties: made from the settings, each explained, none that the daemon would pass over."""

import re
from pathlib import Path

import msgspec
import pytest

from processor.__main__ import main
from processor.engine.child import PATIENCE_SECONDS
from processor.engine.properties import described, printed, properties
from processor.engine.times import FAILOVER_MS
from processor.service import GRACE_SECONDS
from processor.settings import Settings, SettingsError, from_environment

PAGE = (Path(__file__).parents[4] / "docs/engine.md").read_text(encoding="utf-8")
ARN = "arn:aws:kinesis:eu-west-2:111122223333:stream/readings/consumer/processor:1763897519"
ENVIRONMENT = {
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
    "SOURCE": "kcl",
    "ENGINE_NAME": "millrace-dev-processor",
}
SETTINGS = from_environment(ENVIRONMENT)
# Fields and setters of MultiLangDaemonConfiguration and MultiLangDaemonConfig, KCL 3.5.
KNOWN_TO_THE_DAEMON = {
    "executableName", "applicationName", "streamName", "workerIdentifier", "regionName", "kinesisEndpoint",
    "dynamoDBEndpoint", "AwsCredentialsProvider", "initialPositionInStream", "retrievalMode",
    "fanoutConfig.consumerArn", "maxRecords", "idleTimeBetweenReadsInMillis", "maxLeasesForWorker",
    "callProcessRecordsEvenForEmptyRecordList", "skipShardSyncAtWorkerInitializationIfLeasesExist",
    "failoverTimeMillis", "leaseAssignmentIntervalMillis", "parentShardPollIntervalMillis",
    "isGracefulLeaseHandoffEnabled", "gracefulLeaseHandoffTimeoutMillis", "shutdownGraceMillis",
    "logWarningForTaskAfterMillis", "metricsLevel", "varianceBalancingFrequency",
    "workerMetricsReporterFreqInMillis", "disableWorkerMetrics", "shardSyncIntervalMillis",
}  # fmt: skip
# What our launcher reads besides: engine/src/software/amazon/kinesis/multilang/config/Assembly.java.
LAUNCHER = Path(__file__).parents[4] / "engine/src/software/amazon/kinesis/multilang/config/Assembly.java"
KNOWN_TO_THE_LAUNCHER = set(
    re.findall(r'"([a-z]\w+(?:Millis|InMillis|Input|Size|Strategy))"', LAUNCHER.read_text())
)


def named(settings: Settings) -> dict[str, str]:
    return {one.name: one.value for one in properties(settings, "/opt/venv/bin/python")}


def with_(**changes: object) -> Settings:
    return msgspec.structs.replace(SETTINGS, **changes)


def test_a_shard_is_polled_unless_there_is_a_consumer() -> None:
    polled = named(SETTINGS)
    assert polled["executableName"] == "/opt/venv/bin/python -m processor child"
    assert (polled["applicationName"], polled["streamName"]) == ("millrace-dev-processor", "readings")
    assert (polled["retrievalMode"], polled["maxRecords"]) == ("POLLING", "2000")
    assert polled["idleTimeBetweenReadsInMillis"] == "200"
    pushed = named(with_(consumer_arn=ARN))
    assert (pushed["retrievalMode"], pushed["fanoutConfig.consumerArn"]) == ("FANOUT", ARN)
    assert "maxRecords" not in pushed


def test_settings_become_properties_within_the_daemons_bounds() -> None:
    changed = named(with_(batch_records=500, poll_seconds=1.0, most_shards=3))
    assert (changed["maxRecords"], changed["idleTimeBetweenReadsInMillis"]) == ("500", "1000")
    assert changed["maxLeasesForWorker"] == "3"
    assert named(with_(poll_seconds=0.05))["idleTimeBetweenReadsInMillis"] == "200"


def test_endpoints_are_aws_unless_the_environment_has_others() -> None:
    assert not [name for name in named(SETTINGS) if "ndpoint" in name]
    local = named(with_(aws_endpoint_url="http://127.0.0.1:4566"))
    assert local["kinesisEndpoint"] == local["dynamoDBEndpoint"] == "http://127.0.0.1:4566"


def test_no_name_is_one_that_the_daemon_passes_over() -> None:
    everything = {**named(with_(consumer_arn=ARN, aws_endpoint_url="http://x")), **named(SETTINGS)}
    assert set(everything) == KNOWN_TO_THE_DAEMON | KNOWN_TO_THE_LAUNCHER


def test_times_fit_one_another() -> None:
    times = {name: int(value) for name, value in named(SETTINGS).items() if name.endswith("Millis")}
    # The daemon hears that it lost a lease before a zombie loses patience.
    assert 3 * FAILOVER_MS < PATIENCE_SECONDS * 1000
    assert times["gracefulLeaseHandoffTimeoutMillis"] >= GRACE_SECONDS * 1000
    assert (
        times["gracefulLeaseHandoffTimeoutMillis"] < times["shutdownGraceMillis"] < 120_000
    )  # the stop timeout


def test_a_worker_has_a_name_of_its_own_at_each_start() -> None:
    assert named(SETTINGS)["workerIdentifier"] != named(SETTINGS)["workerIdentifier"]


def test_the_file_is_printed_by_a_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert main(["properties"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "initialPositionInStream = TRIM_HORIZON" in lines
    assert all(line.startswith("# ") or " = " in line for line in lines)


@pytest.mark.parametrize(
    ("command", "changes", "said"),
    [
        ("properties", {"ENGINE_NAME": ""}, "ENGINE_NAME is not set"),
        ("properties", {"SOURCE": "poll"}, "SOURCE='poll': must be 'kcl'"),
        ("child", {"SOURCE": ""}, "SOURCE='poll': must be 'kcl'"),
        ("", {}, "SOURCE='kcl': must be 'poll'"),
        ("properties", {"SOURCE": "kafka"}, "SOURCE='kafka': must be poll or kcl"),
        ("properties", {"CONSUMER_ARN": "readings"}, "CONSUMER_ARN='readings': must be a consumer's ARN"),
    ],
)
def test_an_environment_that_does_not_fit_is_refused_with_what_does(
    command: str,
    changes: dict[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {**ENVIRONMENT, **changes}.items():
        monkeypatch.setenv(name, value)
    assert main([command] if command else []) == 2
    assert said in capsys.readouterr().err


def test_a_path_with_a_space_is_refused() -> None:
    with pytest.raises(SettingsError, match="splits its command at each space"):
        properties(SETTINGS, "/opt/my venv/bin/python")


def test_each_line_stands_under_its_reason() -> None:
    lines = printed(SETTINGS).splitlines()[1:]
    assert len(lines) == 2 * len(properties(SETTINGS))
    assert all(line.startswith("# ") for line in lines[::2])


def test_the_page_has_the_tables_of_now() -> None:
    for settings in (SETTINGS, with_(consumer_arn=ARN)):
        for row in described(settings).splitlines():
            if not row.startswith(
                ("| `executableName", "| `workerId", "| `fanoutConfig", "| `retrievalMode")
            ):
                assert row in PAGE, f"put this line into docs/engine.md: {row}"
    for name in KNOWN_TO_THE_DAEMON | KNOWN_TO_THE_LAUNCHER:
        assert f"`{name}`" in PAGE, f"explain {name} in docs/engine.md"
