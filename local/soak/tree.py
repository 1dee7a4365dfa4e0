"""A platform of three levels: quick to deploy, and with one of everything that a kill could leave in between.

Its stages follow one another: made, changed, a resource with data gone, a change that can be made to fail.
"""

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

from deployer.paths import TEMPLATES
from parameters.settings import Environment

BOOTSTRAP = "bootstrap.yaml"
QUEUE = "Outer/Inner/Queue"  # holds data, until the third stage
TAG = "v1"
FIRST, LAST = "Notice", "Size"  # what the last stage changes, in this order

ROOT = """\
Parameters:
  NotificationAddress:
    Type: String
Resources:
  Outer:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: outer.yaml
      Tags:
{tags}"""
OUTER = """\
Resources:
  Notice:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: '{notice}'
  Inner:
    Type: AWS::CloudFormation::Stack
    DependsOn: Notice
    Properties:
      TemplateURL: inner.yaml
      Tags:
{tags}"""
INNER = """\
Resources:
  Size:
    Type: AWS::SSM::Parameter
    Properties:
      Type: String
      Value: '{size}'
"""
WITH_QUEUE = """\
  Queue:
    Type: AWS::SQS::Queue
"""
STAGES = ("made", "changed", "without data", "failing")


def write(directory: Path, environment: Environment, stage: str) -> None:
    """The templates of this stage, in the place of whatever was there."""
    at = STAGES.index(stage)
    tags = "".join(f"      - {{Key: {key}, Value: {value}}}\n" for key, value in environment.tags.items())
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(TEMPLATES / environment.name / BOOTSTRAP, directory)
    inner = INNER.format(size=(0, 1, 1, 2)[at]) + (WITH_QUEUE if at < 2 else "")
    notice = "another" if stage == "failing" else "first"
    (directory / "platform.yaml").write_text(ROOT.format(tags=tags))
    (directory / "outer.yaml").write_text(OUTER.format(tags=tags, notice=notice))
    (directory / "inner.yaml").write_text(inner)


def write_image(file: Path, *layers: bytes) -> None:
    """An OCI archive of one image for linux/arm64.

    https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
    """
    files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def blob(body: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(body).hexdigest()
        files[f"blobs/sha256/{digest}"] = body
        media_type = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(body)}

    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(b'{"os": "linux", "architecture": "arm64"}', "config.v1+json"),
        "layers": [blob(body, "layer.v1.tar") for body in layers],
    }
    described = blob(json.dumps(manifest).encode(), "manifest.v1+json")
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [described]}).encode()
    with tarfile.open(file, "w") as tar:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
