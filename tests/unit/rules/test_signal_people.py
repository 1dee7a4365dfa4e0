"""Who is told: topics, subscriptions and budgets. And what people look at: dashboards."""

import json
from typing import Any

import pytest

from tests.unit.rules.conftest import Say
from tests.unit.rules.signal_cases import (
    CPU,
    ERRORS,
    FUNCTION,
    PAGER,
    QUEUE,
    STORE,
    STREAM,
    WAITING,
    alarm,
    att,
    changed,
    made,
    metric,
    ref,
    template,
    watching,
)

BARE = made("SNS::Topic")


def subscribed(protocol: str = "email", endpoint: Any = "a@example.com", **more: Any) -> str:
    person = made(
        "SNS::Subscription", **{"TopicArn": ref("Pager"), "Protocol": protocol, "Endpoint": endpoint, **more}
    )
    mail = {"Type": "String", "AllowedPattern": "^[^@]+@[^@]+$"}
    return template(
        parameters={"Mail": mail}, Alarm=alarm(ERRORS), Worker=FUNCTION, Pager=BARE, Person=person, Jobs=QUEUE
    )


def budget(*notifications: dict[str, Any], **changes: Any) -> str:
    said = {
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": 100, "Unit": "USD"},
        **changes,
    }
    return template(
        Money=made("Budgets::Budget", Budget=said, NotificationsWithSubscribers=list(notifications))
    )


def notification(
    threshold: float, kind: str = "ACTUAL", operator: str = "GREATER_THAN", **person: str
) -> dict[str, Any]:
    said = {"NotificationType": kind, "ComparisonOperator": operator, "Threshold": threshold}
    return {
        "Notification": said,
        "Subscribers": [{"SubscriptionType": "EMAIL", "Address": "a@example.com", **person}],
    }


EARLY = notification(80)


def widget(x: int = 0, kind: str = "metric", **properties: Any) -> dict[str, Any]:
    shown = {
        "title": f"at {x}",
        "region": "${AWS::Region}",
        "metrics": [["AWS/SQS", "NumberOfMessagesSent", "QueueName", "${Jobs.QueueName}"]],
    }
    return {"type": kind, "x": x, "y": 0, "width": 6, "height": 6, "properties": {**shown, **properties}}


def board(*widgets: Any, body: Any = None, one: Any = None, **others: Any) -> str:
    text = json.dumps({"widgets": list(widgets)}) if body is None else body
    shown = made("CloudWatch::Dashboard", DashboardBody={"Fn::Sub": text})
    return watching(one or alarm(ERRORS), Board=shown, **others)


def row(*names: str) -> dict[str, Any]:
    return widget(kind="alarm", alarms=[f"${{{name}.Arn}}" for name in names])


def line(value: float) -> dict[str, Any]:
    drawn = {"horizontal": [{"label": "alarm", "value": value}]}
    return widget(
        metrics=[["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", "${Store}"]], annotations=drawn
    )


def ours(name: str) -> dict[str, Any]:
    return widget(metrics=[["Shop", name, "Till", "1"]])


def of(metric_: str, *pairs: str, **more: Any) -> dict[str, Any]:
    return widget(metrics=[["AWS/SQS", metric_, *pairs]], **more)


BUSY = alarm(CPU, Statistic="Average", Threshold=80)
EIGHT = {f"A{number}": alarm(ERRORS, Threshold=number) for number in range(6)}
TILLS = alarm(metric("Shop", "SalesFailed", Till="1"))

CASES = [
    ("W9680", subscribed(), watching(alarm(ERRORS)).replace('"Subscription"', '"DisplayName"')),
    ("E9681", subscribed(), subscribed("sqs")),
    ("E9681", subscribed("sqs", att("Jobs")), subscribed("sqs", ref("Jobs"))),
    ("E9681", subscribed("email", ref("Mail")), subscribed("https", ref("Mail"))),
    ("E9681", subscribed(), subscribed("e-mail")),
    ("W9682", subscribed(), subscribed(FilterPolicy={"team": ["shop"]})),
    ("E9683", subscribed(), subscribed(TopicArn=att("Pager", "TopicName"))),
    ("W9684", subscribed(), subscribed(RawMessageDelivery=True)),
    ("E9685", budget(EARLY), budget()),
    ("E9685", budget(EARLY), budget(changed(EARLY, "Subscribers", to=[]))),
    ("E9686", budget(EARLY), budget(notification(80, SubscriptionType="SNS"))),
    ("W9687", budget(EARLY), budget(notification(100))),
    ("W9687", budget(EARLY), budget(notification(100, "FORECASTED"))),
    ("E9688", budget(EARLY), budget(notification(80, operator="LESS_THAN"))),
    ("E9688", budget(EARLY), budget(notification(8000))),
    ("E9689", budget(EARLY), budget(EARLY, BudgetLimit={"Amount": 0, "Unit": "USD"})),
    ("E9690", board(widget()), board(body='{"widgets": [}')),
    ("E9691", board(widget()), board(widget(20))),
    ("E9691", board(widget()), board(widget(kind="metrics"))),
    ("W9692", board(widget(), widget(6)), board(widget(), widget(4))),
    ("E9693", board(row("Alarm")), board(row("Pager"))),
    ("W9694", board(row("Alarm", *EIGHT), **EIGHT), board(row(*EIGHT), **EIGHT)),
    ("W9695", board(line(80), one=BUSY), board(line(90), one=BUSY)),
    ("W9696", board(widget(), widget(6)), board(widget(), widget(6, region="us-east-1"))),
    ("W9697", board(ours("SalesFailed"), one=TILLS), board(ours("SaleFailed"), one=TILLS)),
    ("E9601", board(widget()), board(of("NumberOfMessagesSent", "Queue", "x"))),
    ("E9603", board(widget()), board(of("NumberOfMessageSent", "QueueName", "${Jobs.QueueName}"))),
    ("E9604", board(widget()), board(of("NumberOfMessagesSent", "QueueName", "${Jobs}"))),
    (
        "W9632",
        board(of(WAITING["MetricName"], "QueueName", "${Jobs.QueueName}"), one=alarm(WAITING)),
        board(of(WAITING["MetricName"], "QueueName", "${Rest.QueueName}"), one=alarm(WAITING), Rest=QUEUE),
    ),
]


@pytest.mark.parametrize(("rule", "fine", "wrong"), CASES)
def test_a_rule_tells_the_wrong_from_the_fine(say: Say, rule: str, fine: str, wrong: str) -> None:
    assert say(rule, fine) == []
    assert [line for line in say(rule, wrong) if f" {rule} " in line]


def test_a_topic_that_is_handed_out_may_have_listeners_elsewhere(say: Say) -> None:
    parts = {"Alarm": alarm(ERRORS), "Worker": FUNCTION, "Pager": BARE}

    assert say("W9680", template(**parts)) != []
    assert say("W9680", template(**parts, outputs={"Pager": ref("Pager")})) == []


def test_a_search_is_read_like_a_line(say: Say) -> None:
    search = "SEARCH('{AWS/SQS,QueueName} MetricName=\"NumberOfMessageSent\"', 'Sum', 60)"

    (finding,) = say("E9603", board(widget(metrics=[[{"expression": search, "id": "all"}]])))
    assert "write NumberOfMessagesSent" in finding


def test_a_line_may_repeat_the_one_before(say: Say) -> None:
    first = ["AWS/SQS", "NumberOfMessagesSent", "QueueName", "${Jobs.QueueName}"]

    assert say("E96", board(widget(metrics=[first, [".", "NumberOfMessagesReceived", ".", "."]]))) == []
    (finding,) = say("E9603", board(widget(metrics=[first, [".", "NumberOfMessageReceived", ".", "."]])))
    assert "NumberOfMessageReceived" in finding


def test_metrics_that_differ_in_a_number_are_two(say: Say) -> None:
    one = alarm(metric("Shop", "Replies5xx", Till="1"))

    assert say("W9697", board(ours("Replies4xx"), one=one)) == []
    assert say("W9697", board(ours("Replies5xx"), one=alarm(metric("Shop", "Replies5xx")))) != []


def test_a_board_of_which_a_part_is_unknown_is_not_judged(say: Say) -> None:
    shown = made("CloudWatch::Dashboard", DashboardBody=ref("Body"))
    parts = {"Store": STORE, "Clicks": STREAM, "Pager": PAGER}

    assert say("E96", template(parameters={"Body": {"Type": "String"}}, Board=shown, **parts)) == []
