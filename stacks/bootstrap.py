"""What must stand before the platform can be deployed: the artefact bucket and the image repository."""

import json
from dataclasses import dataclass

from awacs.aws import Bool, Condition, Deny, PolicyDocument, Principal, Statement
from awacs.s3 import Action as S3Action
from troposphere import Ref, Sub, ecr, s3

from parameters import settings as parameters
from stacks.context import why
from stacks.wiring import BucketName, ImageUri, StackTemplate

UNTAGGED_IMAGE_DAYS = 7  # what a push left behind when its tag was refused


@dataclass(frozen=True)
class Outputs:
    artefact_bucket: BucketName
    image_repository_uri: ImageUri


def build(template: StackTemplate, settings: parameters.Bootstrap) -> Outputs:
    bucket = artefact_bucket(template, settings)
    repository = image_repository(template, settings)
    return Outputs(
        artefact_bucket=BucketName(Ref(bucket)),
        image_repository_uri=ImageUri(repository.get_att("RepositoryUri")),
    )


def artefact_bucket(template: StackTemplate, settings: parameters.Bootstrap) -> s3.Bucket:
    """Nothing in it expires by its age: a roll-back reads what the deployment before it wrote, years ago
    perhaps, and is stuck without it (https://github.com/aws/aws-cdk-rfcs/issues/64). An unchanged object is
    written once and each holds a few kilobytes, or a megabyte of code. What somebody deletes goes for good
    when there was time to miss it.
    """
    bucket = template.add_resource(
        s3.Bucket(
            "Artefacts",
            Metadata=why(
                "templates and function code, each under the digest of its content",
                "keep what a stack's last deployment may still roll back to",
            ),
            VersioningConfiguration=s3.VersioningConfiguration(Status="Enabled"),
            BucketEncryption=s3.BucketEncryption(
                ServerSideEncryptionConfiguration=[
                    s3.ServerSideEncryptionRule(
                        ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256")
                    )
                ]
            ),
            PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
                BlockPublicAcls=True,
                BlockPublicPolicy=True,
                IgnorePublicAcls=True,
                RestrictPublicBuckets=True,
            ),
            OwnershipControls=s3.OwnershipControls(
                Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
            ),
            LifecycleConfiguration=s3.LifecycleConfiguration(
                Rules=[
                    s3.LifecycleRule(
                        Id="ExpireDeletedArtefacts",
                        Status="Enabled",
                        ExpiredObjectDeleteMarker=True,
                        NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(
                            NoncurrentDays=settings.artefact_retention_days
                        ),
                        AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(
                            DaysAfterInitiation=1
                        ),
                    )
                ]
            ),
            **template.retention,
        )
    )
    template.add_resource(
        s3.BucketPolicy(
            "ArtefactsPolicy",
            Bucket=Ref(bucket),
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[
                    Statement(
                        Sid="TlsOnly",
                        Effect=Deny,
                        Principal=Principal("*"),
                        Action=[S3Action("*")],
                        Resource=[bucket.get_att("Arn"), Sub("${Artefacts.Arn}/*")],
                        Condition=Condition(Bool("aws:SecureTransport", "false")),
                    )
                ],
            ),
        )
    )
    return bucket


def image_repository(template: StackTemplate, settings: parameters.Bootstrap) -> ecr.Repository:
    return template.add_resource(
        ecr.Repository(
            "Images",
            Metadata=why(
                "the processor's images; a deployment names one by its digest",
                "never let a tag move to another image",
            ),
            RepositoryName=f"millrace/{template.environment}",  # the platform and CI know it by this name
            ImageTagMutability="IMMUTABLE",
            ImageScanningConfiguration=ecr.ImageScanningConfiguration(ScanOnPush=True),
            EncryptionConfiguration=ecr.EncryptionConfiguration(EncryptionType="AES256"),
            LifecyclePolicy=ecr.LifecyclePolicy(LifecyclePolicyText=lifecycle(settings.images_kept)),
            **template.retention,
        )
    )


def lifecycle(kept: int) -> str:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html

    A push by buildx is an index with a tag, and without one what it lists: the image of each platform, its
    provenance. ECR lets go of neither while the index stands (ImageReferencedByManifestList), but a count of
    `any` would count them all, and forget the image that runs after a third of the pushes.
    """
    untagged = {
        "rulePriority": 1,
        "description": "what a refused push left behind",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": UNTAGGED_IMAGE_DAYS,
        },
        "action": {"type": "expire"},
    }
    old = {
        "rulePriority": 2,
        "description": "all but the newest",
        "selection": {
            "tagStatus": "tagged",
            "tagPatternList": ["*"],
            "countType": "imageCountMoreThan",
            "countNumber": kept,
        },
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [untagged, old]}, indent=2)
