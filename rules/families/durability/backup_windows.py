"""Windows for backups and maintenance: well formed, long enough, and apart from each other."""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.families.durability.clock_windows import Window, daily, meet, weekly
from rules.families.durability.upkeep import CLUSTER, GROUP, INSTANCE, aurora, number, standalone, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

CREATE = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html"
CACHE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html"
WEEKLY = "PreferredMaintenanceWindow"


@dataclass(frozen=True)
class _Kept:
    """A type with two windows: the daily one's property, the shortest in minutes, what keeps backups."""

    daily: str
    shortest: int
    retention: str
    default: int  # what retention is where it is left out


KINDS = {
    INSTANCE: _Kept("PreferredBackupWindow", 30, "BackupRetentionPeriod", 1),
    CLUSTER: _Kept("PreferredBackupWindow", 30, "BackupRetentionPeriod", 1),
    "AWS::DocDB::DBCluster": _Kept("PreferredBackupWindow", 30, "BackupRetentionPeriod", 1),
    "AWS::Neptune::DBCluster": _Kept("PreferredBackupWindow", 30, "BackupRetentionPeriod", 1),
    GROUP: _Kept("SnapshotWindow", 60, "SnapshotRetentionLimit", 0),
    "AWS::ElastiCache::CacheCluster": _Kept("SnapshotWindow", 60, "SnapshotRetentionLimit", 0),
}


def _windows(site: Site, resource: Resource) -> tuple[Window | None, Window | None]:
    of = KINDS[resource.kind]
    every_day, once_a_week = word(site, resource, of.daily), word(site, resource, WEEKLY)
    return daily(every_day) if every_day else None, weekly(once_a_week) if once_a_week else None


@rule(
    "E9412",
    cause="{what} has the window {written}, which is no {form}",
    remedy="write it as {example}, in UTC",
    sources=(CREATE, CACHE),
)
def a_window_that_nobody_can_read(site: Site) -> Iterator[Finding]:
    for resource in site.all(*KINDS):
        forms = (
            (KINDS[resource.kind].daily, daily, "hh:mm-hh:mm", "03:00-04:00"),
            (WEEKLY, weekly, "ddd:hh:mm-ddd:hh:mm", "sun:04:30-sun:05:30"),
        )
        for name, read, form, example in forms:
            written = word(site, resource, name)
            if written is not None and read(written) is None:
                yield found(resource, name, what=resource, written=written, form=form, example=example)


@rule(
    "E9413",
    cause="{what} has a window of {minutes} minutes ({written}), and the service needs {shortest}",
    remedy="end it at least {shortest} minutes after it begins",
    sources=(CREATE, CACHE),
)
def a_window_that_is_too_short(site: Site) -> Iterator[Finding]:
    for resource in site.all(*KINDS):
        of = KINDS[resource.kind]
        for name, window in zip((of.daily, WEEKLY), _windows(site, resource), strict=True):
            if window is not None and window.length < of.shortest:
                yield found(
                    resource,
                    name,
                    what=resource,
                    minutes=window.length,
                    written=site.get(resource, name),
                    shortest=of.shortest,
                )


@rule(
    "E9414",
    cause="{what} is backed up ({backup}) while it is maintained ({maintenance})",
    remedy="move one of the windows, so that one has ended when the other begins",
    sources=(CREATE, "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/backups-automatic.html"),
)
def windows_that_overlap(site: Site) -> Iterator[Finding]:
    for resource in site.all(*KINDS):
        of = KINDS[resource.kind]
        every_day, once_a_week = _windows(site, resource)
        if every_day is not None and once_a_week is not None and meet(every_day, once_a_week):
            yield found(
                resource,
                of.daily,
                what=resource,
                backup=site.get(resource, of.daily),
                maintenance=site.get(resource, WEEKLY),
            )


@rule(
    "W9408",
    cause="{what} fixes {given} and leaves {missing} to chance, which may fall into it",
    remedy="give both windows, apart from each other",
    sources=(CREATE, CACHE),
    demanding=True,
)
def a_window_left_to_chance(site: Site) -> Iterator[Finding]:
    for resource in site.all(*KINDS):
        of = KINDS[resource.kind]
        if resource.kind == INSTANCE and (not standalone(resource) or aurora(site, resource)):
            continue
        kept = site.get(resource, of.retention)
        backed = number(kept) if kept is not None else of.default
        given = [name for name in (of.daily, WEEKLY) if name in resource.properties]
        if len(given) == 1 and backed and site.get(resource, given[0]) is not None:
            missing = WEEKLY if given[0] == of.daily else of.daily
            yield found(resource, missing, what=resource, given=given[0], missing=missing)
