"""Flow logs and log groups: what is recorded, for how long, and by whom."""

from collections.abc import Iterator

from rules.families.signals.alarm_series import number
from rules.families.signals.site_memory import once
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import Reference, known, leaves

FLOWS = "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html"
RECORDS = "https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"
CREATE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html"
GROUPS = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"
FLOW_LOG, LOG_GROUP, VPC = "AWS::EC2::FlowLog", "AWS::Logs::LogGroup", "AWS::EC2::VPC"
# Without these nobody can say who was refused by whom.
FIELDS = ("action", "srcaddr", "dstaddr", "dstport")


@rule(
    "W9617",
    cause="network {vpc} has no flow log: nobody can say afterwards who spoke to whom",
    remedy="add an AWS::EC2::FlowLog with TrafficType ALL",
    sources=("https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html", FLOWS),
    demanding=True,
)
def a_network_that_nobody_records(site: Site) -> Iterator[Finding]:
    """Where the tree keeps logs at all: a network of a walk-through is not told."""
    if not any(site.all(LOG_GROUP)) or not any(site.all("AWS::CloudWatch::Alarm", FLOW_LOG)):
        return
    for vpc in site.all(VPC):
        recorded = [site.get(one, "ResourceId") for one in site.all(FLOW_LOG)]
        by_vpc = any(isinstance(one, Reference) and one.resource == vpc for one in recorded)
        by_subnet = any(
            isinstance(one, Reference) and one.resource.kind == "AWS::EC2::Subnet" for one in recorded
        )
        if not by_vpc and not by_subnet and all(known(one) for one in recorded):
            yield found(vpc, vpc=vpc)


@rule(
    "W9618",
    cause="flow log {log} records {traffic} traffic alone",
    remedy=(
        "set TrafficType: ALL: what was refused tells of attempts, what was let through of what came of them"
    ),
    sources=(CREATE, FLOWS),
    demanding=True,
)
def a_flow_log_of_half_the_traffic(site: Site) -> Iterator[Finding]:
    for log in site.all(FLOW_LOG):
        traffic = site.get(log, "TrafficType")
        if traffic in ("ACCEPT", "REJECT"):
            yield found(
                log, "TrafficType", log=log, traffic="accepted" if traffic == "ACCEPT" else "rejected"
            )


@rule(
    "E9605",
    cause="flow log {log} {wrong}",
    remedy=(
        "a log in CloudWatch takes a log group (its name in LogGroupName, its ARN in "
        "LogDestination) and a role; one in S3 takes a bucket's ARN"
    ),
    sources=(CREATE,),
)
def a_flow_log_that_reaches_nothing(site: Site) -> Iterator[Finding]:
    for log in site.all(FLOW_LOG):
        kind = site.get(log, "LogDestinationType") or "cloud-watch-logs"
        group, destination = site.get(log, "LogGroupName"), site.get(log, "LogDestination")
        wrong = ""
        step = "LogDestination"
        if kind == "cloud-watch-logs":
            if group is None and destination is None:
                wrong = "names no log group"
            elif site.get(log, "DeliverLogsPermissionArn") is None:
                wrong, step = "has no role to write with", "DeliverLogsPermissionArn"
        elif kind == "s3" and (group is not None or destination is None):
            wrong = "goes to S3 and names no bucket"
        for value, answers, name in (
            (group, ("Ref",), "LogGroupName"),
            (destination, ("Arn",), "LogDestination"),
        ):
            target = site.target(value)
            if (
                isinstance(value, Reference)
                and target is not None
                and target.kind in (LOG_GROUP, "AWS::S3::Bucket")
            ):
                fits = target.kind == LOG_GROUP or (kind == "s3" and name == "LogDestination")
                if value.attribute not in answers or not fits or (kind == "s3" and target.kind == LOG_GROUP):
                    wrong, step = f"gives {value} as {name}", name
        about = site.target(site.get(log, "ResourceId"))
        kinds = {"VPC": VPC, "Subnet": "AWS::EC2::Subnet", "NetworkInterface": "AWS::EC2::NetworkInterface"}
        wants = kinds.get(str(site.get(log, "ResourceType")))
        if about is not None and wants is not None and about.kind in kinds.values() and about.kind != wants:
            wrong, step = f"calls {about} a {site.get(log, 'ResourceType')}", "ResourceType"
        if wrong:
            yield found(log, step, log=log, wrong=wrong)


@rule(
    "W9621",
    cause="flow log {log} leaves out {fields}, without which nobody can say who was refused by whom",
    remedy="add it to LogFormat, or leave LogFormat out",
    sources=(RECORDS,),
    demanding=True,
)
def a_flow_log_without_what_matters(site: Site) -> Iterator[Finding]:
    for log in site.all(FLOW_LOG):
        written = site.get(log, "LogFormat")
        if isinstance(written, str):
            missing = [
                name for name in FIELDS if f"${{{name}}}" not in written and f"${{pkt-{name}}}" not in written
            ]
            if missing:
                yield found(log, "LogFormat", log=log, fields=", ".join(missing))


@rule(
    "W9619",
    cause="log group {group} keeps {kept}, unlike every other of this tree",
    remedy="set RetentionInDays",
    sources=(GROUPS,),
    demanding=True,
)
def a_log_group_without_an_end(site: Site) -> Iterator[Finding]:
    groups = list(site.all(LOG_GROUP))
    endless = [one for one in groups if site.get(one, "RetentionInDays") is None]
    if len(groups) >= 3 and len(endless) == 1:
        yield found(endless[0], "RetentionInDays", group=endless[0], kept="everything for ever")
    days = {one: number(site.get(one, "RetentionInDays")) for one in groups}
    known_ = {one: kept for one, kept in days.items() if kept is not None}
    if len(known_) == len(groups) >= 3:
        least, *others = sorted(known_, key=lambda one: known_[one])
        if known_[least] * 5 < known_[others[0]]:
            yield found(least, "RetentionInDays", group=least, kept=f"{known_[least]:g} days alone")


@rule(
    "W9620",
    cause="nothing writes to log group {group}",
    remedy=(
        "name it where something logs (LogConfiguration, LoggingConfig, "
        "LogDeliveryConfigurations, a flow log), or remove it"
    ),
    sources=(
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
    ),
    demanding=True,
)
def a_log_group_that_nothing_writes_to(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        name = site.get(group, "LogGroupName")
        writers = [
            use
            for use in site.uses(group)
            if (use.user.kind, use.property) not in READERS and not use.user.kind.startswith("AWS::IAM::")
        ]
        if writers or not isinstance(name, str) or name.startswith("/aws/") or not known(name):
            continue
        if name not in _words(site) and not any(
            group.name in str(value) for value in site.tree.root.outputs.values()
        ):
            yield found(group, "LogGroupName", group=group)


READERS = frozenset(
    {
        ("AWS::Logs::MetricFilter", "LogGroupName"),
        ("AWS::Logs::SubscriptionFilter", "LogGroupName"),
        ("AWS::CloudWatch::Dashboard", "DashboardBody"),
    }
)


@once
def _words(site: Site) -> frozenset[str]:
    """Every text that a resource other than a log group writes."""
    return frozenset(
        leaf
        for resource in site.tree.resources()
        if resource.kind != LOG_GROUP
        for value in site.properties(resource).values()
        for leaf in leaves(value)
        if isinstance(leaf, str)
    )
