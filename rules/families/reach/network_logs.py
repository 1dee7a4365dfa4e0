"""Flow logs: each network has one, it records what was refused too, and it can write what it records."""

from collections.abc import Iterator

from rules.families.reach.endpoint_evaluation import covers
from rules.families.reach.network_model import network
from rules.families.reach.subnet_ways import SUBNET, VPC
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind
from topology.rendering import ACCOUNT
from topology.tree import Resource
from topology.values import Reference, known

FLOW_LOG, GROUP, ROLE = "AWS::EC2::FlowLog", "AWS::Logs::LogGroup", "AWS::IAM::Role"
DOCS = "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html"
ROLES = "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html"
CONTROLS = "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html"
WRITER = "vpc-flow-logs.amazonaws.com"
# https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
SAYING = ("srcaddr", "dstaddr", "dstport", "action")
KINDS = {"VPC": VPC, "Subnet": SUBNET, "NetworkInterface": "AWS::EC2::NetworkInterface"}
BUCKET = "AWS::S3::Bucket"


def _idle_writers(site: Site) -> list[Resource]:
    """Roles for flow logs that no flow log takes."""
    trusting = [
        policy.resource
        for policy in site.policies
        if policy.kind is Kind.TRUST
        and any((("Service", WRITER)) in statement.principals for statement in policy.statements)
    ]
    return [role for role in trusting if not site.uses(role, FLOW_LOG)]


@rule(
    "W9190",
    cause="{vpc} has no flow log, so nobody sees who spoke to whom, and who was refused{idle}",
    remedy="add an AWS::EC2::FlowLog with ResourceType: VPC and TrafficType: ALL",
    sources=(DOCS, CONTROLS),
    demanding=True,
)
def a_network_without_a_flow_log(site: Site) -> Iterator[Finding]:
    net = network(site)
    logged = [site.get(log, "ResourceId") for log in site.all(FLOW_LOG)]
    if not known(logged):
        return
    watches = any(site.all(GROUP)) and any(site.all("AWS::CloudWatch::Alarm", FLOW_LOG))
    named = {site.target(one) for one in logged}
    idle = _idle_writers(site)
    for vpc in site.all(VPC):
        subnets = [one for one in site.all(SUBNET) if net.vpc(one) == vpc]
        seen = vpc in named or (bool(subnets) and all(one in named for one in subnets))
        if not seen and (site.durable(vpc) or idle or watches or named.intersection(subnets)):
            yield found(vpc, vpc=vpc, idle=f"; {idle[0]} waits for one" if idle else "")


@rule(
    "W9191",
    cause="flow log {log} records {what} traffic alone",
    remedy="set TrafficType: ALL",
    sources=(DOCS,),
    demanding=True,
)
def a_flow_log_of_half_the_traffic(site: Site) -> Iterator[Finding]:
    for log in site.all(FLOW_LOG):
        kind = site.get(log, "TrafficType")
        if kind in ("ACCEPT", "REJECT"):
            about = site.get(log, "ResourceId")
            same = [one for one in site.all(FLOW_LOG) if site.get(one, "ResourceId") == about]
            if all(site.get(one, "TrafficType") == kind for one in same):
                what = "accepted" if kind == "ACCEPT" else "refused"
                yield found(log, "TrafficType", log=log, what=what)


@rule(
    "E9190",
    cause="flow log {log} says that {target} is a {said}, and it is a {kind}",
    remedy="name in ResourceId what ResourceType says",
    sources=(DOCS,),
)
def a_flow_log_of_something_else(site: Site) -> Iterator[Finding]:
    for log in site.all(FLOW_LOG):
        target, said = site.target(site.get(log, "ResourceId")), site.get(log, "ResourceType")
        wanted = KINDS.get(str(said))
        if target is not None and wanted is not None and target.kind != wanted:
            yield found(log, "ResourceId", log=log, target=target, said=said, kind=target.kind)


@rule(
    "E9191",
    cause="flow log {log} has nowhere to write: {what}",
    remedy="name LogGroupName and DeliverLogsPermissionArn for CloudWatch Logs, LogDestination for S3",
    sources=(DOCS, ROLES),
)
def a_flow_log_that_cannot_write(site: Site) -> Iterator[Finding]:
    for log in site.all(FLOW_LOG):
        kind = site.get(log, "LogDestinationType")
        destination = site.get(log, "LogDestination")
        if kind in (None, "cloud-watch-logs"):
            if site.get(log, "LogGroupName") is None and destination is None:
                yield found(log, log=log, what="it names no log group")
            elif site.get(log, "DeliverLogsPermissionArn") is None:
                yield found(log, log=log, what="it has no role to write with")
            else:
                yield from _refused(site, log)
        elif kind in ("s3", "kinesis-data-firehose") and destination is None:
            yield found(log, "LogDestinationType", log=log, what="it names no LogDestination")
        elif kind == "s3" and (
            site.get(log, "LogGroupName") is not None or _log_group(site, log) is not None
        ):
            yield found(log, "LogDestinationType", log=log, what="it is for S3, and names a log group")
        for name, attribute in (("LogGroupName", "Ref"), ("LogDestination", "Arn")):
            value = site.get(log, name)
            if known(kind) and isinstance(value, Reference) and _is_no(value, attribute, kind == "s3"):
                yield found(log, name, log=log, what=f"it gives {value} as {name}")


def _is_no(value: Reference, attribute: str, to_bucket: bool) -> bool:
    """Whether a group or a bucket is named where the other is meant, or by another of its answers."""
    if value.resource.kind not in (GROUP, BUCKET):
        return False
    wanted = BUCKET if to_bucket and attribute == "Arn" else GROUP
    return value.attribute != attribute or value.resource.kind != wanted


def _log_group(site: Site, log: Resource) -> Resource | None:
    named = site.get(log, "LogGroupName")
    target = site.target(named, GROUP) or site.target(site.get(log, "LogDestination"), GROUP)
    return target or (site.named(GROUP, "LogGroupName", named) if isinstance(named, str) else None)


def _refused(site: Site, log: Resource) -> Iterator[Finding]:
    """Where a role of this tree may not write to the group."""
    role = site.target(site.get(log, "DeliverLogsPermissionArn"), ROLE)
    group = _log_group(site, log)
    managed = role is not None and site.items(role, "ManagedPolicyArns")
    name = site.get(log, "LogGroupName")
    if (
        role is None
        or role.address in site.unread_policies
        or managed
        or not (group or isinstance(name, str))
    ):
        return
    arn = site.renderer.text(Reference(group, "Arn") if group else "").removesuffix(":*")
    arn = arn or f"arn:aws:logs:{site.renderer.place.region}:{ACCOUNT}:log-group:{name}"
    statements = [
        statement
        for policy in site.policies
        if policy.kind is Kind.IDENTITY and role in policy.about
        for statement in policy.statements
        if statement.allows
    ]
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        allowing = [one for one in statements if any(covers(a.lower(), action.lower()) for a in one.actions)]
        resources = [text for one in allowing for text in _texts(one.document.get("Resource"))]
        if any("NotAction" in one.document or "NotResource" in one.document for one in statements):
            return
        if not any("${" in text or covers(text, f"{arn}:log-stream:x") for text in resources):
            yield found(
                log,
                "LogGroupName",
                log=log,
                what=f"{role} may not {action} in {group or name}, which it names",
            )
            return


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


@rule(
    "W9192",
    cause="flow log {log} leaves out {field}, without which a record does not say who was let through",
    remedy="add ${{{field}}} to LogFormat",
    sources=("https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html",),
    demanding=True,
)
def a_flow_log_that_says_too_little(site: Site) -> Iterator[Finding]:
    for log in site.all(FLOW_LOG):
        written = site.get(log, "LogFormat")
        if isinstance(written, str) and known(written):
            for field in SAYING:
                if f"${{{field}}}" not in written:
                    yield found(log, "LogFormat", log=log, field=field)
