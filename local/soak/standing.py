"""All that a deployment leaves in an account, without the names and times that differ from run to run."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from deployer.target import PREFIX

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackTypeDef
    from types_boto3_ecr import ECRClient
    from types_boto3_s3 import S3Client

REVIEW = "REVIEW_IN_PROGRESS"
OPEN = frozenset({"AVAILABLE", "UNAVAILABLE", "OBSOLETE", "EXECUTE_IN_PROGRESS"})


@dataclass(frozen=True)
class Standing:
    """`stacks`: by path, each with its status, parameters, tags, policy, protection and resources.
    `images`: digests by repository and tag.
    `artefacts`: how many of each kind, since a key hashes templates that name the bucket, whose name is made
    anew each time. `broken`: keys that do not hold what their name says.
    `open_plans`: change sets of ours that were not executed, of roots. `reviewed`: nested stacks that are
    nothing but part of such a change set.
    """

    stacks: dict[str, dict[str, Any]]
    images: dict[str, str]
    artefacts: dict[str, int]
    broken: tuple[str, ...]
    open_plans: tuple[str, ...]
    reviewed: tuple[str, ...]

    def differences(self, other: "Standing") -> list[str]:
        """What is not as in `other`, a line each; open plans apart, which a killed one may leave."""
        lines = [f"{key} does not hold what its name says" for key in self.broken]
        if self.images != other.images:
            lines.append(f"images are {self.images}, not {other.images}")
        if self.artefacts != other.artefacts:
            lines.append(f"artefacts are {self.artefacts}, not {other.artefacts}")
        for path in sorted(self.stacks.keys() | other.stacks.keys()):
            mine, theirs = self.stacks.get(path), other.stacks.get(path)
            if mine is None or theirs is None:
                lines.append(f"stack {path} is {'missing' if mine is None else 'left over'}")
                continue
            lines += [
                f"{path}: {name} is {mine[name]}, not {theirs[name]}"
                for name in mine
                if mine[name] != theirs[name]
            ]
        return lines


def look(session: boto3.Session) -> Standing:
    """As it is now."""
    cloudformation: CloudFormationClient = session.client("cloudformation")
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    present = {
        stack["StackId"]: stack
        for page in pages
        for stack in page["Stacks"]
        if stack["StackStatus"] != "DELETE_COMPLETE"
    }
    nested = {key: stack for key, stack in present.items() if "ParentId" in stack}
    stacks = {
        _path(cloudformation, stack, present): _described(cloudformation, stack)
        for key, stack in present.items()
        if key not in nested or stack["StackStatus"] != REVIEW
    }
    artefacts, broken = _artefacts(session)
    return Standing(
        stacks=stacks,
        images=_images(session),
        artefacts=artefacts,
        broken=broken,
        open_plans=tuple(
            one["ChangeSetName"]
            for key, stack in present.items()
            if key not in nested
            for page in cloudformation.get_paginator("list_change_sets").paginate(StackName=stack["StackId"])
            for one in page["Summaries"]
            if one["ChangeSetName"].startswith(PREFIX) and one.get("ExecutionStatus", "AVAILABLE") in OPEN
        ),
        reviewed=tuple(s["StackName"] for s in nested.values() if s["StackStatus"] == REVIEW),
    )


def _path(
    cloudformation: "CloudFormationClient", stack: "StackTypeDef", present: "dict[str, StackTypeDef]"
) -> str:
    """The root's name, then logical ids: a nested stack's own name has a random end."""
    parent = present.get(stack.get("ParentId", ""))
    if parent is None:
        return stack["StackName"]
    listed = cloudformation.describe_stack_resources(StackName=parent["StackId"])["StackResources"]
    names = [one["LogicalResourceId"] for one in listed if one.get("PhysicalResourceId") == stack["StackId"]]
    return f"{_path(cloudformation, parent, present)}/{names[0] if names else '?' + stack['StackName']}"


def _described(cloudformation: "CloudFormationClient", stack: "StackTypeDef") -> dict[str, Any]:
    name = stack["StackId"]
    policy = cloudformation.get_stack_policy(StackName=name).get("StackPolicyBody")
    resources = [
        (one["LogicalResourceId"], one["ResourceType"], one["ResourceStatus"])
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        for one in page["StackResourceSummaries"]
        if one["ResourceStatus"] != "DELETE_COMPLETE"
    ]
    return {
        "status": stack["StackStatus"],
        "parameters": {p["ParameterKey"]: p["ParameterValue"] for p in stack.get("Parameters", [])},
        "tags": {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])},
        "protected": stack.get("EnableTerminationProtection", False),
        "policy": json.loads(policy) if policy else None,
        "resources": sorted(resources),
    }


def _images(session: boto3.Session) -> dict[str, str]:
    ecr: ECRClient = session.client("ecr")
    return {
        f"{repository['repositoryName']}:{tag}": image["imageDigest"]
        for repository in ecr.describe_repositories()["repositories"]
        for image in ecr.describe_images(repositoryName=repository["repositoryName"])["imageDetails"]
        for tag in image.get("imageTags", ["untagged"])
    }


def _artefacts(session: boto3.Session) -> tuple[dict[str, int], tuple[str, ...]]:
    """How many of each kind, and the keys of those that do not hash to what they are named by."""
    s3: S3Client = session.client("s3")
    kinds: Counter[str] = Counter()
    broken = []
    for bucket in s3.list_buckets()["Buckets"]:
        for one in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", []):
            body = s3.get_object(Bucket=bucket["Name"], Key=one["Key"])["Body"].read()
            kinds[one["Key"].partition("/")[0]] += 1
            if hashlib.sha256(body).hexdigest() not in one["Key"]:
                broken.append(one["Key"])
    return dict(kinds), tuple(sorted(broken))
