"""Times of PostgreSQL's parameters, which are milliseconds where one thinks of seconds."""

from collections.abc import Iterator

from rules.families.durability.database_engines import written_parameters
from rules.families.durability.upkeep import number
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site

# https://www.postgresql.org/docs/current/runtime-config-client.html: a value without a unit is milliseconds.
TIMEOUTS = frozenset(
    {
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "lock_timeout",
        "statement_timeout",
        "transaction_timeout",
    }
)
SECOND = 1000


@rule(
    "W9442",
    cause="{group} sets {name} to {value}, which is milliseconds: what takes longer is ended",
    remedy="give milliseconds: 60000 for a minute; 0 for no limit",
    sources=("https://www.postgresql.org/docs/current/runtime-config-client.html",),
)
def a_limit_in_seconds_that_is_milliseconds(site: Site) -> Iterator[Finding]:
    for group, family, name, value in written_parameters(site):
        limit = number(value)
        if "postgres" in family and name in TIMEOUTS and limit is not None and 0 < limit < SECOND:
            yield found(group, "Parameters", name, group=group, name=name, value=value)
