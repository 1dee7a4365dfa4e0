"""One page that shows how all is: alarms first, then the way of a reading from left to right."""

import json
from collections.abc import Sequence

from troposphere import AWSHelperFn, Sub, cloudwatch

from stacks.context import why

COLUMNS = 24
WIDTH = 8
HEIGHT = 6


def dashboard(
    *,
    alarms: Sequence[AWSHelperFn],
    stream: AWSHelperFn,
    database: AWSHelperFn,
    cache_members: Sequence[AWSHelperFn],
    cluster: AWSHelperFn,
    service: AWSHelperFn,
) -> cloudwatch.Dashboard:
    """The body is JSON in a string, so the values enter by the names that `values` gives them."""
    values = {
        **{f"Alarm{number}": arn for number, arn in enumerate(alarms)},
        "Stream": stream,
        "Database": database,
        **{f"Member{number}": member for number, member in enumerate(cache_members)},
        "Cluster": cluster,
        "Service": service,
    }
    of_stream = ["StreamName", "${Stream}"]
    of_database = ["DBInstanceIdentifier", "${Database}"]
    of_service = ["ClusterName", "${Cluster}", "ServiceName", "${Service}"]
    members = [["CacheClusterId", f"${{Member{number}}}"] for number in range(len(cache_members))]
    graphs = [
        graph("Readings in (records)", "Sum", [["AWS/Kinesis", "IncomingRecords", *of_stream]]),
        graph("Lag (ms)", "Maximum", [["AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", *of_stream]]),
        graph(
            "Throttled",
            "Sum",
            [
                ["AWS/Kinesis", "WriteProvisionedThroughputExceeded", *of_stream],
                ["AWS/Kinesis", "ReadProvisionedThroughputExceeded", *of_stream],
            ],
        ),
        graph(
            "Processor (%)",
            "Average",
            [["AWS/ECS", "CPUUtilization", *of_service], ["AWS/ECS", "MemoryUtilization", *of_service]],
        ),
        graph("Database CPU (%)", "Average", [["AWS/RDS", "CPUUtilization", *of_database]]),
        graph("Database free storage (bytes)", "Minimum", [["AWS/RDS", "FreeStorageSpace", *of_database]]),
        graph(
            "Cache memory (%)",
            "Maximum",
            [["AWS/ElastiCache", "DatabaseMemoryUsagePercentage", *member] for member in members],
        ),
        graph("Database connections", "Maximum", [["AWS/RDS", "DatabaseConnections", *of_database]]),
        graph("Cache evictions", "Sum", [["AWS/ElastiCache", "Evictions", *member] for member in members]),
    ]
    overview = {
        "type": "alarm",
        "x": 0,
        "y": 0,
        "width": COLUMNS,
        "height": HEIGHT // 2,
        "properties": {"title": "Alarms", "alarms": [f"${{Alarm{number}}}" for number in range(len(alarms))]},
    }
    return cloudwatch.Dashboard(
        "Dashboard",
        Metadata=why("Where to look first when an alarm comes, and in passing."),
        DashboardBody=Sub(json.dumps({"widgets": [overview, *placed(graphs)]}), values),
    )


def graph(title: str, statistic: str, metrics: list[list[str]]) -> dict[str, object]:
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "region": "${AWS::Region}",
            "stat": statistic,
            "period": 60,
            "metrics": metrics,
        },
    }


def placed(graphs: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """Three in a row below the alarms, as on a page."""
    per_row = COLUMNS // WIDTH
    return [
        {
            **widget,
            "x": position % per_row * WIDTH,
            "y": HEIGHT // 2 + position // per_row * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
        }
        for position, widget in enumerate(graphs)
    ]
