"""How an alarm is made: from metrics that are published, and with words for whoever it wakes.

The words are written once, here beside the alarm. They go into its description, which is what stands in the
mail; build.py makes docs/runbook.md of the descriptions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import AWSHelperFn, Sub, cloudwatch

from stacks.context import why
from stacks.wiring import TopicArn
from topology.metrics import Metric

RUNBOOK = "docs/runbook.md"
DESCRIPTION_LIMIT = 1024  # botocore's model of CloudWatch, AlarmDescription


@dataclass(frozen=True)
class Guidance:
    """What somebody needs who knows the plant but not this alarm."""

    means: str  # what is the case, for the readings and for people
    look: str  # where to look, in the order in which it is worth it
    do: str

    def described(self, title: str) -> str:
        return f"{self.means}\nLook: {self.look}\nDo: {self.do}\nRunbook: {RUNBOOK}#{family(title).lower()}"

    def reason(self) -> dict[str, object]:
        """The resource's Metadata: the first sentence."""
        return why(self.means.partition(". ")[0].rstrip(".") + ".")


def family(title: str) -> str:
    """What alarms of the same kind share: CacheMemory001 and CacheMemory002 are both CacheMemory."""
    return title.rstrip("0123456789")


@dataclass(frozen=True)
class Series:
    """One series of a metric: a value for each of its dimensions, and what is made of its data points."""

    metric: Metric
    values: Mapping[str, AWSHelperFn | str]
    statistic: str

    def __post_init__(self) -> None:
        if set(self.values) != set(self.metric.dimensions):
            raise ValueError(
                f"{self.metric.name} is published by {', '.join(self.metric.dimensions)}; "
                f"given are {', '.join(self.values)}: such an alarm never fires"
            )

    def dimensions(self) -> list[cloudwatch.MetricDimension]:
        return [
            cloudwatch.MetricDimension(Name=name, Value=self.values[name]) for name in self.metric.dimensions
        ]

    def alone(self) -> dict[str, Any]:
        """The properties of an alarm that is on this series and nothing else."""
        return {
            "Namespace": self.metric.namespace,
            "MetricName": self.metric.name,
            "Dimensions": self.dimensions(),
            "Statistic": self.statistic,
        }

    def query(self, identifier: str, seconds: int) -> cloudwatch.MetricDataQuery:
        """The series as a term of an expression."""
        return cloudwatch.MetricDataQuery(
            Id=identifier,
            ReturnData=False,
            MetricStat=cloudwatch.MetricStat(
                Metric=cloudwatch.Metric(
                    Namespace=self.metric.namespace,
                    MetricName=self.metric.name,
                    Dimensions=self.dimensions(),
                ),
                Period=seconds,
                Stat=self.statistic,
            ),
        )


def alarm(
    title: str,
    topic: TopicArn,
    guidance: Guidance,
    series: Series,
    *,
    minutes: int,
    above: float | None = None,
    below: float | None = None,
    missing: str = "notBreaching",
    every: int = 60,
) -> cloudwatch.Alarm:
    """An alarm that holds for all of `minutes`: counts as one sum over them, levels minute by minute.

    every: seconds between two data points of a level, where its publisher takes longer than a minute. With
    shorter periods those between count as missing, and an alarm that does not mind them never holds.
    """
    counted = series.statistic == "Sum"
    return cloudwatch.Alarm(
        title,
        Metadata=guidance.reason(),
        AlarmDescription=guidance.described(title),
        **series.alone(),
        Period=minutes * 60 if counted else every,
        EvaluationPeriods=1 if counted else minutes * 60 // every,
        Threshold=above if above is not None else below,
        ComparisonOperator="GreaterThanThreshold" if above is not None else "LessThanThreshold",
        TreatMissingData=missing,
        AlarmActions=[topic],
        OKActions=[topic],
    )


def alarm_on(
    title: str,
    topic: TopicArn,
    guidance: Guidance,
    expression: AWSHelperFn | str,
    terms: Mapping[str, Series],
    *,
    label: str,
    seconds: int = 60,
    periods: int = 1,
    above: float | None = None,
    below: float | None = None,
    missing: str = "notBreaching",
) -> cloudwatch.Alarm:
    """An alarm on what an expression makes of its terms, or on what a query finds by itself."""
    result = cloudwatch.MetricDataQuery(Id="result", Expression=expression, Label=label, ReturnData=True)
    if not terms:
        result.Period = seconds  # a query has no term to take it from
    return cloudwatch.Alarm(
        title,
        Metadata=guidance.reason(),
        AlarmDescription=guidance.described(title),
        Metrics=[
            *[series.query(identifier, seconds) for identifier, series in terms.items()],
            result,
        ],
        EvaluationPeriods=periods,
        Threshold=above if above is not None else below,
        ComparisonOperator="GreaterThanThreshold" if above is not None else "LessThanThreshold",
        TreatMissingData=missing,
        AlarmActions=[topic],
        OKActions=[topic],
    )


def summed(metric: Metric, dimension: str, value: AWSHelperFn) -> Sub:
    """A Metrics Insights query: the sum over all values of the metric's other dimensions.

    For a metric that is never published without them. Their values need not be known.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html
    """
    query = f"SELECT SUM({metric.name}) FROM \"{metric.namespace}\" WHERE {dimension} = '${{Value}}'"  # noqa: S608 - CloudWatch's
    return Sub(query, Value=value)


def any_of(
    title: str, name: str, topic: TopicArn, guidance: Guidance, alarms: Sequence[cloudwatch.Alarm]
) -> cloudwatch.CompositeAlarm:
    """In alarm while one of `alarms` is; they are named by ARN, in quotes, as a generated name needs."""
    rule = " OR ".join(f'ALARM("${{{made.title}.Arn}}")' for made in alarms)
    return cloudwatch.CompositeAlarm(
        title,
        Metadata=guidance.reason(),
        AlarmName=name,
        AlarmDescription=guidance.described(title),
        AlarmRule=Sub(rule),
        AlarmActions=[topic],
        OKActions=[topic],
    )
