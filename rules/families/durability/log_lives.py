"""Log groups: named as their writers name them, there before them, kept for as long as they are needed."""

import re
from collections.abc import Iterator

from rules.families.durability.upkeep import (
    LOG_GROUP,
    declared,
    number,
    word,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site

LOGS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/"
RETENTION = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"
OFFERED = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)
MONTH = 30
CONTAINER_LOG = re.compile(r"/aws/ecs/containerinsights/([^/]+)/performance")


@rule(
    "W9430",
    cause="log group {group} is never emptied: without RetentionInDays it keeps everything for ever",
    remedy="set RetentionInDays",
    sources=(f"{LOGS}Working-with-log-groups-and-streams.html",),
    demanding=True,
)
def a_log_that_is_kept_for_ever(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        if site.get(group, "RetentionInDays") is None and declared(site, group):
            yield found(group, "RetentionInDays", group=group)


@rule(
    "E9440",
    cause="log group {group} is to keep {days} days, which CloudWatch Logs does not offer",
    remedy="choose 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 or a longer one on the page",
    sources=(RETENTION,),
)
def a_retention_that_is_not_offered(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        days = number(site.get(group, "RetentionInDays"))
        if days is not None and days not in OFFERED:
            yield found(group, "RetentionInDays", group=group, days=days)


@rule(
    "W9431",
    cause="log group {group} of a lasting environment forgets after {days} days",
    remedy="set RetentionInDays to 30 at least, 365 where an audit may ask",
    sources=("https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html",),
)
def a_log_that_forgets_too_soon(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        days = number(site.get(group, "RetentionInDays"))
        if days in OFFERED and days is not None and days <= MONTH and site.durable(group):
            yield found(group, "RetentionInDays", group=group, days=days)


@rule(
    "W9432",
    cause="log group {group} of a passing environment keeps {days} days, longer than anyone will look",
    remedy="set RetentionInDays to 90 or less",
    sources=(f"{LOGS}Working-with-log-groups-and-streams.html",),
    demanding=True,
)
def a_log_that_outlives_its_environment(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        days = number(site.get(group, "RetentionInDays"))
        if days in OFFERED and days is not None and days > 365 and site.durable(group) is False:
            yield found(group, "RetentionInDays", group=group, days=days)


@rule(
    "W9437",
    cause="log group {group} forgets after {days}, before anybody is back from a weekend",
    remedy="set RetentionInDays to 5 or more",
    sources=(f"{LOGS}Working-with-log-groups-and-streams.html",),
    demanding=True,
)
def a_log_that_forgets_over_a_weekend(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        days = number(site.get(group, "RetentionInDays"))
        if days in (1, 3) and declared(site, group) and not site.durable(group):
            yield found(group, "RetentionInDays", group=group, days="1 day" if days == 1 else "3 days")


FILTERS = ("AWS::Logs::MetricFilter", "AWS::Logs::SubscriptionFilter", "AWS::Logs::AccountPolicy")


@rule(
    "E9441",
    cause="log group {group} is of the class {kind}, in which {user} does nothing",
    remedy="leave LogGroupClass out: it can be chosen only when the group is made",
    sources=(f"{LOGS}CloudWatch_Logs_Log_Classes.html",),
)
def a_log_class_that_cannot_do_it(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        kind = word(site, group, "LogGroupClass")
        if kind not in ("INFREQUENT_ACCESS", "DELIVERY"):
            continue
        users = [str(use.user) for use in site.uses(group) if use.user.kind in FILTERS]
        if CONTAINER_LOG.fullmatch(word(site, group, "LogGroupName") or ""):
            users.append("Container Insights")
        if kind == "DELIVERY":
            users.append("every writer but a log delivery")
        if users:
            yield found(group, "LogGroupClass", group=group, kind=kind, user=", ".join(users))


@rule(
    "W9433",
    cause="log group {group} is of the class INFREQUENT_ACCESS, without metrics, alarms and live tail",
    remedy="leave LogGroupClass out where somebody looks while something is wrong",
    sources=(f"{LOGS}CloudWatch_Logs_Log_Classes.html",),
    demanding=True,
)
def a_log_that_can_raise_no_alarm(site: Site) -> Iterator[Finding]:
    for group in site.all(LOG_GROUP):
        if word(site, group, "LogGroupClass") == "INFREQUENT_ACCESS" and declared(site, group):
            yield found(group, "LogGroupClass", group=group)
