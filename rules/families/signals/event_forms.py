"""Names and ARNs in events: a key has one or the other, and a pattern that gives the other never matches."""

from collections.abc import Iterator, Mapping

from rules.families.signals.event_filters import NAMED
from rules.families.signals.event_patterns import (
    PATTERNS,
    REFERENCE,
    Pattern,
    at_pattern,
    leaves_of,
    patterns,
)
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.values import Reference, Text, Value, known

ARN, NAME, GROUP = "an ARN", "a name or id, and no ARN", "service:<name> or family:<name>"
# (source, keys within detail) → the form of what stands there, of the events on each service's own page:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-cloud-watch-events.sample.html
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
# https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
# https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
# https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html
# https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications.html
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/eventbridge-events-detail-reference.html
# https://docs.aws.amazon.com/kms/latest/developerguide/ct-decrypt.html
FORMS: Mapping[tuple[str, str], str] = {
    ("aws.rds", "SourceIdentifier"): NAME,
    ("aws.rds", "SourceArn"): ARN,
    ("aws.ecs", "clusterArn"): ARN,
    ("aws.ecs", "taskArn"): ARN,
    ("aws.ecs", "taskDefinitionArn"): ARN,
    ("aws.ecs", "containerInstanceArn"): ARN,
    ("aws.ecs", "capacityProviderArns"): ARN,
    ("aws.ecs", "group"): GROUP,
    ("aws.ecr", "repository-name"): NAME,
    ("aws.cloudwatch", "alarmName"): NAME,
    ("aws.ec2", "instance-id"): NAME,
    ("aws.autoscaling", "AutoScalingGroupName"): NAME,
    ("aws.autoscaling", "EC2InstanceId"): NAME,
    ("aws.s3", "bucket.name"): NAME,
    ("aws.states", "stateMachineArn"): ARN,
    ("aws.states", "executionArn"): ARN,
    ("aws.codepipeline", "pipeline"): NAME,
    ("aws.codebuild", "project-name"): NAME,
    ("aws.codebuild", "build-id"): ARN,
    ("aws.codedeploy", "application"): NAME,
    ("aws.codedeploy", "deploymentGroup"): NAME,
    ("aws.cloudformation", "stack-id"): ARN,
    ("aws.kms", "resources.ARN"): ARN,
}
# Sources of which `resources` holds ARNs, on the same pages.
BY_ARN = frozenset(
    [
        "aws.autoscaling",
        "aws.cloudwatch",
        "aws.codebuild",
        "aws.codepipeline",
        "aws.ec2",
        "aws.ecs",
        "aws.rds",
        "aws.states",
    ]
)
BEGINNING = ("prefix", "wildcard", "equals-ignore-case")


@rule(
    "E9694",
    cause="rule {rule} compares {key} of {source} with {value}, and what stands there is {form}",
    remedy="give that, of the same resource, or take the key that holds what is given",
    sources=(PATTERNS, REFERENCE),
)
def a_pattern_of_the_other_form(site: Site) -> Iterator[Finding]:
    for pattern in patterns(site):
        sources = pattern.listed("source")
        if len(sources) != 1:
            continue
        for keys, values in leaves_of(pattern.body):
            form = _form(sources[0], keys)
            for value in values if form and isinstance(values, list) else ():
                if not _told_elsewhere(sources[0], keys, value) and _other(site, form, value):
                    yield _at(pattern, keys, sources[0], value, form)


def _at(pattern: Pattern, keys: tuple[str, ...], source: str, value: Value, form: str) -> Finding:
    return at_pattern(pattern, *keys, key=".".join(keys), source=source, value=value, form=form)


def _form(source: str, keys: tuple[str, ...]) -> str:
    if keys == ("resources",):
        return ARN if source in BY_ARN else ""
    return FORMS.get((source, ".".join(keys[1:])), "") if keys[:1] == ("detail",) else ""


def _told_elsewhere(source: str, keys: tuple[str, ...], value: Value) -> bool:
    """What E9666 says of keys that name a resource of certain types."""
    if (source, keys[-1]) not in NAMED:
        return False
    return isinstance(value, Reference) or keys[-1].lower().endswith("arn") or keys[-1] == "resources"


def _other(site: Site, form: str, value: Value) -> bool:
    """Whether it is surely of another form."""
    if isinstance(value, dict):
        begun = next((value[one] for one in BEGINNING if one in value), None)
        # Whatever begins so may be of the form, but an ARN's beginning is of no name.
        return form != ARN and isinstance(begun, str) and begun.startswith("arn:")
    if not isinstance(value, str | Text | Reference) or not known(value):
        return False
    text = site.renderer.text(value)
    if form == NAME:
        return text.startswith("arn:")
    if text.startswith("${") or isinstance(value, Reference):
        return False
    if form == GROUP:
        return ":" not in text
    return not text.startswith(("arn:", "*"))
