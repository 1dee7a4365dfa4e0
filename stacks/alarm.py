"""An alarm on one metric that speaks to the notification topic, both when it starts and when it ends."""

from collections.abc import Mapping
from dataclasses import dataclass

from troposphere import AWSHelperFn, cloudwatch

from stacks.context import why
from stacks.wiring import TopicArn


@dataclass(frozen=True)
class Metric:
    namespace: str
    name: str
    dimensions: Mapping[str, AWSHelperFn]
    statistic: str

    def dimension_list(self) -> list[cloudwatch.MetricDimension]:
        return [cloudwatch.MetricDimension(Name=name, Value=value) for name, value in self.dimensions.items()]


def alarm(
    title: str,
    topic: TopicArn,
    description: str,
    metric: Metric,
    *,
    minutes: int,
    above: float | None = None,
    below: float | None = None,
    missing: str = "notBreaching",
) -> cloudwatch.Alarm:
    """An alarm that holds for all of `minutes`: counts as one sum over them, levels minute by minute."""
    counted = metric.statistic == "Sum"
    return cloudwatch.Alarm(
        title,
        Metadata=why(description.partition(". ")[0].rstrip(".") + "."),
        AlarmDescription=description,
        Namespace=metric.namespace,
        MetricName=metric.name,
        Dimensions=metric.dimension_list(),
        Statistic=metric.statistic,
        Period=minutes * 60 if counted else 60,
        EvaluationPeriods=1 if counted else minutes,
        Threshold=above if above is not None else below,
        ComparisonOperator="GreaterThanThreshold" if above is not None else "LessThanThreshold",
        TreatMissingData=missing,
        AlarmActions=[topic],
        OKActions=[topic],
    )
