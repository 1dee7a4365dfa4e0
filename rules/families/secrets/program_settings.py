"""What programs are told that undoes their secrets: long-lived keys, no TLS, another region's authority."""

import re
from collections import Counter
from collections.abc import Iterator

from rules.families.secrets.logins import SECRET
from rules.families.secrets.readable_places import leaves
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.values import Reference, references

KEYS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html"
TLS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html"
BUNDLES = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html"
ACCESS_KEY = "AWS::IAM::AccessKey"
LAX = {"disable", "allow", "prefer"}
WITHOUT = re.compile(r"\bsslmode=(?:disable|allow|prefer)\b|\b(?:ssl|useSSL|tls)=(?:false|disabled|0)\b")
_REGION = r"((?:af|ap|ca|eu|il|me|mx|sa|us)(?:-gov)?-(?:north|south|east|west|central)+(?:east|west)?-\d)"
REGIONAL = re.compile(rf"\brds-{_REGION}\b|\b{_REGION}-bundle\b|\bsecretsmanager\.{_REGION}\.")


@rule(
    "E9379",
    cause="{user} shows the secret access key of {key}",
    remedy="use a role; where a key must be, keep it in a secret",
    sources=(KEYS,),
)
def a_key_that_is_shown(site: Site) -> Iterator[Finding]:
    for key in site.all(ACCESS_KEY):
        secret = Reference(key, "SecretAccessKey")
        for use in site.uses(key):
            if use.reference == secret and use.user.kind != SECRET:
                yield Finding(use.user, ("Properties", use.property), {"user": use.user, "key": key})
        for stack in site.tree.stacks.values():
            for name, written in stack.outputs.items():
                if secret in references(site.resolver.value(written, stack.address)):
                    yield Finding(stack, ("Outputs", name), {"user": f"the output {name}", "key": key})


@rule(
    "E9389",
    cause="{name} lets the program log in without TLS: {value}",
    remedy="set sslmode to verify-full, with the bundle of RDS",
    sources=(TLS, BUNDLES),
)
def a_program_without_tls(site: Site) -> Iterator[Finding]:
    for leaf in leaves(site):
        lax = leaf.name.upper().endswith("SSLMODE") and leaf.text in LAX
        if leaf.environment and (lax or WITHOUT.search(leaf.text)):
            yield Finding(leaf.place, leaf.path, {"name": leaf.name, "value": leaf.text})


@rule(
    "W9390",
    cause="{name} names {region}, where everything else of its kind here names {usual}",
    remedy="take the bundle, or the endpoint, of the region in which the stack stands",
    sources=(BUNDLES,),
)
def an_authority_of_another_region(site: Site) -> Iterator[Finding]:
    named = [
        (leaf, next(one for one in match.groups() if one))
        for leaf in leaves(site)
        if leaf.environment and (match := REGIONAL.search(leaf.text))
    ]
    counted = Counter(region for _, region in named).most_common()
    for leaf, region in named if len(counted) > 1 else ():
        # Where two stand against each other, each is doubtful.
        if region != counted[0][0] or counted[0][1] == counted[1][1]:
            usual = counted[0][0] if region != counted[0][0] else counted[1][0]
            yield Finding(leaf.place, leaf.path, {"name": leaf.name, "region": region, "usual": usual})
