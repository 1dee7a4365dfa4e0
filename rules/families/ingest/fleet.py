"""Fleet provisioning around its template: on, of the right type, with its hook, for the installers alone."""

from collections.abc import Iterator

from rules.families.ingest.device_statements import plain
from rules.families.ingest.provisioning import FLEET, TEMPLATE, bodies
from rules.seam.rule import Finding, Steps, found, rule
from rules.seam.site import Site
from topology.policies import Kind
from topology.tree import Resource
from topology.values import Reference, Value, known

TYPES = "https://docs.aws.amazon.com/iot/latest/developerguide/jit-provisioning.html"
CLAIM = "iot:CreateProvisioningClaim"
FUNCTION = "AWS::Lambda::Function"


@rule(
    "W9760",
    cause="{template} is off: no device can be provisioned by it",
    remedy="set Enabled: true",
    sources=(FLEET,),
    demanding=True,
)
def a_provisioning_that_is_off(site: Site) -> Iterator[Finding]:
    for template in site.all(TEMPLATE):
        enabled = site.get(template, "Enabled")
        if known(enabled) and str(enabled).lower() != "true" and not _is_just_in_time(site, template):
            yield found(template, "Enabled", template=template)


def _is_just_in_time(site: Site, template: Resource) -> bool:
    return site.get(template, "TemplateType") == "JITP"


@rule(
    "E9761",
    cause="{template} is of the type JITP, in which IoT fills in what the certificate says and not {names}",
    remedy="set TemplateType: FLEET_PROVISIONING, or take the values from the certificate",
    sources=(TYPES, FLEET),
)
def a_template_of_the_other_type(site: Site) -> Iterator[Finding]:
    for body in bodies(site):
        asked = [
            name
            for name, declared in body.parameters.items()
            if not name.startswith("AWS::IoT::") and "Default" not in (declared or {})
        ]
        if asked and _is_just_in_time(site, body.template):
            yield found(body.template, "TemplateType", template=body.template, names=", ".join(asked))


@rule(
    "E9763",
    cause="{statement} of {policy} lets claims be made on {resource}, which is no provisioning template",
    remedy="name the TemplateArn of the provisioning template",
    sources=(FLEET,),
)
def a_claim_on_what_is_no_template(site: Site) -> Iterator[Finding]:
    for resource, position, name, values in _claiming(site):
        for value in values:
            text = plain(value)
            wrong = isinstance(value, Reference) and value.resource.kind != TEMPLATE
            if (
                wrong and isinstance(value, Reference) and not value.resource.kind.startswith("AWS::Cloud")
            ) or (text.count(":") >= 5 and ":provisioningtemplate/" not in text and "*" not in text):
                parts = {"policy": resource, "statement": name, "resource": value}
                yield Finding(resource, ("Properties", *position, "Resource"), parts)


@rule(
    "W9764",
    cause="{statement} of {policy} lets claims be made on {resource}: on whatever template comes",
    remedy="name the TemplateArn of the one template",
    sources=(FLEET,),
    demanding=True,
)
def a_claim_on_every_template(site: Site) -> Iterator[Finding]:
    for resource, position, name, values in _claiming(site):
        for value in values:
            text = plain(value)
            if text == "*" or text.endswith(("provisioningtemplate/*", ":*")):
                parts = {"policy": resource, "statement": name, "resource": text}
                yield Finding(resource, ("Properties", *position, "Resource"), parts)


@rule(
    "W9765",
    cause="{statement} of {policy} lets its holder do {action}, which includes to change things and policies",
    remedy="name the actions: iot:CreateProvisioningClaim for who installs devices",
    sources=(FLEET, "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"),
    demanding=True,
)
def an_installer_that_may_do_everything(site: Site) -> Iterator[Finding]:
    for policy in site.policies:
        if policy.kind is Kind.IDENTITY and list(site.all(TEMPLATE)):
            for statement in policy.statements:
                if statement.allows and "iot:*" in statement.actions:
                    place = _place(statement.where, policy.resource)
                    parts = {"policy": policy.resource, "statement": statement.name, "action": "iot:*"}
                    yield Finding(policy.resource, ("Properties", *place, "Action"), parts)


def _claiming(site: Site) -> Iterator[tuple[Resource, Steps, str, list[Value]]]:
    """(who writes it, place, name, resources) of each statement that lets claims be made, and names that."""
    for policy in site.policies:
        for statement in policy.statements if policy.kind is Kind.IDENTITY else ():
            if statement.allows and CLAIM in statement.actions:
                named = statement.resolved.get("Resource")
                values: list[Value] = [*named] if isinstance(named, list) else [named]
                yield policy.resource, _place(statement.where, policy.resource), statement.name, values


def _place(where: str, resource: Resource) -> Steps:
    """Policies.0.PolicyDocument.Statement.2 as the way to it."""
    steps = where.removeprefix(f"{resource.address}.").split(".")
    return tuple(int(step) if step.isdigit() else step for step in steps)
