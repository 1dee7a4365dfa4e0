"""Image, drift, destruction and `up` against the embedded AWS, through the commands as they are typed."""

import io
import json
import shutil
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import jsonschema
import pytest

from deployer import commands, documents
from deployer.deployment import Deployment
from local.aws import EmbeddedAws
from local.soak.tree import write_image
from tests.integration.deployments import TEMPLATES

ROOT = """\
Resources:
  Stream:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: stream.yaml
"""
STREAM = """\
Resources:
  Readings:
    Type: AWS::Kinesis::Stream
    DeletionPolicy: Delete
    Properties:
      Name: readings
      ShardCount: 1
      RetentionPeriodHours: 24
  Kept:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    Properties:
      BucketName: kept-when-all-else-goes
"""


@pytest.fixture
def aws(own_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> EmbeddedAws:
    """As the commands find it that are typed without a terminal."""
    monkeypatch.delenv("IMAGE_DIGEST", raising=False)
    monkeypatch.setattr("deployer.commands.invocation.Deployment", partial(Deployment, poll=0.05))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return own_aws


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real bootstrap, and a platform of two resources in one nested stack."""
    directory = tmp_path / "templates" / "dev"
    directory.mkdir(parents=True)
    shutil.copy(TEMPLATES / "bootstrap.yaml", directory)
    (directory / "platform.yaml").write_text(ROOT)
    (directory / "stream.yaml").write_text(STREAM)
    monkeypatch.setattr("deployer.commands.invocation.TEMPLATES", directory.parent)
    monkeypatch.setattr(import_module("deployer.commands.up"), "TEMPLATES", directory.parent)
    return directory


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An image with a layer of several parts."""
    file = tmp_path / "image.tar"
    write_image(file, b"layer" * 5_000_000)
    return file


def run(*arguments: str) -> int:
    return commands.main(list(arguments))


def test_what_bootstrap_and_apply_did_is_a_document_of_their_schemas(
    aws: EmbeddedAws, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*arguments: str) -> dict[str, Any]:
        assert run(*arguments, "--json") == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        jsonschema.validate(document, json.loads(documents.schema(arguments[0])))
        return document

    bootstrapped = told("bootstrap", "dev")
    applied = told("apply", "dev", "--yes")
    again = told("apply", "dev", "--yes")

    assert bootstrapped["result"] == applied["result"] == "done"
    assert "ArtefactBucket" in bootstrapped["outputs"]
    assert (applied["status"], applied["operation"]) == ("CREATE_COMPLETE", applied["plan"]["plan"])
    took = {each["resource"]: each["seconds"] for each in applied["resources"]}
    assert {path.partition("/")[0] for path in took} == {"Stream"}
    assert all(seconds is not None for seconds in took.values())
    assert (again["result"], again["resources"], again["operation"]) == ("unchanged", [], None)


def test_an_image_is_pushed_without_an_engine_and_once(
    aws: EmbeddedAws, small: Path, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("bootstrap", "dev") == 0
    capsys.readouterr()

    assert run("image", "dev", "--archive", str(archive), "--tag", "v1") == 0
    digest, first = capsys.readouterr()
    assert run("image", "dev", "--tag", "v1") == 0
    again, second = capsys.readouterr()

    assert again == digest
    assert ("25,000,040 bytes uploaded" in first, ", 0 bytes uploaded" in second) == (True, True)
    (stored,) = boto3.client("ecr").describe_images(repositoryName="millrace/dev")["imageDetails"]
    assert (f"{stored['imageDigest']}\n", stored["imageTags"]) == (digest, ["v1"])


def test_up_drift_the_gate_and_the_end(
    aws: EmbeddedAws, small: Path, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("up", "dev", "--yes", "--image", f"sha256:{'a' * 64}") == 0
    assert run("drift", "dev") == 0

    boto3.client("kinesis").increase_stream_retention_period(StreamName="readings", RetentionPeriodHours=48)
    capsys.readouterr()
    assert run("drift", "dev") == 2
    assert "RetentionPeriodHours: 24 → 48" in capsys.readouterr().out
    assert run("plan", "dev", "--drift-gate") == 1
    assert "Stream/Readings" in capsys.readouterr().err
    assert run("plan", "dev", "--drift-gate", "--accept-drift", "Stream/Readings") == 0

    assert run("destroy", "dev", "--yes") == 1
    assert "--accept-data-loss Stream/Readings" in capsys.readouterr().err
    assert run("destroy", "dev", "--yes", "--accept-data-loss", "Stream/Readings") == 0
    told = capsys.readouterr().out
    assert "kept:\n  Stream/Kept  AWS::S3::Bucket  kept-when-all-else-goes\n" in told
    assert boto3.client("s3").head_bucket(Bucket="kept-when-all-else-goes")

    every = [f"--accept-data-loss={name}" for name in ("ArtefactKey", "AccessLog", "Artefacts", "Images")]
    assert run("destroy", "dev", "--bootstrap", "--yes", *every) == 1
    assert "--empty Artefacts" in capsys.readouterr().err
    assert run("destroy", "dev", "--bootstrap", "--yes", *every, "--empty", "Artefacts") == 0
    assert [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]] == [
        "kept-when-all-else-goes"
    ]


def test_up_that_is_started_again_leaves_all_as_it_was(
    aws: EmbeddedAws, small: Path, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("up", "dev", "--yes", "--archive", str(archive), "--accept-findings") == 0
    first = capsys.readouterr().err
    assert run("up", "dev", "--yes", "--image", f"sha256:{'a' * 64}") == 0
    second = capsys.readouterr().err

    assert "done       bootstrap" in first
    assert "done       " not in second


def test_status_has_every_resource(aws: EmbeddedAws, small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("up", "dev", "--yes", "--image", f"sha256:{'a' * 64}")
    capsys.readouterr()

    assert run("status", "dev", "--json") == 0

    told = json.loads(capsys.readouterr().out)
    (stream,) = told["platform"]["children"]
    assert [resource["logical_id"] for resource in stream["resources"]] == ["Kept", "Readings"]
    assert told["last_operation"]["token"].startswith("millrace-deploy-")
