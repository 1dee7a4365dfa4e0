"""Trust policies: the service that uses a role may take it, nobody else may, and not on anybody's behalf."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules.families.grants.grant_book import ROLE, Book, Line, book
from rules.families.grants.grant_needs import arn
from rules.families.grants.grant_texts import ACCOUNT, ANY, may, shown
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind
from topology.tree import Resource
from topology.values import references

ASSUME = "sts:AssumeRole"
DEPUTY = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
TRUST = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html"
# Type and property → the service that takes the role named there, and what it says it acts for: the
# resource itself, or what follows service and account in an ARN (None: nothing is documented).
TAKERS: Mapping[tuple[str, str], tuple[str, str | None]] = {
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    ("AWS::EC2::FlowLog", "DeliverLogsPermissionArn"): ("vpc-flow-logs", f"ec2|vpc-flow-log/{ANY}"),
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    ("AWS::ECS::TaskDefinition", "ExecutionRoleArn"): ("ecs-tasks", f"ecs|{ANY}"),
    ("AWS::ECS::TaskDefinition", "TaskRoleArn"): ("ecs-tasks", f"ecs|{ANY}"),
    # https://docs.aws.amazon.com/iot/latest/developerguide/cross-service-confused-deputy-prevention.html
    ("AWS::IoT::ProvisioningTemplate", "ProvisioningRoleArn"): ("iot", "itself"),
    ("AWS::IoT::TopicRule", "TopicRulePayload"): ("iot", "itself"),
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    ("AWS::Lambda::Function", "Role"): ("lambda", None),  # and edgelambda, at the edge
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/cross-service-confused-deputy-prevention.html
    ("AWS::RDS::DBInstance", "MonitoringRoleArn"): ("monitoring.rds", "itself"),
    ("AWS::RDS::DBCluster", "MonitoringRoleArn"): ("monitoring.rds", None),
    ("AWS::Scheduler::Schedule", "Target"): ("scheduler", None),
    ("AWS::StepFunctions::StateMachine", "RoleArn"): ("states", None),
    ("AWS::Events::Rule", "Targets"): ("events", None),
    ("AWS::Events::Rule", "RoleArn"): ("events", None),
    ("AWS::KinesisFirehose::DeliveryStream", "S3DestinationConfiguration"): ("firehose", None),
    ("AWS::KinesisFirehose::DeliveryStream", "ExtendedS3DestinationConfiguration"): ("firehose", None),
    ("AWS::CodeBuild::Project", "ServiceRole"): ("codebuild", None),
    ("AWS::CodePipeline::Pipeline", "RoleArn"): ("codepipeline", None),
    ("AWS::IAM::InstanceProfile", "Roles"): ("ec2", None),
}
# Services whose documentation has their roles bound to account or resource.
BOUND = frozenset({"ecs-tasks", "iot", "monitoring.rds", "vpc-flow-logs"})


@dataclass(frozen=True)
class Taker:
    """What uses a role, and so the service that must be let take it."""

    user: Resource
    service: str
    source: str | None  # aws:SourceArn


def takers(site: Site, role: Resource) -> tuple[list[Taker], bool]:
    """Who takes a role, and whether these are all: what uses it otherwise may be anybody."""
    known, all_known = [], True
    for use in site.uses(role):
        if use.user.kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"):
            continue
        taken = TAKERS.get((use.user.kind, use.property))
        if taken is None:
            all_known = False
        else:
            known.append(Taker(use.user, f"{taken[0]}.amazonaws.com", _source(site, use.user, taken[1])))
    given_out = any(
        reference.resource == role
        for stack in site.tree.stacks.values()
        if stack.parent is None
        for output in stack.outputs.values()
        for reference in references(site.resolver.value(output, stack.address))
    )
    return list(dict.fromkeys(known)), all_known and not given_out


def _source(site: Site, user: Resource, form: str | None) -> str | None:
    if form == "itself":
        return book(site).wording.arn(user)
    if form is None:
        return None
    service, _, rest = form.partition("|")
    return arn(service, rest)


def trusting(known: Book, role: Resource) -> list[Line]:
    return [line for line in known.of(Kind.TRUST) if line.policy.resource == role]


def lets(known: Book, lines: list[Line], taker: Taker) -> str:
    """Why a service is not let take a role; nothing where it is."""
    why = f"it does not trust {taker.service}"
    request = {"aws:sourceaccount": ACCOUNT, "aws:sourcearn": taker.source}
    if taker.source is None:
        request = {}
    for line in lines:
        if any(kind in ("Service", "*") and may(name, taker.service) for kind, name in line.principals):
            if any(known.allowing((line,), ASSUME, "*", request)):
                return ""
            why = (
                f"the condition of {line.statement.name} cannot hold"
                if line.allows and line.covers(ASSUME.lower())
                else f"{line.statement.name} does not allow {ASSUME}"
            )
    return why


@rule(
    "E9230",
    cause="{user} cannot use {role}: {service} may not take it, since {why}",
    remedy="trust the service by its name, with the account and the ARN that it acts for",
    sources=(TRUST, DEPUTY),
)
def a_role_that_its_user_cannot_take(site: Site) -> Iterator[Finding]:
    known = book(site)
    for role in site.all(ROLE):
        lines = trusting(known, role)
        for taker in takers(site, role)[0] if role.address not in site.unread_policies else ():
            why = lets(known, lines, taker)
            if why:
                yield found(
                    role,
                    "AssumeRolePolicyDocument",
                    user=taker.user,
                    role=role,
                    service=taker.service,
                    why=why,
                )


@rule(
    "W9231",
    cause="{role} trusts {service}, for which nothing here uses it",
    remedy="take it out of the trust policy",
    sources=(TRUST,),
    demanding=True,
)
def a_service_that_is_trusted_for_nothing(site: Site) -> Iterator[Finding]:
    known = book(site)
    for role in site.all(ROLE):
        users, complete = takers(site, role)
        if not users or not complete:
            continue
        for line in trusting(known, role):
            for kind, name in line.principals:
                taken = any(may(name, one.service) or name == f"edge{one.service}" for one in users)
                if line.allows and kind == "Service" and not taken:
                    yield found(role, *line.path, role=role, service=shown(name))


@rule(
    "E9232",
    cause="{role} may be taken by {who}",
    remedy="name the service, or the account and role, that must take it",
    sources=(TRUST,),
)
def a_role_that_anybody_may_take(site: Site) -> Iterator[Finding]:
    for line in book(site).of(Kind.TRUST):
        for kind, name in line.principals:
            if line.allows and name in ("*", ANY) and kind == "*":
                who = "anybody, in any account" if name == "*" else "all but a few"
                yield found(line.policy.resource, *line.path, role=line.policy.resource, who=who)


@rule(
    "W9233",
    cause="{role} may be taken from account {account} by whoever knows its name",
    remedy="name one role there, or demand an sts:ExternalId",
    sources=("https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html",),
    demanding=True,
)
def a_role_for_all_of_another_account(site: Site) -> Iterator[Finding]:
    for line in book(site).of(Kind.TRUST):
        for kind, name in line.principals:
            parts = name.split(":")
            account = parts[4] if name.endswith(":root") and len(parts) > 5 else name
            if line.allows and kind == "AWS" and account.isdigit() and not line.conditions:
                yield found(line.policy.resource, *line.path, role=line.policy.resource, account=account)


def _bound_by(line: Line) -> frozenset[str]:
    """The keys by which a statement is bound to whom a service acts for."""
    return frozenset(
        key.lower()
        for operator, key, _ in line.conditions
        if "ifexists" not in operator.lower() and "not" not in operator.lower()
    )


def _services(site: Site) -> Iterator[tuple[Line, str]]:
    for line in book(site).of(Kind.TRUST):
        for kind, name in line.principals:
            if line.allows and kind == "Service":
                yield line, name.removesuffix(".amazonaws.com")


@rule(
    "W9234",
    cause="{role} trusts {service} on behalf of whoever asks it, in any account",
    remedy="bind the trust by aws:SourceAccount and aws:SourceArn",
    sources=(DEPUTY,),
    demanding=True,
)
def a_role_that_a_confused_deputy_may_take(site: Site) -> Iterator[Finding]:
    for line, service in _services(site):
        bound = _bound_by(line) & {"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid"}
        account = any(
            ACCOUNT in value or ANY in value or any(part.isdigit() for part in value.split(":"))
            for _, key, values in line.conditions
            for value in values
            if key.lower() in bound
        )
        if service in BOUND and not account:
            yield found(line.policy.resource, *line.path, role=line.policy.resource, service=service)


@rule(
    "W9235",
    cause="{role} trusts {service} for all that it does in the account: no aws:SourceArn narrows it",
    remedy="bind the trust by aws:SourceArn, as narrowly as the service allows",
    sources=(DEPUTY,),
    demanding=True,
)
def a_trust_that_no_arn_narrows(site: Site) -> Iterator[Finding]:
    for line, service in _services(site):
        bound = _bound_by(line)
        if service in BOUND and "aws:sourceaccount" in bound and "aws:sourcearn" not in bound:
            yield found(line.policy.resource, *line.path, role=line.policy.resource, service=service)


@rule(
    "W9236",
    cause="{role} trusts {service} with less than {other} does: {missing} is not asked for",
    remedy="bind both alike",
    sources=(DEPUTY,),
    demanding=True,
)
def a_trust_with_less_than_its_sibling(site: Site) -> Iterator[Finding]:
    trusted = list(_services(site))
    for line, service in trusted:
        for other, same in trusted:
            missing = _bound_by(other) - _bound_by(line)
            ours = {"aws:sourceaccount", "aws:sourcearn"} & missing
            if same == service and ours and _bound_by(line):
                role = line.policy.resource
                yield found(
                    role,
                    *line.path,
                    role=role,
                    service=service,
                    other=other.policy.resource,
                    missing=", ".join(sorted(ours)),
                )
                break


@rule(
    "W9237",
    cause="{role} is bound to {bound}, which is wider than its one user {user}",
    remedy="name that one in aws:SourceArn",
    sources=(DEPUTY,),
    demanding=True,
)
def a_trust_wider_than_its_one_user(site: Site) -> Iterator[Finding]:
    known = book(site)
    for role in site.all(ROLE):
        users, complete = takers(site, role)
        sources = {one.source for one in users}
        if not complete or len(sources) != 1 or None in sources or ANY in str(*sources):
            continue
        if any(one.service == "iot.amazonaws.com" for one in users):
            continue  # its guide binds to all rules alike
        for line in trusting(known, role):
            for _, key, values in line.conditions:
                wide = [value for value in values if "*" in value and key.lower() == "aws:sourcearn"]
                for value in wide:
                    yield found(role, *line.path, role=role, bound=shown(value), user=users[0].user)


@rule(
    "E9231",
    cause="{role} is for tasks of {arn} alone, and ECS takes no single cluster there: no task gets it",
    remedy="write arn:<partition>:ecs:<region>:<account>:* as aws:SourceArn",
    sources=("https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html",),
)
def a_trust_of_one_cluster_s_tasks(site: Site) -> Iterator[Finding]:
    for line, service in _services(site):
        if service != "ecs-tasks":
            continue
        arns = [one for _, key, values in line.conditions if key.lower() == "aws:sourcearn" for one in values]
        if arns and all(re.search(r":(cluster|service|task-definition)/[^*]", one) for one in arns):
            yield found(line.policy.resource, *line.path, role=line.policy.resource, arn=shown(arns[0]))
