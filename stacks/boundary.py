"""What a role of the platform can be allowed at most: what the roles of its templates are allowed together.

A boundary allows nothing by itself. It is what keeps whoever may write the policies of these roles from
writing one that allows more. https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
"""

from collections.abc import Iterator
from typing import Any

from troposphere import Sub

from stacks.execution import Platform

# What a policy of AWS's own allows that a role takes.
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonRDSEnhancedMonitoringRole.html
OF_AWS = {
    "AmazonRDSEnhancedMonitoringRole": (
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:GetLogEvents",
        "logs:PutLogEvents",
        "logs:PutRetentionPolicy",
    ),
}


class Unread(ValueError):
    """{role}: takes {policy}; say in stacks/boundary.py (OF_AWS) what that allows"""

    def __init__(self, role: str, policy: str) -> None:
        super().__init__(f"{role}: takes {policy}; say in stacks/boundary.py (OF_AWS) what that allows")


def statements(platform: Platform) -> Iterator[dict[str, Any]]:
    """One for what the roles have on everything, one for all else, in this account. Raises Unread."""
    every, anywhere = actions(platform)
    yield {"Sid": "AsTheRolesHaveIt", "Effect": "Allow", "Action": sorted(anywhere), "Resource": ["*"]}
    yield {
        "Sid": "InThisAccount",
        "Effect": "Allow",
        "Action": sorted(every - anywhere),
        "Resource": [Sub("arn:${AWS::Partition}:*:*:${AWS::AccountId}:*")],
    }


def actions(platform: Platform) -> tuple[set[str], set[str]]:
    """All that roles here may do, and what of it on everything, mostly since it knows no resource."""
    every: set[str] = set()
    anywhere: set[str] = set()
    for stack, title, properties in platform.named("AWS::IAM::Role"):
        for policy in properties.get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Allow":
                    every.update(statement["Action"])
                    if statement["Resource"] == ["*"]:
                        anywhere.update(statement["Action"])
        for arn in properties.get("ManagedPolicyArns", ()):
            name = (arn if isinstance(arn, str) else arn["Fn::Sub"]).rpartition("/")[2]
            if name not in OF_AWS:
                raise Unread(f"{stack}/{title}", name)
            every.update(OF_AWS[name])
    return every, anywhere
