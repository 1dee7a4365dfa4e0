"""Every metric of the processor, with its unit, its dimensions and what it tells a person.

Dimensions are bounded: a stream, its shards, the quarantine's reasons; never a device. The environment is no
dimension: it stands in each line, and a stream's name is one environment's alone. docs/metrics.md has its
table from here; stacks and alarms name the same through topology/metrics.py, which a test compares.
"""

from dataclasses import dataclass

NAMESPACE = "Millrace"
STREAM = ("StreamName",)
SHARD = ("ShardId", "StreamName")
REASON = ("Reason", "StreamName")


@dataclass(frozen=True)
class Metric:
    """`unit` is one of CloudWatch's (StandardUnit of PutMetricData)."""

    name: str
    unit: str
    dimensions: tuple[str, ...]
    means: str
    do: str


COMMITS = Metric(
    "Commits",
    "Count",
    STREAM,
    "Transactions that PostgreSQL has taken.",
    "None while records come in: the alarm NothingCommitted.",
)
RECORDS = Metric(
    "RecordsCommitted",
    "Count",
    STREAM,
    "Records of the stream whose readings are in, or in the quarantine.",
    "Compare with the stream's own IncomingRecords: what lies between them waits.",
)
INSERTED = Metric(
    "ReadingsInserted",
    "Count",
    STREAM,
    "Readings that were not there before; a minute's sum by 60 is readings a second.",
    "Nothing.",
)
ABSORBED = Metric(
    "ReadingsAbsorbed",
    "Count",
    STREAM,
    "Readings that were there already: sent twice by a producer, or read again after a stop.",
    "Nothing in a burst. Always: find the producer that sends everything twice; each costs a slower commit.",
)
REFUSED = Metric(
    "ReadingsRefused",
    "Count",
    STREAM,
    "Readings (or whole records that cannot be read) that went to the quarantine.",
    "The alarm QuarantineRate.",
)
REFUSED_BY_REASON = Metric(
    "ReadingsRefused",
    "Count",
    REASON,
    "The same by the quarantine's reason; a reason that did not occur has no data.",
    "The log line `reading refused` of that reason names stream, shard, sequence number and trace.",
)
DECODE_TIME = Metric(
    "DecodeTime",
    "Milliseconds",
    STREAM,
    "From a transaction's bytes to judged columns.",
    "If it grows and records do not: larger envelopes, or many that need the slow decoder.",
)
WRITE_TIME = Metric(
    "WriteTime",
    "Milliseconds",
    STREAM,
    "The transaction, with all waiting for the database.",
    "Database Insights for the statement; the row Database of the dashboard.",
)
COMMIT_AGE = Metric(
    "CommitAge",
    "Seconds",
    STREAM,
    "How long the oldest record of each transaction had been in the stream when it was committed.",
    "The alarm CommitsLate.",
)
SHARD_COMMIT_AGE = Metric(
    "CommitAge",
    "Seconds",
    SHARD,
    "The same, shard by shard.",
    "One shard alone: find the device that floods it.",
)
SHARD_LAG = Metric(
    "Lag",
    "Milliseconds",
    SHARD,
    "How far behind the shard's tip the reader was; as of its last commit, or of its last answer without a "
    "record; it stands still while the database is away.",
    "One shard alone: find the device that floods it. All: the alarm Lag.",
)
DATABASE_AWAY = Metric(
    "DatabaseAway",
    "Seconds",
    STREAM,
    "How long the processor has been without its database; 0 while it has it.",
    "The alarm DatabaseAway.",
)
CACHE_AWAY = Metric(
    "CacheAway",
    "Seconds",
    STREAM,
    "How long latest values have not been written; 0 while they are.",
    "The alarm CacheAway. Readings are stored all the same.",
)
GAPS = Metric(
    "Gaps",
    "Count",
    STREAM,
    "Stretches of the stream that were gone before they were read; a row says from when to when.",
    "The alarm GapFound, at once.",
)

ALARMS_RAISED = Metric(
    "AlarmsRaised",
    "Count",
    STREAM,
    "Alarms that rules have raised; those of history do not count.",
    "Nothing: people are told. Many: `python -m processor alarms list` shows which rule.",
)
ALARMS_CLEARED = Metric(
    "AlarmsCleared",
    "Count",
    STREAM,
    "Alarms that were cleared.",
    "Nothing.",
)
ALARMS_STANDING = Metric(
    "AlarmsStanding",
    "Count",
    STREAM,
    "Alarms that stand, history left out; look at the maximum, as each process that tells people says it.",
    "Grows for weeks: rules that nobody acts upon; change or remove them.",
)
NOTIFICATIONS_SENT = Metric(
    "NotificationsSent",
    "Count",
    STREAM,
    "Messages about alarms that SNS has taken.",
    "More than a few an hour: rules that say too much (docs/decisions/notifications.md).",
)
NOTIFICATION_AGE = Metric(
    "NotificationAge",
    "Seconds",
    STREAM,
    "How long the oldest change of an alarm has waited that is to be told and is not; 0 when none does.",
    "The log line `SNS is away` or `SNS will not have a message`, with its cause. Nothing is lost meanwhile.",
)

METRICS = (
    COMMITS,
    RECORDS,
    INSERTED,
    ABSORBED,
    REFUSED,
    REFUSED_BY_REASON,
    DECODE_TIME,
    WRITE_TIME,
    COMMIT_AGE,
    SHARD_COMMIT_AGE,
    SHARD_LAG,
    DATABASE_AWAY,
    CACHE_AWAY,
    GAPS,
    ALARMS_RAISED,
    ALARMS_CLEARED,
    ALARMS_STANDING,
    NOTIFICATIONS_SENT,
    NOTIFICATION_AGE,
)


def printed() -> str:
    """The table of docs/metrics.md."""
    rows = [
        f"| `{one.name}` | {', '.join(one.dimensions)} | {one.unit} | {one.means} | {one.do} |\n"
        for one in METRICS
    ]
    head = "| metric | dimensions | unit | means | what to do |\n|---|---|---|---|---|\n"
    return "".join([head, *rows])
