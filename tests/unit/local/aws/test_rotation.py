"""Rotation of a secret through the function that a template deploys."""

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import EmbeddedAws

Json = dict[str, Any]

# The four steps, as a function that needs no database. It fails or waits in setSecret while the secret says
# so, and tags the secret with each step that it took.
FUNCTION = """
import json, os, time, boto3

def handle(event, context):
    secrets = boto3.client("secretsmanager")
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    stages = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
    assert "AWSPENDING" in stages[token], stages
    secrets.tag_resource(SecretId=arn, Tags=[{"Key": step, "Value": token}])
    current = json.loads(secrets.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")["SecretString"])
    if step == "createSecret":
        try:
            secrets.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
        except secrets.exceptions.ResourceNotFoundException:
            made = {**current, "turn": current["turn"] + 1, "ca": open(os.environ["DATABASE_CA_FILE"]).read(),
                    "beside": os.path.exists(os.environ["BESIDE"]), "steps": []}
            secrets.put_secret_value(SecretId=arn, ClientRequestToken=token, SecretString=json.dumps(made),
                                     VersionStages=["AWSPENDING"], RotationToken=event["RotationToken"])
    if step == "setSecret" and secrets.describe_secret(SecretId=arn).get("Description") == "broken":
        raise RuntimeError("the database is away")
    while step == "setSecret" and secrets.describe_secret(SecretId=arn).get("Description") == "waits":
        time.sleep(0.02)
    if step == "finishSecret":
        old = next(version for version, held in stages.items() if "AWSCURRENT" in held)
        secrets.update_secret_version_stage(SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token,
                                            RemoveFromVersionId=old)
"""


@pytest.fixture(scope="module")
def code(aws: Any, archive: Callable[[str], bytes]) -> Json:
    url = aws.upload({"bucket": "made"})
    bucket = url.split("/")[3]
    aws.client("s3").put_object(Bucket=bucket, Key="functions/rotation.zip", Body=archive(FUNCTION))
    return {"S3Bucket": bucket, "S3Key": "functions/rotation.zip"}


def rotating(code: Json, *, description: str = "", immediately: bool = True, permitted: bool = True) -> Json:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": {"Ref": "Secret"}}
    resources: Json = {
        "Secret": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "Description": description,
                "GenerateSecretString": {
                    "SecretStringTemplate": json.dumps({"turn": 0}),
                    "GenerateStringKey": "password",
                    "ExcludePunctuation": True,
                    "PasswordLength": 40,
                },
            },
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                "Policies": [
                    {
                        "PolicyName": "rotate",
                        "PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]},
                    }
                ],
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "handler.handle",
                "Timeout": 30,
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": code,
                "Environment": {
                    "Variables": {
                        "DATABASE_CA_FILE": "/var/task/certificates/rds.pem",
                        "BESIDE": "/var/task/handler.py",
                    }
                },
            },
        },
        "Schedule": {
            "Type": "AWS::SecretsManager::RotationSchedule",
            "DependsOn": ["Permission"] if permitted else [],
            "Properties": {
                "SecretId": {"Ref": "Secret"},
                "RotationLambdaARN": {"Fn::GetAtt": ["Function", "Arn"]},
                "RotationRules": {"ScheduleExpression": "rate(30 days)", "Duration": "2h"},
                "RotateImmediatelyOnUpdate": immediately,
            },
        },
    }
    if permitted:
        resources["Permission"] = {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "Function"},
                "Principal": "secretsmanager.amazonaws.com",
                "SourceAccount": {"Ref": "AWS::AccountId"},
            },
        }
    return {"Resources": resources, "Outputs": {"Arn": {"Value": {"Ref": "Secret"}}}}


def deployed(aws: Any, stack: str, template: Json) -> str:
    arn: str = aws.deploy(stack, template)["Outputs"][0]["OutputValue"]
    return arn


def described(aws: Any, arn: str) -> Json:
    found: Json = aws.client("secretsmanager").describe_secret(SecretId=arn)
    return found


def staged(aws: Any, arn: str, stage: str) -> Json:
    found = aws.client("secretsmanager").get_secret_value(SecretId=arn, VersionStage=stage)
    content: Json = json.loads(found["SecretString"])
    return content


def steps(aws: Any, arn: str) -> Json:
    """Step → the version that it was taken for last."""
    tags = {tag["Key"]: tag["Value"] for tag in described(aws, arn).get("Tags", [])}
    return {step: version for step, version in tags.items() if step.endswith("Secret")}


def await_test(aws: Any, arn: str) -> None:
    """Wait for the end of the test that a schedule makes which does not rotate at once."""
    aws.awaited(lambda: "testSecret" in steps(aws, arn))
    aws.awaited(lambda: list(described(aws, arn)["VersionIdsToStages"].values()) == [["AWSCURRENT"]])


def test_a_schedule_rotates_at_once_through_the_deployed_function(aws: Any, code: Json) -> None:
    arn = deployed(aws, "rotates", rotating(code))
    aws.awaited(lambda: "LastRotatedDate" in described(aws, arn))

    now, secret = staged(aws, arn, "AWSCURRENT"), described(aws, arn)
    assert now["turn"] == 1
    assert (now["ca"], now["beside"]) == ("the local authority", True)
    assert staged(aws, arn, "AWSPREVIOUS") == {"turn": 0, "password": now["password"]}
    assert (len(now["password"]), now["password"].isalnum()) == (40, True)
    assert sorted(secret["VersionIdsToStages"].values()) == [["AWSCURRENT"], ["AWSPREVIOUS"]]
    assert secret["RotationEnabled"]
    # The window opens at midnight, thirty days after that day, and lasts two hours.
    due = (
        secret["LastRotatedDate"].astimezone(datetime.UTC).replace(hour=2, minute=0, second=0, microsecond=0)
    )
    assert secret["NextRotationDate"] == due + datetime.timedelta(days=30)


def test_a_rotation_on_demand_keeps_the_turn_before(aws: Any, code: Json) -> None:
    arn = deployed(aws, "on-demand", rotating(code, immediately=False))
    await_test(aws, arn)
    assert "LastRotatedDate" not in described(aws, arn)

    for turn in (1, 2):
        version = aws.client("secretsmanager").rotate_secret(SecretId=arn)["VersionId"]
        aws.awaited(
            lambda version=version: described(aws, arn)["VersionIdsToStages"].get(version) == ["AWSCURRENT"]
        )
        assert staged(aws, arn, "AWSCURRENT")["turn"] == turn
        assert staged(aws, arn, "AWSPREVIOUS")["turn"] == turn - 1


def test_a_failed_rotation_is_seen_and_tried_again(aws: Any, code: Json, log: Path) -> None:
    secrets = aws.client("secretsmanager")
    arn = deployed(aws, "tries-again", rotating(code, description="broken"))
    aws.awaited(lambda: "setSecret: " in log.read_text() and "the database is away" in log.read_text())

    waiting = [
        stages for stages in described(aws, arn)["VersionIdsToStages"].values() if "AWSPENDING" in stages
    ]
    assert waiting == [["AWSPENDING"]]
    with pytest.raises(ClientError, match="A previous rotation isn't complete"):
        secrets.rotate_secret(SecretId=arn)
    secrets.update_secret(SecretId=arn, Description="mended")
    aws.awaited(lambda: "LastRotatedDate" in described(aws, arn))
    assert staged(aws, arn, "AWSCURRENT")["turn"] == 1


def test_a_function_that_may_not_be_invoked_is_refused(aws: Any, code: Json) -> None:
    planned = aws.plan("not-permitted", rotating(code, permitted=False))

    assert aws.execute(planned) == "ROLLBACK_COMPLETE"
    assert "cannot invoke the specified Lambda function" in aws.failures("not-permitted")[0][2]


def test_a_schedule_that_does_not_rotate_at_once_tests_a_version_and_removes_it(aws: Any, code: Json) -> None:
    arn = deployed(aws, "tests-only", rotating(code, immediately=False))

    await_test(aws, arn)

    assert list(steps(aws, arn)) == ["testSecret"]
    assert staged(aws, arn, "AWSCURRENT")["turn"] == 0
    assert "LastRotatedDate" not in described(aws, arn)


def test_the_schedule_rotates_within_its_window_and_not_before(
    aws: Any, code: Json, embedded: EmbeddedAws
) -> None:
    # Given a secret that is due in thirty days, from midnight until two
    arn = deployed(aws, "scheduled", rotating(code))
    aws.awaited(lambda: "LastRotatedDate" in described(aws, arn))
    first = described(aws, arn)
    until_it_closes = first["NextRotationDate"] - datetime.datetime.now(datetime.UTC)

    # When it is an hour before the window, nothing has happened
    embedded.put_forward((until_it_closes - datetime.timedelta(hours=3)).total_seconds())
    assert described(aws, arn)["NextRotationDate"] == first["NextRotationDate"]
    assert staged(aws, arn, "AWSCURRENT")["turn"] == 1

    # When it has opened, the function is called, and the next one is a month later
    embedded.put_forward(2 * 3600)
    aws.awaited(lambda: staged(aws, arn, "AWSCURRENT")["turn"] == 2)
    aws.awaited(lambda: described(aws, arn)["LastRotatedDate"] > first["LastRotatedDate"])
    now = described(aws, arn)
    assert now["NextRotationDate"] - first["NextRotationDate"] == datetime.timedelta(days=30)


def test_a_cancelled_rotation_takes_no_further_step_and_leaves_its_label(
    aws: Any, code: Json, log: Path
) -> None:
    # Given a rotation within setSecret
    secrets = aws.client("secretsmanager")
    arn = deployed(aws, "cancelled-rotation", rotating(code, description="waits"))
    aws.awaited(lambda: "setSecret" in steps(aws, arn))

    # When it is cancelled
    secrets.cancel_rotate_secret(SecretId=arn)
    secrets.update_secret(SecretId=arn, Description="goes on")

    # Then no further step is taken, and what is pending stays: the next rotation is refused
    aws.awaited(lambda: "was cancelled; labels stay" in log.read_text())
    assert sorted(steps(aws, arn)) == ["createSecret", "setSecret"]
    pending = [
        version for version, held in described(aws, arn)["VersionIdsToStages"].items() if "AWSPENDING" in held
    ]
    assert len(pending) == 1
    with pytest.raises(ClientError, match="A previous rotation isn't complete"):
        secrets.rotate_secret(SecretId=arn)

    # And that refusal has turned it on again: "that rotation will be reattempted"
    aws.awaited(lambda: described(aws, arn)["VersionIdsToStages"].get(pending[0]) == ["AWSCURRENT"])


def test_a_new_version_meanwhile_abandons_the_rotation(aws: Any, code: Json, log: Path) -> None:
    secrets = aws.client("secretsmanager")
    arn = deployed(aws, "abandoned", rotating(code, description="waits"))
    aws.awaited(lambda: "setSecret" in steps(aws, arn))

    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps({"turn": 7, "password": "by hand"}))
    secrets.update_secret(SecretId=arn, Description="goes on")

    aws.awaited(lambda: "abandoned: it got another new version" in log.read_text())
    assert staged(aws, arn, "AWSCURRENT")["turn"] == 7
    assert not [held for held in described(aws, arn)["VersionIdsToStages"].values() if "AWSPENDING" in held]


@pytest.mark.parametrize(
    "rules",
    [
        {"AutomaticallyAfterDays": 30, "ScheduleExpression": "rate(30 days)"},
        {"ScheduleExpression": "rate(3 hours)"},
        {"ScheduleExpression": "rate(1 day)", "Duration": "25h"},
    ],
)
def test_rules_that_cannot_be_are_refused(aws: Any, code: Json, rules: Json) -> None:
    secrets = aws.client("secretsmanager")
    arn = secrets.create_secret(Name=f"ruled-{len(str(rules))}", SecretString="{}")["ARN"]
    with pytest.raises(ClientError, match="InvalidParameterException"):
        secrets.rotate_secret(
            SecretId=arn,
            RotationLambdaARN="arn:aws:lambda:eu-west-2:111122223333:function:x",
            RotationRules=rules,
        )


def test_a_secret_whose_rotation_is_off_has_no_dates(aws: Any, code: Json) -> None:
    arn = deployed(aws, "off-again", rotating(code))
    aws.awaited(lambda: "LastRotatedDate" in described(aws, arn))

    aws.client("secretsmanager").cancel_rotate_secret(SecretId=arn)

    now = described(aws, arn)
    assert not now["RotationEnabled"]
    assert not {"LastRotatedDate", "NextRotationDate"} & set(now)
