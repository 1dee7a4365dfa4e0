"""Devices may do only their own: who connects is the thing, and its topics bear its name."""

from collections.abc import Iterator

from rules.families.ingest.device_statements import (
    ATTRIBUTE,
    TAKES,
    VARIABLES,
    WITHOUT,
    Allowed,
    bound,
    statements,
    unique,
    variables,
)
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.tree import Resource

ACTIONS = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-policy-actions.html"
RESOURCES = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-action-resources.html"
CONNECT = "https://docs.aws.amazon.com/iot/latest/developerguide/connect-policy.html"
PUBSUB = "https://docs.aws.amazon.com/iot/latest/developerguide/pub-sub-policy.html"
THING = "https://docs.aws.amazon.com/iot/latest/developerguide/thing-policy-variables.html"
NAMES = "https://docs.aws.amazon.com/iot/latest/developerguide/basic-policy-variables.html"
AUDIT = "https://docs.aws.amazon.com/iot-device-defender/latest/devguide/audit-chk-iot-policy-permissive.html"
ATTACHED = "iot:Connection.Thing.IsAttached"
OWN_KEYS = ("iot:Certificate.", "iot:ClientId", "iot:Connection.Thing.ThingName")


@rule(
    "E9720",
    cause="{statement} of {policy} lets a device do {action}",
    remedy="name the actions that a device needs: iot:Connect, iot:Publish, iot:Subscribe, iot:Receive",
    sources=(AUDIT, ACTIONS),
)
def a_device_that_may_do_everything(site: Site) -> Iterator[Finding]:
    for one in allowing(site):
        for action in one.actions:
            if action in ("*", "iot:*") or (action.startswith("iot:") and "*" in action):
                yield placed(one, "Action", action=action)


@rule(
    "E9721",
    cause="{statement} of {policy} lets every device {action} on {resource}, whoever's it is",
    remedy="bind it to the device: ${{iot:Connection.Thing.ThingName}} where the name stands",
    sources=(AUDIT, PUBSUB, CONNECT),
)
def a_device_that_may_be_any_other(site: Site) -> Iterator[Finding]:
    for one, position, action in _unbound(site):
        if not (action == "iot:Connect" and _is_attached(one)):
            resource = one.resources[position].name or "*"
            yield placed(one, "Resource", position, action=action, resource=resource)


@rule(
    "W9737",
    cause="{statement} of {policy} lets a device connect under any name, and so throw another out",
    remedy="allow it on client/${{iot:Connection.Thing.ThingName}} alone",
    sources=(CONNECT, THING),
)
def a_client_of_any_name(site: Site) -> Iterator[Finding]:
    for one, position, action in _unbound(site):
        if action == "iot:Connect" and _is_attached(one):
            yield placed(one, "Resource", position)


def _unbound(site: Site) -> Iterator[tuple[Allowed, int, str]]:
    """(statement, place of a resource, action) where nothing of the device's own narrows a wildcard."""
    for one in allowing(site):
        acting = [action for action in one.actions if action in TAKES or action in ("*", "iot:*")]
        keys = {key for keys in one.conditions.values() for key in keys}
        if not acting or any(key.startswith(OWN_KEYS) for key in keys):
            continue
        for position, resource in enumerate(one.resources):
            wild = "*" in resource.name or (resource.kind == "topicfilter" and resource.name in ("#", "+/#"))
            # Who connects chooses the ClientId, and so is bound by nothing.
            chosen = resource.kind == "client" and variables(resource) == ["iot:ClientId"]
            if (wild and not bound(resource) and resource.kind != "?") or (chosen and _is_attached(one)):
                yield one, position, acting[0]


def _is_attached(one: Allowed) -> bool:
    return any(ATTACHED in keys for operator, keys in one.conditions.items() if "IfExists" not in operator)


@rule(
    "W9722",
    cause="{statement} of {policy} lets a device {action} on {resource}, all that begins like its own",
    remedy="end the topic where the device's own name does, or name the topics below it",
    sources=(PUBSUB,),
)
def a_device_that_may_do_more_than_its_own(site: Site) -> Iterator[Finding]:
    for one in allowing(site):
        acting = [action for action in one.actions if action in ("iot:Publish", "iot:Connect")]
        for position, resource in enumerate(one.resources):
            tail = resource.name.rpartition("}")[2]
            # name* is also name2; name/* is the device's own branch
            near = tail.startswith("*") or "*" in resource.name.partition("${")[0]
            near = near or ("*" in resource.name and not unique(resource))
            if acting and bound(resource) and near:
                yield placed(one, "Resource", position, action=acting[0], resource=resource.name)


@rule(
    "E9723",
    cause="{statement} of {policy} names the variable {variable}, which there is not",
    remedy="take one that IoT fills in, such as ${{iot:Connection.Thing.ThingName}} or ${{iot:ClientId}}",
    sources=(THING, NAMES),
)
def a_variable_that_is_never_filled_in(site: Site) -> Iterator[Finding]:
    for one in statements(site):
        for position, resource in enumerate(one.resources):
            for name in variables(resource):
                if not VARIABLES.fullmatch(name):
                    yield placed(one, "Resource", position, variable=name)
        for operator, keys in one.conditions.items():
            for key in keys:
                if key.startswith("iot:Connection.") and not VARIABLES.fullmatch(key):
                    yield placed(one, "Condition", operator, key, variable=key)


@rule(
    "E9724",
    cause="{statement} of {policy} has {action} on {resource}, and that action is about a {kind}",
    remedy="iot:Connect takes client/…, iot:Subscribe topicfilter/…, iot:Publish and iot:Receive topic/…",
    sources=(RESOURCES, PUBSUB),
)
def an_action_on_the_wrong_kind(site: Site) -> Iterator[Finding]:
    for one in statements(site):
        kinds = {kind for action in one.actions for kind in TAKES.get(action, ())}
        has = {resource.kind for resource in one.resources}
        if not kinds or has & {"", "?", "*"} or any("*" in action for action in one.actions):
            continue
        for action in one.actions:
            if not has & {*TAKES.get(action, has)}:
                yield placed(one, "Action", action=action, resource=listed(has), kind=TAKES[action][0])
        for position, resource in enumerate(one.resources):
            if resource.kind not in kinds and all(action in TAKES for action in one.actions):
                kind = " or ".join(sorted(kinds))
                yield placed(
                    one, "Resource", position, action=one.actions[0], resource=resource.kind, kind=kind
                )


def listed(kinds: set[str]) -> str:
    return " and ".join(sorted(kinds))


@rule(
    "E9725",
    cause="{statement} of {policy} has the action {action}, which no device can take",
    remedy="take one of the policy actions of IoT Core, spelled as AWS spells it",
    sources=(ACTIONS,),
)
def an_action_that_there_is_not(site: Site) -> Iterator[Finding]:
    for one in statements(site):
        for action in one.actions:
            service, _, name = action.partition(":")
            strange = action not in TAKES and action not in WITHOUT and "*" not in name and name
            if service == "iot" and strange and "Provision" not in name and "Certificate" not in name:
                yield placed(one, "Action", action=action)


@rule(
    "E9726",
    cause="{statement} of {policy} lets {who} connect",
    remedy='require Bool: {{"iot:Connection.Thing.IsAttached": "true"}}',
    sources=(THING, CONNECT),
)
def a_connection_of_no_thing(site: Site) -> Iterator[Finding]:
    for one in allowing(site):
        if "iot:Connect" not in one.actions:
            continue
        values = [str(keys[ATTACHED]).lower() for keys in one.conditions.values() if ATTACHED in keys]
        if any(value in ("false", "['false']") for value in values):
            yield placed(one, "Condition", who="only what is no thing")


@rule(
    "W9727",
    cause="{statement} of {policy} lets a certificate connect as a thing that it is not attached to",
    remedy='require Bool: {{"iot:Connection.Thing.IsAttached": "true"}}, or a client that is the thing',
    sources=(THING, CONNECT),
    demanding=True,
)
def a_connection_without_its_thing(site: Site) -> Iterator[Finding]:
    for one in allowing(site):
        if "iot:Connect" not in one.actions or _is_attached(one):
            continue
        for position, resource in enumerate(one.resources):
            own = any(name == "iot:ClientId" for name in variables(resource))
            thing = any(name.startswith("iot:Connection.Thing.") for name in variables(resource))
            # What ThingName comes to is the thing that the certificate is attached to; the condition says so
            # of what has no variable of the certificate's own.
            if own or (thing and _relies_on_things(site, one.policy)):
                yield placed(one, "Resource", position)


def _relies_on_things(site: Site, policy: Resource) -> bool:
    """Whether the same policy lets topics depend on what the registry says of the thing."""
    return any(
        ATTRIBUTE.search(resource.name)
        for one in statements(site)
        if one.policy == policy
        for resource in one.resources
    )


def allowing(site: Site) -> Iterator[Allowed]:
    return (one for one in statements(site) if one.allows)


def placed(one: Allowed, *path: str | int, **parts: object) -> Finding:
    parts |= {"policy": one.policy, "statement": one.name}
    return Finding(one.policy, ("Properties", *one.path, *path), parts)
