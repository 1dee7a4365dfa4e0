"""Event rules: switched on, with a time or a pattern, and targets that can take what they are sent."""

import json
import re
from collections.abc import Iterator

from rules.families.signals.alarm_series import ALARM, every_series
from rules.families.signals.event_names import OUTER, keys_of, nearest
from rules.families.signals.event_patterns import RULE, patterns
from rules.families.signals.marked_text import MARK, marked
from rules.families.signals.watched_resources import subjects
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Given, Reference, Unknown, Value, known

TARGETS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html"
TRANSFORM = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html"
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
PLACE = re.compile(r"<([^<>\s]+)>")
OWN = re.compile(r"aws\.events\..+")


@rule(
    "W9670",
    cause="rule {rule} is disabled",
    remedy="set State: ENABLED, or remove the rule",
    sources=("https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html",),
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
            yield found(resource, "Targets", position, "Arn", rule=resource, target=arn, wanted=wanted)


@rule(
    "E9673",
    cause="rule {rule} writes <{name}> in its InputTemplate, and no path of InputPathsMap is called so",
    remedy="name one of {have}, or add the path",
    sources=(TRANSFORM,),
)
def a_template_with_a_place_that_nothing_fills(site: Site) -> Iterator[Finding]:
    for resource, position, _, paths, text in _transformers(site):
        for name in dict.fromkeys(PLACE.findall(text)):
            if (
                name not in paths
                and not OWN.fullmatch(name)
                and "\ue000" not in name
                and re.fullmatch(r"[\w.-]+", name)
            ):
                have = ", ".join(paths) or "none"
                yield found(
                    resource,
                    "Targets",
                    position,
                    "InputTransformer",
                    "InputTemplate",
                    rule=resource,
                    name=name,
                    have=have,
                )


def _transformers(site: Site) -> Iterator[tuple[Resource, int, dict[str, Value], dict[str, Value], str]]:
    for resource, position, target in targets(site):
        transformer = target.get("InputTransformer")
        if not isinstance(transformer, dict):
            continue
        paths = transformer.get("InputPathsMap")
        text = marked(transformer.get("InputTemplate"))
        if text is not None:
            yield resource, position, transformer, paths if isinstance(paths, dict) else {}, text.text


@rule(
    "W9674",
    cause="rule {rule} reads {name} from the event, and its InputTemplate does not say it",
    remedy="write <{name}> in the template, or take the path out",
    sources=(TRANSFORM,),
)
def a_path_that_the_template_does_not_use(site: Site) -> Iterator[Finding]:
    for resource, position, _, paths, text in _transformers(site):
        for name in paths:
            if f"<{name}>" not in text:
                yield found(
                    resource,
                    "Targets",
                    position,
                    "InputTransformer",
                    "InputPathsMap",
                    name,
                    rule=resource,
                    name=name,
                )


@rule(
    "E9675",
    cause="rule {rule} reads {path} from the event, which has no such key",
    remedy="begin with $. and name a key that the event has: {instead}",
    sources=(TRANSFORM,),
)
def a_path_into_nothing(site: Site) -> Iterator[Finding]:
    of_rule = {pattern.rule: pattern for pattern in patterns(site)}
    for resource, position, _, paths, _ in _transformers(site):
        pattern = of_rule.get(resource)
        keys = keys_of(*pattern.one) if pattern is not None else frozenset()
        for name, path in paths.items():
            if not isinstance(path, str):
                continue
            steps = path.split(".")
            instead = ""
            if steps[0] != "$" or (len(steps) > 1 and steps[1].partition("[")[0] not in OUTER):
                instead = "$.detail, $.time, $.resources and so on"
            elif len(steps) > 2 and steps[1] == "detail" and keys and steps[2].partition("[")[0] not in keys:
                instead = (
                    f"$.detail.{nearest(steps[2], keys)}"
                    if nearest(steps[2], keys)
                    else ", ".join(sorted(keys))
                )
            if instead:
                yield found(
                    resource,
                    "Targets",
                    position,
                    "InputTransformer",
                    "InputPathsMap",
                    name,
                    rule=resource,
                    path=path,
                    instead=instead,
                )


@rule(
    "E9676",
    cause="rule {rule} {wrong}",
    remedy=(
        "write valid JSON: an object, or a text in double quotes; a target has one of Input, "
        "InputPath and InputTransformer"
    ),
    sources=(TRANSFORM,),
)
def an_input_of_a_wrong_form(site: Site) -> Iterator[Finding]:
    for resource, position, target in targets(site):
        given = [name for name in ("Input", "InputPath", "InputTransformer") if name in target]
        if len(given) > 1:
            yield found(
                resource,
                "Targets",
                position,
                given[1],
                rule=resource,
                wrong=f"gives a target both {given[0]} and {given[1]}",
            )
        plain = marked(target.get("Input"))
        if plain is not None and not _json(plain.text):
            yield found(
                resource,
                "Targets",
                position,
                "Input",
                rule=resource,
                wrong="gives a target an Input that is no JSON",
            )
    for resource, position, _, _, text in _transformers(site):
        if (
            text.lstrip().startswith(('"', "{"))
            and not _json(PLACE.sub("0", text))
            and not _json(PLACE.sub('"0"', text))
        ):
            if not all(
                line.strip().startswith('"') and line.strip().endswith('"')
                for line in text.strip().splitlines()
            ):
                yield found(
                    resource,
                    "Targets",
                    position,
                    "InputTransformer",
                    "InputTemplate",
                    rule=resource,
                    wrong="has an InputTemplate that is no JSON",
                )


def _json(text: str) -> bool:
    try:
        json.loads(MARK.sub("0", text))
    except ValueError:
        return False
    return True


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
        cron = CRON.fullmatch(schedule) is not None and "?" in (schedule.split()[2], schedule.split()[4])
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
