"""Alarms on what the processor says of itself: what was committed, how late, what was refused or lost."""

from troposphere import cloudwatch

from parameters import sections as parameters
from stacks.alarm import Guidance, Series, alarm, alarm_on
from stacks.wiring import StreamName, TopicArn
from topology import metrics

QUARTER_HOUR = 15 * 60
# A plant has a sensor or two that sends nonsense; more than this is a gateway or a format that has changed.
REFUSED_PERCENT = 5
# Lag that comes and goes within three quarters of an hour evens out; of up to fifty shards with like load the
# one that nobody reads does not.
UNREAD_PERCENT = 2
FEW = 10  # readings or records; of so few a percentage says nothing
# An RDS fail-over takes one to two minutes:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZSingleStandby.html
DATABASE_AWAY_SECONDS = 180
CACHE_AWAY_SECONDS = 300


def commit_alarms(
    topic: TopicArn, stream: StreamName, settings: parameters.Observability
) -> list[cloudwatch.Alarm]:
    """A processor that says nothing is none of these: Lag, TasksMissing or NothingCommitted speak then."""
    of_stream = {"StreamName": stream}
    return [
        alarm(
            "GapFound",
            topic,
            Guidance(
                means="Readings are lost: the stream had dropped them before they were read, or it was "
                "deleted and made again. All before and after the gap are stored.",
                look="The row in the table stream_gap, which says of which shard and from when to when; the "
                "log line of the same moment.",
                do="Ask the gateways for what they buffered in that time and send it as history (hist). "
                "Then see why nothing was read for longer than stream.retention_hours.",
            ),
            Series(metrics.GAPS, of_stream, "Sum"),
            above=0,
            minutes=1,
        ),
        alarm_on(
            "NothingCommitted",
            topic,
            Guidance(
                means="Records come into the stream and none is committed: readings wait. None is lost "
                "before the stream's retention ends.",
                look="The alarms TasksMissing and DatabaseAway; then the processor's log: which shard, and "
                "what its child waits for. If the log has commits and this page none, AWS/Logs "
                "EMFValidationErrors.",
                do="What the entry of the other alarm says. If there is none, force a new deployment: new "
                "tasks take over each shard from its last commit.",
            ),
            "IF(FILL(records, 0) > 0 AND FILL(commits, 0) < 1, 1, 0)",
            {
                "records": Series(metrics.RECORDS_IN, of_stream, "Sum"),
                "commits": Series(metrics.COMMITS, of_stream, "Sum"),
            },
            label="Records and no commit",
            periods=5,
            above=0,
        ),
        alarm_on(
            "ShardUnread",
            topic,
            Guidance(
                means="For three quarters of an hour more came into the stream than was committed: a shard "
                "has no reader, or falls behind by minutes an hour. The others hide it from Lag, which "
                "knows only of shards that are read.",
                look="Age at commit per shard, on the dashboard, for a shard that has none or a growing "
                "one; the leases without leaseOwner in the engine's table; whether the stream has grown "
                "beyond what the tasks hold (docs/engine.md).",
                do="No owner: raise processor.memory_mib or processor.tasks_min, which say how many shards "
                "there is room for. An owner that commits nothing: stop its task. A growing age: as for Lag.",
            ),
            f"IF(FILL(records, 0) > {FEW}, 100 * (records - FILL(committed, 0)) / records, 0)",
            {
                "records": Series(metrics.RECORDS_IN, of_stream, "Sum"),
                "committed": Series(metrics.RECORDS_COMMITTED, of_stream, "Sum"),
            },
            label="Records not committed (%)",
            seconds=QUARTER_HOUR,
            periods=3,
            above=UNREAD_PERCENT,
        ),
        alarm(
            "CommitsLate",
            topic,
            Guidance(
                means="Readings are committed later than agreed, from when they entered the stream. After an "
                "outage this is so until the backlog is worked off.",
                look="The row Commits of the dashboard: the age of one shard or of all; whether writing "
                "takes longer than it did. Then the row Database.",
                do="After an outage, nothing while the lag falls. One shard: find the device that floods "
                "it. All, and writing is slow: what DatabaseCpu says; and decoding: raise processor.cpu.",
            ),
            Series(metrics.COMMIT_AGE, of_stream, "Maximum"),
            above=settings.lag_alarm_seconds,
            minutes=5,
        ),
        alarm_on(
            "QuarantineRate",
            topic,
            Guidance(
                means=f"More than {REFUSED_PERCENT} % of the readings of a quarter of an hour were refused. "
                "They are in the quarantine with the reason; the others are stored.",
                look="The graph of the reasons; the table quarantine for one of the reason that grew: its "
                "detail, its payload, and by its path the gateway.",
                do="Mend what sends them, or the limit that refuses them (oldest_reading_days, "
                "site_time_zone), then take them again: `python -m processor replay`.",
            ),
            f"IF(refused > {FEW}, 100 * refused / (refused + inserted + absorbed), 0)",
            {
                "refused": Series(metrics.READINGS_REFUSED, of_stream, "Sum"),
                "inserted": Series(metrics.READINGS_INSERTED, of_stream, "Sum"),
                "absorbed": Series(metrics.READINGS_ABSORBED, of_stream, "Sum"),
            },
            label="Refused (%)",
            seconds=QUARTER_HOUR,
            above=REFUSED_PERCENT,
        ),
        alarm(
            "DatabaseAway",
            topic,
            Guidance(
                means=f"The processor has had no database for {DATABASE_AWAY_SECONDS} s, longer than a "
                "fail-over takes. It keeps its batch and tries on; readings wait in the stream.",
                look="The log line `the database is away`, whose cause says whether it is the network, the "
                "login or the server; the database's events.",
                do="Login refused: start a rotation. No route: take back the last change of security groups. "
                "Server: what DatabaseEvents and DatabaseStorage say. Do not restart the processor.",
            ),
            Series(metrics.DATABASE_AWAY, of_stream, "Maximum"),
            above=DATABASE_AWAY_SECONDS,
            minutes=1,
        ),
        alarm(
            "CacheAway",
            topic,
            Guidance(
                means=f"Latest values have not been written for {CACHE_AWAY_SECONDS} s: who reads them sees "
                "old ones. Readings are stored all the same.",
                look="The log line `the cache is away`, whose cause says whether it is the network, the "
                "token or the engine; the row Cache of the dashboard.",
                do="Token refused: see the alarm CacheLoginsRefused. Engine: wait for its fail-over. When "
                "it is back, what waited is written with the next commit.",
            ),
            Series(metrics.CACHE_AWAY, of_stream, "Maximum"),
            above=CACHE_AWAY_SECONDS,
            minutes=5,
        ),
    ]
