"""What lies in buckets and repositories that are to be deleted: looked at, and taken out when told.

CloudFormation deletes neither while something is in it, a repository with `EmptyOnDelete` apart:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer import drawing
from deployer.clients import Clients
from deployer.errors import DeployerError
from deployer.removal import Fate, Leaving

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import ImageIdentifierTypeDef
    from types_boto3_s3.type_defs import ObjectIdentifierTypeDef

BUCKET, REPOSITORY = "AWS::S3::Bucket", "AWS::ECR::Repository"
IMAGES_AT_ONCE = 100  # BatchDeleteImage's most: botocore's model


class StillLocked(DeployerError):
    """{bucket} cannot be emptied: S3 keeps its objects locked until {until} at least. Until then it stays,
    and costs what it stores; then run `python deploy.py destroy` again; nothing was deleted"""


class NotEmptied(DeployerError):
    """{name} was not emptied ({why}): what was not deleted is still there, and so is the stack. Mend
    that, then run `python deploy.py destroy` again"""


@dataclass(frozen=True)
class Contents:
    """`number` is of object versions and delete markers, or of images; `locked_until` of the last one."""

    path: str
    type: str
    physical_id: str
    number: int
    emptied_with_it: bool = False
    locked_until: datetime | None = None

    @property
    def what(self) -> str:
        """`1 image`, `2 object versions`."""
        return drawing.counted(self.number, "image" if self.type == REPOSITORY else "object version")

    @property
    def blocks(self) -> bool:
        """Its deletion would fail."""
        return not self.emptied_with_it

    def line(self) -> str:
        note = "  (go with it)" if self.emptied_with_it else ""
        if self.locked_until:
            note += f"  (locked until {self.locked_until:%Y-%m-%d})"
        return f"{self.path}  {self.what}{note}"


def look(clients: Clients, leaving: Sequence[Leaving], account: str) -> tuple[Contents, ...]:
    """Those that are not empty, of what is deleted and, for their locks, of what is kept."""
    found = []
    for each in leaving:
        if each.type == BUCKET and each.physical_id:
            found.append(_bucket(clients, each, account))
        elif each.type == REPOSITORY and each.physical_id and each.fate is not Fate.KEPT:
            images = len(list(_images(clients, each.physical_id)))
            found.append(
                Contents(each.path, each.type, each.physical_id, images, emptied_with_it=each.empties_itself)
            )
    return tuple(contents for contents in found if contents.number)


def empty(clients: Clients, contents: Contents, account: str) -> None:
    """Delete every version, or every image. No lock is bypassed. Raises StillLocked, NotEmptied."""
    if contents.locked_until is not None and contents.locked_until > datetime.now(UTC):
        raise StillLocked(bucket=contents.physical_id, until=f"{contents.locked_until:%Y-%m-%d %H:%M} UTC")
    if contents.type == REPOSITORY:
        _delete_images(clients, contents.physical_id)
    else:
        _delete_versions(clients, contents.physical_id, account)


def _bucket(clients: Clients, leaving: Leaving, account: str) -> Contents:
    newest: datetime | None = None
    number = 0
    pages = clients.s3.get_paginator("list_object_versions").paginate(
        Bucket=leaving.physical_id, ExpectedBucketOwner=account
    )
    try:
        for page in pages:
            number += len(page.get("DeleteMarkers", []))
            for version in page.get("Versions", []):
                number += 1
                newest = max(newest, version["LastModified"]) if newest else version["LastModified"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
    lock = _retention(clients, leaving.physical_id, account) if newest else None
    until = newest + lock if newest and lock else None
    return Contents(leaving.path, leaving.type, leaving.physical_id, number, locked_until=until)


def _retention(clients: Clients, bucket: str, account: str) -> timedelta | None:
    """For how long each upload is locked; one object's own retention can be longer, and shows itself then."""
    try:
        told = clients.s3.get_object_lock_configuration(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
        if error.response["Error"]["Code"] == "ObjectLockConfigurationNotFoundError":
            return None
        raise
    rule = told.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {})
    days = rule.get("Days", 0) + 365 * rule.get("Years", 0)
    return timedelta(days=days) if days else None


def _delete_versions(clients: Clients, bucket: str, account: str) -> None:
    pages = clients.s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, ExpectedBucketOwner=account
    )
    for page in pages:  # at most a thousand, which is also DeleteObjects' most
        several: list[ObjectIdentifierTypeDef] = [
            {"Key": each["Key"], "VersionId": each["VersionId"]}
            for each in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]
        if several:
            errors = clients.s3.delete_objects(
                Bucket=bucket, Delete={"Objects": several, "Quiet": True}, ExpectedBucketOwner=account
            ).get("Errors", [])
            if errors:
                why = f"{errors[0].get('Key')}: {errors[0].get('Code')}: {errors[0].get('Message', '')}"
                raise NotEmptied(name=bucket, why=why)


def _images(clients: Clients, repository: str) -> "Iterator[ImageIdentifierTypeDef]":
    pages = clients.ecr.get_paginator("describe_images").paginate(repositoryName=repository)
    try:
        for page in pages:
            for image in page["imageDetails"]:
                yield {"imageDigest": image["imageDigest"]}
    except ClientError as error:
        if error.response["Error"]["Code"] != "RepositoryNotFoundException":
            raise


def _delete_images(clients: Clients, repository: str) -> None:
    """By digest, which takes all tags along; an index goes before the images that it lists."""
    left = list(_images(clients, repository))
    while left:
        failures = []
        for start in range(0, len(left), IMAGES_AT_ONCE):
            answer = clients.ecr.batch_delete_image(
                repositoryName=repository, imageIds=left[start : start + IMAGES_AT_ONCE]
            )
            failures += answer.get("failures", [])
        # ImageReferencedByManifestList: gone with the next round, once its index is.
        again = [failure["imageId"] for failure in failures if "imageId" in failure]
        if len(again) == len(left):
            reason = failures[0].get("failureReason", failures[0].get("failureCode", ""))
            raise NotEmptied(name=repository, why=reason)
        left = again
