"""One page that shows how all is: the alarms, then the way of a reading from device to table, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass

from troposphere import AWSHelperFn, Ref, cloudwatch, events

from stacks import retrieval
from stacks.context import why
from stacks.retrieval import Consumers
from stacks.widgets import Body, Line, Row, Widget, limits_of, page
from stacks.wiring import StreamName
from topology import metrics
from topology.metrics import Metric

QUARTER_DAY = 6 * 60 * 60  # how often the secret's age is measured


@dataclass(frozen=True)
class Watched:
    """What the page is about; each value as this stack sees it."""

    topic_rule: AWSHelperFn
    stream: StreamName
    consumers: Consumers
    dead_letters: AWSHelperFn
    database: AWSHelperFn
    cache_members: Sequence[AWSHelperFn]
    cluster: AWSHelperFn
    service: AWSHelperFn
    function: AWSHelperFn
    undone: AWSHelperFn
    secrets: Sequence[AWSHelperFn]
    topic: AWSHelperFn
    plant_topic: AWSHelperFn
    rules: Sequence[events.Rule]
    nat_gateways: Sequence[AWSHelperFn]


def dashboard(
    stopped: cloudwatch.CompositeAlarm, alarms: Sequence[cloudwatch.Alarm], watched: Watched
) -> cloudwatch.Dashboard:
    body = Body(limits_of(alarms))
    shown = [
        body.name(f"Alarm{number}", made.get_att("Arn")) for number, made in enumerate([stopped, *alarms])
    ]
    rows = [
        doors(body, watched),
        stream(body, watched),
        processor(body, watched),
        commits(body, watched),
        plant(body, watched),
        database(body, watched),
        cache(body, watched),
        credentials(body, watched),
    ]
    if watched.nat_gateways:
        rows.append(way_out(body, watched))
    return cloudwatch.Dashboard(
        "Dashboard",
        Metadata=why("Where to look first when an alarm comes, and in passing."),
        DashboardBody=page(body, shown, rows),
    )


def doors(body: Body, watched: Watched) -> Row:
    rule = body.name("Rule", watched.topic_rule)
    queue = body.name("DeadLetters", watched.dead_letters)
    return Row(
        "Doors",
        "What devices publish, what the rule takes of it, what it could not put into the stream. "
        "Messages are counted over the whole account.",
        [
            body.graph(
                "Messages",
                "Sum",
                [
                    body.line(metrics.MESSAGES_IN, Protocol="MQTT"),
                    body.line(metrics.RULE_MATCHES, RuleName=rule),
                    body.line(metrics.MESSAGES_REFUSED, Protocol="MQTT"),
                ],
            ),
            body.search("Rule's actions failed", "Sum", metrics.ACTION_FAILURES, RuleName=rule),
            body.search("Readings lost", "Sum", metrics.ERROR_ACTION_FAILURES, RuleName=rule),
            body.graph("Dead letters", "Maximum", [body.line(metrics.DEAD_LETTERS, QueueName=queue)]),
        ],
    )


def stream(body: Body, watched: Watched) -> Row:
    name = body.name("Stream", watched.stream)
    return Row(
        "Stream",
        "What comes in, and whether a shard is full: 1 MB or 1,000 records a second, "
        "60 MB in a minute of this page.",
        [
            body.graph("Records in", "Sum", [body.line(metrics.RECORDS_IN, StreamName=name)]),
            body.graph("Bytes in", "Sum", [body.line(metrics.BYTES_IN, StreamName=name)]),
            body.search("Bytes in, per shard", "Sum", metrics.SHARD_BYTES_IN, StreamName=name),
            body.graph(
                "Throttled",
                "Sum",
                [
                    body.line(metrics.WRITES_THROTTLED, StreamName=name),
                    body.line(metrics.READS_THROTTLED, StreamName=name),
                ],
            ),
        ],
    )


def processor(body: Body, watched: Watched) -> Row:
    name = body.name("Stream", watched.stream)
    service = {
        "ClusterName": body.name("Cluster", watched.cluster),
        "ServiceName": body.name("Service", watched.service),
    }
    return Row(
        "Processor",
        "How long readings wait, and whether there are tasks enough to carry them. "
        "A shard is one task's at a time; a shard without a line is read by nobody.",
        [
            body.graph("Lag (ms)", "Maximum", [lag(body, watched)]),
            body.search("Lag per shard (ms)", "Maximum", metrics.SHARD_LAG, StreamName=name),
            body.graph(
                "Tasks",
                "Minimum",
                [
                    body.line(metrics.TASKS_DESIRED, **service),
                    body.line(metrics.TASKS_RUNNING, **service),
                ],
            ),
            body.graph(
                "CPU and memory (%)",
                "Average",
                [body.line(metrics.SERVICE_CPU, **service), body.line(metrics.SERVICE_MEMORY, **service)],
            ),
        ],
    )


def lag(body: Body, watched: Watched) -> Line:
    given = {"StreamName": body.name("Stream", watched.stream)}
    if watched.consumers:
        given["ConsumerName"] = body.name("Consumer", watched.consumers[0])
    return body.line(retrieval.lag(watched.stream, watched.consumers).metric, **given)


def commits(body: Body, watched: Watched) -> Row:
    name = body.name("Stream", watched.stream)
    of_stream = {"StreamName": name}
    return Row(
        "Commits",
        "What the processor says of itself. Readings are in the database when they are committed: a growing "
        "age with a calm lag is a slow database.",
        [
            body.graph("Age at commit (s)", "Maximum", [body.line(metrics.COMMIT_AGE, **of_stream)]),
            body.search("Age at commit per shard (s)", "Maximum", metrics.SHARD_COMMIT_AGE, **of_stream),
            body.graph(
                "Readings",
                "Sum",
                [
                    body.line(metrics.READINGS_INSERTED, **of_stream),
                    body.line(metrics.READINGS_ABSORBED, **of_stream),
                    body.line(metrics.READINGS_REFUSED, **of_stream),
                ],
            ),
            body.search("Refused, by reason", "Sum", metrics.REFUSED_BY_REASON, **of_stream),
            body.graph(
                "Records and commits",
                "Sum",
                [
                    body.line(metrics.RECORDS_IN, **of_stream),
                    body.line(metrics.RECORDS_COMMITTED, **of_stream),
                    body.line(metrics.COMMITS, **of_stream),
                ],
            ),
            body.graph(
                "A commit takes (ms)",
                "p99",
                [
                    body.line(metrics.DECODE_TIME, **of_stream),
                    body.line(metrics.WRITE_TIME, **of_stream),
                ],
            ),
            body.graph(
                "Away (s)",
                "Maximum",
                [
                    body.line(metrics.DATABASE_AWAY, **of_stream),
                    body.line(metrics.CACHE_AWAY, **of_stream),
                ],
            ),
            body.graph("Gaps", "Sum", [body.line(metrics.GAPS, **of_stream)]),
        ],
    )


def plant(body: Body, watched: Watched) -> Row:
    of_stream = {"StreamName": body.name("Stream", watched.stream)}
    topic = body.name("PlantTopic", watched.plant_topic)
    return Row(
        "Plant",
        "What the readings are watched for, and whether the plant's people are told of it. Many alarms are "
        "the plant's affair; what is told and delivered to nobody is ours: look who is subscribed.",
        [
            body.graph(
                "Alarms raised and cleared",
                "Sum",
                [
                    body.line(metrics.ALARMS_RAISED, **of_stream),
                    body.line(metrics.ALARMS_CLEARED, **of_stream),
                ],
            ),
            body.graph("Alarms standing", "Maximum", [body.line(metrics.ALARMS_STANDING, **of_stream)]),
            body.graph(
                "Told, and delivered or not",
                "Sum",
                [
                    body.line(metrics.NOTIFICATIONS_SENT, **of_stream),
                    body.line(metrics.NOTIFICATIONS_DELIVERED, TopicName=topic),
                    body.line(metrics.NOTIFICATIONS_FAILED, TopicName=topic),
                ],
            ),
            body.graph("Oldest not told (s)", "Maximum", [body.line(metrics.NOTIFICATION_AGE, **of_stream)]),
        ],
    )


def database(body: Body, watched: Watched) -> Row:
    of_it = {"DBInstanceIdentifier": body.name("Database", watched.database)}
    return Row(
        "Database",
        "Where readings are committed. If lag grows and this row is calm, look at the row above.",
        [
            body.graph("CPU (%)", "Average", [body.line(metrics.DATABASE_CPU, **of_it)]),
            body.graph("Connections", "Maximum", [body.line(metrics.DATABASE_CONNECTIONS, **of_it)]),
            body.graph(
                "Operations a second",
                "Average",
                [
                    body.line(metrics.DATABASE_READ_IOPS, **of_it),
                    body.line(metrics.DATABASE_WRITE_IOPS, **of_it),
                ],
            ),
            body.graph(
                "Latency (s)",
                "Average",
                [
                    body.line(metrics.DATABASE_READ_LATENCY, **of_it),
                    body.line(metrics.DATABASE_WRITE_LATENCY, **of_it),
                ],
            ),
            body.graph("Free storage (bytes)", "Minimum", [body.line(metrics.DATABASE_STORAGE, **of_it)]),
            body.graph("Free memory (bytes)", "Minimum", [body.line(metrics.DATABASE_MEMORY, **of_it)]),
        ],
    )


def cache(body: Body, watched: Watched) -> Row:
    members = [
        body.name(f"Member{number}", member) for number, member in enumerate(watched.cache_members, start=1)
    ]

    def each(title: str, statistic: str, metric: Metric) -> Widget:
        return body.graph(title, statistic, [body.line(metric, CacheClusterId=member) for member in members])

    return Row(
        "Cache",
        "The latest values, a line per node. The database has all of them too.",
        [
            each("Memory (%)", "Maximum", metrics.CACHE_MEMORY),
            each("Engine's CPU (%)", "Average", metrics.CACHE_ENGINE_CPU),
            each("Host's CPU (%)", "Average", metrics.CACHE_HOST_CPU),
            each("Connections", "Maximum", metrics.CACHE_CONNECTIONS),
            each("Evictions", "Sum", metrics.CACHE_EVICTIONS),
            each("Replicas behind (s)", "Maximum", metrics.CACHE_REPLICATION_LAG),
        ],
    )


def credentials(body: Body, watched: Watched) -> Row:
    function = body.name("Function", watched.function)
    secrets = [body.name(f"Secret{number}", one) for number, one in enumerate(watched.secrets)]
    rules = [body.name(f"Rule{number}", Ref(rule)) for number, rule in enumerate(watched.rules, start=1)]
    return Row(
        "Credentials and messages",
        "The database's login: rotated when it should be, measured when it should be. "
        "And whether what the platform has to say is told.",
        [
            body.graph(
                "Calls of the rotation's function",
                "Sum",
                [
                    body.line(metrics.ROTATION_CALLS, FunctionName=function),
                    body.line(metrics.ROTATION_ERRORS, FunctionName=function),
                ],
                period=QUARTER_DAY,
            ),
            body.graph(
                "Age of the logins (days)",
                "Maximum",
                [body.line(metrics.SECRET_AGE, Secret=secret) for secret in secrets],
                period=QUARTER_DAY,
            ),
            body.graph(
                "Left undone by the function",
                "Maximum",
                [body.line(metrics.DEAD_LETTERS, QueueName=body.name("Undone", watched.undone))],
            ),
            body.graph(
                "Not told",
                "Sum",
                [
                    body.line(metrics.NOTIFICATIONS_FAILED, TopicName=body.name("Topic", watched.topic)),
                    *[body.line(metrics.EVENTS_UNDELIVERED, RuleName=rule) for rule in rules],
                ],
            ),
        ],
    )


def way_out(body: Body, watched: Watched) -> Row:
    gateways = [
        body.name(f"Gateway{number}", gateway) for number, gateway in enumerate(watched.nat_gateways, start=1)
    ]

    def each(title: str, metric: Metric) -> Widget:
        return body.graph(title, "Sum", [body.line(metric, NatGatewayId=gateway) for gateway in gateways])

    return Row(
        "Way out",
        "The NAT gateways, by which tasks and functions reach AWS's services.",
        [
            each("Bytes out", metrics.NAT_BYTES_OUT),
            each("Connections refused for want of a port", metrics.NAT_PORTS_REFUSED),
            each("Packets dropped", metrics.NAT_PACKETS_DROPPED),
        ],
    )
