"""What alarms watch, and whether they would fire: each rule silent on one template, and not on another."""

from typing import Any

import pytest

from tests.unit.rules.conftest import Say
from tests.unit.rules.signal_cases import (
    BEHIND,
    CPU,
    ERRORS,
    PAGER,
    QUEUE,
    STORE,
    WAITING,
    alarm,
    att,
    judged,
    made,
    math,
    metric,
    query,
    ref,
    template,
    watching,
)

BUSY = {"Statistic": "Average", "Threshold": 80}
LATE = {"Statistic": "Maximum", "Threshold": 60000, "TreatMissingData": "breaching"}
CACHE = made("ElastiCache::ReplicationGroup", NumCacheClusters=2)


def node(suffix: str, **changes: Any) -> dict[str, Any]:
    value = {"Fn::Sub": f"${{Cache}}-{suffix}"}
    on = metric("AWS/ElastiCache", "EngineCPUUtilization", CacheClusterId=value)
    return alarm(on, **{**BUSY, **changes})


def store(name: str, **changes: Any) -> str:
    return watching(alarm(metric("AWS/RDS", name, DBInstanceIdentifier=ref("Store")), **changes))


def aged(**changes: Any) -> str:
    on = metric("Shop", "BackupAgeDays", Store="main")
    return watching(
        alarm(on, **{"Statistic": "Maximum", "Threshold": 2, "TreatMissingData": "breaching", **changes})
    )


FAILED = metric("AWS/Events", "FailedInvocations", RuleName=ref("Nightly"))
FAILED_TOO = metric("AWS/Events", "FailedInvocations", RuleName=ref("Hourly"))
READ = metric("AWS/RDS", "ReadLatency", DBInstanceIdentifier=ref("Store"))
WRITE = metric("AWS/RDS", "WriteLatency", DBInstanceIdentifier=ref("Store"))
RUNNING = metric("ECS/ContainerInsights", "RunningTaskCount", ClusterName="shop", ServiceName="web")
WANTED = metric("ECS/ContainerInsights", "DesiredTaskCount", ClusterName="shop", ServiceName="web")


def missing(expression: str, operator: str = "GreaterThanThreshold", stat: str = "Minimum") -> str:
    queries = (query("running", RUNNING, stat), query("wanted", WANTED, "Minimum"), judged(expression))
    return watching(math(*queries, ComparisonOperator=operator, TreatMissingData="breaching"))


def failed(expression: str, *more: Any, **changes: Any) -> str:
    return watching(math(query("a", FAILED), query("b", FAILED_TOO), judged(expression), *more, **changes))


def slow(expression: str, period: int = 60) -> str:
    queries = (query("a", READ, "Average"), query("b", WRITE, "Average", period), judged(expression))
    return watching(math(*queries, Threshold=0.5))


FINE = "FILL(a, 0) + FILL(b, 0)"


def clicks(**changes: Any) -> str:
    on = metric("AWS/Kinesis", "IncomingRecords", StreamName=ref("Clicks"))
    silent = {"ComparisonOperator": "LessThanThreshold", "Threshold": 1, "TreatMissingData": "breaching"}
    return watching(alarm(on, **{**silent, **changes}))


CASES = [
    ("W9650", clicks(), clicks(ComparisonOperator="GreaterThanThreshold")),
    ("W9637", clicks(), clicks(Statistic="Average")),
    ("E9620", clicks(), clicks(TreatMissingData="notBreaching")),
    (
        "E9601",
        watching(alarm(WAITING)),
        watching(alarm(metric("AWS/SQS", "NumberOfMessagesSent", Queue="x"))),
    ),
    ("E9602", watching(alarm(ERRORS)), watching(alarm({**ERRORS, "Namespace": "AWS/lambda"}))),
    (
        "E9602",
        watching(alarm({**ERRORS, "Namespace": "Shop"})),
        watching(alarm({**ERRORS, "Namespace": "AWS/Lambdas"})),
    ),
    ("E9603", watching(alarm(ERRORS)), watching(alarm({**ERRORS, "MetricName": "Error"}))),
    (
        "E9604",
        watching(alarm(WAITING)),
        watching(alarm(metric("AWS/SQS", WAITING["MetricName"], QueueName=att("Jobs")))),
    ),
    (
        "E9604",
        watching(alarm(ERRORS)),
        watching(alarm(metric("AWS/Lambda", "Errors", FunctionName=ref("Jobs")))),
    ),
    (
        "E9604",
        watching(alarm(ERRORS)),
        watching(
            alarm(metric("AWS/Lambda", "Errors", FunctionName={"Fn::Sub": "${Clicks}-${Jobs.QueueName}"}))
        ),
    ),
    (
        "E9604",
        watching(alarm(metric("AWS/IoT", "PublishIn.AuthError", Protocol="MQTT"))),
        watching(alarm(metric("AWS/IoT", "PublishIn.AuthError", Protocol="Modbus"))),
    ),
    ("W9605", watching(alarm(ERRORS)), watching(alarm(metric("AWS/Lambda", "Errors")))),
    (
        "W9607",
        watching(alarm(CPU, **BUSY)),
        watching(alarm(metric("AWS/RDS", "CPUUtilization", DBInstanceIdentifier="sotre"), **BUSY)),
    ),
    (
        "E9610",
        watching(alarm(ERRORS)),
        watching(alarm(ERRORS, ComparisonOperator="LessThanThreshold", Threshold=5)),
    ),
    (
        "E9610",
        missing("wanted - running"),
        missing("wanted - running", "LessThanThreshold").replace('"Threshold": 0', '"Threshold": 5'),
    ),
    ("E9611", watching(alarm(CPU, **BUSY)), watching(alarm(CPU, **{**BUSY, "Threshold": 100}))),
    ("E9611", missing("wanted - running"), missing("running - wanted")),
    ("E9612", watching(alarm(CPU, **BUSY)), watching(alarm(CPU, **{**BUSY, "Threshold": -1}))),
    ("E9612", missing("wanted - running"), missing("wanted - running", "GreaterThanOrEqualToThreshold")),
    ("W9613", watching(alarm(BEHIND, **LATE)), watching(alarm(BEHIND, **{**LATE, "Threshold": 60}))),
    (
        "W9613",
        store(
            "FreeStorageSpace", Statistic="Minimum", ComparisonOperator="LessThanThreshold", Threshold=10**10
        ),
        store("FreeStorageSpace", Statistic="Minimum", ComparisonOperator="LessThanThreshold", Threshold=10),
    ),
    ("W9614", watching(alarm(ERRORS, Threshold=10)), watching(alarm(ERRORS, Threshold=10**6))),
    ("E9615", watching(alarm(BEHIND, **LATE)), watching(alarm(BEHIND, **{**LATE, "Threshold": 90 * 10**6}))),
    (
        "E9615",
        store("FreeableMemory", Statistic="Minimum", ComparisonOperator="LessThanThreshold", Threshold=10**9),
        store(
            "FreeableMemory", Statistic="Minimum", ComparisonOperator="LessThanThreshold", Threshold=9 * 10**9
        ),
    ),
    (
        "E9615",
        store("DatabaseConnections", Statistic="Maximum", Threshold=50),
        store("DatabaseConnections", Statistic="Maximum", Threshold=5000),
    ),
    (
        "E9615",
        watching(
            alarm(
                metric("AWS/Lambda", "Duration", FunctionName=ref("Worker")),
                Statistic="Maximum",
                Threshold=20000,
            )
        ),
        watching(
            alarm(
                metric("AWS/Lambda", "Duration", FunctionName=ref("Worker")),
                Statistic="Maximum",
                Threshold=40000,
            )
        ),
    ),
    ("W9616", watching(alarm(BEHIND, **LATE)), watching(alarm(BEHIND, **{**LATE, "Threshold": 80 * 10**6}))),
    ("E9620", missing("wanted - running"), missing("wanted - running").replace("breaching", "notBreaching")),
    ("E9620", aged(), aged(TreatMissingData=None)),
    ("E9621", watching(alarm(ERRORS)), watching(alarm(ERRORS, TreatMissingData="breaching"))),
    ("W9622", watching(alarm(ERRORS)), watching(alarm(ERRORS, TreatMissingData="ignore"))),
    (
        "W9623",
        watching(alarm(BEHIND, **LATE)),
        watching(alarm(BEHIND, **{**LATE, "TreatMissingData": "ignore"})),
    ),
    ("E9624", watching(alarm(ERRORS)), watching(alarm(ERRORS, TreatMissingData="notbreaching"))),
    ("W9626", watching(alarm(CPU, **BUSY)), watching(alarm(CPU, **BUSY, TreatMissingData="ignore"))),
    ("E9630", watching(alarm(ERRORS)), watching(alarm(ERRORS, Statistic=None))),
    ("E9631", watching(alarm(ERRORS)), watching(alarm(ERRORS, ExtendedStatistic="p99"))),
    ("E9632", watching(alarm(ERRORS)), watching(alarm(ERRORS, Period=30))),
    ("E9632", aged(), aged(Period=90)),
    ("E9632", store("EBSIOBalance%", Period=300), store("EBSIOBalance%", Period=60)),
    (
        "E9633",
        watching(alarm(ERRORS, EvaluationPeriods=1440)),
        watching(alarm(ERRORS, EvaluationPeriods=1441)),
    ),
    (
        "W9634",
        watching(alarm(CPU, **BUSY, EvaluationPeriods=30)),
        watching(alarm(CPU, **BUSY, EvaluationPeriods=300)),
    ),
    (
        "E9635",
        watching(alarm(ERRORS, EvaluationPeriods=5, DatapointsToAlarm=3)),
        watching(alarm(ERRORS, EvaluationPeriods=3, DatapointsToAlarm=5)),
    ),
    ("E9636", watching(alarm(ERRORS)), watching(alarm(ERRORS, Statistic="Total"))),
    ("W9637", watching(alarm(CPU, **BUSY)), watching(alarm(CPU, **{**BUSY, "Statistic": "Sum"}))),
    ("W9637", watching(alarm(BEHIND, **LATE)), watching(alarm(BEHIND, **{**LATE, "Statistic": "Average"}))),
    ("W9637", missing("wanted - running"), missing("wanted - running", stat="Maximum")),
    ("E9638", watching(alarm(CPU, **BUSY, Unit="Percent")), watching(alarm(CPU, **BUSY, Unit="Count"))),
    ("W9639", watching(alarm(ERRORS), Second=alarm(WAITING)), watching(alarm(ERRORS), Second=alarm(ERRORS))),
    ("E9640", failed(FINE), failed("FILL(a, 0) + FILL(b, 0")),
    ("E9640", failed("a + b"), watching(math(judged('SELECT SUM(Errors) OF "AWS/Lambda"', Period=60)))),
    ("E9641", failed(FINE), failed("Fill(a, 0) + FILL(b, 0)")),
    ("E9642", failed(FINE), failed("FILL(a, 0) + FILL(c, 0)")),
    ("W9643", failed(FINE), failed("FILL(a, 0)")),
    ("E9644", failed(FINE), failed(FINE, judged("a * 2", "more"))),
    ("E9645", failed(FINE), failed(FINE, judged("a * 2", "a", ReturnData=False))),
    ("W9646", slow("MAX([a, b])"), slow("MAX([a, b])", 300)),
    ("W9647", failed(FINE), failed("a + b")),
    ("W9648", failed(FINE), failed("FILL(a, 1) + FILL(b, 0)")),
    ("W9649", slow("MAX([a, b])"), slow("MIN([a, b])")),
    ("W9642", failed(FINE), failed("FILL(a, 0) - FILL(b, 0)")),
    (
        "E9646",
        watching(math(judged('SELECT SUM(Errors) FROM "AWS/Lambda"', Period=60))),
        watching(math(judged('SELECT SUM(Errors) FROM "AWS/Lambda"'))),
    ),
    (
        "W9631",
        watching(node("001"), B=node("002"), Cache=CACHE),
        watching(node("001"), B=node("002", Threshold=95), Cache=CACHE),
    ),
]


@pytest.mark.parametrize(("rule", "fine", "wrong"), CASES)
def test_a_rule_tells_the_wrong_from_the_fine(say: Say, rule: str, fine: str, wrong: str) -> None:
    assert say(rule, fine) == []
    assert [line for line in say(rule, wrong) if f" {rule} " in line]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        # Of a parameter, a custom resource, another account: nobody knows, and nothing is said.
        (
            "E96",
            template(
                parameters={"Queue": {"Type": "String"}},
                Alarm=alarm(metric("AWS/SQS", WAITING["MetricName"], QueueName=ref("Queue"))),
                Pager=PAGER,
            ),
        ),
        (
            "E96",
            template(
                Alarm=alarm(metric("AWS/SQS", WAITING["MetricName"], QueueName=att("Made", "Name"))),
                Made=made("CloudFormation::CustomResource"),
                Pager=PAGER,
            ),
        ),
        ("E9603", watching(alarm(metric("AWS/Glue", "glue.driver.aggregate.bytesRead", JobName="x")))),
        (
            "E9610",
            watching(
                alarm(
                    metric("AWS/RDS", "DatabaseConnections", DBInstanceIdentifier=ref("Store")),
                    Statistic="Maximum",
                    ComparisonOperator="LessThanThreshold",
                    Threshold=1,
                )
            ),
        ),
        (
            "W9607",
            template(
                Alarm=alarm(metric("AWS/RDS", "CPUUtilization", DBInstanceIdentifier="elsewhere")),
                Pager=PAGER,
            ),
        ),
        (
            "E9615",
            store("FreeStorageSpace", Threshold=10**12, ComparisonOperator="LessThanThreshold").replace(
                '"100"', '{"Ref": "AWS::NoValue"}'
            ),
        ),
    ],
)
def test_what_nobody_knows_is_not_judged(say: Say, rule: str, text: str) -> None:
    assert say(rule, text) == []


def test_consistency_needs_enough_alarms_to_be_one(say: Say) -> None:
    watched = {f"A{number}": alarm(ERRORS, Threshold=number) for number in range(5)}
    mute = alarm(CPU, **BUSY, TreatMissingData=None)

    assert say("W9630", template(**watched, Pager=PAGER, Worker=made("Lambda::Function"))) == []
    (finding,) = say("W9630", template(**watched, Mute=mute, Pager=PAGER, Store=STORE, Jobs=QUEUE))
    assert "alarm Mute does not say what missing data of CPUUtilization means" in finding
