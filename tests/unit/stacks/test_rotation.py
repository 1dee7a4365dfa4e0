import json
from dataclasses import fields
from typing import Any

import pytest

from rotation import age
from rotation.credentials import pair_of
from rotation.settings import Settings
from stacks.rotation import every


def test_the_function_is_told_exactly_what_it_asks_for(nested: Any) -> None:
    function = nested("rotation")["Resources"]["Function"]["Properties"]

    told = function["Environment"]["Variables"]

    assert set(told) == {field.name.upper() for field in fields(Settings)}
    assert all(told.values())


@pytest.mark.parametrize(
    ("days", "expression"), [(1, "rate(1 day)"), (7, "rate(7 days)"), (30, "rate(30 days)")]
)
def test_the_schedule_is_written_as_aws_wants_it(nested: Any, days: int, expression: str) -> None:
    resources = nested("rotation", every_days=days)["Resources"]

    for title in ("Schedule", "MigratorSchedule"):
        rules = resources[title]["Properties"]["RotationRules"]
        assert rules["ScheduleExpression"] == expression == every(days)
        assert "AutomaticallyAfterDays" not in rules, "it excludes an expression"


@pytest.mark.parametrize(("secret", "prefix"), [("Application", ""), ("Migrator", "Migrator")])
def test_the_first_rotation_finds_a_host_and_may_call_the_function(
    nested: Any, secret: str, prefix: str
) -> None:
    resources = nested("rotation")["Resources"]
    schedule = resources[f"{prefix}Schedule"]
    kinds = {resources[title]["Type"] for title in schedule["DependsOn"]}

    assert kinds == {"AWS::SecretsManager::SecretTargetAttachment", "AWS::Lambda::Permission"}
    assert schedule["Properties"]["RotateImmediatelyOnUpdate"] is True
    assert schedule["Properties"]["SecretId"] == {"Ref": secret}
    assert resources[f"{prefix}Attachment"]["Properties"]["SecretId"] == {"Ref": secret}
    permission = resources["Invocation"]["Properties"]
    assert permission["Principal"] == "secretsmanager.amazonaws.com"
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}


@pytest.mark.parametrize(
    ("title", "username"), [("Application", "millrace_app"), ("Migrator", "millrace_migrator")]
)
def test_each_secret_is_for_one_pair_of_users_and_its_name_is_free_after_it(
    nested: Any, title: str, username: str
) -> None:
    secret = nested("rotation", "prod")["Resources"][title]["Properties"]
    generated = secret["GenerateSecretString"]

    assert "Name" not in secret
    assert secret["KmsKeyId"] == {"Ref": "SecretsKeyArn"}
    assert json.loads(generated["SecretStringTemplate"]) == {"username": username, "dbname": "millrace"}
    assert username in pair_of(username)
    assert generated["GenerateStringKey"] == "password"
    assert generated["ExcludePunctuation"] is True, "some of it breaks connection strings"


def test_network_interfaces_are_made_in_this_account_only_and_never_by_the_code(
    nested: Any, statements: Any
) -> None:
    given = {
        statement["Sid"]: statement
        for statement in statements(nested("rotation")["Resources"]["FunctionRole"])
        if any(action.startswith("ec2:") for action in statement["Action"])
    }

    everywhere = {sid for sid, statement in given.items() if "*" in statement["Resource"]}

    assert everywhere == {"LambdaSeesNetwork", "CodeDoesNot"}
    assert all(action.startswith("ec2:Describe") for action in given["LambdaSeesNetwork"]["Action"])
    assert given["LambdaJoinsNetwork"]["Resource"] == [
        {"Fn::Sub": "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:*/*"}
    ]
    assert given["CodeDoesNot"]["Effect"] == "Deny"
    assert "lambda:SourceFunctionArn" in given["CodeDoesNot"]["Condition"]["ArnLike"]
    assert set(given["CodeDoesNot"]["Action"]) == {
        action for sid in ("LambdaJoinsNetwork", "LambdaSeesNetwork") for action in given[sid]["Action"]
    }, "what Lambda may do with the role, the code may not"


def test_what_it_could_not_do_is_kept_under_the_secrets_key(nested: Any, statements: Any) -> None:
    resources = nested("rotation", "prod")["Resources"]
    queue = resources["Undone"]

    assert resources["Function"]["Properties"]["DeadLetterConfig"] == {
        "TargetArn": {"Fn::GetAtt": ["Undone", "Arn"]}
    }
    assert queue["Properties"]["KmsMasterKeyId"] == {"Ref": "SecretsKeyArn"}
    (sends,) = [one for one in statements(resources["FunctionRole"]) if one["Action"] == ["sqs:SendMessage"]]
    assert sends["Resource"] == [{"Fn::GetAtt": ["Undone", "Arn"]}]


def test_it_reads_the_masters_secret_and_writes_the_two_logins_only(nested: Any, statements: Any) -> None:
    given = statements(nested("rotation")["Resources"]["FunctionRole"])
    on = {
        json.dumps(resource): set(statement["Action"])
        for statement in given
        for resource in statement["Resource"]
        if any(action.startswith("secretsmanager:") for action in statement["Action"])
    }

    assert on['{"Ref": "MasterSecretArn"}'] == {"secretsmanager:GetSecretValue"}
    assert (
        on['{"Ref": "Application"}']
        == on['{"Ref": "Migrator"}']
        == {
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
        }
    )
    assert len(on) == 3


def test_its_log_is_ours_from_the_first_line(nested: Any) -> None:
    resources = nested("rotation", "prod")["Resources"]

    assert resources["Log"]["Properties"]["LogGroupName"] == "/millrace/prod/rotation"
    assert resources["Function"]["Properties"]["LoggingConfig"]["LogGroup"] == {"Ref": "Log"}
    assert resources["Function"]["Properties"]["ReservedConcurrentExecutions"] == 2, (
        "as many as secrets: made together, both rotate at once"
    )


def test_the_age_is_asked_for_by_one_rule_which_alone_may(nested: Any) -> None:
    resources = nested("rotation")["Resources"]
    rule, permission = resources["AgeSchedule"]["Properties"], resources["AgeInvocation"]["Properties"]
    for target, secret in zip(rule["Targets"], ("Application", "Migrator"), strict=True):
        assert target["Arn"] == permission["FunctionName"] == {"Fn::GetAtt": ["Function", "Arn"]}
        asked = json.loads(target["Input"]["Fn::Sub"])
        assert asked == {"Measure": age.MEASURE, "SecretId": f"${{{secret}}}"}

    assert permission["Principal"] == "events.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": ["AgeSchedule", "Arn"]}


def test_nobody_outside_the_account_and_nothing_without_tls_reaches_what_was_not_done(nested: Any) -> None:
    policy = nested("rotation", "prod")["Resources"]["UndonePolicy"]["Properties"]
    statements = policy["PolicyDocument"]["Statement"]

    assert policy["Queues"] == [{"Ref": "Undone"}]
    assert [one["Effect"] for one in statements] == ["Deny", "Deny"]
    assert all(one["Principal"] == "*" and one["Action"] == ["sqs:*"] for one in statements)
    assert all(one["Resource"] == [{"Fn::GetAtt": ["Undone", "Arn"]}] for one in statements)
    assert [one["Condition"] for one in statements] == [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"StringNotEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}},
    ]
