"""A plan as the comment of a pull request."""

import re
from dataclasses import replace

import pytest

from deployer import markdown
from deployer.changes import Action, Change, PropertyChange, StackPlan
from deployer.plan import Kind, Plan

NESTED = Change("C", "AWS::CloudFormation::Stack", Action.MODIFY)


def plan(*children: StackPlan, changes: tuple[Change, ...] = ()) -> Plan:
    stacks = StackPlan("millrace-dev", changes, children)
    return Plan("dev", "millrace-dev", Kind.UPDATE, stacks, "c", token="millrace-deploy-1")


def opened(role: str) -> Change:
    """A queue policy that admits everybody."""
    statement = {"Effect": "Allow", "Action": "sqs:*", "Resource": f"arn:{role}", "Principal": "*"}
    after = {"Properties": {"PolicyDocument": {"Statement": [statement]}}}
    return Change(role, "AWS::SQS::QueuePolicy", Action.ADD, after=after)


def narrow(role: str) -> Change:
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": f"arn:{role}"}
    after = {"Properties": {"PolicyDocument": {"Statement": [statement]}}}
    return Change(role, "AWS::IAM::ManagedPolicy", Action.ADD, after=after)


def test_the_whole_comment() -> None:
    readings = Change(
        "Readings",
        "AWS::Kinesis::Stream",
        Action.MODIFY,
        properties=(PropertyChange("RetentionPeriodHours", "168", "24"),),
    )

    comment = markdown.render(plan(StackPlan("Stream", (readings, narrow("Writer")), container=NESTED)))

    assert comment.splitlines() == [
        "### <code>millrace-dev</code>: 1 to add, 1 to modify, 0 to remove",
        "",
        "- **DATA AT RISK** <code>Stream/Readings</code> (<code>AWS::Kinesis::Stream</code>) shortened: "
        "RetentionPeriodHours 168 → 24: records older than the new retention can no longer be read. "
        "To do: let every consumer catch up first, or keep the retention "
        "([source](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DecreaseStreamRetentionPeriod.html))",
        "",
        "#### Access",
        "",
        "| | resource | what | |",
        "|-|-|-|-|",
        "| <code>+</code> | <code>Stream/Writer</code> | <code>Allow sqs:SendMessage on arn:Writer "
        "&#91;policy&#93;</code> |  |",
        "",
        "<details><summary><code>Stream</code>: 2 resources</summary>",
        "",
        "| | resource | type | what |",
        "|-|-|-|-|",
        "| <code>&#126;</code> | <code>Readings</code> | <code>AWS::Kinesis::Stream</code> | "
        "<code>RetentionPeriodHours: 168 → 24</code> |",
        "| <code>+</code> | <code>Writer</code> | <code>AWS::IAM::ManagedPolicy</code> |  |",
        "",
        "</details>",
        "",
        "Apply it with <code>python deploy.py apply dev --plan millrace-deploy-1</code>",
    ]


def test_what_else_to_know_comes_first() -> None:
    noted = replace(plan(changes=(narrow("Writer"),)), notes=("ALARM Lag is on",))

    assert markdown.render(noted).splitlines()[2] == "- **ALARM Lag is on**"


def test_nothing_to_do_says_so() -> None:
    empty = Plan("dev", "millrace-dev", Kind.UPDATE, StackPlan("millrace-dev"))

    assert markdown.render(empty) == "### <code>millrace-dev</code>: nothing to do\n"


@pytest.mark.parametrize(
    "nasty", ["a|b", "`x`", "<script>", "&lt;", "**b**", "[l](u)", "@somebody", "#12", "a\nb", "http://x"]
)
def test_values_are_no_markup(nasty: str) -> None:
    change = Change(
        "Q", "AWS::SQS::Queue", Action.MODIFY, properties=(PropertyChange("Name", "before", nasty),)
    )

    (row,) = [line for line in markdown.render(plan(changes=(change,))).splitlines() if "Name:" in line]

    assert row.count("|") == 5
    cell = row.split("|")[4].strip()
    value = cell.removeprefix("<code>Name: before → ").removesuffix("</code>")
    assert not re.search(r"[`<>|*\[\]@\n]|#(?!\d)|&(?!#\d+;)|://", value)


def test_a_comment_never_exceeds_what_github_takes_and_says_what_was_cut() -> None:
    stacks = tuple(
        StackPlan(
            f"Stack{number}",
            tuple(
                Change(
                    f"R{position}",
                    "AWS::SQS::Queue",
                    Action.MODIFY,
                    properties=(PropertyChange("Name", "b" * 100, "a" * 100),),
                )
                for position in range(100)
            ),
            container=NESTED,
        )
        for number in range(10)
    )

    comment = markdown.render(plan(*stacks))

    assert 40_000 < len(comment.encode()) <= 65_536
    shown = re.findall(r"<summary><code>(\w+)</code>", comment)
    cut = re.findall(r"<code>(\w+) \(100\)</code>", comment)
    assert shown
    assert cut
    assert sorted(shown + cut) == sorted(stack.name for stack in stacks)
    assert "**Cut, since a comment has no more room:**" in comment
    assert "see <code>python deploy.py plan dev --json</code>" in comment


def test_verdicts_and_what_broadens_access_are_never_cut() -> None:
    removed = [Change(f"Table{n}", "AWS::DynamoDB::Table", Action.REMOVE) for n in range(50)]
    broad = [opened(f"Open{n}") for n in range(50)]
    harmless = [narrow(f"Narrow{n}") for n in range(800)]

    comment = markdown.render(plan(StackPlan("A", (*harmless, *broad, *removed), container=NESTED)))

    assert len(comment.encode()) <= 65_536
    assert all(f"A/{change.logical_id}</code>" in comment for change in (*removed, *broad))
    assert "**800 lines of data and access, and the stacks, have no room in a comment:**" in comment
    assert comment.endswith("--plan millrace-deploy-1</code>\n")


def test_even_more_danger_than_a_comment_takes_stays_within_it_and_says_so() -> None:
    removed = tuple(Change(f"Table{n}", "AWS::DynamoDB::Table", Action.REMOVE) for n in range(500))

    comment = markdown.render(plan(changes=removed))

    assert len(comment.encode()) <= 65_536
    assert re.search(r"\*\*\d+ lines of data and access, and the stacks, have no room in a comment", comment)


def test_access_that_differs_only_in_values_nobody_knows_yet_has_no_table() -> None:
    policy = PropertyChange("PolicyDocument", dynamic=True)
    before, after = narrow("there").after, narrow("{{changeSet:KNOWN_AFTER_APPLY}}").after
    unknown = Change(
        "Writer",
        "AWS::IAM::ManagedPolicy",
        Action.MODIFY,
        properties=(policy,),
        before=before,
        after=after,
    )

    comment = markdown.render(plan(StackPlan("Stream", (unknown,), container=NESTED)))

    assert "#### Access\n\n1 differs only in values" in comment
