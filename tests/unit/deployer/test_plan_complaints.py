"""What people complain of in other tools' plans, each from the change sets' answers to the screen.

The answers are constructed from the model.
"""

from typing import Any

import pytest

from deployer import noise
from deployer.changeset import ChangeSets
from deployer.plan import Kind, Plan
from deployer.secret_parameters import SecretParameter, refuse

LATER = "{{IntrinsicFunction:millrace-dev/Keys.Outputs.Arn/Fn::GetAtt}}"
MODIFY = {"action": "Modify", "Replacement": "False"}


def read(aws: Any) -> Plan:
    reading = ChangeSets(aws.cloudformation, aws.clock, poll=1.0).read(aws.change_set_id("plan-millrace-dev"))
    return Plan("dev", "millrace-dev", Kind.UPDATE, reading.stacks, "c")


def test_nested_change_sets_are_shown(aws: Any) -> None:
    """https://github.com/aws/aws-cli/issues/6659, https://github.com/aws/aws-sam-cli/issues/2406"""
    aws.change_set("millrace-dev", [aws.nested("Outer")])
    aws.change_set("Outer", [aws.nested("Inner")])
    delay = aws.detail("DelaySeconds", "1", "2")
    aws.change_set("Inner", [aws.change("Queue", **MODIFY, Details=[delay])])

    assert read(aws).render(80).splitlines()[:5] == [
        "millrace-dev",
        "└─ ~ Outer/  ~1",
        "   └─ ~ Inner/  ~1",
        "      └─ ~ Queue  AWS::SQS::Queue",
        "             DelaySeconds: 1 → 2",
    ]


def test_nested_wiring_gives_no_false_changes(aws: Any) -> None:
    """https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/759"""
    wired = aws.detail(
        "KmsMasterKeyId", "arn:k", LATER, CausingEntity="Key", ChangeSource="ParameterReference"
    )
    untold = aws.detail("Policy", Evaluation="Dynamic", ChangeSource="ParameterReference")
    aws.change_set("millrace-dev", [aws.nested("Stream")])
    aws.change_set(
        "Stream",
        [
            aws.change("Told", action="Modify", Replacement="True", Details=[wired]),
            aws.change("Untold", **MODIFY, Details=[untold]),
        ],
    )
    template = (
        "Resources: {Stream: {Type: 'AWS::CloudFormation::Stack', "
        "Properties: {TemplateURL: u, Parameters: {Key: !GetAtt Keys.Outputs.Arn}}}}"
    )
    for _ in ("deployed", "planned"):
        aws.says("get_template", {"TemplateBody": template})

    plan = read(aws)
    labelled = noise.compare(aws.cloudformation, plan.stacks, {}, {}).label(plan.stacks)
    shown = Plan("dev", "millrace-dev", Kind.UPDATE, labelled, "c")

    assert shown.counts.certain == 0
    assert shown.verdict == 2
    assert "0 to add, 0 to modify, 0 to remove; 2 unresolved" in shown.render(80)
    assert shown.render(80).splitlines()[1] == "└─ ? Stream/  ?2"


@pytest.mark.parametrize("dropped_from", ["the answer with values", "the answer without"])
def test_a_diff_leaves_no_resource_out(aws: Any, dropped_from: str) -> None:
    """https://github.com/aws/aws-cdk-cli/issues/1780"""
    kept = aws.change("Kept", **MODIFY, Details=[aws.detail("DelaySeconds", "1", "2")])
    dropped = aws.change("Dropped", **MODIFY, Details=[aws.detail("Configuration")])
    plain, valued = [kept, dropped], [kept]
    if dropped_from == "the answer without":
        plain, valued = valued, plain
    aws.change_set("millrace-dev", plain, valued=valued)

    rendered = read(aws).render(80)

    assert "~ Dropped  AWS::SQS::Queue" in rendered
    assert "Configuration: changes" in rendered
    assert "0 to add, 2 to modify" in rendered


def test_secrets_are_never_in_parameters_and_values_stay_masked(aws: Any) -> None:
    masked = aws.detail("MasterUserPassword", "****", "****")
    bare = aws.detail("Passwords", '["one-secret"]', '["another-secret"]')
    aws.change_set("millrace-dev", [aws.change("Db", "AWS::New::Thing", **MODIFY, Details=[masked, bare])])

    rendered = read(aws).render(120)

    assert "MasterUserPassword: **** → ****" in rendered
    assert "secret" not in rendered
    with pytest.raises(SecretParameter):
        refuse({"Parameters": {"P": {"Type": "String", "NoEcho": True}}, "Resources": {}}, "stack.yaml")
