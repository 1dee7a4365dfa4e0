"""Which actions the schemas name, and which of them are left out for what no template sets."""

import pytest

from parameters.settings import load
from stacks import handlers, linter_data, platform
from stacks.handlers import NEVER, ONLY, UnknownType, occurring, permissions


def types() -> handlers.Types:
    return occurring([made.tree for name in ("dev", "prod") for made in platform.build(load(name))])


def test_a_queue_takes_what_its_handlers_name() -> None:
    assert permissions("AWS::SQS::QueuePolicy", frozenset({"Queues"})) == {"sqs:SetQueueAttributes"}


def test_actions_of_a_property_come_with_it_and_go_with_it() -> None:
    without = permissions("AWS::Lambda::Function", frozenset({"Code"}))
    with_layers = permissions("AWS::Lambda::Function", frozenset({"Code", "Layers"}))
    assert with_layers - without == {"lambda:GetLayerVersion"}
    assert without - with_layers == set()


def test_an_action_of_two_properties_comes_with_either() -> None:
    kind, linked = "AWS::DynamoDB::Table", "iam:CreateServiceLinkedRole"
    assert linked not in permissions(kind, frozenset({"KeySchema"}))
    assert linked in permissions(kind, frozenset({"KinesisStreamSpecification"}))


def test_what_is_never_needed_is_left_out_whatever_is_set() -> None:
    assert "iam:DeleteRolePermissionsBoundary" in handlers.named("AWS::IAM::Role")
    assert "iam:DeleteRolePermissionsBoundary" not in permissions(
        "AWS::IAM::Role", frozenset({"PermissionsBoundary"})
    )


def test_what_no_schema_says_comes_from_aws_s_pages() -> None:
    assert "s3:GetObject" not in handlers.named("AWS::CloudFormation::Stack")
    assert "s3:GetObject" in permissions("AWS::CloudFormation::Stack", frozenset({"TemplateURL"}))


def test_a_type_that_no_schema_describes_is_refused() -> None:
    with pytest.raises(UnknownType, match=r"^Custom::Thing: no schema names"):
        permissions("Custom::Thing", frozenset())


def test_a_type_that_only_aws_s_pages_describe_takes_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(handlers.BEYOND, "Custom::Other", (("sns:Publish",), "https://docs.aws.amazon.com/"))
    assert permissions("Custom::Other", frozenset()) == {"sns:Publish"}


@pytest.mark.parametrize("rule", [*ONLY, *NEVER], ids=lambda rule: f"{rule.kind} {rule.actions[0]}")
def test_what_is_left_out_is_named_by_the_schema_of_a_type_that_is_here(
    rule: handlers.Only | handlers.Never,
) -> None:
    assert rule.kind in types()
    assert set(rule.actions) <= handlers.named(rule.kind)


@pytest.mark.parametrize("only", ONLY, ids=lambda only: f"{only.kind} {only.properties[0]}")
def test_what_an_action_is_for_is_a_property_of_its_type(only: handlers.Only) -> None:
    assert set(only.properties) <= linter_data.schema(only.kind, handlers.REGION)["properties"].keys()


def test_what_lies_beyond_the_schemas_is_of_types_that_are_here_and_has_a_page() -> None:
    for kind, (actions, page) in handlers.BEYOND.items():
        assert kind in types()
        assert not set(actions) & handlers.named(kind), "a schema says it by now"
        assert page.startswith("https://docs.aws.amazon.com/")
