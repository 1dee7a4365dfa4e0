"""Which alarm rolled a deployment back, and what it saw."""

import re
from collections.abc import Iterator

from deployer.evidence.question import Evidence, Question, short

ALARM = re.compile(r"arn:[\w-]+:cloudwatch:[\w-]*:\d*:alarm:(?P<name>[^\s,;\]\)\"']+)")

SPOKEN_OF = re.compile(r"alarm|trigger", re.IGNORECASE)  # AWS writes down nowhere what it says of them


def gather(question: Question) -> Iterator[Evidence]:
    """The alarms that the reason names by their ARNs; where it only speaks of some, the stack's triggers."""
    reason = question.event.reason
    names = _names(reason)
    if not names and question.event.about_stack and SPOKEN_OF.search(reason):
        names = _names(" ".join(_triggers(question)))
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


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(found["name"].rstrip(".") for found in ALARM.finditer(text)))


def _triggers(question: Question) -> Iterator[str]:
    stacks = question.clients.cloudformation.describe_stacks(StackName=question.event.stack_id)["Stacks"]
    for stack in stacks:
        for trigger in stack.get("RollbackConfiguration", {}).get("RollbackTriggers", []):
            yield trigger["Arn"]
