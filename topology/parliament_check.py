"""What parliament finds in resolved policies: reads `python -m topology policies --json`, prints findings.

Runs where parliament is installed, apart from everything else here, whose pins it does not share:

    python -m topology policies --json | <its environment>/bin/python topology/parliament_check.py

Exit codes: 0 nothing found · 1 something found, or a mute below mutes nothing · 2 the input is no such list.
"""

import json
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports pkg_resources, which says that it is deprecated
    import parliament

VARIABLE = re.compile(r"\$\{[^}]+\}")  # filled in when a request is decided; its colons are no ARN's


@dataclass(frozen=True)
class Mute:
    """A finding that is wrong or meant, and why."""

    issue: str
    kind: str  # identity, trust, resource, endpoint, device
    about: re.Pattern[str]  # all that parliament says
    reason: str
    bound: frozenset[str] = (
        frozenset()
    )  # what the statement must be bound by: StringEquals aws:PrincipalAccount
    of: re.Pattern[str] = re.compile(".+")  # the addresses of the policies that it is for

    def covers(self, issue: str, policy: dict[str, Any], detail: str, statement: dict[str, Any]) -> bool:
        conditions = statement.get("Condition", {}).items()
        keys = {f"{operator} {key}" for operator, bound in conditions for key in bound}
        return (
            (self.issue, self.kind) == (issue, policy["kind"])
            and bool(self.of.fullmatch(policy["resource"]))
            and self.bound <= keys
            and bool(self.about.fullmatch(detail))
        )


def _mute(
    issue: str, kind: str, about: str, reason: str, bound: tuple[str, ...] = (), *, of: str = ".+"
) -> Mute:
    return Mute(issue, kind, re.compile(about), reason, frozenset(bound), re.compile(of))


def _formats(prefix: str, *pairs: tuple[str, str]) -> str:
    """What parliament says where resources do not fit the actions: (action, format) in its order."""
    said = [{"action": f"{prefix}:{action}", "required_format": form} for action, form in pairs]
    return re.escape(json.dumps(said))


MAKING = r"Bootstrap/MayMake\w+"  # what CloudFormation makes the platform with
OF_SUBSCRIPTIONS = ("GetSubscriptionAttributes", "SetSubscriptionAttributes", "Unsubscribe")
INTERFACE = "arn:*:ec2:*:*:network-interface/*"
# Of kms:* all that is about no key.
BEYOND_A_KEY = (
    ("ConnectCustomKeyStore", "*"),
    ("CreateAlias", "arn:*:kms:*:*:alias/*"),
    ("CreateCustomKeyStore", "*"),
    ("CreateKey", "*"),
    ("DeleteAlias", "arn:*:kms:*:*:alias/*"),
    ("DeleteCustomKeyStore", "*"),
    ("DescribeCustomKeyStores", "*"),
    ("DisconnectCustomKeyStore", "*"),
    ("GenerateRandom", "*"),
    ("ListAliases", "*"),
    ("ListKeys", "*"),
    ("ListRetirableGrants", "*"),
    ("UpdateAlias", "arn:*:kms:*:*:alias/*"),
    ("UpdateCustomKeyStore", "*"),
)


MUTES = (
    _mute(
        "UNKNOWN_ACTION",
        "identity",
        r"Unknown action cloudformation:DescribeEvents",
        "younger than parliament's data: "
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html",
    ),
    _mute(
        "UNKNOWN_ACTION",
        "identity",
        r"Unknown action (billing:GetBillingViewData|ec2:DescribeVpcEncryptionControls"
        r"|ecs:StopServiceDeployment|kinesis:(List|Tag|Untag)\w*Resource|kinesis:UpdateStream\w+"
        r"|lambda:GetFunctionScalingConfig)",
        "younger than parliament's data, and in the reference that cfn-lint carries: "
        "https://docs.aws.amazon.com/service-authorization/latest/reference/",
        of=MAKING,
    ),
    _mute(
        "RESOURCE_MISMATCH",
        "identity",
        _formats("sns", *((name, "*") for name in OF_SUBSCRIPTIONS)),
        "they know their topic by now: "
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html",
        of=MAKING,
    ),
    _mute(
        "RESOURCE_MISMATCH",
        "identity",
        _formats(
            "elasticache",
            ("DeleteCacheCluster", "arn:*:elasticache:*:*:cluster:*"),
            ("DeleteReplicationGroup", "arn:*:elasticache:*:*:replicationgroup:*"),
        ),
        "these statements are about the last snapshot, which has no tags; others are about the cache: "
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticache.html",
        of=MAKING,
    ),
    _mute(
        "RESOURCE_STAR",
        "identity",
        r'\["cloudwatch:DescribeAlarms"\]',
        "it tells of composite alarms only who may do it on everything: "
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html",
        of=MAKING,
    ),
    _mute(
        "MISMATCHED_TYPE_BUT_USABLE",
        "identity",
        r"Type mismatch: StringEquals requires a value of type String but given Arn",
        "AWS's own examples compare the boundary as text: "
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html",
        bound=("StringEquals iam:PermissionsBoundary",),
        of=MAKING,
    ),
    _mute(
        "PERMISSIONS_MANAGEMENT_ACTIONS",
        "identity",
        r"\[.+\]",
        "CloudFormation makes the platform's roles, keys and stacks with it, "
        "docs/decisions/deployment-roles.md, "
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html",
        of=r"Bootstrap/MayMake(Keys|Roles|Stacks)",
    ),
    _mute(
        "PRIVILEGE_ESCALATION",
        "identity",
        r'\["iam:createpolicyversion"\]',
        "of the policies that the templates make, none of which the role itself has: "
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html",
        of="Bootstrap/MayMakeRoles",
    ),
    _mute(
        "RESOURCE_MISMATCH",
        "resource",
        _formats("kms", *BEYOND_A_KEY),
        "kms:* for the account, as in every key's default policy, which lets IAM policies decide; what it "
        "says beyond the key itself has no effect there: "
        "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
    ),
    _mute(
        "CREDENTIALS_EXPOSURE",
        "identity",
        r'\["ecr:getauthorizationtoken"\]',
        "the agent that pulls the image logs in with it: "
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html",
    ),
    _mute(
        "UNKNOWN_CONDITION_FOR_ACTION",
        "identity",
        r"Unknown condition lambda:SourceFunctionArn for action ec2:(Assign|Unassign)PrivateIpAddresses"
        r"|Unknown condition lambda:SourceFunctionArn for action ec2:(Create|Delete)NetworkInterface"
        r"|Unknown condition lambda:SourceFunctionArn for action ec2:Describe(NetworkInterfaces|Subnets)",
        "Lambda puts the key on every call of a function's code, whatever the service: "
        "https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html",
    ),
    _mute(
        "RESOURCE_MISMATCH",
        "identity",
        _formats(
            "ec2",
            ("CreateNetworkInterface", INTERFACE),
            ("CreateNetworkInterface", "arn:*:ec2:*:*:subnet/*"),
            ("DeleteNetworkInterface", INTERFACE),
            ("AssignPrivateIpAddresses", INTERFACE),
            ("UnassignPrivateIpAddresses", INTERFACE),
        ),
        "Lambda asks for all resources of EC2 in this account, arn:aws:ec2:…:*/*; a Deny beside them keeps "
        "the function's code from using them: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
    ),
    _mute(
        "MISMATCHED_TYPE",
        "resource",
        r"Type mismatch: ArnLike requires a value of type Arn but given String",
        "an encryption context is text, and that of a log group is its ARN; ArnLike is what is documented: "
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
        bound=("ArnLike kms:EncryptionContext:aws:logs:arn",),
    ),
    _mute(
        "RESOURCE_STAR",
        "endpoint",
        r".+",
        "an endpoint's policy allows nothing by itself, it only narrows what others allow; which resources "
        "lie behind it is decided by the caller's account: "
        "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html",
        bound=("StringEquals aws:PrincipalAccount", "StringEquals aws:ResourceAccount"),
    ),
    _mute(
        "UNKNOWN_CONDITION_FOR_ACTION",
        "device",
        r"Unknown condition iot:Connection\.Thing\.(IsAttached for action iot:Connect"
        r"|Attributes\[place\] for action iot:Publish)",
        "a variable of IoT's own policies, which are not IAM's: "
        "https://docs.aws.amazon.com/iot/latest/developerguide/thing-policy-variables.html",
    ),
)


@dataclass(frozen=True)
class Found:
    """One finding, where it is written."""

    where: str
    issue: str
    detail: str
    mute: Mute | None

    def __str__(self) -> str:
        return f"{self.where}: {self.issue} {self.detail}"


def check(policy: dict[str, Any]) -> Iterator[Found]:
    """Findings in one policy of the list."""
    document = policy["document"]
    # A statement a line, so that a finding's line is its statement.
    statements = [VARIABLE.sub("variable", json.dumps(statement)) for statement in document["Statement"]]
    version = json.dumps(document.get("Version", "2008-10-17"))
    text = f'{{"Version": {version}, "Statement": [\n' + ",\n".join(statements) + "\n]}"
    # Its further auditors ask who may raise their own rights or take out credentials: of roles, that is.
    analysed = parliament.analyze_policy_string(
        text, ignore_private_auditors=True, include_community_auditors=policy["kind"] == "identity"
    )
    for finding in analysed.findings:
        line = finding.location.get("line") or finding.location.get("lineno") or 1
        in_statement = 2 <= line < 2 + len(statements)
        at = policy["statements"][line - 2] if in_statement else {"name": "", "line": policy["line"]}
        where = f"{policy['file']}:{at['line']}: {policy['resource']} {policy['name']} {at['name']}".rstrip()
        detail = finding.detail if isinstance(finding.detail, str) else json.dumps(finding.detail)
        detail = detail or json.dumps(finding.location.get("actions", finding.location))
        statement = document["Statement"][line - 2] if in_statement else {}
        mutes = (mute for mute in MUTES if mute.covers(finding.issue, policy, detail, statement))
        yield Found(where, finding.issue, detail, next(mutes, None))


def main(arguments: Sequence[str] = ()) -> int:
    try:
        listed = json.load(sys.stdin)
        found = [finding for policy in listed for finding in check(policy)]
    except (ValueError, KeyError, TypeError) as error:
        print(f"parliament_check: no list of policies on standard input ({error!r})", file=sys.stderr)
        return 2
    real = [finding for finding in found if finding.mute is None]
    idle = [mute for mute in MUTES if mute not in {finding.mute for finding in found}]
    for finding in real:
        print(finding)
    for mute in idle:
        print(f"parliament_check: {mute.issue} ({mute.kind}, {mute.about.pattern}) mutes nothing; remove it")
    if "--muted" in arguments:
        for finding in found:
            if finding.mute is not None:
                print(f"muted: {finding}\n       {finding.mute.reason}")
    print(f"{len(listed)} policies, {len(real)} findings, {len(found) - len(real)} muted")
    return 1 if real or idle else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
