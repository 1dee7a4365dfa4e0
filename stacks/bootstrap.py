"""What must stand before the platform: the artefact bucket, the log of its requests, the image repository."""

import json
from dataclasses import dataclass
from typing import Any

from awacs import s3 as can
from awacs.aws import (
    Allow,
    ArnEquals,
    Bool,
    Condition,
    Deny,
    Null,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import Ref, Sub, ecr, kms, s3

from parameters import sections as parameters
from stacks import deployment_roles, execution, keys
from stacks.context import why
from stacks.wiring import BucketName, ImageUri, KeyArn, PolicyArn, RoleArn, StackTemplate

UNTAGGED_IMAGE_DAYS = 7  # what a push left behind when its tag was refused


@dataclass(frozen=True)
class Outputs:
    artefact_bucket: BucketName
    image_repository_uri: ImageUri
    execution_role_arn: RoleArn
    deployer_policy_arn: PolicyArn


@dataclass(frozen=True)
class Settings:
    """Its section of the parameters, and what is to be deployed afterwards."""

    parameters: parameters.Bootstrap
    platform: execution.Platform


def build(template: StackTemplate, given: Settings) -> Outputs:
    settings = given.parameters
    key = KeyArn(artefact_key(template, settings).get_att("Arn"))
    log = access_log(template, settings)
    bucket = artefact_bucket(template, settings, key, log)
    template.add_resource(bucket_policy(bucket, may_only_create(bucket)))
    template.add_resource(bucket_policy(log, may_deliver_log(log, bucket)))
    repository = image_repository(template, settings, key)
    rights = deployment_roles.build(template, settings, given.platform)
    return Outputs(
        artefact_bucket=BucketName(Ref(bucket)),
        image_repository_uri=ImageUri(repository.get_att("RepositoryUri")),
        execution_role_arn=rights.execution_role_arn,
        deployer_policy_arn=rights.deployer_policy_arn,
    )


def artefact_key(template: StackTemplate, settings: parameters.Bootstrap) -> kms.Key:
    """No service needs a grant in its policy: S3 uses the key with the caller's permissions, and ECR makes
    itself a grant with those of whoever creates the repository.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
    """
    return template.add_resource(
        kms.Key(
            "ArtefactKey",
            Metadata=why(
                "Code and images come before the platform and its keys; who reads them is decided here."
            ),
            Description=f"millrace {template.environment}: templates, function code and images",
            EnableKeyRotation=True,
            RotationPeriodInDays=settings.key_rotation_days,
            PendingWindowInDays=settings.key_deletion_window_days,
            KeyPolicy=PolicyDocument(Version="2012-10-17", Statement=[keys.administrators()]),
            **template.retention,
        )
    )


def artefact_bucket(
    template: StackTemplate, settings: parameters.Bootstrap, key: KeyArn, log: s3.Bucket
) -> s3.Bucket:
    """Nothing in it expires by its age: a roll-back reads what the deployment before it wrote, years ago
    perhaps, and is stuck without it (https://github.com/aws/aws-cdk-rfcs/issues/64). An unchanged object is
    written once and each holds a few kilobytes, or a megabyte of code. What somebody deletes goes for good
    when there was time to miss it.
    """
    return template.add_resource(
        s3.Bucket(
            "Artefacts",
            Metadata=why(
                "templates and function code, each under the digest of its content",
                "keep what a stack's last deployment may still roll back to",
            ),
            BucketEncryption=s3.BucketEncryption(
                ServerSideEncryptionConfiguration=[
                    s3.ServerSideEncryptionRule(
                        BucketKeyEnabled=True,  # one call to KMS for many objects
                        ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(
                            SSEAlgorithm="aws:kms", KMSMasterKeyID=key
                        ),
                    )
                ]
            ),
            LoggingConfiguration=s3.LoggingConfiguration(
                DestinationBucketName=Ref(log), LogFilePrefix="artefacts/"
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
            **locked(settings),
            **closed(),
            **template.retention,
        )
    )


def locked(settings: parameters.Bootstrap) -> dict[str, Any]:
    """No version of what was deployed is lost without a permission made for that alone.

    A lock keeps versions. It does not keep a new one from standing in an old one's place: that takes
    may_only_create, and the deployer's comparison with the digest in the name (deployer/artefacts.py).

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html: s3:BypassGovernanceRetention. It
    asks each upload for a checksum, which boto3 sends by itself.
    """
    if not settings.lock_artefacts:
        return {}
    return {
        "ObjectLockEnabled": True,
        "ObjectLockConfiguration": s3.ObjectLockConfiguration(
            ObjectLockEnabled="Enabled",
            Rule=s3.ObjectLockRule(
                DefaultRetention=s3.DefaultRetention(Mode="GOVERNANCE", Days=settings.artefact_retention_days)
            ),
        ),
    }


def access_log(template: StackTemplate, settings: parameters.Bootstrap) -> s3.Bucket:
    """Under S3's own key and without a lock, since S3 delivers into no bucket with KMS or a retention.

    It logs itself too (a bucket that names no destination is its own): who reads the trail leaves a trail.
    S3's guide advises against it, since each delivery is a request that the next delivery tells of: a trickle
    that never ends. Here it has a prefix of its own, out of the way of what people look for, and expires.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    return template.add_resource(
        s3.Bucket(
            "AccessLog",
            Metadata=why("who asked the artefact bucket, and this one, for what", "is written by S3 alone"),
            BucketEncryption=s3.BucketEncryption(
                ServerSideEncryptionConfiguration=[
                    s3.ServerSideEncryptionRule(
                        ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256")
                    )
                ]
            ),
            LoggingConfiguration=s3.LoggingConfiguration(LogFilePrefix="access-log/"),
            LifecycleConfiguration=s3.LifecycleConfiguration(
                Rules=[
                    s3.LifecycleRule(
                        Id="ExpireLog",
                        Status="Enabled",
                        ExpirationInDays=settings.access_log_retention_days,
                        NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(
                            NoncurrentDays=settings.access_log_retention_days
                        ),
                        AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(
                            DaysAfterInitiation=1
                        ),
                    )
                ]
            ),
            **closed(),
            **template.retention,
        )
    )


def closed() -> dict[str, Any]:
    """What every bucket here has: nothing public, no access lists, and a past version of each object."""
    return {
        "VersioningConfiguration": s3.VersioningConfiguration(Status="Enabled"),
        "PublicAccessBlockConfiguration": s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True, BlockPublicPolicy=True, IgnorePublicAcls=True, RestrictPublicBuckets=True
        ),
        "OwnershipControls": s3.OwnershipControls(
            Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
        ),
    }


def bucket_policy(bucket: s3.Bucket, *grants: Statement) -> s3.BucketPolicy:
    tls_only = Statement(
        Sid="TlsOnly",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[can.Action("*")],
        Resource=[bucket.get_att("Arn"), Sub(f"${{{bucket.title}.Arn}}/*")],
        # A boolean, which S3 reads like the text, and which Guard does not find in the text.
        Condition=Condition(Bool("aws:SecureTransport", False)),
    )
    return s3.BucketPolicy(
        f"{bucket.title}Policy",
        Bucket=Ref(bucket),
        PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=[tls_only, *grants]),
    )


def may_only_create(bucket: s3.Bucket) -> Statement:
    """An upload that does not say "only if there is none" is refused. The parts of a large one cannot say so.

    Whoever may delete an object can still write another after it: that leaves a delete marker, and the
    deployer notices. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """
    return Statement(
        Sid="NothingIsOverwritten",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[can.PutObject],
        Resource=[Sub(f"${{{bucket.title}.Arn}}/*")],
        Condition=Condition([Null("s3:if-none-match", "true"), Bool("s3:ObjectCreationOperation", "true")]),
    )


def may_deliver_log(log: s3.Bucket, bucket: s3.Bucket) -> Statement:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html"""
    return Statement(
        Sid="S3DeliversLogs",
        Effect=Allow,
        Principal=Principal("Service", ["logging.s3.amazonaws.com"]),
        Action=[can.PutObject],
        Resource=[Sub(f"${{{log.title}.Arn}}/*")],
        Condition=Condition(
            [
                ArnEquals({"aws:SourceArn": [bucket.get_att("Arn"), log.get_att("Arn")]}),
                StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
            ]
        ),
    )


def image_repository(template: StackTemplate, settings: parameters.Bootstrap, key: KeyArn) -> ecr.Repository:
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
            EncryptionConfiguration=ecr.EncryptionConfiguration(EncryptionType="KMS", KmsKey=key),
            LifecyclePolicy=ecr.LifecyclePolicy(LifecyclePolicyText=lifecycle(settings.images_kept)),
            # A repository that goes with its stack goes with its images, or it does not go.
            EmptyOnDelete=template.retention["DeletionPolicy"] == "Delete",
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
