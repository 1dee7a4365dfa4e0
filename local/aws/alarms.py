"""Alarms over metric math, and composite alarms. Their rules are kept; only composites are evaluated."""

from collections.abc import Callable

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from local.aws.patching import replace
from local.aws.stacks import Json
from local.aws.types import Made, called, named, register

COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
KEPT = (
    "AlarmRule",
    "AlarmDescription",
    "ActionsEnabled",
    "AlarmActions",
    "OKActions",
    "InsufficientDataActions",
)


def install() -> None:
    replace(provisioners._cw_metric_alarm_record, _with_metric_math(provisioners._cw_metric_alarm_record))
    register(
        COMPOSITE,
        create=lambda logical_id, props, stack: _put(named(props, "AlarmName", stack, logical_id), props),
        update=lambda physical_id, old, new: _put(physical_id, new),
        delete=lambda physical_id, props: _delete(physical_id),
        replacing=("AlarmName",),
        tagged=True,
    )


def _with_metric_math(original: Callable[[str, Json], Json]) -> Callable[[str, Json], Json]:
    """An alarm with `Metrics` has no metric of its own, and stays INSUFFICIENT_DATA: nothing computes it."""

    def record(name: str, props: Json) -> Json:
        if not props.get("Metrics"):
            return original(name, props)
        rest = {key: value for key, value in props.items() if key != "Metrics"}
        alarm = original(
            name, {**rest, "MetricName": "-", "Namespace": "-", "Threshold": props.get("Threshold", 0)}
        )
        for key in (
            "MetricName",
            "Namespace",
            "Statistic",
            "ExtendedStatistic",
            "Period",
            "Unit",
            "Dimensions",
        ):
            alarm.pop(key, None)
        return {**alarm, "Metrics": [_typed(metric) for metric in props["Metrics"]]}

    return record


def _typed(metric: Json) -> Json:
    """Templates may write numbers and booleans as text; the API does not."""
    typed = dict(metric)
    if "ReturnData" in typed:
        typed["ReturnData"] = str(typed["ReturnData"]).lower() == "true"
    if "Period" in typed:
        typed["Period"] = int(typed["Period"])
    if "MetricStat" in typed:
        typed["MetricStat"] = {**typed["MetricStat"], "Period": int(typed["MetricStat"]["Period"])}
    return typed


def _put(name: str, props: Json) -> Made:
    wanted = {"AlarmName": name, **{key: props[key] for key in KEPT if key in props}}
    called(cloudwatch._put_composite_alarm({}, wanted, False, True), COMPOSITE)
    arn = cloudwatch._composite_alarms[name]["AlarmArn"]
    # Not through the request: a caller may not set the aws: tags that CloudFormation sets.
    cloudwatch._resource_tags[arn] = {tag["Key"]: tag["Value"] for tag in props.get("Tags") or []}
    return name, {"Arn": arn}


def _delete(name: str) -> None:
    cloudwatch._composite_alarms.pop(name, None)
