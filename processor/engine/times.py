"""The engine's times, and how it shares shards out: what it does by itself is made for hundreds of shards.

Each is told with what the library would do instead. Those that its properties have no word for are read by
our launcher (engine/src/software/amazon/kinesis/multilang/config/Assembly.java), under the library's own
names. docs/engine-times.md has what comes of them.
"""

FAILOVER_MS = 6_000

# name, value, why
TIMES: tuple[tuple[str, str, str], ...] = (
    (
        "failoverTimeMillis",
        str(FAILOVER_MS),
        "a worker that has not renewed its leases for so long has lost them; renewed every third of it; 10 s "
        "by default",
    ),
    (
        "leaseAssignmentIntervalMillis",
        "1000",
        "how often the leader hands out leases; each worker looks for its own twice as often; twice the "
        "fail-over time by default",
    ),
    (
        "leaseAssignmentStrategy",
        "LEASE_COUNT_BASED",
        "tasks are alike, so each gets as many shards; by default what they report of their load decides, "
        "and shards without records move one at a time",
    ),
    (
        "varianceBalancingFrequency",
        "20",
        "every twentieth round evens out, as do those of a new leader; a shard on its way counts as not "
        "moved yet, so more often would send shards to and fro; every third, a minute, by default",
    ),
    (
        "workerMetricsReporterFreqInMillis",
        "2000",
        "a worker that has not reported for twice as long gets no lease; 30 s by default, in which the "
        "leader hands a lost worker's shards to the lost worker",
    ),
    ("disableWorkerMetrics", "true", "the machine's load is not asked for: the count decides"),
    (
        "dynamoDbLockBasedLeaderLeaseDurationInMillis",
        "10000",
        "a leader that has not said a word for so long is one no more; 120 s by default, in which nobody "
        "hands out leases",
    ),
    (
        "dynamoDbLockBasedLeaderHeartbeatPeriodInMillis",
        "2000",
        "how often it does, and how often others look whether they may lead; 30 s by default",
    ),
    (
        "shardSyncIntervalMillis",
        "1000",
        "the library waits so long after it has written the first leases; 60 s by default",
    ),
    (
        "leasesRecoveryAuditorExecutionFrequencyMillis",
        "10000",
        "how often the leader looks for hash keys that no lease covers; it mends what it sees three times; "
        "120 s by default",
    ),
    (
        "parentShardPollIntervalMillis",
        "1000",
        "how often a child shard looks whether its parents are done; 10 s by default",
    ),
    (
        "shardConsumerDispatchPollIntervalMillis",
        "250",
        "how often the daemon goes through its shards: begins new ones, drops lost ones; 1 s by default",
    ),
)
# Of polling alone: what waits in the daemon's heap for each shard.
WAITING: tuple[tuple[str, str, str], ...] = (
    ("maxPendingProcessRecordsInput", "1", "answers that wait for the child; 4 by default"),
    ("maxByteSize", "4194304", "bytes that may wait before no more is asked for; 8 MiB by default"),
)
