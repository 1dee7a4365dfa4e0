"""Which alarm rolled a deployment back, and what it saw."""

import re
from collections.abc import Iterator

from deployer.evidence.question import Evidence, Question, short

ALARM = re.compile(r"arn:[\w-]+:cloudwatch:[\w-]*:\d*:alarm:(?P<name>[^\s,;\]\)\"']+)")


def gather(question: Question) -> Iterator[Evidence]:
    """The alarms that the reason names by their ARNs."""
    names = list(dict.fromkeys(found["name"].rstrip(".") for found in ALARM.finditer(question.event.reason)))
    if not names:
        return
    answer = question.clients.cloudwatch.describe_alarms(
        AlarmNames=names[:100], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    found = [*answer["MetricAlarms"], *answer["CompositeAlarms"]]
    told = [(alarm["AlarmName"], alarm["StateValue"], alarm["StateReason"]) for alarm in found]
    for name, state, reason in told:
        yield Evidence(f"the alarm {name}", (short(f"is {state} now: {reason}"),))
    for name in sorted(set(names) - {name for name, _, _ in told}):
        yield Evidence(f"the alarm {name}", ("there is none of this name: a missing alarm rolls back too",))
