from typing import Any

import pytest

from stacks import runbook
from stacks.alarm import DESCRIPTION_LIMIT, Guidance
from stacks.runbook import WordsMissing, entries, read

WORDS = Guidance(means="It stands still.", look="There.", do="This.")


def alarm(title: str, threshold: int = 5, **changes: Any) -> dict[str, Any]:
    properties = {
        "AlarmDescription": WORDS.described(title),
        "Namespace": "AWS/Kinesis",
        "MetricName": "IncomingRecords",
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": threshold,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties | changes}


class Stack:
    """As much of a StackTemplate as the page reads."""

    def __init__(self, environment: str, **resources: Any) -> None:
        self.environment = environment
        self.name = "plant"
        self.tree = {"Resources": resources}


def page(*stacks: Stack) -> str:
    return runbook.page(stacks)  # type: ignore[arg-type]


def test_an_entry_says_what_the_alarm_says_and_when_it_begins() -> None:
    text = page(Stack("dev", Standstill=alarm("Standstill")))

    assert "## Standstill\n\n- **Means** It stands still.\n- **Look** There.\n- **Do** This.\n" in text
    assert (
        "- **Begins** Sum of `AWS/Kinesis IncomingRecords` above 5 over 5 min; no data counts as no breach\n"
        in text
    )


def test_what_environments_share_is_said_once_and_what_not_apart() -> None:
    stacks = [Stack("dev", Standstill=alarm("Standstill")), Stack("prod", Standstill=alarm("Standstill", 9))]

    text = page(*stacks)

    assert text.count("**Means**") == 1
    assert "**Begins** in dev Sum of `AWS/Kinesis IncomingRecords` above 5 " in text
    assert "**Begins** in prod Sum of `AWS/Kinesis IncomingRecords` above 9 " in text
    assert "| [Standstill](#standstill) | plant | dev, prod |" in text


def test_nodes_of_one_kind_share_an_entry() -> None:
    found = list(entries("dev", "plant", {f"Full{n:03}": alarm(f"Full{n:03}") for n in (1, 2, 3)}))

    assert [entry.title for entry in found] == ["Full"]


def test_an_expression_is_told_with_its_terms_and_their_period() -> None:
    term = {"Namespace": "AWS/ECS", "MetricName": "CPUUtilization", "Dimensions": []}
    queries = [
        {"Id": "idle", "Expression": "IF(cpu < 30, 1, 0)", "ReturnData": True},
        {
            "Id": "cpu",
            "ReturnData": False,
            "MetricStat": {"Metric": term, "Period": 120, "Stat": "Average"},
        },
    ]
    resource = alarm("Idle", Metrics=queries, EvaluationPeriods=30)
    for single in ("Namespace", "MetricName", "Statistic", "Period"):
        del resource["Properties"][single]

    (entry,) = entries("dev", "plant", {"Idle": resource})

    assert entry.begins.startswith(
        "`IF(cpu < 30, 1, 0)` (cpu is `AWS/ECS CPUUtilization`) above 5 over each of 30 periods of 2 min;"
    )


def test_a_schedule_tells_nobody_anything() -> None:
    schedule = {"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": "rate(1 day)"}}

    assert list(entries("dev", "plant", {"Daily": schedule})) == []


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("", "Guidance"),
        ("It stands still.", "Guidance"),
        ("It stands still.\nLook: There.\nRunbook: docs/runbook.md#standstill", "Guidance"),
        (WORDS.described("Elsewhere"), "points to the runbook's elsewhere"),
        (Guidance("a. " * DESCRIPTION_LIMIT, "b", "c").described("Standstill"), f"takes {DESCRIPTION_LIMIT}"),
    ],
)
def test_an_alarm_without_the_words_is_refused(words: str, what: str) -> None:
    with pytest.raises(WordsMissing, match=what) as refused:
        page(Stack("dev", Standstill=alarm("Standstill", AlarmDescription=words)))

    assert str(refused.value).startswith("dev/plant.Standstill: ")


def test_what_is_read_is_what_was_written() -> None:
    assert read("here", "Standstill", WORDS.described("Standstill")) == WORDS
    assert read("here", "Standstill", WORDS.described("Standstill").replace("\n", " ")) == WORDS
