"""Small templates for the tests of signals: resources as mappings, written as JSON, which is YAML too."""

import copy
import json
from typing import Any

Body = dict[str, Any]


def ref(name: str) -> Body:
    return {"Ref": name}


def att(name: str, attribute: str = "Arn") -> Body:
    return {"Fn::GetAtt": [name, attribute]}


def made(kind: str, **properties: Any) -> Body:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def template(*, outputs: Body | None = None, parameters: Body | None = None, **resources: Body) -> str:
    body: Body = {"Resources": resources}
    if outputs:
        body["Outputs"] = {name: {"Value": value} for name, value in outputs.items()}
    if parameters:
        body["Parameters"] = parameters
    return json.dumps(body, indent=1)


def metric(namespace: str, name: str, **dimensions: Any) -> Body:
    pairs = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    return {"Namespace": namespace, "MetricName": name, "Dimensions": pairs}


def alarm(on: Body, **changes: Any) -> Body:
    """An alarm on one metric that tells `Pager`; None takes a property out."""
    properties = {
        **on,
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [ref("Pager")],
        **changes,
    }
    return made("CloudWatch::Alarm", **{key: value for key, value in properties.items() if value is not None})


def query(name: str, on: Body, stat: str = "Sum", period: int = 60) -> Body:
    return {"Id": name, "ReturnData": False, "MetricStat": {"Metric": on, "Period": period, "Stat": stat}}


def judged(expression: Any, name: str = "all", **more: Any) -> Body:
    return {"Id": name, "Expression": expression, **more}


def math(*queries: Body, **changes: Any) -> Body:
    return alarm({"Metrics": list(queries)}, Statistic=None, Period=None, **changes)


def changed(body: Body, *path: str | int, to: Any) -> Body:
    """A copy in which one place is another; None takes it out."""
    copied = copy.deepcopy(body)
    at: Any = copied
    for step in path[:-1]:
        at = at[step]
    if to is None:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return copied


PAGER = made("SNS::Topic", Subscription=[{"Protocol": "email", "Endpoint": "night@example.com"}])
QUEUE = made("SQS::Queue")
FUNCTION = made("Lambda::Function", Timeout=30)
STREAM = made("Kinesis::Stream", RetentionPeriodHours=24)
WAITING = metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName=att("Jobs", "QueueName"))
ERRORS = metric("AWS/Lambda", "Errors", FunctionName=ref("Worker"))
BEHIND = metric("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", StreamName=ref("Clicks"))
CPU = metric("AWS/RDS", "CPUUtilization", DBInstanceIdentifier=ref("Store"))
STORE = made(
    "RDS::DBInstance",
    DBInstanceIdentifier="store",
    Engine="postgres",
    DBInstanceClass="db.m6g.large",
    AllocatedStorage="100",
)


def watching(one: Body, **others: Body) -> str:
    """A template with an alarm or two, and whatever they may be about."""
    return template(Alarm=one, **others, Pager=PAGER, Jobs=QUEUE, Worker=FUNCTION, Clicks=STREAM, Store=STORE)
