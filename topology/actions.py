"""Which IAM actions an operation of AWS's API asks for.

Most are named alike; where they are not, the service's own reference says so:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
A test looks every action up in the copy of that reference which cfn-lint carries.
"""

from collections.abc import Iterable

from topology.calls import Call

# Clients whose names are not the prefixes of their actions.
PREFIXES = {"service-quotas": "servicequotas", "sesv2": "ses", "stepfunctions": "states"}

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html for S3,
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html has none for a batch
# https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html needs no permission at all
DIFFERENT: dict[tuple[str, str], tuple[str, ...]] = {
    ("lambda", "Invoke"): ("lambda:InvokeFunction",),
    ("s3", "CopyObject"): ("s3:GetObject", "s3:PutObject"),
    ("s3", "CreateMultipartUpload"): ("s3:PutObject",),
    ("s3", "DeleteObjects"): ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    ("s3", "GetObjectLockConfiguration"): ("s3:GetBucketObjectLockConfiguration",),
    ("s3", "HeadBucket"): ("s3:ListBucket",),
    ("s3", "HeadObject"): ("s3:GetObject",),
    ("s3", "ListBuckets"): ("s3:ListAllMyBuckets",),
    ("s3", "ListObjectVersions"): ("s3:ListBucketVersions",),
    ("s3", "ListObjects"): ("s3:ListBucket",),
    ("s3", "ListObjectsV2"): ("s3:ListBucket",),
    ("s3", "UploadPart"): ("s3:PutObject",),
    ("sns", "PublishBatch"): ("sns:Publish",),
    ("sts", "GetCallerIdentity"): (),
}


def actions(calls: Iterable[Call]) -> dict[str, list[Call]]:
    """IAM action → the calls that ask for it."""
    found: dict[str, list[Call]] = {}
    for call in calls:
        prefix = PREFIXES.get(call.service, call.service)
        own = DIFFERENT.get((call.service, call.operation), (f"{prefix}:{call.operation}",))
        for action in own:
            found.setdefault(action, []).append(call)
    return dict(sorted(found.items()))
