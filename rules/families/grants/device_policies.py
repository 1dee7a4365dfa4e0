"""Policies of devices: each speaks as itself, about itself, and cannot pass for another."""

from collections.abc import Iterator

from rules.families.grants.grant_book import Line, book
from rules.families.grants.grant_texts import ANY, shown
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind, texts

POLICIES = "https://docs.aws.amazon.com/iot/latest/developerguide/thing-policy-variables.html"
CONNECT = "https://docs.aws.amazon.com/iot/latest/developerguide/connect-policy.html"
PUBLISH = "https://docs.aws.amazon.com/iot/latest/developerguide/pub-sub-policy.html"
# Action → what its resource must begin with, https://docs.aws.amazon.com/iot/latest/developerguide/iot-policy-resources.html
ON = {
    "iot:connect": "client/",
    "iot:publish": "topic/",
    "iot:receive": "topic/",
    "iot:retainpublish": "topic/",
    "iot:subscribe": "topicfilter/",
}


def _written(line: Line) -> tuple[str, ...]:
    """The resources with their variables, which the book takes for unknown."""
    return texts(line.statement.document.get("Resource"))


def _bound(resource: str) -> bool:
    return "${iot:" in resource or "${cognito" in resource


@rule(
    "W9294",
    cause="{statement} of {policy} lets a device {action} on {named}, as any other may",
    remedy="bind it by a variable: ${{{{iot:Connection.Thing.ThingName}}}} or ${{{{iot:ClientId}}}}",
    sources=(POLICIES, PUBLISH),
)
def a_device_that_speaks_for_others(site: Site) -> Iterator[Finding]:
    for line in book(site).of(Kind.DEVICE):
        for action in line.actions:
            if not line.allows or action not in ("iot:connect", "iot:publish", "iot:*", "*"):
                continue
            for resource in _written(line):
                wide = "*" in resource.rpartition(":")[2] or resource == "*"
                if wide and not _bound(resource):
                    policy, name = line.policy.resource, line.statement.name
                    yield found(
                        policy, *line.path, statement=name, policy=policy, action=action, named=resource
                    )


@rule(
    "W9295",
    cause="{statement} of {policy} lets a device do {action}",
    remedy="list what devices do: iot:Connect, iot:Publish, iot:Subscribe, iot:Receive",
    sources=(POLICIES,),
)
def a_device_that_may_do_everything(site: Site) -> Iterator[Finding]:
    for line in book(site).of(Kind.DEVICE):
        for action in line.actions:
            if line.allows and action in ("iot:*", "*"):
                policy, name = line.policy.resource, line.statement.name
                yield found(policy, *line.path, statement=name, policy=policy, action=action)


@rule(
    "E9296",
    cause="{statement} of {policy} allows {action} on {named}, which is about something else",
    remedy="name client/ to connect, topic/ to publish or receive, topicfilter/ to subscribe",
    sources=("https://docs.aws.amazon.com/iot/latest/developerguide/iot-policy-actions.html",),
)
def a_device_action_on_another_kind(site: Site) -> Iterator[Finding]:
    for line in book(site).of(Kind.DEVICE):
        for action in line.actions:
            start = ON.get(action)
            ends = [resource.split(":", 5)[5] for resource in line.resources if resource.count(":") > 4]
            read = start is not None and bool(ends) and len(ends) == len(line.resources)
            if read and not any(end.startswith((str(start), "*", ANY)) for end in ends):
                policy, name = line.policy.resource, line.statement.name
                yield found(
                    policy, *line.path, statement=name, policy=policy, action=action, named=shown(ends[0])
                )


@rule(
    "E9297",
    cause="{policy} lets a device publish or subscribe, and not connect",
    remedy="allow iot:Connect as the device's own client",
    sources=(CONNECT,),
)
def a_device_that_cannot_connect(site: Site) -> Iterator[Finding]:
    known = book(site)
    for policy in site.all("AWS::IoT::Policy"):
        lines = [line for line in known.of(Kind.DEVICE) if line.policy.resource == policy]
        speaking = any(line.allows and set(line.actions) & ON.keys() for line in lines)
        if speaking and not any(line.allows and line.covers("iot:connect") for line in lines):
            yield found(policy, "PolicyDocument", policy=policy)


@rule(
    "W9298",
    cause="{statement} of {policy} goes by the thing's {what}, and does not ask that it be attached or there",
    remedy="ask for iot:Connection.Thing.IsAttached to connect, and for the form of an attribute to publish",
    sources=(CONNECT, POLICIES),
)
def a_device_whose_thing_is_not_asked_for(site: Site) -> Iterator[Finding]:
    for line in book(site).of(Kind.DEVICE):
        keys = {key.lower() for _, key, _ in line.conditions}
        named = "".join(_written(line))
        attribute = named.partition("${iot:Connection.Thing.Attributes[")[2].partition("]")[0]
        connects = "iot:connect" in line.actions and "${iot:Connection.Thing." in named
        policy, name = line.policy.resource, line.statement.name
        if line.allows and connects and "iot:connection.thing.isattached" not in keys:
            yield found(policy, *line.path, statement=name, policy=policy, what="name")
        if line.allows and attribute and not any(f"[{attribute.lower()}]" in key for key in keys):
            yield found(policy, *line.path, statement=name, policy=policy, what=f"attribute {attribute}")
