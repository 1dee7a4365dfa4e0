"""Roles that services take to act: IoT's rules and provisioning, flow logs, enhanced monitoring."""

import json
import re
from collections.abc import Iterator

from rules.families.grants.aws_managed import ALLOWED, MONITORING
from rules.families.grants.grant_book import ROLE, book
from rules.families.grants.grant_needs import Need, arn, log_streams, role_of, unmet
from rules.families.grants.grant_texts import ANY, PARTITION
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value

RULE = "AWS::IoT::TopicRule"
TEMPLATE = "AWS::IoT::ProvisioningTemplate"
# Action of a rule → the property that names its target, the target's ARN, what is asked for.
CARRYING = {
    "CloudwatchLogs": ("LogGroupName", "logs", "log-group:{}:log-stream:" + ANY, "logs:PutLogEvents"),
    "DynamoDB": ("TableName", "dynamodb", "table/{}", "dynamodb:PutItem"),
    "Firehose": ("DeliveryStreamName", "firehose", "deliverystream/{}", "firehose:PutRecord"),
    "Kinesis": ("StreamName", "kinesis", "stream/{}", "kinesis:PutRecord"),
    "StepFunctions": ("StateMachineName", "states", "stateMachine:{}", "states:StartExecution"),
}
# Action of a rule → what is asked for, on what it writes into its properties by the message or not at all.
ELSEWHERE = {
    "CloudwatchAlarm": ("cloudwatch:SetAlarmState", arn("cloudwatch", f"alarm:{ANY}")),
    "CloudwatchMetric": ("cloudwatch:PutMetricData", "*"),
    "Republish": ("iot:Publish", arn("iot", f"topic/{ANY}")),
    "Timestream": ("timestream:WriteRecords", arn("timestream", f"database/{ANY}/table/{ANY}")),
}
FILLED = re.compile(r"\$\{[^}]*\}")  # what a message fills in
# What a thing, a certificate and a policy of a provisioning template take, of AWSIoTThingsRegistration.
PROVISIONING = {
    "AWS::IoT::Thing": (("iot:CreateThing", "thing/"), ("iot:DescribeThing", "thing/")),
    "AWS::IoT::Certificate": (
        ("iot:DescribeCertificate", "cert/"),
        ("iot:UpdateCertificate", "cert/"),
        ("iot:AttachThingPrincipal", "*"),
    ),
    "AWS::IoT::Policy": (
        ("iot:AttachPolicy", "cert/"),
        ("iot:AttachPrincipalPolicy", "cert/"),
        ("iot:GetPolicy", "policy/"),
        ("iot:ListTargetsForPolicy", "policy/"),
    ),
}
ANY_WAY = (
    "iot:RegisterThing",
    "iot:ListAttachedPolicies",
    "iot:ListPolicyPrincipals",
    "iot:ListPrincipalPolicies",
    "iot:ListPrincipalThings",
    "iot:ListThingPrincipals",
)
REGISTRATION = "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSIoTThingsRegistration.html"
FLOW_LOGS = "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html"
ENHANCED = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.Enabling.html"


def rule_actions(
    site: Site, carrier: Resource
) -> Iterator[tuple[tuple[str | int, ...], str, dict[str, Value]]]:
    """(path, kind, properties) of each action of an IoT rule, its error action too."""
    payload = site.get(carrier, "TopicRulePayload")
    if not isinstance(payload, dict):
        return
    actions = payload.get("Actions")
    listed = actions if isinstance(actions, list) else []
    written: list[tuple[tuple[str | int, ...], Value]] = [
        (("Actions", number), action) for number, action in enumerate(listed)
    ]
    for path, action in (*written, (("ErrorAction",), payload.get("ErrorAction"))):
        for kind, properties in action.items() if isinstance(action, dict) else ():
            if isinstance(properties, dict):
                yield ("TopicRulePayload", *path, kind), kind, properties


def _carrying(site: Site, carrier: Resource) -> Iterator[Need]:
    text = book(site).wording.text
    for _, kind, properties in rule_actions(site, carrier):
        role = role_of(site, properties.get("RoleArn"))
        if role is None:
            continue
        queue = site.target(properties.get("QueueUrl"), "AWS::SQS::Queue")
        topic = site.target(properties.get("TargetArn"), "AWS::SNS::Topic")
        put = properties.get("PutItem")
        if kind == "Sqs" and queue:
            yield Need(role, "sqs:SendMessage", book(site).wording.arn(queue), carrier, guarded=queue)
        elif kind == "Sns" and topic:
            yield Need(role, "sns:Publish", book(site).wording.arn(topic), carrier, guarded=topic)
        elif kind == "S3":
            key = FILLED.sub(ANY, text(properties.get("Key")))
            bucket = f"arn:{PARTITION}:s3:::{text(properties.get('BucketName'))}/{key}"
            yield Need(role, "s3:PutObject", bucket, carrier)
        elif kind == "Republish" and "Topic" in properties:
            topic_ = FILLED.sub(ANY, text(properties["Topic"])).replace("$$", "$")
            yield Need(role, "iot:Publish", arn("iot", f"topic/{topic_}"), carrier)
        elif kind == "DynamoDBv2" and isinstance(put, dict):
            yield Need(
                role, "dynamodb:PutItem", arn("dynamodb", f"table/{text(put.get('TableName'))}"), carrier
            )
        elif kind in ELSEWHERE:
            action, whatever = ELSEWHERE[kind]
            yield Need(role, action, whatever, carrier)
        elif kind in CARRYING:
            name, service, rest, action = CARRYING[kind]
            yield Need(role, action, arn(service, rest.format(text(properties.get(name)))), carrier)


@rule(
    "E9223",
    cause="{carrier} carries nothing to its target: its role {role} may not {action} on {on} ({why})",
    remedy="allow the role of each action what that action does, on its own target",
    sources=("https://docs.aws.amazon.com/iot/latest/developerguide/iot-create-role.html",),
)
def an_iot_rule_that_cannot_reach_its_target(site: Site) -> Iterator[Finding]:
    for carrier in site.all(RULE):
        for need, why in unmet(site, _carrying(site, carrier)):
            yield found(
                need.holder,
                "Policies",
                carrier=carrier,
                role=need.holder,
                action=need.action,
                on=need.shown,
                why=why,
            )


def _provisioned(site: Site, template: Resource) -> list[dict[str, object]]:
    try:
        body = json.loads(book(site).wording.text(site.get(template, "TemplateBody")))
        return list(body["Resources"].values())
    except (ValueError, LookupError, TypeError, AttributeError):
        return []


def _provisioning(site: Site, template: Resource, role: Resource) -> Iterator[Need]:
    kinds = {str(made.get("Type")) for made in _provisioned(site, template) if isinstance(made, dict)}
    for kind in sorted(kinds & PROVISIONING.keys()):
        for action, rest in PROVISIONING[kind]:
            on = "*" if rest == "*" else arn("iot", rest + ANY)
            yield Need(role, action, on, template)
    for action in ANY_WAY if kinds else ():
        yield Need(role, action, "*", template)


@rule(
    "E9224",
    cause="{template} provisions nothing: its role {role} may not {action} on {on} ({why})",
    remedy="allow what AWSIoTThingsRegistration does for the things, certificates and policies that it makes",
    sources=(REGISTRATION, "https://docs.aws.amazon.com/iot/latest/developerguide/provision-wo-cert.html"),
)
def a_provisioning_that_is_not_allowed(site: Site) -> Iterator[Finding]:
    for template in site.all(TEMPLATE):
        role = role_of(site, site.get(template, "ProvisioningRoleArn"))
        for need, why in unmet(site, _provisioning(site, template, role)) if role else ():
            yield found(
                need.holder,
                "Policies",
                template=template,
                role=role,
                action=need.action,
                on=need.shown,
                why=why,
            )


@rule(
    "E9225",
    cause="{log} records nothing: its role {role} may not {action} on {on} ({why})",
    remedy="allow flow logs to find, open and write the streams of their log group",
    sources=(FLOW_LOGS,),
)
def a_flow_log_that_cannot_write(site: Site) -> Iterator[Finding]:
    for log in site.all("AWS::EC2::FlowLog"):
        role = role_of(site, site.get(log, "DeliverLogsPermissionArn"))
        group = site.get(log, "LogGroupName")
        streams = log_streams(site, group) if group is not None else None
        if role is None or streams is None:
            continue
        actions = ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams")
        for need, why in unmet(site, [Need(role, action, streams, log) for action in actions]):
            yield found(role, "Policies", log=log, role=role, action=need.action, on=need.shown, why=why)


@rule(
    "E9226",
    cause="{database} reports none of its host's figures: {role} may not write the log group RDSOSMetrics",
    remedy=f"give it AWS's own policy {MONITORING}",
    sources=(ENHANCED,),
)
def a_monitoring_role_that_cannot_write(site: Site) -> Iterator[Finding]:
    known = book(site)
    streams = arn("logs", f"log-group:RDSOSMetrics:log-stream:{ANY}")
    for database in site.all("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"):
        role = role_of(site, site.get(database, "MonitoringRoleArn"))
        if role is None or role.address in site.unread_policies:
            continue
        if any(_may_write_logs(name) for name in known.managed(role)):
            continue
        if not any(known.allowing(known.held(role), "logs:PutLogEvents", streams, {})):
            yield found(role, "ManagedPolicyArns", database=database, role=role)


def _may_write_logs(name: str) -> bool:
    """Whether a managed policy may allow it: what is not AWS's is not known."""
    if name in ALLOWED:
        return "logs:putlogevents" in ALLOWED[name]
    wide = ("Administrator", "PowerUser", "Logs", "CloudWatch")
    return ANY in name or name.startswith("arn:") or any(part in name for part in wide)


@rule(
    "E9227",
    cause="{role} takes AWS's policy {name}, and there is none under that path",
    remedy="name it {right}",
    sources=("https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html",),
)
def a_policy_of_aws_under_another_path(site: Site) -> Iterator[Finding]:
    right = {name.rpartition("/")[2]: name for name in ALLOWED}
    for role in site.all(ROLE):
        attached = site.get(role, "ManagedPolicyArns")
        for position, value in enumerate(attached if isinstance(attached, list) else []):
            text = book(site).wording.text(value)
            _, ours, name = text.partition(":iam::aws:policy/")
            last = name.rpartition("/")[2]
            if not isinstance(value, Reference) and ours and last in right and name != right[last]:
                yield found(role, "ManagedPolicyArns", position, role=role, name=name, right=right[last])
