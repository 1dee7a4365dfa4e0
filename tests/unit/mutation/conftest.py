"""A small tree of another team, and breaks of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mutation.breaking import Break, Edit
from mutation.clean import Clean, clean

ROOT = """\
Resources:
  Storage:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: storage.yaml
      Parameters:
        Name: orders
  Reader:
    Type: AWS::SSM::Parameter
    Properties:
      Name: /orders/bucket
      Type: String
      Value: !GetAtt Storage.Outputs.Bucket
"""
STORAGE = """\
Parameters:
  Name:
    Type: String
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    DependsOn: Topic
    Properties:
      BucketName: !Ref Name
      VersioningConfiguration:
        Status: Enabled
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: !Sub ${Name}-news
      KmsMasterKeyId: alias/orders
Outputs:
  Bucket:
    Value: !Ref Bucket
"""


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """<tmp>/templates, with dev and prod alike."""
    for environment in ("dev", "prod"):
        directory = tmp_path / "templates" / environment
        directory.mkdir(parents=True)
        (directory / "root.yaml").write_text(ROOT)
        (directory / "storage.yaml").write_text(STORAGE)
    return tmp_path / "templates"


@pytest.fixture
def tree(templates: Path) -> Clean:
    return clean(templates / "dev")


@pytest.fixture
def made() -> Callable[..., Break]:
    def make(edit: Edit, name: str = "something is broken", **parts: object) -> Break:
        given = {"family": "reach", "why": "it does not work", **parts}
        return Break(name=name, edit=edit, **given)  # type: ignore[arg-type]

    return make
