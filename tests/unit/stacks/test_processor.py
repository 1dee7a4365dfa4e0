import json
from typing import Any

import msgspec
import pytest

from processor import release
from processor.settings import Settings, from_environment
from stacks.processor import capacity


def container(template: dict[str, Any], name: str = "processor") -> dict[str, Any]:
    containers = template["Resources"]["Task"]["Properties"]["ContainerDefinitions"]
    assert {made["Name"] for made in containers} == {"processor", "migrate"}
    (found,) = [made for made in containers if made["Name"] == name]
    made: dict[str, Any] = found
    return made


def told(template: dict[str, Any], name: str = "processor") -> dict[str, Any]:
    return {variable["Name"]: variable["Value"] for variable in container(template, name)["Environment"]}


# What the references in the container's environment come to once deployed.
DEPLOYED = {
    "StreamName": "readings",
    "SecretArn": "arn:aws:secretsmanager:eu-west-2:111122223333:secret:Application-AbC123",
    "CacheAddress": "latest.example.com",
    "CachePort": "6379",
    "CacheName": "latest",
    "CacheUserId": "millrace-dev-processor",
    "PlantAlarms": "arn:aws:sns:eu-west-2:111122223333:millrace-dev-plant-alarms",
    "Consumer": "arn:aws:kinesis:eu-west-2:111122223333:stream/readings/consumer/millrace-prod-processor:1",
}


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("zone", [None, "Europe/London"])
def test_the_processor_understands_the_whole_of_what_it_is_told(
    nested: Any, environment: str, zone: str | None
) -> None:
    template = nested("processor", environment, site_time_zone=zone)
    variables = {
        name: value if isinstance(value, str) else DEPLOYED[value["Ref"]]
        for name, value in told(template).items()
    }

    understood = from_environment(variables)

    assert {name.lower() for name in variables} <= set(msgspec.structs.asdict(understood))
    assert all(variables.values())
    assert understood.environment == environment
    assert understood.site_time_zone == (zone or "")
    assert understood.cache_port == 6379
    assert understood.source == "kcl"


def test_the_container_runs_the_engine_and_stops_within_what_fargate_grants(nested: Any) -> None:
    made = container(nested("processor"))

    assert made["Command"] == ["engine"]
    assert "EntryPoint" not in made, "the image's own"
    assert made["StopTimeout"] == 120
    assert told(nested("processor"))["SOURCE"] == "kcl"


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_engine_is_called_as_its_table(nested: Any, environment: str) -> None:
    template = nested("processor", environment)

    assert told(template)["ENGINE_NAME"] == template["Resources"]["Leases"]["Properties"]["TableName"]


def test_what_the_engine_writes_goes_to_a_volume_of_its_container_alone(nested: Any) -> None:
    template = nested("processor")
    (volume,) = template["Resources"]["Task"]["Properties"]["Volumes"]
    (mount,) = container(template)["MountPoints"]

    assert volume == {"Name": mount["SourceVolume"]}
    assert mount["ReadOnly"] is False
    assert told(template)["CHILDREN_DIRECTORY"].startswith(f"{mount['ContainerPath']}/")
    assert "MountPoints" not in container(template, "migrate")


@pytest.mark.parametrize(("memory_mib", "shards", "heap"), [(1024, 3, 412), (2048, 8, 912), (4096, 18, 1912)])
def test_a_task_takes_as_many_shards_as_its_memory_holds(
    nested: Any, memory_mib: int, shards: int, heap: int
) -> None:
    given = told(nested("processor", cpu=512, memory_mib=memory_mib))

    assert (given["MOST_SHARDS"], given["HEAP_MIB"]) == (str(shards), str(heap))


@pytest.mark.parametrize("bound", [True, False])
def test_the_processor_is_told_whether_a_device_speaks_for_itself_only(nested: Any, bound: bool) -> None:
    assert told(nested("processor", bind_devices=bound)).get("BIND_DEVICES", "1") == str(int(bound))


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_migrations_understand_the_whole_of_what_they_are_told(nested: Any, environment: str) -> None:
    template = nested("processor", environment)
    login = {"host": "h", "port": 5432, "dbname": "d", "username": "u", "password": "p"}

    understood = release.from_environment({**told(template, "migrate"), "DATABASE_LOGIN": json.dumps(login)})

    assert understood.environment == environment
    assert set(understood.days) == {"reading", "rollup_1m", "rollup_1h", "quarantine"}
    assert {name.lower() for name in told(template, "migrate")} <= set(msgspec.structs.asdict(understood))


def test_the_processor_starts_when_the_migrations_are_done_and_cannot_have_their_login(
    nested: Any, statements: Any
) -> None:
    resources = nested("processor")["Resources"]
    first, processor = container({"Resources": resources}, "migrate"), container({"Resources": resources})

    assert processor["DependsOn"] == [{"ContainerName": "migrate", "Condition": "SUCCESS"}]
    assert first["Essential"] is False, "it ends, and the task goes on"
    assert first["Secrets"] == [{"Name": "DATABASE_LOGIN", "ValueFrom": {"Ref": "MigratorSecretArn"}}]
    assert "Secrets" not in processor
    assert first["Image"] == processor["Image"], "the tables are those that this very code needs"
    readable = {
        role: [
            resource
            for statement in statements(resources[role])
            if "secretsmanager:GetSecretValue" in statement["Action"]
            for resource in statement["Resource"]
        ]
        for role in ("TaskRole", "ExecutionRole")
    }
    assert readable == {
        "TaskRole": [{"Ref": "SecretArn"}],
        "ExecutionRole": [{"Ref": "MigratorSecretArn"}],
    }


def test_a_setting_that_nobody_wired_breaks_the_build(nested: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wanting(Settings, frozen=True, kw_only=True):
        brand_new: str

    monkeypatch.setattr("stacks.processor.Settings", Wanting)

    with pytest.raises(ValueError, match="brand_new"):
        nested("processor")


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_a_deployment_starts_the_new_tasks_before_it_stops_the_old_ones(
    nested: Any, environment: str
) -> None:
    service = nested("processor", environment)["Resources"]["Service"]["Properties"]

    assert service["DeploymentConfiguration"]["MinimumHealthyPercent"] == 100
    assert service["DeploymentConfiguration"]["MaximumPercent"] == 200
    assert service["AvailabilityZoneRebalancing"] == "ENABLED"


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_no_deployment_resets_the_number_of_tasks(nested: Any, environment: str) -> None:
    assert "DesiredCount" not in nested("processor", environment)["Resources"]["Service"]["Properties"]


@pytest.mark.parametrize(("first", "share"), [(1, 0), (1, 75), (2, 50), (3, 99)])
def test_the_first_tasks_are_never_on_spot(first: int, share: int) -> None:
    items = {item["CapacityProvider"]: item for item in (item.to_dict() for item in capacity(first, share))}

    assert items["FARGATE"]["Base"] == first
    assert ("FARGATE_SPOT" in items) is (share > 0)
    assert all(item["Weight"] > 0 for item in items.values()), "weight 0 places no task, base or not"
    assert sum(item["Weight"] for item in items.values()) == 100


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_cluster_s_figures_go_to_a_log_of_ours(nested: Any, environment: str) -> None:
    resources = nested("processor", environment)["Resources"]
    cluster, log = resources["Cluster"], resources["PerformanceLog"]

    name = cluster["Properties"]["ClusterName"]
    assert log["Properties"]["LogGroupName"] == f"/aws/ecs/containerinsights/{name}/performance"
    assert cluster["DependsOn"] == ["PerformanceLog"], "ECS makes one that never expires where it finds none"


def test_a_deployment_that_fails_or_falls_behind_is_taken_back(nested: Any) -> None:
    resources = nested("processor")["Resources"]
    deployment = resources["Service"]["Properties"]["DeploymentConfiguration"]

    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert deployment["Alarms"]["Enable"] is deployment["Alarms"]["Rollback"] is True
    (name,) = deployment["Alarms"]["AlarmNames"]
    alarm = resources[name["Ref"]]
    assert alarm["Type"] == "AWS::CloudWatch::Alarm"
    assert alarm["Properties"]["TreatMissingData"] == "notBreaching", (
        "the first deployment starts without data"
    )
    assert alarm["Properties"]["AlarmActions"] == alarm["Properties"]["OKActions"] == [{"Ref": "TopicArn"}]


def test_the_container_can_change_nothing_but_what_it_is_for(nested: Any) -> None:
    made = container(nested("processor", "prod"))

    assert made["ReadonlyRootFilesystem"] is True
    assert made["Privileged"] is False
    assert int(made["User"].partition(":")[0]) > 0
    assert made["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    assert made["HealthCheck"]["Command"] == ["CMD", "python", "-m", "processor", "health"]
    assert "Secrets" not in made, "an injected login is stale after the next rotation"


def test_the_service_is_private(nested: Any) -> None:
    network = nested("processor")["Resources"]["Service"]["Properties"]["NetworkConfiguration"]

    assert network["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    assert network["AwsvpcConfiguration"]["Subnets"] == [{"Ref": "AppSubnets1"}, {"Ref": "AppSubnets2"}]


@pytest.mark.parametrize("architecture", ["ARM64", "X86_64"])
def test_the_architecture_is_a_parameter(nested: Any, architecture: str) -> None:
    task = nested("processor", architecture=architecture)["Resources"]["Task"]["Properties"]

    assert task["RuntimePlatform"]["CpuArchitecture"] == architecture


@pytest.mark.parametrize("role", ["TaskRole", "ExecutionRole"])
def test_only_tasks_of_this_account_take_a_role(nested: Any, role: str) -> None:
    made = nested("processor")["Resources"][role]["Properties"]
    (statement,) = made["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Principal"] == {"Service": ["ecs-tasks.amazonaws.com"]}
    assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert "${AWS::AccountId}" in statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"]


def test_the_task_may_use_what_it_is_given_and_start_nothing(nested: Any, statements: Any) -> None:
    resources = nested("processor")["Resources"]
    task = resources["Task"]["Properties"]
    running, starting = statements(resources["TaskRole"]), statements(resources["ExecutionRole"])
    everywhere = [
        action for given in running + starting if "*" in given["Resource"] for action in given["Action"]
    ]

    assert task["TaskRoleArn"] != task["ExecutionRoleArn"]
    assert everywhere == ["ecr:GetAuthorizationToken"]
    assert {action.partition(":")[0] for given in running for action in given["Action"]} == {
        "kinesis",
        "kms",
        "secretsmanager",
        "elasticache",
        "dynamodb",
        "sns",
    }


def test_its_log_is_ours(nested: Any) -> None:
    template = nested("processor", "prod")

    assert template["Resources"]["Log"]["Properties"]["LogGroupName"] == "/millrace/prod/processor"
    assert container(template)["LogConfiguration"]["Options"]["awslogs-group"] == {"Ref": "Log"}


def test_the_log_is_one_that_metrics_are_taken_from(nested: Any) -> None:
    """Only the class Standard has the embedded metric format; the class of a log group cannot be changed."""
    resources = nested("processor")["Resources"]
    (task,) = [made for made in resources.values() if made["Type"] == "AWS::ECS::TaskDefinition"]
    for made in task["Properties"]["ContainerDefinitions"]:
        log = made["LogConfiguration"]
        assert log["LogDriver"] == "awslogs"
        group = resources[log["Options"]["awslogs-group"]["Ref"]]["Properties"]
        assert group.get("LogGroupClass", "STANDARD") == "STANDARD"
