"""Who may take which role of a deployment, and what a policy may not become."""

from typing import Any

import msgspec
import pytest

from parameters.sections import Pipeline
from parameters.settings import load
from stacks import bootstrap, boundary, deployer_policy, deployment_roles, execution, platform
from stacks.deployment_roles import POLICY_LETTERS, TooLong
from stacks.wiring import apart
from topology.needs import Need

ENVIRONMENT = load("dev")
PLATFORM = deployment_roles.platform(platform.build(ENVIRONMENT), "dev")
ISSUER = "token.actions.githubusercontent.com"


def with_pipeline(**settings: Any) -> dict[str, Any]:
    pipeline = Pipeline(repository="example/millrace", environment="dev", **settings)
    section = msgspec.structs.replace(ENVIRONMENT.bootstrap, pipeline=pipeline)
    tree: dict[str, Any] = apart(bootstrap.build, bootstrap.Settings(section, PLATFORM), ENVIRONMENT).tree
    return tree


def test_nobody_deploys_without_credentials_where_no_repository_is_named() -> None:
    made = apart(bootstrap.build, bootstrap.Settings(ENVIRONMENT.bootstrap, PLATFORM), ENVIRONMENT).tree
    assert not {"GitHub", "DeployerRole"} & made["Resources"].keys()
    assert "DeployerRoleArn" not in made["Outputs"]


def test_a_pipeline_is_known_by_its_repository_and_environment_and_by_nothing_less() -> None:
    made = with_pipeline()
    role = made["Resources"]["DeployerRole"]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Federated": [{"Fn::GetAtt": ["GitHub", "Arn"]}]}
    assert statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    assert statement["Condition"] == {
        "StringEquals": {
            f"{ISSUER}:aud": "sts.amazonaws.com",
            f"{ISSUER}:sub": "repo:example/millrace:environment:dev",
        }
    }
    assert role["ManagedPolicyArns"] == [{"Ref": "Deployer"}]
    assert made["Resources"]["GitHub"]["Properties"]["ClientIdList"] == ["sts.amazonaws.com"]
    assert made["Outputs"]["DeployerRoleArn"]["Value"] == {"Fn::GetAtt": ["DeployerRole", "Arn"]}


def test_a_second_environment_of_an_account_takes_the_provider_that_is_there() -> None:
    made = with_pipeline(makes_provider=False)
    assert "GitHub" not in made["Resources"]
    role = made["Resources"]["DeployerRole"]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    (principal,) = statement["Principal"]["Federated"]
    assert principal["Fn::Sub"].endswith(f":oidc-provider/{ISSUER}")


def test_a_policy_longer_than_iam_takes_is_refused() -> None:
    listed = [{"Effect": "Allow", "Action": ["a:B"] * POLICY_LETTERS, "Resource": ["*"]}]
    with pytest.raises(TooLong, match=r"^MayMakeAll: \d+ letters, of which IAM takes 6144"):
        deployment_roles.policy("MayMakeAll", "why", listed)


def test_every_service_that_the_platform_takes_is_in_one_policy() -> None:
    services = [service for group in deployment_roles.GROUPS.values() for service in group]
    assert sorted(services) == sorted({one.service for one in execution.allowed(PLATFORM)})


def test_a_role_is_passed_to_the_services_that_its_stack_s_roles_trust() -> None:
    scopes = list(execution.scoped("AWS::Lambda::Function", "iam:PassRole", PLATFORM))
    passed = {scope.conditions[0].values[0]: scope.resources[0].rpartition("/")[2] for scope in scopes}
    assert passed["lambda.amazonaws.com"] == "millrace-dev-Rotation-*"
    assert passed.keys() == PLATFORM.takers.keys()


def test_a_policy_of_aws_s_that_nobody_has_read_is_refused_for_the_boundary() -> None:
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
    }
    taken = execution.Platform("dev", {"Stack": {"Resources": {"Reader": role}}})
    with pytest.raises(boundary.Unread, match=r"^Stack/Reader: takes ReadOnlyAccess"):
        list(boundary.statements(taken))


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("*", "*"),
        ("arn:aws:s3:::example/*", "arn:${AWS::Partition}:s3:::example/*"),
        (
            "arn:aws:ecs:eu-west-2:111122223333:service/x",
            "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:service/x",
        ),
        ("Bootstrap/Artefacts + /*", "${Artefacts.Arn}/*"),
        ("Bootstrap/Images.RepositoryUri", "${Images.RepositoryUri}"),
    ],
)
def test_a_need_s_place_becomes_the_template_s(named: str, meant: str) -> None:
    made = deployer_policy.resource(named)
    assert (made if isinstance(made, str) else made.to_dict()["Fn::Sub"]) == meant


def test_a_need_of_what_bootstrap_does_not_make_is_refused() -> None:
    with pytest.raises(
        deployer_policy.Unknown, match=r"needs Processor/Service, which bootstrap does not make"
    ):
        deployer_policy.resource("Processor/Service")


def test_a_need_through_a_service_is_bound_to_it() -> None:
    need = Need(
        by="S3", actions=("kms:Decrypt",), resources=("Bootstrap/ArtefactKey",), why="to read", through="s3"
    )
    made = deployer_policy.statement(need, "dev")
    assert made["Sid"] == "ToRead"
    assert made["Condition"]["StringEquals"]["kms:ViaService"].to_dict() == {
        "Fn::Sub": "s3.${AWS::Region}.${AWS::URLSuffix}"
    }
