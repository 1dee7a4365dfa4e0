"""Event rules: switched on, with a time or a pattern, and targets that can take what they are sent."""

import re
from collections.abc import Iterator

from rules.families.signals.alarm_series import ALARM
from rules.families.signals.dashboard_series import every_series
from rules.families.signals.event_patterns import RULE, patterns
from rules.families.signals.watched_resources import subjects
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Given, Reference, Unknown, Value, known

TARGETS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html"
SCHEDULES = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html"
MONITORING = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html"
# Type -> what of it is the ARN that a target names. A type that is not here is not judged.
ARNS = {
    "AWS::SNS::Topic": ("Ref", "TopicArn"),
    "AWS::SQS::Queue": ("Arn",),
    "AWS::Lambda::Function": ("Arn",),
    "AWS::Lambda::Alias": ("Ref", "AliasArn"),
    "AWS::Serverless::Function": ("Arn",),
    "AWS::Kinesis::Stream": ("Arn",),
    "AWS::StepFunctions::StateMachine": ("Ref", "Arn"),
    "AWS::ECS::Cluster": ("Arn",),
    "AWS::Logs::LogGroup": ("Arn",),
    "AWS::KinesisFirehose::DeliveryStream": ("Arn",),
    "AWS::CodeBuild::Project": ("Arn",),
    "AWS::Events::EventBus": ("Arn",),
}
# What never is a target.
NEVER = (
    "AWS::KMS::",
    "AWS::IAM::",
    "AWS::S3::",
    "AWS::RDS::",
    "AWS::ElastiCache::",
    "AWS::SecretsManager::",
    "AWS::DynamoDB::",
    "AWS::EC2::",
    "AWS::CloudWatch::",
)
RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
CRON = re.compile(r"cron\(\S+ \S+ \S+ \S+ \S+ \S+\)")


@rule(
    "W9670",
    cause="rule {rule} is disabled",
    remedy="set State: ENABLED, or remove the rule",
    sources=("https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html",),
    demanding=True,
)
def an_event_rule_that_is_disabled(site: Site) -> Iterator[Finding]:
    for resource in site.all(RULE):
        if site.get(resource, "State") == "DISABLED":
            yield found(resource, "State", rule=resource)


@rule(
    "E9671",
    cause="rule {rule} {lacks}",
    remedy="a rule has a pattern or a schedule, and at least one target",
    sources=("https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html", TARGETS),
)
def an_event_rule_that_does_nothing(site: Site) -> Iterator[Finding]:
    for resource in site.all(RULE):
        if not site.items(resource, "Targets"):
            yield found(
                resource, "Targets", rule=resource, lacks="has no target: what it matches goes nowhere"
            )
        if site.get(resource, "EventPattern") is None and site.get(resource, "ScheduleExpression") is None:
            yield found(resource, rule=resource, lacks="has neither pattern nor schedule")


def targets(site: Site) -> Iterator[tuple[Resource, int, dict[str, Value]]]:
    for resource in site.all(RULE):
        for position, target in enumerate(site.items(resource, "Targets")):
            if isinstance(target, dict):
                yield resource, position, target


@rule(
    "E9672",
    cause="rule {rule} sends to {target}, which is no ARN of a target",
    remedy="give the ARN: {wanted}",
    sources=(TARGETS,),
)
def a_target_that_is_none(site: Site) -> Iterator[Finding]:
    for resource, position, target in targets(site):
        arn = target.get("Arn")
        wanted = ""
        if isinstance(arn, Reference):
            answers = ARNS.get(arn.resource.kind, ())
            if answers and arn.attribute not in answers:
                wanted = f"{' or '.join(answers)} of {arn.resource}"
            elif arn.resource.kind.startswith(NEVER):
                wanted = "of a topic, a queue, a function or another target"
        elif (
            not isinstance(arn, Given | Unknown | None)
            and known(arn)
            and not str(arn).startswith(("arn:", "$"))
        ):
            wanted = "of a topic, a queue, a function or another target"
        if wanted:
            yield found(
                resource, "Targets", position, "Arn", rule=resource, target=arn or "nothing", wanted=wanted
            )


@rule(
    "E9677",
    cause="rule {rule} has two targets called {id}",
    remedy="give each an Id of its own: the second replaces the first",
    sources=("https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html",),
)
def two_targets_of_one_id(site: Site) -> Iterator[Finding]:
    seen: set[tuple[Resource, str]] = set()
    for resource, position, target in targets(site):
        name = (resource, str(target.get("Id")))
        if name in seen:
            yield found(resource, "Targets", position, "Id", rule=resource, id=target.get("Id"))
        seen.add(name)


@rule(
    "E9678",
    cause="rule {rule} has the schedule {schedule}, which is none",
    remedy="write rate(1 hour), rate(6 hours) or cron with six fields of which a day field is ?",
    sources=(SCHEDULES,),
)
def a_schedule_that_is_none(site: Site) -> Iterator[Finding]:
    for resource in site.all(RULE):
        schedule = site.get(resource, "ScheduleExpression")
        if not isinstance(schedule, str):
            continue
        rate = RATE.fullmatch(schedule)
        fits = bool(rate) and int(rate[1]) > 0 and (int(rate[1]) == 1) == (rate[3] == "") if rate else False
        # EventBridge takes a ? in any field for the one that a day field should be.
        cron = CRON.fullmatch(schedule) is not None and "?" in schedule.removesuffix(")").split()[1:]
        if not fits and not cron:
            yield found(resource, "ScheduleExpression", rule=resource, schedule=schedule)


@rule(
    "W9679",
    cause=(
        "nobody is told when {rule} cannot deliver: its targets have no queue for that, and no "
        "alarm watches its FailedInvocations, as one does of other rules"
    ),
    remedy="add its FailedInvocations to an alarm, or give the target a DeadLetterConfig",
    sources=(MONITORING, "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html"),
    demanding=True,
)
def an_event_whose_loss_nobody_sees(site: Site) -> Iterator[Finding]:
    watched = {
        one
        for series in every_series(site)
        if series.resource.kind == ALARM
        and series.namespace == "AWS/Events"
        and series.name in ("FailedInvocations", "InvocationsFailedToBeSentToDlq")
        for one in subjects(site, series).values()
    }
    for pattern in patterns(site):
        queued = [
            target
            for rule_, _, target in targets(site)
            if rule_ == pattern.rule and "DeadLetterConfig" in target
        ]
        if watched and pattern.rule not in watched and not queued and site.items(pattern.rule, "Targets"):
            yield found(pattern.rule, "Targets", rule=pattern.rule)


def minutes(schedule: Value) -> float | None:
    """How far apart the runs of a rate are."""
    rate = RATE.fullmatch(schedule) if isinstance(schedule, str) else None
    return int(rate[1]) * {"minute": 1, "hour": 60, "day": 1440}[rate[2]] if rate else None
