"""On what, and under which condition, an action of the execution role is allowed.

Which kinds of resource an action knows, and which of them tell their tags, is the service authorization
reference's to say, of which cfn-lint carries a copy. Which ones of a kind are an environment's stands here:
by name where the templates or CloudFormation give one, by tag where only AWS does.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stacks import linter_data

PLACE = "arn:${AWS::Partition}:{service}:${AWS::Region}:${AWS::AccountId}:"
GLOBAL = "arn:${AWS::Partition}:{service}::${AWS::AccountId}:"
TAG = "aws:ResourceTag/Environment"
TELLS_TAGS = "aws:ResourceTag/${TagKey}"
# Services with one endpoint for all regions, whose requests name no region of the stack's.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-requestedregion
WORLDWIDE = frozenset({"billing", "budgets", "iam"})


@dataclass(frozen=True)
class Own:
    """An environment's resources of one kind: what follows the account, {environment} standing for its name.

    CloudFormation begins the names that it makes with the stack's, and a nested stack's with its root's:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html
    `named` is False where the name says nothing.
    """

    rests: tuple[str, ...]
    named: bool = True
    place: str = PLACE


def _own(*rests: str) -> Own:
    return Own(rests)


def _all(kind: str, place: str = PLACE) -> Own:
    return Own((f"{kind}*",), named=False, place=place)


NAMED = "millrace-{environment}-*"  # as CloudFormation makes them, in whatever case
OWN = {
    ("application-autoscaling", "ScalableTarget"): _all("scalable-target/"),
    ("billing", "billingview"): _all("billingview/", GLOBAL),
    ("budgets", "budget"): _all("budget/", GLOBAL),
    # Two hyphens tell a nested stack from bootstrap's, which the role must not touch.
    ("cloudformation", "stack"): _own("stack/millrace-{environment}/*", "stack/millrace-{environment}-*-*/*"),
    ("cloudwatch", "alarm"): _own(f"alarm:{NAMED}"),
    ("cloudwatch", "dashboard"): _all("dashboard/", GLOBAL),
    ("dynamodb", "table"): _own(f"table/{NAMED}"),
    ("ec2", "elastic-ip"): _all("elastic-ip/"),
    ("ec2", "internet-gateway"): _all("internet-gateway/"),
    ("ec2", "natgateway"): _all("natgateway/"),
    ("ec2", "route-table"): _all("route-table/"),
    ("ec2", "security-group"): _all("security-group/"),
    ("ec2", "security-group-rule"): _all("security-group-rule/"),
    ("ec2", "subnet"): _all("subnet/"),
    ("ec2", "vpc"): _all("vpc/"),
    ("ec2", "vpc-endpoint"): _all("vpc-endpoint/"),
    ("ec2", "vpc-flow-log"): _all("vpc-flow-log/"),
    ("ecs", "cluster"): _own("cluster/millrace-{environment}"),
    ("ecs", "service"): _own("service/millrace-{environment}/*"),
    ("ecs", "service-deployment"): _own("service-deployment/millrace-{environment}/*"),
    ("ecs", "task-definition"): _own(f"task-definition/{NAMED}"),
    ("elasticache", "cluster"): _all("cluster:"),
    ("elasticache", "parametergroup"): _own(f"parametergroup:{NAMED}"),
    ("elasticache", "replicationgroup"): _all("replicationgroup:"),  # 40 letters at most: none of ours
    ("elasticache", "snapshot"): _own("snapshot:*"),  # the last one has no tags yet when its cache goes
    ("elasticache", "subnetgroup"): _own(f"subnetgroup:{NAMED}"),
    ("elasticache", "user"): _own(f"user:{NAMED}"),
    ("elasticache", "usergroup"): _own("usergroup:millrace-{environment}"),
    ("events", "rule-on-default-event-bus"): _own(f"rule/{NAMED}"),
    ("iot", "policy"): _all("policy/"),
    ("iot", "provisioningtemplate"): _own("provisioningtemplate/millrace-{environment}"),
    ("iot", "rule"): _all("rule/"),
    ("kinesis", "consumer"): _own(f"stream/{NAMED}/consumer/millrace-{{environment}}-*"),
    ("kinesis", "stream"): _own(f"stream/{NAMED}"),
    ("kms", "key"): _all("key/"),
    ("lambda", "function"): _own(f"function:{NAMED}"),
    ("logs", "log-group"): _own(
        "log-group:/millrace/{environment}/*",
        "log-group:/aws/rds/instance/millrace-{environment}/*",
        "log-group:/aws/ecs/containerinsights/millrace-{environment}/*",
    ),
    ("logs", "log-stream"): _own("log-group:/millrace/{environment}/*"),
    ("rds", "db"): _own("db:millrace-{environment}"),
    ("rds", "og"): _own("og:default:*"),  # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithOptionGroups.html
    ("rds", "pg"): _own(f"pg:{NAMED}"),
    ("rds", "snapshot"): _own(f"snapshot:{NAMED}"),
    ("rds", "subgrp"): _own(f"subgrp:{NAMED}"),
    ("sns", "topic"): _own(NAMED),
    ("sqs", "queue"): _own(NAMED),
    ("ssm", "parameter"): _own("parameter/millrace/{environment}/*"),
}  # fmt: skip

# Services with kinds whose names say nothing. One condition for all of a service keeps policies short.
TOLD_BY_TAGS = frozenset(service for (service, _), own in OWN.items() if not own.named)

# Actions that are refused unless they are allowed on everything, or that ask for no resource of ours.
ANYWHERE = {
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    # "you must be signed on with the cloudwatch:DescribeAlarms permission that is scoped to *"
    "cloudwatch:DescribeAlarms",
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/permissions-reference-cw.html
    "cloudwatch:GetMetricData",
}
# What takes from a resource, or turns it into another: only done to what is the environment's.
TAKING = (
    "Cancel", "Delete", "Deregister", "Detach", "Disable", "Disassociate", "PutKeyPolicy", "Release",
    "Replace", "Revoke", "Schedule",
)  # fmt: skip


class Unscoped(ValueError):
    """{action}: none of the kinds that it knows ({kinds}) is in stacks/scopes.py; say there which are ours"""

    def __init__(self, action: str, kinds: tuple[str, ...]) -> None:
        super().__init__(
            f"{action}: none of the kinds that it knows ({', '.join(kinds)}) is in stacks/scopes.py; "
            "say there which are ours"
        )


class NoAction(ValueError):
    """{action}: IAM has no such action; leave it out in stacks/handlers.py (NEVER)"""

    def __init__(self, action: str) -> None:
        super().__init__(f"{action}: IAM has no such action; leave it out in stacks/handlers.py (NEVER)")


@dataclass(frozen=True)
class Condition:
    """One line of a statement's condition; its values are texts for Fn::Sub."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Scope:
    """Resources, as texts for Fn::Sub, and what else must hold."""

    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()


EVERYWHERE = Scope(("*",))
IN_THE_REGION = Scope(("*",), (Condition("StringEquals", "aws:RequestedRegion", ("${AWS::Region}",)),))


def scopes(action: str, environment: str) -> Iterator[Scope]:
    """Where an action is allowed; one for each kind of resource that it knows. Raises Unscoped, NoAction."""
    service = action.partition(":")[0]
    kinds = known(action)
    if not kinds or action in ANYWHERE:
        yield EVERYWHERE if service in WORLDWIDE else IN_THE_REGION
        return
    ours = [kind for kind in kinds if (service, kind) in OWN]
    if not ours:
        raise Unscoped(action, kinds)
    for kind in ours:
        yield _scope(action, service, kind, environment)


def _scope(action: str, service: str, kind: str, environment: str) -> Scope:
    own = OWN[service, kind]
    place = own.place.replace("{service}", service)
    resources = tuple(place + rest.replace("{environment}", environment) for rest in own.rests)
    tells = TELLS_TAGS in _described(service, kind).get("ConditionKeys", ())
    if not tells or service not in TOLD_BY_TAGS:
        return Scope(resources)
    # What is being made has no tags yet; what is another environment's has others, and stays as it is.
    takes = not own.named and action.partition(":")[2].startswith(TAKING)
    operator = "StringEquals" if takes else "StringEqualsIfExists"
    return Scope(resources, (Condition(operator, TAG, (environment,)),))


def known(action: str) -> tuple[str, ...]:
    """The kinds of resource that a policy may name for an action. Raises NoAction."""
    service, _, name = action.partition(":")
    try:
        described = linter_data.authorization()[service]["Actions"][name.lower()]
    except KeyError as error:
        raise NoAction(action) from error
    return tuple(described.get("Resources", ()))


def _described(service: str, kind: str) -> dict[str, Any]:
    """The copy writes some kinds otherwise here than with the actions: ScalableTarget, scalabletarget."""
    kinds = {
        name.casefold(): described
        for name, described in linter_data.authorization()[service]["Resources"].items()
    }
    found: dict[str, Any] = kinds[kind.casefold()]
    return found
