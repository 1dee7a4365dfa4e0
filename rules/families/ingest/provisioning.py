"""How devices become known: the template is one, and makes what the policy of devices asks for."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rules.families.ingest.device_statements import ATTRIBUTE, plain, statements
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, known, references

TEMPLATE = "AWS::IoT::ProvisioningTemplate"
POLICY = "AWS::IoT::Policy"
BODIES = "https://docs.aws.amazon.com/iot/latest/developerguide/provision-template.html"
FLEET = "https://docs.aws.amazon.com/iot/latest/developerguide/provision-wo-cert.html"
HOOKS = "https://docs.aws.amazon.com/iot/latest/developerguide/pre-provisioning-hook.html"
TYPES = ("AWS::IoT::Thing", "AWS::IoT::Certificate", POLICY)
NEEDED = {
    "AWS::IoT::Thing": {"ThingName"},
    "AWS::IoT::Certificate": {"CertificateId", "CertificateSigningRequest", "CertificatePem"},
    POLICY: {"PolicyName", "PolicyDocument"},
}
BODY = "TemplateBody"


@dataclass(frozen=True)
class Body:
    """A template's body, read."""

    template: Resource
    parameters: Mapping[str, Any]
    resources: Mapping[str, Any]

    def of(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Name → resource of a type."""
        return {
            name: one
            for name, one in self.resources.items()
            if isinstance(one, dict) and one.get("Type") == kind
        }


def bodies(site: Site) -> Iterator[Body]:
    for template in site.all(TEMPLATE):
        value = site.get(template, BODY)
        text = plain(value) if known(value) and value is not None else ""
        try:
            body = json.loads(text) if text else None
        except ValueError:
            continue
        if isinstance(body, dict):
            parameters, resources = body.get("Parameters") or {}, body.get("Resources") or {}
            if isinstance(parameters, dict) and isinstance(resources, dict):
                yield Body(template, parameters, resources)


@rule(
    "E9740",
    cause="the body of {template} {wrong}",
    remedy="write JSON with Parameters, and Resources: an AWS::IoT::Thing, a Certificate and a Policy",
    sources=(BODIES,),
)
def a_body_that_is_none(site: Site) -> Iterator[Finding]:
    for template in site.all(TEMPLATE):
        value = site.get(template, BODY)
        if value is None or not known(value):
            continue
        try:
            read = json.loads(plain(value))
        except ValueError as error:
            yield found(template, BODY, template=template, wrong=f"is no JSON ({error})")
            continue
        resources = read.get("Resources") if isinstance(read, dict) else None
        if not isinstance(resources, dict) or not resources:
            yield found(template, BODY, template=template, wrong="makes no resources")
            continue
        for name, one in resources.items():
            kind = one.get("Type") if isinstance(one, dict) else None
            given = one.get("Properties") if isinstance(one, dict) else None
            wrong = f"has {name} of the type {kind}" if kind not in TYPES else ""
            if not wrong and not {*(given or {})} & NEEDED[str(kind)]:
                wrong = f"has {name} without {' or '.join(sorted(NEEDED[str(kind)]))}"
            if wrong:
                yield found(template, BODY, template=template, wrong=wrong)


@rule(
    "E9741",
    cause="the body of {template} {wrong}",
    remedy="declare under Parameters what Ref names, and what IoT gives: AWS::IoT::Certificate::Id",
    sources=(BODIES,),
)
def a_parameter_that_is_not_declared(site: Site) -> Iterator[Finding]:
    for body in bodies(site):
        used = set(_refs(body.resources))
        for name in sorted(used - body.parameters.keys() - body.resources.keys()):
            yield found(body.template, BODY, template=body.template, wrong=f"refers to {name}, undeclared")
        for name in sorted(body.parameters.keys() - used):
            if not name.startswith("AWS::IoT::"):
                yield found(body.template, BODY, template=body.template, wrong=f"asks for {name} in vain")


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _refs(item)
    elif isinstance(node, dict):
        for key, item in node.items():
            if key == "Ref" and isinstance(item, str):
                yield item
            else:
                yield from _refs(item)


@rule(
    "E9742",
    cause="the body of {template} makes no {kind}, so a device that it provisions {lacks}",
    remedy="add it to the Resources of the body",
    sources=(BODIES, FLEET),
)
def a_device_that_is_half_made(site: Site) -> Iterator[Finding]:
    lacking = {
        "AWS::IoT::Thing": "is unknown to the registry, and to policies that ask for it",
        "AWS::IoT::Certificate": "has nothing to prove itself with",
        POLICY: "may do nothing",
    }
    for body in bodies(site):
        for kind, lacks in lacking.items():
            asked = kind != "AWS::IoT::Thing" or _asks_for_things(site)
            if asked and body.resources and not body.of(kind):
                yield found(body.template, BODY, template=body.template, kind=kind, lacks=lacks)


def _asks_for_things(site: Site) -> bool:
    return any("iot:Connection.Thing." in on.name for one in statements(site) for on in one.resources)


@rule(
    "E9743",
    cause="the body of {template} gives devices the policy {name}, {wrong}",
    remedy="name the AWS::IoT::Policy of these templates by its !Ref",
    sources=(BODIES,),
)
def a_policy_that_is_another(site: Site) -> Iterator[Finding]:
    names = {site.get(policy, "PolicyName") for policy in site.all(POLICY)}
    here = {policy.address.replace("/", "."): policy for policy in site.all(POLICY)}
    everywhere = {one.address.replace("/", "."): one for one in site.tree.resources()}
    unnamed = [policy for policy in site.all(POLICY) if site.get(policy, "PolicyName") is None]
    for body in bodies(site):
        referred = list(references(site.get(body.template, BODY)))
        for one in body.of(POLICY).values():
            properties = one.get("Properties")
            name = properties.get("PolicyName") if isinstance(properties, dict) else None
            if not isinstance(name, str) or name in names or not here:
                continue
            wrong = ""
            if name in here:
                right = Reference(here[name]) in referred
                wrong = "" if right else "which is its ARN or another attribute, not its name"
            elif name in everywhere:
                wrong = f"which is {everywhere[name]}, of the type {everywhere[name].kind}"
            elif unnamed and len(unnamed) == len(here):
                wrong = "which no template here makes"
            if wrong:
                yield found(body.template, BODY, template=body.template, name=name, wrong=wrong)


@rule(
    "E9744",
    cause="{template} makes things without the attribute {attribute}, which the policy {policy} asks for",
    remedy="set it in the AttributePayload of the thing",
    sources=(BODIES, "https://docs.aws.amazon.com/iot/latest/developerguide/thing-policy-variables.html"),
)
def an_attribute_that_no_thing_has(site: Site) -> Iterator[Finding]:
    for body in bodies(site):
        policies = {reference.resource for reference in references(site.get(body.template, BODY))}
        made = {name for thing in body.of("AWS::IoT::Thing").values() for name in attributes(thing)}
        if not body.of("AWS::IoT::Thing"):
            continue
        for one in statements(site):
            for on in one.resources if one.policy in policies else ():
                for attribute in ATTRIBUTE.findall(on.name):
                    if attribute not in made:
                        yield found(
                            body.template,
                            BODY,
                            template=body.template,
                            attribute=attribute,
                            policy=one.policy,
                        )


def attributes(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = thing.get("Properties")
    found = properties.get("AttributePayload") if isinstance(properties, dict) else None
    return found if isinstance(found, dict) else {}


@rule(
    "E9745",
    cause="{template} gives a thing the attribute {attribute} with {count} levels, and {policy} asks for "
    "{wanted}",
    remedy="join as many parts by / as the condition of the policy has",
    sources=(BODIES, "https://docs.aws.amazon.com/iot/latest/developerguide/thing-policy-variables.html"),
)
def an_attribute_of_other_levels(site: Site) -> Iterator[Finding]:
    for body in bodies(site):
        for thing in body.of("AWS::IoT::Thing").values():
            for attribute, value in attributes(thing).items():
                count = _joined_levels(value)
                for one in statements(site) if count else ():
                    for keys in one.conditions.values():
                        wanted = keys.get(f"iot:Connection.Thing.Attributes[{attribute}]")
                        asked = wanted.count("/") + 1 if isinstance(wanted, str) and "?" in wanted else 0
                        if asked and asked != count:
                            yield found(
                                body.template,
                                BODY,
                                template=body.template,
                                attribute=attribute,
                                count=count,
                                policy=one.policy,
                                wanted=asked,
                            )


def _joined_levels(value: Any) -> int:
    """Of how many levels an attribute is, where it is joined of single parameters; 0 where nobody knows."""
    joined = value.get("Fn::Join") if isinstance(value, dict) else None
    if not isinstance(joined, list) or len(joined) != 2 or not isinstance(joined[1], list):
        return 0
    return len(joined[1]) if joined[0] == "/" else 1
