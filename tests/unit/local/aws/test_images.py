"""An image pushed to ECR as its API has it."""

import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

Json = dict[str, Any]
MEDIA = "application/vnd.oci.image.manifest.v1+json"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def manifest(*layers: bytes) -> str:
    config, *rest = [
        {"mediaType": "application/octet-stream", "size": len(layer), "digest": digest(layer)}
        for layer in layers
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": MEDIA, "config": config, "layers": rest})


class Repository:
    def __init__(self, ecr: Any, name: str, **settings: Any) -> None:
        self.ecr, self.name = ecr, name
        ecr.create_repository(repositoryName=name, **settings)

    def push(self, layer: bytes, parts: int = 1) -> str:
        upload = self.ecr.initiate_layer_upload(repositoryName=self.name)["uploadId"]
        size = -(-len(layer) // parts)
        for first in range(0, len(layer), size):
            part = layer[first : first + size]
            answer = self.ecr.upload_layer_part(
                repositoryName=self.name,
                uploadId=upload,
                partFirstByte=first,
                partLastByte=first + len(part) - 1,
                layerPartBlob=part,
            )
            assert answer["lastByteReceived"] == first + len(part) - 1
        done = self.ecr.complete_layer_upload(
            repositoryName=self.name, uploadId=upload, layerDigests=[digest(layer)]
        )
        return str(done["layerDigest"])

    def put(self, text: str, **options: Any) -> str:
        answer = self.ecr.put_image(repositoryName=self.name, imageManifest=text, **options)
        return str(answer["image"]["imageId"]["imageDigest"])


def test_an_image_is_pushed_in_parts_and_found_by_its_digest(aws: Any) -> None:
    held = Repository(aws.client("ecr"), "pushed", imageScanningConfiguration={"scanOnPush": True})
    config, layer = b"{}", b"layer" * 100
    text = manifest(config, layer)
    asked = [digest(config), digest(layer)]

    def available() -> list[str]:
        answer = held.ecr.batch_check_layer_availability(repositoryName="pushed", layerDigests=asked)
        return [found["layerAvailability"] for found in answer["layers"]]

    assert available() == ["UNAVAILABLE", "UNAVAILABLE"]
    assert [held.push(config), held.push(layer, parts=3)] == asked
    assert available() == ["AVAILABLE", "AVAILABLE"]
    assert held.put(text, imageTag="v1", imageManifestMediaType=MEDIA) == digest(text.encode())

    (detail,) = held.ecr.describe_images(repositoryName="pushed", imageIds=[{"imageTag": "v1"}])[
        "imageDetails"
    ]
    assert (detail["imageDigest"], detail["imageSizeInBytes"]) == (digest(text.encode()), len(config + layer))
    (image,) = held.ecr.batch_get_image(repositoryName="pushed", imageIds=[{"imageTag": "v1"}])["images"]
    assert image["imageManifest"] == text
    scan = held.ecr.describe_image_scan_findings(repositoryName="pushed", imageId={"imageTag": "v1"})
    assert scan["imageScanStatus"]["status"] == "COMPLETE"
    assert scan["imageScanFindings"]["findings"] == []


def test_what_ecr_refuses_of_a_push(aws: Any) -> None:
    held = Repository(aws.client("ecr"), "refuses", imageTagMutability="IMMUTABLE")
    ecr = held.ecr
    upload = ecr.initiate_layer_upload(repositoryName="refuses")["uploadId"]
    where = {"repositoryName": "refuses", "uploadId": upload}

    with pytest.raises(ecr.exceptions.EmptyUploadException):
        ecr.complete_layer_upload(**where, layerDigests=[digest(b"x")])
    with pytest.raises(ecr.exceptions.InvalidLayerPartException):
        ecr.upload_layer_part(**where, partFirstByte=5, partLastByte=5, layerPartBlob=b"x")
    ecr.upload_layer_part(**where, partFirstByte=0, partLastByte=0, layerPartBlob=b"x")
    with pytest.raises(ecr.exceptions.InvalidLayerException):
        ecr.complete_layer_upload(**where, layerDigests=[digest(b"y")])
    with pytest.raises(ecr.exceptions.UploadNotFoundException):
        ecr.complete_layer_upload(repositoryName="refuses", uploadId="none", layerDigests=[digest(b"y")])
    with pytest.raises(ecr.exceptions.LayersNotFoundException):
        held.put(manifest(b"config", b"layer"))
    held.push(b"config")
    with pytest.raises(ecr.exceptions.LayerAlreadyExistsException):
        held.push(b"config")
    with pytest.raises(ecr.exceptions.ImageDigestDoesNotMatchException):
        held.put(manifest(b"config"), imageDigest=digest(b"other"))
    held.put(manifest(b"config"), imageTag="v1")
    with pytest.raises(ecr.exceptions.ImageAlreadyExistsException):
        held.put(manifest(b"config"), imageTag="v1")
    with pytest.raises(ecr.exceptions.ImageTagAlreadyExistsException):
        held.put(manifest(b"config") + " ", imageTag="v1")


def test_what_is_not_there_is_not_found(aws: Any) -> None:
    held = Repository(aws.client("ecr"), "empty")
    ecr, nothing = held.ecr, {"repositoryName": "empty", "imageIds": [{"imageTag": "none"}]}

    with pytest.raises(ecr.exceptions.ImageNotFoundException):
        ecr.describe_images(**nothing)
    with pytest.raises(ClientError, match="ImageNotFoundException"):
        ecr.describe_image_scan_findings(repositoryName="empty", imageId={"imageTag": "none"})
    held.push(b"{}")
    held.put(manifest(b"{}"), imageTag="v1")
    with pytest.raises(ecr.exceptions.ScanNotFoundException):
        ecr.describe_image_scan_findings(repositoryName="empty", imageId={"imageTag": "v1"})
    ecr.start_image_scan(repositoryName="empty", imageId={"imageTag": "v1"})
    found = ecr.describe_image_scan_findings(repositoryName="empty", imageId={"imageTag": "v1"})
    assert found["imageScanStatus"]["status"] == "COMPLETE"


def test_what_a_diagnosis_asks_is_answered(aws: Any) -> None:
    ecs, logs = aws.client("ecs"), aws.client("logs")
    ecs.create_cluster(clusterName="asked")
    logs.create_log_group(logGroupName="/asked")

    assert ecs.list_tasks(cluster="asked", desiredStatus="STOPPED")["taskArns"] == []
    assert ecs.describe_tasks(cluster="asked", tasks=["none"])["failures"][0]["reason"] == "MISSING"
    assert logs.filter_log_events(logGroupName="/asked", filterPattern="?ERROR ?Error")["events"] == []
    for service, kind in (("rds", "db-instance"), ("elasticache", "replication-group")):
        told = aws.client(service).describe_events(SourceType=kind, SourceIdentifier="asked", Duration=60)
        assert told["Events"] == []
    assert aws.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
