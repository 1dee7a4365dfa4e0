"""All that is patched into ministack 1.5.33, in one place, in the order it is put in."""

from local.aws import (
    alarms,
    authorisation,
    budget,
    cache,
    changesets,
    database,
    functions,
    identity,
    leftovers,
    nested,
    network,
    replacing,
    rotation,
    scaling,
    secrets,
    services,
    stacks,
    streams,
)
from local.aws.endpoints import Endpoints


def install(endpoints: Endpoints) -> None:
    """Put every addition in; once, before the first request."""
    stacks.install()
    nested.install()
    leftovers.install()
    changesets.install()
    replacing.install()
    network.install()
    database.install(endpoints.database)
    cache.install(endpoints.cache)
    streams.install()
    authorisation.install()
    alarms.install()
    identity.install()
    budget.install()
    services.install()
    scaling.install()
    secrets.install()
    rotation.install()
    functions.install(endpoints.ca_file)
