from collections.abc import Callable
from pathlib import Path

import pytest

from topology.rendering import Renderer
from topology.tree import Tree, load

# A plant of three stacks in small: what Network gives, Service takes; Inner is nested in Service.
ROOT = """\
Parameters:
  Image:
    Type: String
Resources:
  Network:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: network.yaml
  Service:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: service.yaml
      Parameters:
        Image: !Ref Image
        StreamArn: !GetAtt Stream.Arn
        Group: !GetAtt Network.Outputs.Caller
        Zones: a, b
  Stream:
    Type: AWS::Kinesis::Stream
    Properties:
      Name: readings
"""
NETWORK = """\
Resources:
  Caller:
    Type: AWS::EC2::SecurityGroup
    Properties:
      SecurityGroupEgress:
      - {IpProtocol: '-1', CidrIp: 127.0.0.1/32}
  Callee:
    Type: AWS::EC2::SecurityGroup
Outputs:
  Caller:
    Value: !GetAtt Caller.GroupId
"""
SERVICE = """\
Parameters:
  Image: {Type: String}
  StreamArn: {Type: String}
  Group: {Type: String}
  Zones: {Type: CommaDelimitedList}
  Unset: {Type: String, Default: fallback}
Mappings:
  Sizes:
    small: {memory: '512'}
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: inner.yaml
      Parameters:
        Target: !Ref StreamArn
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
        - Effect: Allow
          Principal: {Service: [ecs-tasks.amazonaws.com]}
          Action: [sts:AssumeRole]
      Policies:
      - PolicyName: read
        PolicyDocument:
          Version: '2012-10-17'
          Statement:
          - Sid: Read
            Effect: Allow
            Action: [kinesis:GetRecords]
            Resource: [!Ref StreamArn]
  Thing:
    Type: AWS::SSM::Parameter
    Properties:
      Value: VALUE
"""
INNER = """\
Parameters:
  Target: {Type: String}
Resources:
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmDescription: !Sub on ${Target}
"""


@pytest.fixture
def plant(tmp_path: Path) -> Callable[..., Tree]:
    """The plant, with templates changed: plant(VALUE="!Ref Image", network=…)."""

    def written(value: str = "text", **templates: str) -> Tree:
        texts = {"root": ROOT, "network": NETWORK, "service": SERVICE, "inner": INNER} | templates
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(text.replace("VALUE", value))
        return load(tmp_path / "root.yaml")

    return written


@pytest.fixture
def rendered(plant: Callable[..., Tree]) -> Callable[[str], object]:
    """What a value in Service amounts to, as text."""

    def of(value: str) -> object:
        tree = plant(value)
        renderer = Renderer(tree)
        return renderer.document(renderer.resolver.property(tree.resource("Service/Thing"), "Value"))

    return of
