"""Which secret is published for others to look up: an application's, never the master's."""

from collections.abc import Iterator

from rules.families.secrets.logins import SCHEDULE, is_managed
from rules.families.secrets.rotation_functions import STRATEGIES
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import references


@rule(
    "W9315",
    cause="{parameter} publishes the master's secret of {database}, and whoever looks it up is master",
    remedy="publish the secret of a user with fewer rights, which the templates have",
    sources=(STRATEGIES,),
    demanding=True,
)
def a_master_s_secret_for_everybody(site: Site) -> Iterator[Finding]:
    if not any(site.all(SCHEDULE)):
        return  # there is no other login to publish
    for parameter in site.all("AWS::SSM::Parameter"):
        for named in dict.fromkeys(references(site.get(parameter, "Value"))):
            if is_managed(named):
                yield found(parameter, "Value", parameter=parameter, database=named.resource)
