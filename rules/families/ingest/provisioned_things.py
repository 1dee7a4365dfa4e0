"""The things and certificates that a provisioning template makes: each device its own, and no other's."""

from collections.abc import Iterator, Mapping
from typing import Any

from rules.families.ingest.device_statements import THING, statements
from rules.families.ingest.provisioning import BODIES, BODY, HOOKS, attributes, bodies
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site

OVERRIDES = {
    "AttributePayload": {"DO_NOTHING", "REPLACE", "FAIL", "MERGE"},
    "ThingTypeName": {"DO_NOTHING", "REPLACE", "FAIL"},
    "ThingGroups": {"DO_NOTHING", "REPLACE", "FAIL"},
}


@rule(
    "E9746",
    cause="{template} gives every device the {property} {value}",
    remedy="take it from a parameter that is another for each device, or from the certificate",
    sources=(BODIES,),
)
def one_name_for_all_devices(site: Site) -> Iterator[Finding]:
    for body in bodies(site):
        for thing in body.of("AWS::IoT::Thing").values():
            properties = thing.get("Properties")
            name = properties.get("ThingName") if isinstance(properties, dict) else None
            declared = body.parameters.get(name.get("Ref", "")) if isinstance(name, dict) else None
            default = declared.get("Default") if isinstance(declared, dict) else None
            if isinstance(name, str) or default:
                value = name if isinstance(name, str) else default
                yield found(body.template, BODY, template=body.template, property="ThingName", value=value)


@rule(
    "E9747",
    cause="{template} makes certificates with the status {status}",
    remedy="set Status to ACTIVE: no device connects otherwise",
    sources=(BODIES,),
)
def a_certificate_that_lets_nobody_in(site: Site) -> Iterator[Finding]:
    for body in bodies(site):
        for one in body.of("AWS::IoT::Certificate").values():
            properties = one.get("Properties")
            status = properties.get("Status") if isinstance(properties, dict) else None
            if isinstance(status, str) and status != "ACTIVE":
                yield found(body.template, BODY, template=body.template, status=status)


@rule(
    "W9748",
    cause="{template} lets whoever claims the name of a known thing {what}",
    remedy='set OverrideSettings of the thing to {{"AttributePayload": "FAIL", "ThingTypeName": "FAIL", '
    '"ThingGroups": "FAIL"}}, or check the claim in a PreProvisioningHook',
    sources=(BODIES, HOOKS),
    demanding=True,
)
def a_thing_that_another_may_take(site: Site) -> Iterator[Finding]:
    for body in bodies(site):
        if site.get(body.template, "PreProvisioningHook") is not None:
            continue
        for thing in body.of("AWS::IoT::Thing").values():
            settings = thing.get("OverrideSettings")
            if not _relied_upon(site, thing):
                continue
            payload = settings.get("AttributePayload") if isinstance(settings, dict) else None
            if payload in ("REPLACE", "MERGE"):
                what = f"change its attributes, by {payload}"
            elif payload == "FAIL":
                continue
            else:
                what = "have a certificate for it, since an override is not refused"
            yield found(body.template, BODY, template=body.template, what=what)


def _relied_upon(site: Site, thing: Mapping[str, Any]) -> bool:
    """Whether a policy decides by what such things are."""
    names = {THING, *(f"iot:Connection.Thing.Attributes[{name}]" for name in attributes(thing))}
    return any(
        f"${{{name}}}" in on.name for one in statements(site) for on in one.resources for name in names
    )


@rule(
    "E9749",
    cause="{template} says {setting} {value} for a thing, which takes {allowed}",
    remedy="write one of them",
    sources=(BODIES,),
)
def a_setting_that_there_is_not(site: Site) -> Iterator[Finding]:
    for body in bodies(site):
        for thing in body.of("AWS::IoT::Thing").values():
            settings = thing.get("OverrideSettings")
            for name, value in settings.items() if isinstance(settings, dict) else ():
                allowed = OVERRIDES.get(name, set())
                if value not in allowed:
                    yield found(
                        body.template,
                        BODY,
                        template=body.template,
                        setting=name,
                        value=value,
                        allowed=", ".join(sorted(allowed)) or "no such setting",
                    )
