"""The engine's times: ours, and the library's own for comparison; how either is written as properties."""

from collections.abc import Mapping
from pathlib import Path

from processor.engine.times import TIMES, WAITING

Properties = Mapping[str, str | int]

OURS: Properties = {
    **{name: value for name, value, _ in (*TIMES, *WAITING)},
    "shutdownGraceMillis": 60000,
    "callProcessRecordsEvenForEmptyRecordList": "true",
    "skipShardSyncAtWorkerInitializationIfLeasesExist": "true",
    "idleTimeBetweenReadsInMillis": 250,
    "maxRecords": 2000,
}
# As the library is when nothing is said: that its own grace at the end is 0 is part of it.
THEIRS: Properties = {}


def write(file: Path, *, child: str, stream: str, application: str, worker: str, times: Properties) -> None:
    """The engine.properties of one worker of the embedded account."""
    said: dict[str, str | int] = {
        "executableName": child,
        "streamName": stream,
        "applicationName": application,
        "workerId": worker,
        "regionName": "eu-west-2",
        "AwsCredentialsProvider": "DefaultCredentialsProvider",
        "initialPositionInStream": "TRIM_HORIZON",
        "metricsLevel": "NONE",  # the embedded CloudWatch keeps no metric that anybody reads
        **times,
    }
    file.write_text("".join(f"{name} = {value}\n" for name, value in said.items()))
