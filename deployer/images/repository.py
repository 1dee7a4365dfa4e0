"""The environment's image repository: which image a tag names, and a new one pushed, layer by layer.

An upload that was cut off is begun again: what is complete is not sent twice.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer import stack
from deployer.errors import DeployerError, NotBootstrapped
from deployer.images.archive import Archive, Blob
from deployer.target import Target

if TYPE_CHECKING:
    from types_boto3_ecr import ECRClient

LARGEST_PART = (
    20_971_520  # bytes: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UploadLayerPart.html
)
ASKED_AT_ONCE = 100  # BatchCheckLayerAvailability's most: botocore's model


class TagTaken(DeployerError):
    """{repository}:{tag} is another image already ({found}), and tags never move: commit the change, so that
    its tag is another, or name one with --tag; to deploy the image that is there: `python deploy.py plan
    {environment} --image {found}`"""


@dataclass(frozen=True)
class Pushed:
    """`uploaded` in bytes, 0 when all of it was there."""

    digest: str
    tag: str
    uploaded: int


class Repository:
    """`uri` is registry/name, as the bootstrap stack offers it."""

    def __init__(self, ecr: "ECRClient", uri: str, environment: str) -> None:
        self.uri = uri
        self.name = uri.partition("/")[2]
        self._ecr = ecr
        self._environment = environment

    def tagged(self, tag: str) -> str | None:
        """The digest of the image with this tag; None when there is none."""
        try:
            found = self._ecr.describe_images(repositoryName=self.name, imageIds=[{"imageTag": tag}])
        except ClientError as error:
            if error.response["Error"]["Code"] == "ImageNotFoundException":
                return None
            raise
        return found["imageDetails"][0]["imageDigest"]

    def push(self, archive: Archive, tag: str) -> Pushed:
        """Upload what is missing, then the manifest with its tag. Raises TagTaken."""
        present = self.tagged(tag)
        if present == archive.digest:
            return Pushed(archive.digest, tag, 0)
        if present is not None:
            raise self._taken(tag, present)
        missing = self._missing(archive.blobs)
        for blob in missing:
            self._upload(archive, blob)
        try:
            self._ecr.put_image(
                repositoryName=self.name,
                imageManifest=archive.manifest,
                imageManifestMediaType=archive.media_type,
                imageTag=tag,
                imageDigest=archive.digest,
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ImageTagAlreadyExistsException":  # somebody was quicker
                raise self._taken(tag, self.tagged(tag) or "unknown") from error
            if code != "ImageAlreadyExistsException":
                raise
        return Pushed(archive.digest, tag, sum(blob.size for blob in missing))

    def _taken(self, tag: str, found: str) -> TagTaken:
        return TagTaken(repository=self.name, tag=tag, found=found, environment=self._environment)

    def _missing(self, blobs: tuple[Blob, ...]) -> list[Blob]:
        available = set()
        for start in range(0, len(blobs), ASKED_AT_ONCE):
            several = [blob.digest for blob in blobs[start : start + ASKED_AT_ONCE]]
            answer = self._ecr.batch_check_layer_availability(repositoryName=self.name, layerDigests=several)
            available |= {
                layer["layerDigest"]
                for layer in answer.get("layers", [])
                if layer.get("layerAvailability") == "AVAILABLE"
            }
        return [blob for blob in blobs if blob.digest not in available]

    def _upload(self, archive: Archive, blob: Blob) -> None:
        begun = self._ecr.initiate_layer_upload(repositoryName=self.name)
        upload, first = begun["uploadId"], 0
        for piece in archive.read(blob, min(begun["partSize"], LARGEST_PART)):
            self._ecr.upload_layer_part(
                repositoryName=self.name,
                uploadId=upload,
                partFirstByte=first,
                partLastByte=first + len(piece) - 1,
                layerPartBlob=piece,
            )
            first += len(piece)
        try:
            self._ecr.complete_layer_upload(
                repositoryName=self.name, uploadId=upload, layerDigests=[blob.digest]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "LayerAlreadyExistsException":
                raise


def of(target: Target) -> Repository:
    """The repository of the bootstrap stack. Raises NotBootstrapped."""
    target.check_account()
    found = stack.find(target.clients.cloudformation, target.bootstrap_name)
    uri = found.outputs.get("ImageRepositoryUri") if found else None
    if uri is None:
        raise NotBootstrapped(
            stack=target.bootstrap_name, output="ImageRepositoryUri", environment=target.environment.name
        )
    return Repository(target.clients.ecr, uri, target.environment.name)
