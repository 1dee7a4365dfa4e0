"""What a device's policy comes to as a whole, and texts in it that mean something else than they seem to."""

from collections.abc import Iterator

from rules.families.ingest.device_policies import (
    ACTIONS,
    CONNECT,
    NAMES,
    PUBSUB,
    THING,
    allowing,
    listed,
    placed,
)
from rules.families.ingest.device_statements import (
    ATTRIBUTE,
    POLICY,
    Allowed,
    bound,
    statements,
    variables,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import known

VERSION = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html"
OPERATORS = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"
)


@rule(
    "E9728",
    cause="{policy} lets a device {have}, and not {lacks}",
    remedy="allow iot:Connect on client/${{iot:Connection.Thing.ThingName}}, and what it is there for",
    sources=(CONNECT, ACTIONS),
)
def a_device_that_can_do_nothing(site: Site) -> Iterator[Finding]:
    attached_together = len(list(site.all(POLICY))) > 1  # a certificate may hold several
    for policy in site.all(POLICY):
        held = [one for one in statements(site) if one.policy == policy]
        allowed = {action for one in held if one.allows for action in one.actions}
        refused = {
            action
            for one in held
            if not one.allows and not one.conditions and _covers(one)
            for action in one.actions
        }
        if not held or any("*" in action for action in allowed) or policy.address in site.unread_policies:
            continue
        able = allowed - refused
        about = allowed & {"iot:Publish", "iot:Subscribe", "iot:Receive"}
        if "iot:Connect" not in able and about and not attached_together:
            yield found(policy, "PolicyDocument", policy=policy, have=listed(about), lacks="iot:Connect")
        elif "iot:Connect" in able and not able - {"iot:Connect", "iot:Receive"} and not attached_together:
            lacks = "iot:Publish or iot:Subscribe"
            yield found(policy, "PolicyDocument", policy=policy, have="iot:Connect", lacks=lacks)
        elif "iot:Subscribe" in able and "iot:Receive" not in able and not attached_together:
            yield found(policy, "PolicyDocument", policy=policy, have="iot:Subscribe", lacks="iot:Receive")


def _covers(one: Allowed) -> bool:
    """Whether a refusal is of a device's own: no other's topic is meant by a variable."""
    return any(bound(resource) or resource.name == "*" for resource in one.resources)


@rule(
    "E9729",
    cause="the policy {policy} is of version {version}, in which variables are plain text",
    remedy="set Version: '2012-10-17'",
    sources=(VERSION, NAMES),
)
def a_version_without_variables(site: Site) -> Iterator[Finding]:
    for policy in site.all(POLICY):
        version = site.get(policy, "PolicyDocument", "Version")
        uses = any(
            variables(resource)
            for one in statements(site)
            if one.policy == policy
            for resource in one.resources
        )
        if uses and known(version) and str(version) != "2012-10-17":
            shown = version or "2008-10-17, as nothing is said"
            yield found(policy, "PolicyDocument", "Version", policy=policy, version=shown)


@rule(
    "E9730",
    cause="{statement} of {policy} has {text} in {resource}, where {sign} is a plain character",
    remedy="in a policy write * and ?; + and # are wildcards of topic filters that clients subscribe to",
    sources=(PUBSUB,),
)
def a_wildcard_of_mqtt_in_a_policy(site: Site) -> Iterator[Finding]:
    for one in statements(site):
        for position, resource in enumerate(one.resources):
            if resource.kind == "topic":
                for level in resource.name.split("/"):
                    if level in ("+", "#"):
                        yield placed(
                            one, "Resource", position, text=level, resource=resource.name, sign=level
                        )


@rule(
    "W9731",
    cause="{statement} of {policy} lets a device leave a message on {resource} for whoever comes later",
    remedy="leave iot:RetainPublish out, unless the topic is read as a last known state",
    sources=("https://docs.aws.amazon.com/iot/latest/developerguide/retained-message-policy-examples.html",),
    demanding=True,
)
def a_device_that_may_retain(site: Site) -> Iterator[Finding]:
    for one in allowing(site):
        if "iot:RetainPublish" in one.actions and one.resources:
            yield placed(one, "Action", resource=one.resources[0].name)


@rule(
    "E9732",
    cause="{statement} of {policy} has {value} for {key}, where {operator} reads * and ? as plain characters",
    remedy="use StringLike",
    sources=(OPERATORS,),
)
def a_wildcard_that_is_none(site: Site) -> Iterator[Finding]:
    for one in statements(site):
        for operator, keys in one.conditions.items():
            for key, value in keys.items():
                values = value if isinstance(value, list) else [value]
                if operator in ("StringEquals", "StringNotEquals") and key.startswith("iot:"):
                    for text in values:
                        if isinstance(text, str) and ("*" in text or "?" in text):
                            yield placed(
                                one, "Condition", operator, key, value=text, key=key, operator=operator
                            )


@rule(
    "W9733",
    cause="{statement} of {policy} holds {key}, which nothing that it allows asks for: {asked} is not held",
    remedy="hold the attribute that stands in the resource",
    sources=(THING,),
)
def a_condition_on_another_attribute(site: Site) -> Iterator[Finding]:
    for one in allowing(site):
        used = {match[0] for on in one.resources for match in ATTRIBUTE.finditer(on.name)}
        held = {key for keys in one.conditions.values() for key in keys if ATTRIBUTE.fullmatch(key)}
        for asked in sorted(used - held if held and not used & held else ()):
            yield placed(one, "Condition", key=listed(held), asked=asked)
