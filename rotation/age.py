"""How old the application's password is, told to CloudWatch: AWS has no metric of it.

One line in CloudWatch's embedded metric format; on Lambda standard output is all that it takes, and the
permission to write the log.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

MEASURE = "SecretAge"  # the event is {"Measure": "SecretAge", "SecretId": the secret's ARN}
NAMESPACE = "Millrace"
METRIC = "SecretAgeDays"
DIMENSION = "Secret"


def days(described: Mapping[str, Any], now: datetime) -> float:
    """Since the last rotation; since it was made, for a secret that was never rotated.

    `described` is what DescribeSecret says. LastChangedDate is not it: a tag changes it too.
    """
    since: datetime = described.get("LastRotatedDate") or described["CreatedDate"]
    return (now - since) / timedelta(days=1)


def line(secret: str, age: float, now: datetime) -> str:
    """The data point, as CloudWatch reads it out of the log."""
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [[DIMENSION]],
        "Metrics": [{"Name": METRIC, "Unit": "None"}],
    }
    return json.dumps(
        {
            "_aws": {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]},
            DIMENSION: secret,
            METRIC: round(age, 3),
        }
    )


def tell(secret: str, age: float, now: datetime | None = None) -> None:
    """By print and not by the log: a line that begins with a level and a time is no such document."""
    print(line(secret, age, now or datetime.now(UTC)), flush=True)
