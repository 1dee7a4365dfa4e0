"""The whole platform, in each shape of the network that has endpoints: what its callers may do, passes."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import msgspec
import pytest

from parameters.network import Nat
from parameters.settings import load
from stacks import platform

Template = dict[str, Any]

# Who runs in the network, and the security group it runs with; the tasks' agent calls from the tasks' place:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html
CALLERS = {
    ("processor", "TaskRole"): "ProcessorGroup",
    ("processor", "ExecutionRole"): "ProcessorGroup",
    ("rotation", "FunctionRole"): "RotationGroup",
}
# A grant whose calls somebody else makes, or nobody: no endpoint is needed, and the reason why.
NOT_CALLED_FROM_WITHIN = {
    "kms": "Kinesis, Secrets Manager, DynamoDB and SNS call it in the caller's name",
    "elasticache": "Connect is a right that a login proves with a token signed on the spot",
    "ec2": "Lambda makes the function's network interfaces; the function's code is denied it",
}
# Lambda itself sends what the function prints, and what it could not do, from outside the network:
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
SENT_BY_LAMBDA = {("rotation", "FunctionRole", "logs"), ("rotation", "FunctionRole", "sqs")}
SERVICES = {
    "dynamodb",
    "ecr.api",
    "ecr.dkr",
    "kinesis-streams",
    "logs",
    "s3",
    "secretsmanager",
    "sns",
}
SUBSCRIBED = ("kinesis-streams", "kinesis:SubscribeToShard")
# What passes though no role of ours is granted it, and why.
WITHOUT_A_GRANT = {
    SUBSCRIBED: "granted where records are pushed; with the way open, a change of mode is the task's alone",
    ("s3", "s3:GetObject"): "layers of images, which ECR signs the way to with an account of its own",
}
ENDPOINT_OF = {"kinesis": "kinesis-streams"}  # else IAM's name is the endpoint's


@pytest.fixture(params=[(name, nat) for name in ("dev", "prod") for nat in Nat], ids=str)
def templates(request: pytest.FixtureRequest) -> dict[str, Template]:
    name, nat = request.param
    environment = load(name)
    network = msgspec.structs.replace(environment.network, nat=nat, interface_endpoints=True)
    built = platform.build(msgspec.structs.replace(environment, network=network))
    return {template.name: template.tree for template in built}


def endpoints(templates: dict[str, Template]) -> dict[str, Template]:
    """Service → the endpoint's properties."""
    return {
        made["Properties"]["ServiceName"]["Fn::Sub"].removeprefix("com.amazonaws.${AWS::Region}."): made[
            "Properties"
        ]
        for made in templates["network"]["Resources"].values()
        if made["Type"] == "AWS::EC2::VPCEndpoint"
    }


def granted(templates: dict[str, Template]) -> Iterator[tuple[str, str, str]]:
    """(stack, role, action) of each action that a caller in the network may call from there."""
    for stack, role in CALLERS:
        for policy in templates[stack]["Resources"][role]["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                for action in statement["Action"]:
                    service = action.partition(":")[0]
                    if service not in NOT_CALLED_FROM_WITHIN and (stack, role, service) not in SENT_BY_LAMBDA:
                        yield stack, role, action


def ways(templates: dict[str, Template], action: str) -> list[str]:
    """The services' endpoints that an action goes through."""
    service = action.partition(":")[0]
    wanted = ("ecr.api", "ecr.dkr") if service == "ecr" else (ENDPOINT_OF.get(service, service),)
    return [name for name in wanted if name in endpoints(templates)]


def passes(endpoint: Template, action: str) -> bool:
    return any(
        fnmatchcase(action, pattern)
        for statement in endpoint["PolicyDocument"]["Statement"]
        for pattern in statement["Action"]
    )


def test_what_a_caller_may_do_has_an_endpoint_that_lets_it_through(templates: dict[str, Template]) -> None:
    found = list(granted(templates))
    assert len(found) > 10
    for stack, role, action in found:
        through = ways(templates, action)
        assert through, f"{stack}.{role} may {action}, and no endpoint leads there"
        for service in through:
            assert passes(endpoints(templates)[service], action), f"the endpoint {service} stops {action}"


def test_a_caller_s_group_reaches_the_endpoints_that_it_needs_and_the_function_no_more(
    templates: dict[str, Template],
) -> None:
    reached = {
        (rule["GroupId"]["Fn::GetAtt"][0], rule["DestinationSecurityGroupId"]["Fn::GetAtt"][0])
        for made in templates["network"]["Resources"].values()
        if made["Type"] == "AWS::EC2::SecurityGroupEgress"
        and "DestinationSecurityGroupId" in (rule := made["Properties"])
    }
    needed = set()
    for stack, role, action in granted(templates):
        for service in ways(templates, action):
            endpoint = endpoints(templates)[service]
            if endpoint["VpcEndpointType"] == "Interface":
                (group,) = endpoint["SecurityGroupIds"]
                needed.add((CALLERS[stack, role], group["Fn::GetAtt"][0]))
    assert needed <= reached
    assert {edge for edge in reached if edge[0] == "RotationGroup"} == {
        ("RotationGroup", "DatabaseGroup"),
        ("RotationGroup", "SecretsEndpointGroup"),
    }


def let_through(templates: dict[str, Template]) -> set[tuple[str, str]]:
    """(service, action) of everything that an endpoint lets pass."""
    return {
        (service, action)
        for service, endpoint in endpoints(templates).items()
        for statement in endpoint["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }


def needless(templates: dict[str, Template]) -> set[tuple[str, str]]:
    wanted = {(service, action) for _, _, action in granted(templates) for service in ways(templates, action)}
    return let_through(templates) - wanted


def test_what_an_endpoint_lets_through_is_granted_to_a_caller_or_has_a_reason(
    templates: dict[str, Template],
) -> None:
    pushed = "Consumer" in templates["processor"]["Resources"]
    assert needless(templates) == set(WITHOUT_A_GRANT) - ({SUBSCRIBED} if pushed else set())


def test_an_action_that_nobody_is_granted_is_seen(templates: dict[str, Template]) -> None:
    statement = endpoints(templates)["dynamodb"]["PolicyDocument"]["Statement"][0]
    statement["Action"] = [*statement["Action"], "dynamodb:DeleteTable"]
    assert needless(templates) - set(WITHOUT_A_GRANT) == {("dynamodb", "dynamodb:DeleteTable")}


def test_a_grant_that_goes_leaves_its_action_behind(templates: dict[str, Template]) -> None:
    for policy in templates["processor"]["Resources"]["TaskRole"]["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            statement["Action"] = [one for one in statement["Action"] if one != "dynamodb:Scan"]
    assert ("dynamodb", "dynamodb:Scan") in needless(templates)


def test_every_way_out_is_one_that_the_decision_names(templates: dict[str, Template]) -> None:
    assert set(endpoints(templates)) == SERVICES


def test_nothing_passes_for_or_to_another_account(templates: dict[str, Template]) -> None:
    account = {"Ref": "AWS::AccountId"}
    without_resource = set()
    for service, endpoint in endpoints(templates).items():
        for statement in endpoint["PolicyDocument"]["Statement"]:
            if statement["Sid"] == "LayersOfImages":
                assert service == "s3"
                continue
            bound = statement["Condition"]["StringEquals"]
            assert bound["aws:PrincipalAccount"] == account, service
            if "aws:ResourceAccount" not in bound:
                without_resource |= set(statement["Action"])
                continue
            assert bound["aws:ResourceAccount"] == account, service
    assert without_resource == {"ecr:GetAuthorizationToken"}


def test_no_endpoint_lets_every_action_of_its_service_through(templates: dict[str, Template]) -> None:
    for service, endpoint in endpoints(templates).items():
        for statement in endpoint["PolicyDocument"]["Statement"]:
            assert not [action for action in statement["Action"] if "*" in action], service


def test_s3_gives_layers_of_images_and_nothing_else(templates: dict[str, Template]) -> None:
    """ECR signs the way to a layer with an account of its own: a condition on ours would stop every image."""
    (only,) = endpoints(templates)["s3"]["PolicyDocument"]["Statement"]
    assert only["Action"] == ["s3:GetObject"]
    (bucket,) = only["Resource"]
    assert bucket["Fn::Sub"].endswith(":::prod-${AWS::Region}-starport-layer-bucket/*")
    assert "Condition" not in only


def test_an_image_can_be_pulled_and_its_log_be_written(templates: dict[str, Template]) -> None:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html"""
    assert {"ecr.api", "ecr.dkr", "logs", "s3"} <= set(endpoints(templates))


def test_sns_takes_what_is_for_the_plant_s_topic_and_nothing_else(templates: dict[str, Template]) -> None:
    (only,) = endpoints(templates)["sns"]["PolicyDocument"]["Statement"]
    (admitted,) = only["Resource"]
    place, _, name = admitted["Fn::Sub"].rpartition(":")

    assert only["Action"] == ["sns:Publish"]
    assert place == "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}"
    assert name == templates["processor"]["Resources"]["PlantAlarms"]["Properties"]["TopicName"]


def test_dynamodb_gives_this_environment_s_tables_and_the_engine_s_is_one(
    templates: dict[str, Template],
) -> None:
    (only,) = endpoints(templates)["dynamodb"]["PolicyDocument"]["Statement"]
    (pattern,) = only["Resource"]
    account, _, table = pattern["Fn::Sub"].partition(":table/")
    assert account == "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}"
    name = templates["processor"]["Resources"]["Leases"]["Properties"]["TableName"]
    assert table.startswith("millrace-") and not table.startswith("millrace-*")
    assert fnmatchcase(name, table)
    assert fnmatchcase(f"{name}/index/LeaseOwnerToLeaseKeyIndex", table)
    assert not fnmatchcase("millrace-other-processor", table)
