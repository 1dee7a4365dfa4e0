import pytest

from deployer.changes import Action, Change, Counts, PropertyChange, Replacement, StackPlan
from deployer.plan import Kind, Plan, Verdict

TABLE = "AWS::DynamoDB::Table"
KNOWN_LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"


def modify(
    logical_id: str, *properties: PropertyChange, kind: str = "AWS::SQS::Queue", **more: str
) -> Change:
    replacement = Replacement(more.get("replacement", "False"))
    return Change(
        logical_id,
        kind,
        Action.MODIFY,
        replacement,
        more.get("policy"),
        physical_id="p",
        properties=properties,
    )


def plan(stacks: StackPlan, kind: Kind = Kind.UPDATE) -> Plan:
    return Plan("dev", "millrace-dev", kind, stacks, change_set_id="c", stack_id="s", token="t")


CONTAINER = Change("Stream", "AWS::CloudFormation::Stack", Action.MODIFY)
WHOLE = plan(
    StackPlan(
        "millrace-dev",
        changes=(Change("Address", "AWS::SSM::Parameter", Action.ADD),),
        children=(
            StackPlan(
                "Stream",
                changes=(
                    modify(
                        "Readings",
                        PropertyChange("RetentionPeriodHours", "24", "168"),
                        kind="AWS::Kinesis::Stream",
                    ),
                    modify(
                        "Table",
                        PropertyChange("TableName", "old", "new"),
                        kind=TABLE,
                        replacement="True",
                        policy="ReplaceAndDelete",
                    ),
                    Change("DeadLetters", "AWS::SQS::Queue", Action.REMOVE, policy_action="Delete"),
                ),
                children=(
                    StackPlan(
                        "Inner", (Change("Alarm", "AWS::CloudWatch::Alarm", Action.ADD),), container=CONTAINER
                    ),
                ),
                container=CONTAINER,
            ),
            StackPlan(
                "Observability",
                changes=(
                    modify(
                        "Lag",
                        PropertyChange("Dimensions", '[{"Value": "a"}]', f'[{{"Value": "{KNOWN_LATER}"}}]'),
                        kind="AWS::CloudWatch::Alarm",
                    ),
                ),
                container=CONTAINER,
            ),
            StackPlan("Quiet", container=CONTAINER),
        ),
    )
)


def test_the_plan_is_a_tree_of_every_nested_stacks_changes() -> None:
    assert WHOLE.render(110).splitlines()[:14] == [
        "millrace-dev",
        "├─ + Address  AWS::SSM::Parameter",
        "├─ ~ Stream/  +1 ~2 -1",
        "│  ├─ ~ Readings     AWS::Kinesis::Stream",
        "│  │      RetentionPeriodHours: 24 → 168",
        "│  ├─ ± Table        AWS::DynamoDB::Table  (replaced, policy ReplaceAndDelete)",
        "│  │      TableName: old → new",
        "│  ├─ - DeadLetters  AWS::SQS::Queue  (policy Delete)",
        "│  └─ ~ Inner/  +1",
        "│     └─ + Alarm  AWS::CloudWatch::Alarm",
        "├─ ? Observability/  ?1",
        "└─   Quiet/  no resource changes",
        "",
        "2 to add, 2 to modify (1 replaced), 1 to remove; 1 unresolved",
    ]


def test_no_line_is_wider_than_the_screen() -> None:
    assert max(map(len, WHOLE.render(40).splitlines())) == 40


def test_unresolved_changes_are_counted_apart() -> None:
    assert WHOLE.counts == Counts(add=2, modify=2, remove=1, replace=1, unresolved=1)


def test_nothing_to_do_says_so() -> None:
    empty = Plan("dev", "millrace-dev", Kind.UPDATE, StackPlan("millrace-dev"))

    assert empty.is_empty
    assert empty.verdict is Verdict.NOTHING
    assert empty.render() == "millrace-dev: nothing to do"


def test_a_plan_without_resource_changes_can_still_be_executed() -> None:
    outputs_only = plan(StackPlan("millrace-dev"))

    assert not outputs_only.is_empty
    assert outputs_only.verdict == 2
    assert outputs_only.render().endswith("0 to add, 0 to modify, 0 to remove")


def test_the_verdict_on_data() -> None:
    def verdict(change: Change) -> int:
        return plan(StackPlan("millrace-dev", (change,))).verdict

    name = PropertyChange("TableName", "a", "b")
    later = PropertyChange("TableName", "a", KNOWN_LATER)
    assert verdict(modify("T", name, kind=TABLE)) == 2
    assert verdict(modify("T", name, kind=TABLE, replacement="Conditional")) == 3
    assert verdict(modify("T", name, kind=TABLE, replacement="True")) == 3
    assert verdict(modify("T", later, kind=TABLE, replacement="True")) == 2
    assert verdict(modify("T", name, replacement="True", kind="AWS::EC2::Subnet")) == 2
    assert verdict(Change("T", TABLE, Action.REMOVE, policy_action="Retain")) == 2
    assert verdict(Change("T", TABLE, Action.REMOVE)) == 3


def test_of_data_at_risk_no_word_is_cut_off() -> None:
    gone = Change("Readings", TABLE, Action.REMOVE, policy_action="Delete")
    rendered = plan(StackPlan("millrace-dev", (gone,))).render(40).splitlines()

    assert " ".join(line.strip() for line in rendered[5:]) == (
        "DATA AT RISK: Readings (AWS::DynamoDB::Table) lost: it is removed with all that it holds "
        "to do: set DeletionPolicy: Retain and apply that first, or accept the loss by name when you apply"
    )
    assert max(map(len, rendered)) <= 40


def test_a_replacement_for_an_unknown_value_is_not_certain() -> None:
    size = PropertyChange("Size", "1", "2")
    key = PropertyChange("KmsKeyId", "k", KNOWN_LATER, recreates=True)
    name = PropertyChange("TableName", "a", "b", recreates=True)

    def shown(*properties: PropertyChange) -> Plan:
        return plan(StackPlan("s", (modify("T", *properties, kind=TABLE, replacement="True"),)))

    assert "± T" in shown(size, key, name).render()
    assert shown(size, key, name).counts.replace == 1
    doubtful = shown(size, key)
    assert "~ T  AWS::DynamoDB::Table  (may be replaced because of KmsKeyId)" in doubtful.render()
    assert "NOT CERTAIN: 1 resource that holds data would be replaced" in doubtful.render(200)
    assert (doubtful.verdict, doubtful.counts.replace) == (2, 0)


def test_unresolved_is_what_nobody_can_know_yet() -> None:
    def unresolved(*properties: PropertyChange) -> bool:
        return modify("Q", *properties).unresolved

    later = PropertyChange("A", "x", "{{IntrinsicFunction:Keys/Outputs.Arn}}")
    assert unresolved(later)
    assert unresolved(later, PropertyChange("B", dynamic=True))
    assert not unresolved(later, PropertyChange("B", "1", "2"))
    assert not unresolved(PropertyChange("A", "x", "{{resolve:secretsmanager:s}}"))
    assert not unresolved(PropertyChange("A"))
    assert unresolved(PropertyChange("A", "same", "same", dynamic=True))
    assert not unresolved(PropertyChange("A", "same", "same"))  # a value that was cut can differ where it was
    assert not unresolved(PropertyChange("A", "x", "y", dynamic=True))
    assert not unresolved()


@pytest.mark.parametrize(
    ("before", "after", "unresolved"),
    [
        ('[{"Image": "a", "Stream": "s"}]', '[{"Image": "a", "Stream": "{{later}}"}]', True),
        ('[{"Image": "a", "Stream": "s"}]', '[{"Image": "b", "Stream": "{{later}}"}]', False),
        ('[{"Image": "a"}]', '[{"Image": "a"}, {"Image": "{{later}}"}]', False),
        ('{"Size": 1}', '{"Size": "{{later}}"}', True),
        ('{"Size": 1}', '{"Size": 2, "More": "{{later}}"}', False),
        ("arn:aws:kinesis:stream/s", "arn:aws:kinesis:{{later}}", True),
        ("arn:aws:kinesis:stream/s", "arn:aws:sqs:{{later}}", False),
        ("a-b-c", "{{later}}-b-{{later}}", True),
        ("a-b-c", "{{later}}-d-{{later}}", False),
        ("aba", "ab{{later}}ba", False),
    ],
)
def test_what_differs_beside_the_unknown_is_certain(before: str, after: str, unresolved: bool) -> None:
    assert PropertyChange("A", before, after).unresolved is unresolved


def test_only_adding_needs_no_second_thought() -> None:
    assert plan(StackPlan("s", (Change("A", TABLE, Action.ADD),))).only_adds
    assert not WHOLE.only_adds
