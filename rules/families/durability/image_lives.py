"""Images: under the key that their repository names."""

from collections.abc import Iterator

from rules.families.durability.upkeep import word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site

ECR = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/"
REPOSITORY = "AWS::ECR::Repository"


@rule(
    "E9486",
    cause="repository {repository} names a key, and is encrypted by {kind}",
    remedy="set EncryptionType: KMS",
    sources=(f"{ECR}encryption-at-rest.html",),
)
def an_image_key_that_is_not_used(site: Site) -> Iterator[Finding]:
    for repository in site.all(REPOSITORY):
        kind = word(site, repository, "EncryptionConfiguration", "EncryptionType")
        if kind == "AES256" and site.get(repository, "EncryptionConfiguration", "KmsKey") is not None:
            yield found(repository, "EncryptionConfiguration", repository=repository, kind=kind)
