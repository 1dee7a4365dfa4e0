"""What schedules ask functions about: of the secret that a function rotates, and of no other."""

from collections.abc import Iterator

from rules.families.secrets.logins import FUNCTIONS, is_managed, meant, rotators
from rules.families.secrets.rotation_functions import PERMITTED
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import Reference, references


@rule(
    "W9314",
    cause="{asking} asks {function} about {secret}, and it rotates {rotated} only",
    remedy="name the secret that it rotates",
    sources=(PERMITTED,),
)
def a_question_about_another_secret(site: Site) -> Iterator[Finding]:
    for asking in site.all("AWS::Events::Rule", "AWS::Scheduler::Schedule"):
        targets = site.items(asking, "Targets") or site.items(asking, "Target")
        for at, target in enumerate(targets):
            if not isinstance(target, dict):
                continue
            function = site.target(target.get("Arn"), *FUNCTIONS)
            rotated = [meant(site, site.get(one, "SecretId")) for one, by in rotators(site) if by == function]
            if function is None or not rotated or None in rotated:
                continue
            for named in dict.fromkeys(references(target.get("Input"))):
                if _is_secret(site, named) and meant(site, named) not in rotated:
                    yield found(
                        asking,
                        *(("Targets", at) if "Targets" in asking.properties else ("Target",)),
                        "Input",
                        asking=asking,
                        function=function,
                        secret=named,
                        rotated=", ".join(dict.fromkeys(map(str, rotated))),
                    )


def _is_secret(site: Site, named: Reference) -> bool:
    return meant(site, named) is not None or is_managed(named)
