"""Alarms on where readings end: the database that keeps them, the cache that has the latest."""

from troposphere import cloudwatch

from parameters import sections as parameters
from stacks.alarm import Guidance, Series, alarm, alarm_on
from stacks.wiring import CacheMemberId, DatabaseId, TopicArn
from topology import metrics
from topology.metrics import Metric

MIB = 1024**2
GIB = 1024**3
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_PostgreSQL.html: PostgreSQL stops at 2 billion.
TRANSACTION_ID_AGE = 1_000_000_000
# The processor holds a handful. The smallest class allows some 80, so this is a leak in any class.
CONNECTIONS = 50
# What a fail-over may lose of the latest values; the next reading of each device brings it back.
REPLICATION_LAG_SECONDS = 10
IO_CREDIT_PERCENT = 20
FIVE_MINUTES = 5 * 60  # what RDS does not say it publishes every minute is taken as this slow


def database_alarms(
    topic: TopicArn, database: DatabaseId, settings: parameters.Observability
) -> list[cloudwatch.Alarm]:
    """No alarm on latency, which shows as lag where it matters; on swap, which idle pages fill; or on CPU
    credits, since RDS runs its burstable classes unlimited: without credits they cost more, not do less.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Types.html
    """

    def of_database(metric: Metric, statistic: str) -> Series:
        return Series(metric, {"DBInstanceIdentifier": database}, statistic)

    return [
        alarm(
            "DatabaseCpu",
            topic,
            Guidance(
                means="The database has been busy for a quarter of an hour; the processor falls behind next.",
                look="Database Insights: which statement it is, and whether somebody else runs it.",
                do="End what does not belong there. If it is the load itself, raise database.instance_class.",
            ),
            of_database(metrics.DATABASE_CPU, "Average"),
            above=80,
            minutes=15,
        ),
        alarm(
            "DatabaseMemory",
            topic,
            Guidance(
                means="The database has little memory left; it slows down, and restarts when it has none.",
                look="Enhanced monitoring for the processes; pg_stat_activity for sessions and large sorts.",
                do="End sessions that nobody needs, or raise database.instance_class.",
            ),
            of_database(metrics.DATABASE_MEMORY, "Minimum"),
            below=settings.free_memory_alarm_mib * MIB,
            minutes=15,
        ),
        alarm(
            "DatabaseStorage",
            topic,
            Guidance(
                means="Little storage is free although it grows by itself: it has reached "
                "database.max_storage_gib, or grew within the last 6 hours. A full database stops.",
                look="The database's events for its growth; a replication slot that holds back the log.",
                do="Raise database.max_storage_gib, or shorten processor.reading_retention_days.",
            ),
            of_database(metrics.DATABASE_STORAGE, "Minimum"),
            below=settings.free_storage_alarm_gib * GIB,
            minutes=5,
        ),
        alarm_on(
            "DatabaseIo",
            topic,
            Guidance(
                means="The database's class has nearly spent its credits for disk operations or throughput; "
                "without them it drops to its baseline, and the processor falls behind.",
                look="Operations and latency on the dashboard; Database Insights for the statement.",
                do="End what does not belong there, or raise database.instance_class.",
            ),
            "MIN([operations, bytes])",
            {
                "operations": of_database(metrics.DATABASE_IO_CREDITS, "Minimum"),
                "bytes": of_database(metrics.DATABASE_BYTE_CREDITS, "Minimum"),
            },
            label="Disk credits (%)",
            seconds=FIVE_MINUTES,
            periods=3,
            below=IO_CREDIT_PERCENT,  # a class that does not burst has no data, and no alarm
        ),
        alarm(
            "DatabaseConnections",
            topic,
            Guidance(
                means=f"There are more than {CONNECTIONS} connections, where the processor holds a handful: "
                "somebody leaks them, and at the class's limit nobody gets in.",
                look="pg_stat_activity: who, from where, doing what.",
                do="End them with pg_terminate_backend, and have their owner mended.",
            ),
            of_database(metrics.DATABASE_CONNECTIONS, "Maximum"),
            above=CONNECTIONS,
            minutes=5,
        ),
        alarm(
            "DatabaseTransactionIds",
            topic,
            Guidance(
                means="Half of the transaction ids are used: vacuum does not get through. At 2 billion the "
                "database takes no more writes.",
                look="pg_stat_activity for old transactions, pg_replication_slots, pg_prepared_xacts.",
                do="End what holds vacuum up, then VACUUM FREEZE the oldest tables.",
            ),
            of_database(metrics.DATABASE_TRANSACTION_IDS, "Maximum"),
            above=TRANSACTION_ID_AGE,
            minutes=15,
            every=FIVE_MINUTES,
        ),
    ]


def cache_alarms(topic: TopicArn, member: CacheMemberId, number: int) -> list[cloudwatch.Alarm]:
    def of_member(metric: Metric, statistic: str) -> Series:
        return Series(metric, {"CacheClusterId": member}, statistic)

    return [
        alarm(
            f"CacheMemory{number:03}",
            topic,
            Guidance(
                means="A node of the cache is nearly full and will shed latest values next.",
                look="The number of keys: a value per device and signal, and nothing else.",
                do="Delete what does not belong there, or raise cache.node_type.",
            ),
            of_member(metrics.CACHE_MEMORY, "Maximum"),
            above=80,
            minutes=15,
        ),
        alarm(
            f"CacheEvictions{number:03}",
            topic,
            Guidance(
                means="The cache sheds latest values: who reads them there sees gaps. The database has all.",
                look="The alarm on the cache's memory.",
                do="Raise cache.node_type. Each device's next reading brings its value back.",
            ),
            of_member(metrics.CACHE_EVICTIONS, "Sum"),
            above=0,
            minutes=5,
        ),
        alarm(
            f"CacheCpu{number:03}",
            topic,
            Guidance(
                means="A node's engine, which has one thread for commands, is at its limit: latest values "
                "come late, and the processor waits for it.",
                look="The slow log, for commands that walk over all keys, and whose they are.",
                do="Have them stopped. If it is the load itself, raise cache.node_type.",
            ),
            of_member(metrics.CACHE_ENGINE_CPU, "Average"),
            above=90,
            minutes=10,
        ),
        alarm(
            f"CacheReplicationLag{number:03}",
            topic,
            Guidance(
                means="A replica is behind the primary. Should it take over, latest values go back by as "
                "much; who reads from it sees old ones now.",
                look="The engine's log; the network and the CPU of both nodes.",
                do="If it does not catch up by itself, raise cache.node_type, or replace the replica.",
            ),
            of_member(metrics.CACHE_REPLICATION_LAG, "Maximum"),  # the primary has none, or zero
            above=REPLICATION_LAG_SECONDS,
            minutes=5,
        ),
        alarm(
            f"CacheLoginsRefused{number:03}",
            topic,
            Guidance(
                means="The cache refused a login: the processor's token is not taken, or somebody tries.",
                look="The processor's log, which says whether it is the one; then flow logs for who else "
                "reached the port.",
                do="If it is the processor, compare its role's grant with the cache's user. If not, close "
                "the way by which it came and report it.",
            ),
            of_member(metrics.CACHE_LOGINS_REFUSED, "Sum"),
            above=0,
            minutes=5,
        ),
    ]
