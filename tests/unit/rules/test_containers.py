import pytest

from tests.unit.rules.conftest import Say

ROOT = """\
Resources:
  Service:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: service.yaml
      Parameters: {ReadOnly: "READONLY"}
"""
SERVICE = """\
Parameters:
  ReadOnly: {Type: String}
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      RuntimePlatform: {OperatingSystemFamily: SYSTEM}
      ContainerDefinitions:
      - Name: app
        Image: app:1
        ReadonlyRootFilesystem: WRITTEN
"""


def service(written: str, system: str = "LINUX") -> str:
    return SERVICE.replace("WRITTEN", written).replace("SYSTEM", system)


@pytest.mark.parametrize("written", ["true", "'true'", "!Ref ReadOnly"])
def test_a_root_that_nobody_can_write_to_is_well(say: Say, written: str) -> None:
    assert say("E9501", ROOT.replace("READONLY", "true"), service=service(written)) == []


@pytest.mark.parametrize("written", ["false", "!Ref AWS::NoValue", "!Ref ReadOnly"])
def test_a_container_that_writes_to_its_root_is_named(say: Say, written: str) -> None:
    (finding,) = say("E9501", ROOT.replace("READONLY", "false"), service=service(written))

    assert finding == (
        "service.yaml:11: E9501 container app can write to its own root file system; "
        "set ReadonlyRootFilesystem: true, and mount a volume where it must write"
    )


def test_without_the_property_the_finding_is_at_the_container(say: Say) -> None:
    without = service("x").replace("        ReadonlyRootFilesystem: x\n", "")
    (finding,) = say("E9501", ROOT, service=without)
    assert finding.startswith("service.yaml:9: E9501 container app ")


def test_where_a_deployment_decides_nothing_is_said(say: Say) -> None:
    assert say("E9501", service("!Ref ReadOnly")) == []
    assert say("E9501", service("!ImportValue readonly")) == []


def test_windows_has_no_such_property(say: Say) -> None:
    assert say("E9501", service("false", system="WINDOWS_SERVER_2022_CORE")) == []
