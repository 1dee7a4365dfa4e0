"""CloudFormation's placeholders in words."""

import pytest

from deployer.later import in_words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{changeSet:KNOWN_AFTER_APPLY}}/index/a", "(known after apply)/index/a"),
        (
            "{{IntrinsicFunction:millrace-dev/Keys.Outputs.DataKeyArn/Fn::GetAtt}}",
            "(known after apply: output DataKeyArn of stack Keys)",
        ),
        (
            "{{IntrinsicFunction:a-Common-1A/Inner.Outputs.Name/Fn::GetAtt}}",
            "(known after apply: output Name of stack Inner)",
        ),
        ("{{IntrinsicFunction:millrace-dev/Role.Arn/Fn::GetAtt}}", "(known after apply: Arn of Role)"),
        ("{{IntrinsicFunction:millrace-dev/Role/Ref}}", "(known after apply: Role)"),
        ("{{IntrinsicFunction://Fn::Join}}", "(known after apply)"),
        ("{{resolve:ssm:/a/b}} {{changeSet:X}}", "{{resolve:ssm:/a/b}} (known after apply)"),
        ("nothing of the kind", "nothing of the kind"),
    ],
)
def test_what_is_known_of_a_placeholder_is_said(text: str, said: str) -> None:
    assert in_words(text) == said
