"""Images pushed through ECR's own API, layer by layer, with no container tool.

Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html and the pages of the
operations that it names; botocore's model for shapes and errors. Upstream takes a layer's parts and forgets
them. A scan here finds nothing, at once: it is simulated, and proves nothing of an image.
"""

import base64
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core import responses
from ministack.services import ecr

from local.aws.patching import replace
from local.aws.stacks import Answer, Json


def install() -> None:
    replace(ecr._initiate_layer_upload, _beginning(ecr._initiate_layer_upload))
    replace(ecr._upload_layer_part, upload_part)
    replace(ecr._complete_layer_upload, complete)
    replace(ecr._batch_check_layer_availability, availability)
    replace(ecr._put_image, _checked(ecr._put_image))
    replace(ecr._describe_images, _described(ecr._describe_images))
    replace(ecr.handle_request, _with_scans(ecr.handle_request))


def _beginning(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    def initiate(data: Json) -> Answer:
        answer = original(data)
        if answer[0] == 200:
            upload_id = json.loads(answer[2])["uploadId"]
            ecr._uploads.setdefault(data["repositoryName"], {})[upload_id] = bytearray()
        return answer

    return initiate


def upload_part(data: Json) -> Answer:
    """The parts of an upload come in order, each where the one before ended."""
    kept = _upload(data)
    if kept is None:
        return _unknown_upload(data)
    first, last = data["partFirstByte"], data["partLastByte"]
    part = base64.b64decode(data["layerPartBlob"])
    if first != len(kept) or last - first + 1 != len(part):
        return _refused(
            "InvalidLayerPartException", f"Layer part with first byte {first} is not the next part"
        )
    kept.extend(part)
    return _answered({**_named(data), "uploadId": data["uploadId"], "lastByteReceived": last})


def complete(data: Json) -> Answer:
    """The layer is kept under its digest, which must be one of those that are given."""
    kept = _upload(data)
    if kept is None:
        return _unknown_upload(data)
    if not kept:
        return _refused("EmptyUploadException", "The upload has no layer parts")
    digest = _digest(bytes(kept))
    if digest not in data["layerDigests"]:
        return _refused("InvalidLayerException", f"The layer's digest is {digest}, not one of those given")
    layers = ecr._layer_blobs.setdefault(data["repositoryName"], {})
    if digest in layers:
        return _refused("LayerAlreadyExistsException", f"The layer {digest} already exists")
    layers[digest] = bytes(kept)
    del ecr._uploads[data["repositoryName"]][data["uploadId"]]
    return _answered({**_named(data), "uploadId": data["uploadId"], "layerDigest": digest})


def availability(data: Json) -> Answer:
    """Which layers a repository has."""
    if data.get("repositoryName") not in ecr._repositories:
        return _no_repository(data)
    held = ecr._layer_blobs.get(data["repositoryName"], {})
    layers = [
        {"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": len(held[digest])}
        if digest in held
        else {"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}
        for digest in data["layerDigests"]
    ]
    return _answered({"layers": layers, "failures": []})


def _checked(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    """An image is of layers that are there, under the digest of its manifest, and is put once."""

    def put_image(data: Json) -> Answer:
        name, manifest, tag = (
            data.get("repositoryName", ""),
            data.get("imageManifest", ""),
            data.get("imageTag"),
        )
        if name not in ecr._repositories:
            return _no_repository(data)
        digest = _digest(manifest.encode())
        if data.get("imageDigest") not in (None, digest):
            return _refused(
                "ImageDigestDoesNotMatchException",
                f"The manifest's digest is {digest}, not {data['imageDigest']}",
            )
        known = ecr._find_image(name, {"imageDigest": digest})
        if known is not None and (not tag or tag in known["imageTags"]):
            return _refused("ImageAlreadyExistsException", f"Image with digest '{digest}' already exists")
        missing = sorted(_layers(manifest).keys() - ecr._layer_blobs.get(name, {}).keys())
        if missing:
            return _refused(
                "LayersNotFoundException", f"Layers with digests '{', '.join(missing)}' do not exist"
            )
        answer = original(data)
        if answer[0] == 200 and (ecr._repositories[name].get("imageScanningConfiguration") or {}).get(
            "scanOnPush"
        ):
            _scan(name, {"imageDigest": digest})
        return answer

    return put_image


def _described(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    """An image that is asked for and is not there is an error; its size is that of its layers."""

    def describe_images(data: Json) -> Answer:
        name = data.get("repositoryName", "")
        for wanted in data.get("imageIds") or []:
            if name in ecr._repositories and ecr._find_image(name, wanted) is None:
                return _no_image(name, wanted)
        answer = original(data)
        if answer[0] != 200:
            return answer
        said = json.loads(answer[2])
        for detail in said["imageDetails"]:
            image = ecr._find_image(name, {"imageDigest": detail["imageDigest"]})
            sizes = _layers(image["imageManifest"]).values()
            detail["imageSizeInBytes"] = sum(sizes) or detail["imageSizeInBytes"]
        return _answered(said)

    return describe_images


def _with_scans(original: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    """StartImageScan and DescribeImageScanFindings, which upstream does not know."""

    async def handle(method: str, path: str, headers: Json, body: bytes, query: Json) -> Answer:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if action not in ("StartImageScan", "DescribeImageScanFindings"):
            return await original(method, path, headers, body, query)
        data = json.loads(body)
        name, wanted = data["repositoryName"], data["imageId"]
        if name not in ecr._repositories:
            return _no_repository(data)
        image = ecr._find_image(name, wanted)
        if image is None:
            return _no_image(name, wanted)
        if action == "StartImageScan":
            _scan(name, wanted)
            return _answered({**_scanned(image, data), "imageScanStatus": {"status": "IN_PROGRESS"}})
        if "_scanned_at" not in image:
            return _refused("ScanNotFoundException", f"Image scan does not exist for the image {_id(wanted)}")
        found = {
            "imageScanCompletedAt": image["_scanned_at"],
            "vulnerabilitySourceUpdatedAt": image["_scanned_at"],
            "findings": [],
            "findingSeverityCounts": {},
        }
        status = {"status": "COMPLETE", "description": "The scan was completed successfully."}
        return _answered({**_scanned(image, data), "imageScanStatus": status, "imageScanFindings": found})

    return handle


def _scan(name: str, wanted: Json) -> None:
    ecr._find_image(name, wanted)["_scanned_at"] = int(time.time())


def _scanned(image: Json, data: Json) -> Json:
    return {**_named(data), "imageId": {**data["imageId"], "imageDigest": image["imageDigest"]}}


def _layers(manifest: str) -> dict[str, int]:
    """Sizes by digest of what a manifest is made of, its configuration included; an index is of images."""
    said = json.loads(manifest)
    parts = [said["config"]] if "config" in said else []
    parts += said.get("layers") or []
    return {part["digest"]: part.get("size", 0) for part in parts}


def _upload(data: Json) -> bytearray | None:
    found: bytearray | None = ecr._uploads.get(data.get("repositoryName"), {}).get(data.get("uploadId"))
    return found


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _named(data: Json) -> Json:
    return {"registryId": responses.get_account_id(), "repositoryName": data["repositoryName"]}


def _unknown_upload(data: Json) -> Answer:
    if data.get("repositoryName") not in ecr._repositories:
        return _no_repository(data)
    return _refused("UploadNotFoundException", f"The upload with id {data.get('uploadId')} does not exist")


def _no_repository(data: Json) -> Answer:
    name = data.get("repositoryName")
    return _refused("RepositoryNotFoundException", f"The repository with name '{name}' does not exist")


def _no_image(name: str, wanted: Json) -> Answer:
    text = f"The image with imageId {_id(wanted)} does not exist within the repository with name '{name}'"
    return _refused("ImageNotFoundException", text)


def _id(wanted: Json) -> str:
    digest, tag = (f"'{wanted[key]}'" if key in wanted else "null" for key in ("imageDigest", "imageTag"))
    return f"{{imageDigest:{digest}, imageTag:{tag}}}"


def _refused(code: str, message: str) -> Answer:
    return _typed(responses.error_response_json(code, message, 400))


def _answered(said: Json) -> Answer:
    return _typed(responses.json_response(said))


def _typed(untyped: Any) -> Answer:
    answer: Answer = untyped
    return answer
