"""What each service is asked of a failure, and how it is told. Answers are constructed from the model."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployer import evidence
from deployer.clients import Clients
from deployer.evidence import authorisation
from deployer.evidence.question import Evidence, Question
from deployer.failures import Event

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
SERVICE = "arn:aws:ecs:eu-west-2:111122223333:service/millrace-dev/Processor"
TASK = "arn:aws:ecs:eu-west-2:111122223333:task/millrace-dev/0f3c"
WORKER = "arn:aws:sts::111122223333:assumed-role/Deployer/session"
TOKEN = "arn:aws:lambda:eu-west-2:111122223333:function:rotate"


def gather(
    aws: Any, kind: str, reason: str = "", physical_id: str = "", **properties: str
) -> tuple[Evidence, ...]:
    event = Event(
        stack=("Processor",),
        stack_id=aws.stack_id("Processor"),
        logical_id="It",
        physical_id=physical_id,
        type=kind,
        status="CREATE_FAILED",
        reason=reason,
        at=BEGAN,
        properties=json.dumps(properties),
    )
    clients = Clients(aws.session, "eu-west-2")
    return evidence.gather(Question(clients, event, BEGAN, BEGAN + timedelta(minutes=9), "eu-west-2"))


def told(found: tuple[Evidence, ...]) -> list[str]:
    return [line for each in found for line in (f"{each.about}:", *each.lines)]


def test_a_service_that_does_not_become_steady_shows_its_stopped_tasks_and_what_they_logged(aws: Any) -> None:
    message = {"message": "(service Processor) has started 1 tasks:  (task 0f3c)."}
    aws.answers(
        "ecs",
        "describe_services",
        {"services": [{"events": [message]}]},
        cluster="millrace-dev",
        services=["Processor"],
    )
    aws.answers(
        "ecs",
        "list_tasks",
        {"taskArns": [TASK]},
        cluster="millrace-dev",
        serviceName="Processor",
        desiredStatus="STOPPED",
    )
    container = {"name": "processor", "exitCode": 3, "reason": "OutOfMemoryError"}
    task = {
        "taskArn": TASK,
        "taskDefinitionArn": "definition",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [container, {"name": "sidecar"}],
    }
    aws.answers("ecs", "describe_tasks", {"tasks": [task]}, cluster="millrace-dev", tasks=[TASK])
    options = {"awslogs-group": "/millrace/dev/processor", "awslogs-stream-prefix": "processor"}
    log = {"name": "processor", "logConfiguration": {"logDriver": "awslogs", "options": options}}
    aws.answers(
        "ecs",
        "describe_task_definition",
        {"taskDefinition": {"containerDefinitions": [log, {"name": "sidecar"}]}},
        taskDefinition="definition",
    )
    aws.answers(
        "logs",
        "get_log_events",
        {"events": [{"message": "no route to\n the database"}]},
        logGroupName="/millrace/dev/processor",
        logStreamName="processor/processor/0f3c",
        limit=10,
        startFromHead=False,
    )

    assert told(gather(aws, "AWS::ECS::Service", physical_id=SERVICE)) == [
        "what the service Processor says:",
        "(service Processor) has started 1 tasks: (task 0f3c).",
        "stopped task 0f3c:",
        "EssentialContainerExited Essential container in task exited",
        "container processor: exit code 3, OutOfMemoryError",
        "the end of /millrace/dev/processor processor/processor/0f3c:",
        "no route to the database",
    ]


def test_a_service_that_forgot_its_tasks_says_so(aws: Any) -> None:
    aws.answers("ecs", "describe_services", {"services": []})
    aws.answers("ecs", "list_tasks", {"taskArns": []})

    assert told(gather(aws, "AWS::ECS::Service", physical_id=SERVICE)) == [
        "stopped tasks of Processor:",
        "none is told of; they are forgotten after an hour",
    ]


@pytest.mark.parametrize(
    "kind", ["AWS::ECS::Service", "AWS::RDS::DBInstance", "Custom::Thing", "AWS::SQS::Queue"]
)
def test_what_was_never_made_is_asked_of_nobody(aws: Any, kind: str) -> None:
    assert gather(aws, kind, "bad name") == ()


@pytest.mark.parametrize(
    ("kind", "physical_id", "wired"),
    [
        ("Custom::Thing", "", {"ServiceToken": TOKEN}),
        ("AWS::CloudFormation::CustomResource", "", {"ServiceToken": TOKEN}),
        ("AWS::SecretsManager::RotationSchedule", "", {"RotationLambdaARN": TOKEN}),
        ("AWS::Lambda::Function", TOKEN, {}),
    ],
)
def test_what_a_function_answers_for_shows_that_functions_errors(
    aws: Any, kind: str, physical_id: str, wired: dict[str, str]
) -> None:
    group = {"LogGroup": "/millrace/dev/rotation"}
    answer = {"FunctionName": "rotate", "LoggingConfig": group}
    aws.answers("lambda", "get_function_configuration", answer, FunctionName=TOKEN)
    aws.answers(
        "logs",
        "filter_log_events",
        {"events": [{"message": f"[ERROR] {number}"} for number in range(12)]},
        logGroupName="/millrace/dev/rotation",
        startTime=1767225600000,
        endTime=1767226141000,
        filterPattern=aws.any,
        limit=100,
    )

    (found,) = gather(aws, kind, physical_id=physical_id, **wired)

    assert found.about == "errors of the function rotate (/millrace/dev/rotation)"
    assert found.lines == tuple(f"[ERROR] {number}" for number in range(2, 12))


def test_a_function_that_logged_no_error_says_so(aws: Any) -> None:
    aws.answers("lambda", "get_function_configuration", {"FunctionName": "rotate"})
    aws.answers("logs", "filter_log_events", {"events": []})

    assert told(gather(aws, "Custom::Thing", ServiceToken=TOKEN)) == [
        "errors of the function rotate (/aws/lambda/rotate):",
        "none in this time",
    ]


def test_a_cache_shows_what_it_told_of_itself(aws: Any) -> None:
    event = {"Date": BEGAN, "Message": "no capacity"}
    aws.answers(
        "elasticache",
        "describe_events",
        {"Events": [event]},
        SourceType="replication-group",
        SourceIdentifier="group",
        StartTime=BEGAN,
        EndTime=BEGAN + timedelta(minutes=9),
    )

    assert told(gather(aws, "AWS::ElastiCache::ReplicationGroup", physical_id="group")) == [
        "events of the replication group group:",
        "00:00:00 no capacity",
    ]


def test_access_denied_names_action_resource_and_role(aws: Any) -> None:
    reason = (
        f'Resource handler returned message: "User: {WORKER} is not authorized to perform: sqs:CreateQueue '
        "on resource: arn:aws:sqs:eu-west-2:111122223333:q because no identity-based policy allows the "
        'sqs:CreateQueue action (Service: Sqs)"'
    )

    assert told(gather(aws, "AWS::SQS::Queue", reason)) == [
        "the permission that is missing:",
        "the role Deployer lacks sqs:CreateQueue on arn:aws:sqs:eu-west-2:111122223333:q: because no "
        "identity-based policy allows the sqs:CreateQueue action",
    ]


@pytest.mark.parametrize(
    ("explicit", "why"), [(True, "a policy denies it explicitly"), (False, "no policy allows it")]
)
def test_an_encoded_refusal_is_decoded(aws: Any, explicit: bool, why: str) -> None:
    context = {"principal": {"arn": WORKER}, "action": "ec2:CreateVpc", "resource": "arn:vpc"}
    message = json.dumps({"allowed": False, "explicitDeny": explicit, "context": context})
    aws.answers("sts", "decode_authorization_message", {"DecodedMessage": message}, EncodedMessage="aB-_9")

    reason = "You are not authorized. Encoded authorization failure message: aB-_9 (Service: Ec2)"
    assert told(gather(aws, "AWS::EC2::VPC", reason)) == [
        "the permission that is missing:",
        f"the role Deployer lacks ec2:CreateVpc on arn:vpc: {why}",
    ]


def test_a_decoding_that_is_refused_is_told_with_what_is_missing(aws: Any) -> None:
    denied = f"User: {WORKER} is not authorized to perform: sts:DecodeAuthorizationMessage"
    aws.refuses("decode_authorization_message", "AccessDenied", denied, service="sts")

    reason = "Encoded authorization failure message: aB"
    assert told(gather(aws, "AWS::EC2::VPC", reason))[1] == (
        "not read: these credentials lack sts:DecodeAuthorizationMessage"
    )


def test_who_is_no_role_is_named_whole() -> None:
    denied = authorisation.read(
        "User: arn:aws:iam::111122223333:user/x is not authorized to perform: s3:Get*"
    )

    assert str(denied) == "arn:aws:iam::111122223333:user/x lacks s3:Get* on *"


def test_a_limit_that_was_reached_names_the_quota_and_where_it_is_raised(aws: Any) -> None:
    quotas = [
        {"QuotaName": "NAT gateways per Availability Zone", "Value": 5.0, "QuotaCode": "L-1"},
        {"QuotaName": "VPCs per Region", "Value": 5.0, "QuotaCode": "L-2"},
    ]
    aws.answers(
        "service-quotas", "list_service_quotas", {"Quotas": quotas}, ServiceCode="vpc", MaxResults=100
    )

    reason = "The maximum was reached (HandlerErrorCode: ServiceLimitExceeded)"
    assert told(gather(aws, "AWS::EC2::NatGateway", reason)) == [
        "the quota that was reached:",
        "raise it: https://eu-west-2.console.aws.amazon.com/servicequotas/home/services/vpc/quotas",
        "quotas of EC2 that name it:",
        "NAT gateways per Availability Zone: 5 (L-1)",
    ]


def test_a_name_that_is_taken_tells_which_stack_has_it(aws: Any) -> None:
    resource = {
        "StackName": "another",
        "StackId": aws.stack_id("another"),
        "LogicalResourceId": "Queue",
        "PhysicalResourceId": "orders",
        "ResourceType": "AWS::SQS::Queue",
        "Timestamp": BEGAN,
        "ResourceStatus": "CREATE_COMPLETE",
    }
    aws.says("describe_stack_resources", {"StackResources": [resource]}, PhysicalResourceId="orders")

    found = gather(aws, "AWS::SQS::Queue", "(HandlerErrorCode: AlreadyExists)", QueueName="orders")
    assert told(found) == ["where the name is taken:", "orders is Queue in the stack another"]


def test_a_name_that_no_stack_has_is_an_orphans(aws: Any) -> None:
    aws.refuses("describe_stack_resources", "ValidationError", "Stack for orders does not exist")

    assert told(gather(aws, "AWS::SQS::Queue", "orders already exists"))[1] == (
        "orders lies in no stack of eu-west-2: an orphan, or made by hand; import or delete it"
    )


def test_a_name_whose_stack_is_told_needs_no_call(aws: Any) -> None:
    other = aws.stack_id("another")

    assert told(gather(aws, "AWS::SQS::Queue", f"orders already exists in stack {other}.")) == [
        "where the name is taken:",
        f"in the stack {other}",
    ]


def test_a_rollback_alarm_that_fired_tells_what_it_saw_and_one_that_is_missing_too(aws: Any) -> None:
    alarm = {"AlarmName": "late", "StateValue": "ALARM", "StateReason": "3 of 3 above 60"}
    aws.answers(
        "cloudwatch",
        "describe_alarms",
        {"MetricAlarms": [alarm], "CompositeAlarms": []},
        AlarmNames=["late", "gone"],
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )

    prefix = "arn:aws:cloudwatch:eu-west-2:111122223333:alarm"
    assert told(
        gather(aws, "AWS::CloudFormation::Stack", f"[{prefix}:late, {prefix}:gone] are in ALARM")
    ) == [
        "the alarm late:",
        "is ALARM now: 3 of 3 above 60",
        "the alarm gone:",
        "there is none of this name: a missing alarm rolls back too",
    ]


def test_where_the_reason_names_no_alarm_the_stacks_triggers_are_asked(aws: Any) -> None:
    arn = "arn:aws:cloudwatch:eu-west-2:111122223333:alarm:late"
    trigger = {"Arn": arn, "Type": "AWS::CloudWatch::Alarm"}
    aws.stack(RollbackConfiguration={"RollbackTriggers": [trigger]})
    alarm = {"AlarmName": "late", "StateValue": "OK", "StateReason": "1 of 1 below 60"}
    aws.answers("cloudwatch", "describe_alarms", {"MetricAlarms": [alarm], "CompositeAlarms": []})

    found = gather(aws, "AWS::CloudFormation::Stack", "An alarm fired", physical_id=aws.stack_id("Processor"))
    assert told(found) == ["the alarm late:", "is OK now: 1 of 1 below 60"]


def test_properties_that_were_cut_off_are_none(aws: Any) -> None:
    event = Event((), "s", "It", "", "Custom::Thing", "CREATE_FAILED", "", BEGAN, properties='{"ServiceTok')

    assert Question(Clients(aws.session, "r"), event, BEGAN, BEGAN, "r").properties == {}


def test_a_long_line_is_cut(aws: Any) -> None:
    aws.answers("lambda", "get_function_configuration", {"FunctionName": "rotate"})
    aws.answers("logs", "filter_log_events", {"events": [{"message": "x" * 999}]})

    (found,) = gather(aws, "Custom::Thing", ServiceToken=TOKEN)

    assert found.lines == (f"{'x' * 239}…",)


def test_a_container_that_was_handed_a_login_that_no_rotation_has_made_shows_why(aws: Any) -> None:
    """The migrations of a first deployment: the container fails since the rotation before it has."""
    arn = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:Migrator-AbCdEf"
    aws.answers("ecs", "describe_services", {"services": []})
    aws.answers("ecs", "list_tasks", {"taskArns": [TASK]})
    task = {
        "taskArn": TASK,
        "taskDefinitionArn": "definition",
        "containers": [{"name": "migrate", "exitCode": 1}],
    }
    aws.answers("ecs", "describe_tasks", {"tasks": [task]})
    handed = [{"name": "DATABASE_LOGIN", "valueFrom": f"{arn}:login::"}]
    definition = {"containerDefinitions": [{"name": "migrate", "secrets": handed}]}
    aws.answers("ecs", "describe_task_definition", {"taskDefinition": definition})
    secret = {"Name": "Migrator", "RotationEnabled": True, "RotationLambdaARN": TOKEN}
    aws.answers("secretsmanager", "describe_secret", secret, SecretId=arn)
    aws.answers("lambda", "get_function_configuration", {"FunctionName": "rotate"}, FunctionName=TOKEN)
    aws.answers("logs", "filter_log_events", {"events": [{"message": "DatabaseUnreachable: no route"}]})

    found = told(gather(aws, "AWS::ECS::Service", physical_id=SERVICE))

    assert found[-2:] == [
        "migrate was handed Migrator, which was never rotated; errors of the function rotate "
        "(/aws/lambda/rotate):",
        "DatabaseUnreachable: no route",
    ]


def test_a_login_that_was_rotated_is_no_evidence(aws: Any) -> None:
    arn = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:Migrator-AbCdEf"
    aws.answers("ecs", "describe_services", {"services": []})
    aws.answers("ecs", "list_tasks", {"taskArns": [TASK]})
    task = {"taskArn": TASK, "taskDefinitionArn": "definition", "containers": [{"name": "m", "exitCode": 1}]}
    aws.answers("ecs", "describe_tasks", {"tasks": [task]})
    definition = {"containerDefinitions": [{"name": "m", "secrets": [{"name": "A", "valueFrom": arn}]}]}
    aws.answers("ecs", "describe_task_definition", {"taskDefinition": definition})
    secret = {
        "Name": "Migrator",
        "RotationEnabled": True,
        "RotationLambdaARN": TOKEN,
        "LastRotatedDate": BEGAN,
    }
    aws.answers("secretsmanager", "describe_secret", secret)

    found = told(gather(aws, "AWS::ECS::Service", physical_id=SERVICE))

    assert not any("rotated" in line for line in found)
