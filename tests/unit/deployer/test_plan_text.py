"""The whole screen, exactly; docs/plan.md shows the one of 80 columns."""

import io
from pathlib import Path
from typing import Any

import pytest

from deployer.changes import Action, Change, PropertyChange, Replacement, StackPlan
from deployer.commands.showing import show
from deployer.plan import Kind, Plan

AT_120 = Path(__file__).with_name("plan-120.txt")
DOCS = Path(__file__).parents[3] / "docs" / "plan.md"
ACCOUNT = "111122223333"
STREAM = f"arn:aws:kinesis:eu-west-2:{ACCOUNT}:stream/millrace-dev-readings"
LATER = "{{IntrinsicFunction:millrace-dev/Stream.Outputs.StreamName/Fn::GetAtt}}"
NESTED = Change("Stream", "AWS::CloudFormation::Stack", Action.MODIFY)


def role(*actions: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": STREAM}
    return {
        "Properties": {
            "Policies": [{"PolicyName": "ReadReadings", "PolicyDocument": {"Statement": [statement]}}]
        }
    }


def group(cidr: str) -> dict[str, Any]:
    rule = {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, "CidrIp": cidr, "Description": "the cache"}
    egress = {"IpProtocol": "-1", "CidrIp": "127.0.0.1/32"}
    return {"Properties": {"SecurityGroupIngress": [rule], "SecurityGroupEgress": [egress]}}


EXAMPLE = Plan(
    "dev",
    "millrace-dev",
    Kind.UPDATE,
    StackPlan(
        "millrace-dev",
        children=(
            StackPlan(
                "Network",
                (
                    Change(
                        "CacheGroup",
                        "AWS::EC2::SecurityGroup",
                        Action.MODIFY,
                        properties=(
                            PropertyChange("SecurityGroupIngress/0/CidrIp", "10.0.0.0/16", "0.0.0.0/0"),
                        ),
                        before=group("10.0.0.0/16"),
                        after=group("0.0.0.0/0"),
                    ),
                ),
                container=NESTED,
            ),
            StackPlan(
                "Observability",
                (
                    Change(
                        "Lag",
                        "AWS::CloudWatch::Alarm",
                        Action.MODIFY,
                        properties=(
                            PropertyChange("Dimensions/0/Value", "readings", LATER, cause="StreamName"),
                        ),
                    ),
                ),
                container=NESTED,
            ),
            StackPlan(
                "Processor",
                (
                    Change(
                        "Leases",
                        "AWS::DynamoDB::Table",
                        Action.MODIFY,
                        Replacement.ALWAYS,
                        "ReplaceAndDelete",
                        "millrace-dev-processor",
                        (
                            PropertyChange(
                                "TableName",
                                "millrace-dev-processor",
                                "millrace-dev-reader",
                                recreates=True,
                                cause="Application",
                                source="ParameterReference",
                            ),
                        ),
                    ),
                    Change(
                        "TaskRole",
                        "AWS::IAM::Role",
                        Action.MODIFY,
                        properties=(
                            PropertyChange(
                                "Policies/0/PolicyDocument/Statement/0/Action/0",
                                "kinesis:GetRecords",
                                "kinesis:*",
                            ),
                        ),
                        before=role("kinesis:GetRecords", "kinesis:ListShards"),
                        after=role("kinesis:*", "kinesis:ListShards"),
                    ),
                    Change("Worker", "AWS::ECS::Service", Action.ADD),
                ),
                container=NESTED,
            ),
            StackPlan(
                "Stream",
                (
                    Change("DeadLetters", "AWS::SQS::Queue", Action.REMOVE, policy_action="Retain"),
                    Change(
                        "Readings",
                        "AWS::Kinesis::Stream",
                        Action.MODIFY,
                        properties=(
                            PropertyChange("RetentionPeriodHours", "168", "24"),
                            PropertyChange("DeletionPolicy", "Retain", "Delete", attribute="DeletionPolicy"),
                        ),
                    ),
                ),
                container=NESTED,
            ),
        ),
    ),
    change_set_id="c",
    stack_id=f"arn:aws:cloudformation:eu-west-2:{ACCOUNT}:stack/millrace-dev/1",
    token="millrace-deploy-1",
)


def test_a_plan_on_a_screen_of_120_columns() -> None:
    assert EXAMPLE.render(120).splitlines() == AT_120.read_text(encoding="utf-8").splitlines()


def test_a_plan_on_a_screen_of_80_columns_is_what_the_guide_shows() -> None:
    rendered = EXAMPLE.render(80)

    assert rendered in DOCS.read_text(encoding="utf-8")
    assert max(map(len, rendered.splitlines())) <= 80


def long(part: str) -> str:
    return part * (120 // len(part))


@pytest.mark.parametrize("width", [40, 80, 120])
def test_long_names_never_break_the_tree(width: int) -> None:
    name = long("AVeryLongLogicalId")
    change = Change(
        name,
        "AWS::DynamoDB::Table",
        Action.MODIFY,
        Replacement.ALWAYS,
        "ReplaceAndDelete",
        properties=(
            PropertyChange(long("Path/"), long("before"), long("after"), recreates=True, cause=name),
        ),
    )
    stacks = StackPlan("s", children=(StackPlan(name, (change, change), container=NESTED),))

    lines = Plan("dev", "s", Kind.UPDATE, stacks, "c").render(width).splitlines()

    tree = lines[1 : lines.index("")]
    assert max(map(len, tree)) <= width
    assert tree[0][:5] == "└─ ± " or tree[0][:5] == "└─ ~ "
    assert tree[0].endswith("/  ~2")
    assert {line[:3] for line in tree[1:]} == {"   "}
    assert sum(line.lstrip().startswith(("├─ ±", "└─ ±")) for line in tree) == 2
    assert "replaced because of" in " ".join(tree)


def test_sections_wrap_and_lose_no_word() -> None:
    lines = EXAMPLE.render(50).splitlines()

    assert {line.strip() for line in lines if len(line) > 50} == {STREAM}  # copied whole
    assert "accept the loss by name when you apply" in " ".join(" ".join(lines).split())


def test_a_terminal_shows_what_is_dangerous_in_red(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Terminal()

    show(EXAMPLE, screen)

    lines = screen.getvalue().splitlines()
    red = [line for line in lines if line.startswith("\x1b[1;31m")]
    assert [line.removeprefix("\x1b[1;31m").split(":")[0].strip() for line in red] == [
        "│  ├─ ± Leases    AWS",
        "! every action, kinesis",
        "! from everywhere\x1b[0m",
        "DATA AT RISK",
        "one is deleted\x1b[0m",
        "DATA AT RISK",
        "new retention can no longer be read\x1b[0m",
    ]
    assert any(line.startswith("\x1b[1;33mLET GO") for line in lines)
    assert any(line.startswith("\x1b[1;33mPROTECTION LOWERED") for line in lines)


def test_the_same_text_without_a_terminal_has_no_colours() -> None:
    plain = io.StringIO()

    show(EXAMPLE, plain)

    assert plain.getvalue() == EXAMPLE.render(160) + "\n"
    assert "\x1b" not in plain.getvalue()


def test_a_removed_dead_letter_queue_that_stays_in_the_account_is_told_and_no_risk() -> None:
    assert "LET GO: Stream/DeadLetters (AWS::SQS::Queue): it leaves the stack" in EXAMPLE.render(200)
    assert [change.logical_id for _, change in EXAMPLE.at_risk] == ["Leases", "Readings"]


def test_zero_resource_changes_but_outputs_or_tags_differ() -> None:
    rendered = Plan("dev", "s", Kind.UPDATE, StackPlan("s"), "c").render(80)

    assert rendered.splitlines() == [
        "s",
        "",
        "no resource changes: outputs, tags or settings of the stack differ",
        "0 to add, 0 to modify, 0 to remove",
    ]


def test_a_nested_stack_of_which_only_tags_or_outputs_change_says_so() -> None:
    tags = PropertyChange("Tags/0/Value", "a", "b")
    wired = PropertyChange("Parameters/Key", "a", LATER)
    container = Change("Stream", "AWS::CloudFormation::Stack", Action.MODIFY, properties=(tags, wired))

    plan = Plan(
        "dev", "s", Kind.UPDATE, StackPlan("s", children=(StackPlan("Stream", (), (), container),)), "c"
    )

    assert plan.render(80).splitlines()[1] == "└─   Stream/  no resource changes, only Tags"


def test_words_that_cloudformation_adds_some_day_are_shown_as_told() -> None:
    changes = (
        Change("A", "AWS::S3::Bucket", Action("Transmute")),
        Change("B", "AWS::SQS::Queue", Action.MODIFY, Replacement("Sometimes"), "Freeze"),
        Change("C", "AWS::IAM::Role", Action.DYNAMIC),
        Change("D", "AWS::SQS::Queue", Action.IMPORT, hooks=1),
        Change("E", "AWS::SQS::Queue", Action.SYNC, hooks=2),
    )

    plan = Plan("dev", "s", Kind.UPDATE, StackPlan("s", changes), "c")

    assert plan.render(120).splitlines()[:6] == [
        "s",
        "├─ ? A  AWS::S3::Bucket  (action Transmute, as CloudFormation tells it)",
        "├─ ~ B  AWS::SQS::Queue  (replacement Sometimes, as CloudFormation tells it, policy Freeze)",
        "├─ ? C  AWS::IAM::Role  (action Dynamic: CloudFormation decides when it gets there)",
        "├─ + D  AWS::SQS::Queue  (imported, 1 Hook)",
        "└─ ~ E  AWS::SQS::Queue  (drift accepted, 2 Hooks)",
    ]
    assert plan.verdict == 3
    assert [change.logical_id for _, change in plan.at_risk] == ["A", "B"]


def test_a_value_is_not_cut_to_have_its_reason_beside_it() -> None:
    name = PropertyChange("TableName", "millrace-dev-processor", "millrace-dev-reader", recreates=True)
    table = Change("Leases", "AWS::DynamoDB::Table", Action.MODIFY, Replacement.ALWAYS, properties=(name,))
    made = Plan("dev", "millrace-dev", Kind.UPDATE, StackPlan("millrace-dev", (table,), ()), "c")

    first, second = [line.strip() for line in made.render(80).splitlines()[2:4]]

    assert (first, second) == (
        "TableName: millrace-dev-processor → millrace-dev-reader",
        "(forces replacement)",
    )


def waits(logical_id: str) -> Change:
    """Changed by a value of another stack's only."""
    value = PropertyChange("Name", "readings", LATER, cause="StreamName")
    return Change(logical_id, "AWS::SQS::Queue", Action.MODIFY, properties=(value,))


def noisy() -> Plan:
    certain = Change("New", "AWS::SQS::Queue", Action.ADD)
    told = Change("Odd", "AWS::SQS::Queue", Action.DYNAMIC)
    stacks = StackPlan(
        "s",
        (waits("One"),),
        (
            StackPlan("Mixed", (waits("Two"), certain, told, waits("Three")), container=NESTED),
            StackPlan("Quiet", (waits("Four"), waits("Five")), container=NESTED),
        ),
    )
    return Plan("dev", "s", Kind.UPDATE, stacks, "c")


def test_what_may_stay_as_it_is_is_counted_by_stack_and_not_listed() -> None:
    assert noisy().render(80).splitlines()[:12] == [
        "s",
        "├─ ? 1 that may stay as it is",
        "├─ ~ Mixed/  +1 ?3",
        "│  ├─ + New  AWS::SQS::Queue",
        "│  ├─ ? Odd  AWS::SQS::Queue",
        "│  │      (action Dynamic: CloudFormation decides when it gets there)",
        "│  └─ ? 2 that may stay as they are",
        "└─ ? Quiet/  ?2",
        "",
        "1 to add, 0 to modify, 0 to remove; 6 unresolved",
        "? marks what only values that are not known yet would change; it may stay;",
        "  `--full` lists each",
    ]


def test_all_of_it_is_listed_for_who_asks() -> None:
    full = noisy().render(80, full=True)

    assert [name for name in ("One", "Two", "Three", "Four", "Five") if f"? {name}" in full] == [
        "One",
        "Two",
        "Three",
        "Four",
        "Five",
    ]
    assert "--full" not in full


def test_access_that_may_stay_is_one_line_and_listed_for_who_asks() -> None:
    def policy(resource: str) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": resource}
        return {"Properties": {"PolicyDocument": {"Statement": [statement]}}}

    change = Change(
        "Writer",
        "AWS::IAM::ManagedPolicy",
        Action.MODIFY,
        properties=(PropertyChange("PolicyDocument", dynamic=True),),
        before=policy("queue"),
        after=policy(LATER),
    )
    made = Plan("dev", "s", Kind.UPDATE, StackPlan("s", (change,)), "c")

    said = "differs only in values that are not known yet, and may stay as it is"
    assert f"Access: 1 {said}" in made.render(120).splitlines()
    assert "    ? Allow sqs:SendMessage on queue [policy]" in made.render(120, full=True).splitlines()
