"""Log groups: for how long they keep what is recorded, and who writes to them."""

from collections.abc import Iterator

from rules.families.signals.alarm_series import number
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site

GROUPS = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"
LOG_GROUP = "AWS::Logs::LogGroup"


# Without these nobody can say who was refused by whom.
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
