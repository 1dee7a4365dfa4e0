import pytest

from tests.unit.rules.conftest import Say

WELL = """\
Resources:
  Errors:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: /aws/rds/instance/Shop/error, RetentionInDays: 60}
  Orders:
    Type: AWS::RDS::DBInstance
    DependsOn: Errors
    Properties: {DBInstanceIdentifier: shop, Engine: mysql, EnableCloudwatchLogsExports: [error]}
  Figures:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: /aws/ecs/containerinsights/shop/performance, RetentionInDays: 60}
  Cluster:
    Type: AWS::ECS::Cluster
    DependsOn: [Figures]
    Properties:
      ClusterName: shop
      ClusterSettings: [{Name: containerInsights, Value: enabled}]
      Tags: [{Key: Environment, Value: STAGE}]
  Said:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: /shop/said, RetentionInDays: 60}
  Bad:
    Type: AWS::Logs::MetricFilter
    Properties: {LogGroupName: !Ref Said, FilterPattern: ERROR}
  Writer:
    Type: AWS::Lambda::Function
    Properties: {LoggingConfig: {LogGroup: !Ref Said}}
"""
IDS = ("W943", "E9440", "E9441", "E9442", "E9443", "E9444")


def ids(say: Say, template: str, stage: str = "prod") -> set[str]:
    return {line.split()[1] for line in say(IDS, template.replace("STAGE", stage))}


def edited(old: str, new: str) -> str:
    assert old in WELL
    return WELL.replace(old, new, 1)


@pytest.mark.parametrize("stage", ["prod", "dev", "blue"])
def test_logs_that_are_written_and_kept_are_well(say: Say, stage: str) -> None:
    assert ids(say, WELL, stage) == set()


@pytest.mark.parametrize(
    ("old", "new", "raised"),
    [
        ("/said, RetentionInDays: 60", "/said", {"W9430"}),
        ("/said, RetentionInDays: 60", "/said, RetentionInDays: 100", {"E9440"}),
        ("/said, RetentionInDays: 60", "/said, RetentionInDays: 7", {"W9431"}),
        (
            "/said, RetentionInDays: 60",
            "/said, RetentionInDays: 60, LogGroupClass: INFREQUENT_ACCESS",
            {"E9441", "W9433"},
        ),
        ("performance, Ret", "performance, LogGroupClass: INFREQUENT_ACCESS, Ret", {"E9441", "W9433"}),
        ("/aws/rds/instance/Shop/error", "/aws/rds/instance/store/error", {"E9442"}),
        ("/aws/rds/instance/Shop/error", "/aws/rds/instance/Shop/audit", {"E9442", "W9434"}),
        ("[error]", "[error, general]", {"W9434"}),
        ("    DependsOn: Errors\n", "", {"E9443"}),
        ("    DependsOn: [Figures]\n", "", {"E9443"}),
        ("containerinsights/shop", "containerinsights/store", {"E9444", "W9435"}),
        ("!Ref Said}", "/other}", {"W9436"}),
        (
            "AWS::Lambda::Function\n    Properties: {LoggingConfig",
            "AWS::IAM::Role\n    Properties: {Policies",
            {"W9436"},
        ),
    ],
)
def test_each_log_that_is_lost_is_told(say: Say, old: str, new: str, raised: set[str]) -> None:
    assert ids(say, edited(old, new)) == raised


def test_a_passing_environment_keeps_its_logs_for_days(say: Say) -> None:
    assert ids(say, edited("/said, RetentionInDays: 60", "/said, RetentionInDays: 1"), "dev") == {"W9437"}
    assert ids(say, edited("/said, RetentionInDays: 60", "/said, RetentionInDays: 3653"), "dev") == {"W9432"}


def test_a_database_of_another_tree_may_write(say: Say) -> None:
    alone = WELL.replace("AWS::RDS::DBInstance", "AWS::RDS::DBProxy")
    assert ids(say, alone) == set()


def test_the_name_may_follow_the_database(say: Say) -> None:
    follows = edited("/aws/rds/instance/Shop/error", "!Sub '/aws/rds/instance/${Orders}/error'")
    assert ids(say, follows.replace("    DependsOn: Errors\n", "")) == set()
