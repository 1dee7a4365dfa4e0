from pathlib import Path
from typing import Any

import pytest

from deployer import contents
from deployer.clients import Clients
from deployer.contents import BUCKET, REPOSITORY, Contents, NotEmptied
from deployer.removal import Fate, Leaving

ACCOUNT = "111122223333"
IMAGES = Contents("Images", REPOSITORY, "images", 2)


@pytest.fixture
def clients(aws: Any) -> Clients:
    made: Clients = aws.deployment(Path()).target.clients
    return made


def has_images(aws: Any, *digests: str) -> None:
    details = [{"imageDigest": digest} for digest in digests]
    aws.answers("ecr", "describe_images", {"imageDetails": details}, repositoryName="images")


def deletes(aws: Any, digests: list[str], *refused: str) -> None:
    failures = [
        {"imageId": {"imageDigest": digest}, "failureCode": "ImageReferencedByManifestList"}
        for digest in refused
    ]
    aws.answers(
        "ecr",
        "batch_delete_image",
        {"failures": failures},
        repositoryName="images",
        imageIds=[{"imageDigest": digest} for digest in digests],
    )


def test_an_image_that_an_index_lists_goes_after_the_index(aws: Any, clients: Clients) -> None:
    has_images(aws, "sha256:image", "sha256:index")
    deletes(aws, ["sha256:image", "sha256:index"], "sha256:image")
    deletes(aws, ["sha256:image"])

    contents.empty(clients, IMAGES, ACCOUNT)


def test_images_that_stay_whatever_is_tried_stop_it(aws: Any, clients: Clients) -> None:
    has_images(aws, "sha256:image")
    deletes(aws, ["sha256:image"], "sha256:image")

    with pytest.raises(NotEmptied, match=r"images was not emptied \(ImageReferencedByManifestList\)"):
        contents.empty(clients, IMAGES, ACCOUNT)


def test_many_images_go_a_hundred_at_a_time(aws: Any, clients: Clients) -> None:
    digests = [f"sha256:{number}" for number in range(101)]
    has_images(aws, *digests)
    deletes(aws, digests[:100])
    deletes(aws, digests[100:])

    contents.empty(clients, IMAGES, ACCOUNT)


@pytest.mark.parametrize("emptied_with_it", [True, False])
def test_a_repository_blocks_its_deletion_unless_it_empties_itself(
    aws: Any, clients: Clients, emptied_with_it: bool
) -> None:
    has_images(aws, "sha256:image")
    leaving = Leaving("Images", REPOSITORY, "images", Fate.LOST, empties_itself=emptied_with_it)

    (found,) = contents.look(clients, [leaving], ACCOUNT)

    assert (found.number, found.blocks) == (1, not emptied_with_it)


def test_what_is_gone_already_holds_nothing(aws: Any, clients: Clients) -> None:
    aws.refuses("describe_images", "RepositoryNotFoundException", service="ecr")
    aws.refuses("list_object_versions", "NoSuchBucket", service="s3")
    leaving = [
        Leaving("Images", REPOSITORY, "images", Fate.LOST),
        Leaving("Artefacts", BUCKET, "artefacts", Fate.LOST),
        Leaving("NeverMade", BUCKET, "", Fate.LOST),
        Leaving("KeptImages", REPOSITORY, "kept", Fate.KEPT),
    ]

    assert contents.look(clients, leaving, ACCOUNT) == ()


def test_a_kept_bucket_is_looked_into_for_its_lock_and_blocks_nothing(aws: Any, clients: Clients) -> None:
    marker = {"Key": "a", "VersionId": "1", "LastModified": 0}
    aws.answers("s3", "list_object_versions", {"DeleteMarkers": [marker]})

    (found,) = contents.look(clients, [Leaving("Artefacts", BUCKET, "artefacts", Fate.KEPT)], ACCOUNT)

    assert (found.number, found.locked_until) == (1, None)
