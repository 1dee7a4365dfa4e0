"""All that is patched into ministack 1.5.33, in one place, in the order it is put in."""

from local.aws import (
    acts,
    alarms,
    authorisation,
    budget,
    cache,
    cancelling,
    changesets,
    continuing,
    database,
    drift,
    evaluations,
    functions,
    identity,
    images,
    leftovers,
    logs,
    nested,
    network,
    noting,
    operations,
    policies,
    protection,
    replacing,
    resharding,
    retries,
    rotation,
    scaling,
    secrets,
    services,
    stacks,
    streams,
    tables,
    topics,
    triggers,
    undone,
)
from local.aws.endpoints import Endpoints


def install(endpoints: Endpoints) -> None:
    """Put every addition in; once, before the first request."""
    operations.install()
    acts.install()
    stacks.install()
    nested.install()
    cancelling.install()
    continuing.install()
    triggers.install()
    policies.install()
    protection.install()
    drift.install()
    undone.install()
    leftovers.install()
    changesets.install()
    retries.install()
    replacing.install()
    network.install()
    database.install(endpoints.database)
    cache.install(endpoints.cache)
    streams.install()
    resharding.install()
    tables.install()
    topics.install()
    authorisation.install()
    evaluations.install()
    noting.install()
    alarms.install()
    identity.install()
    images.install()
    budget.install()
    services.install()
    scaling.install()
    secrets.install()
    rotation.install()
    logs.install()
    functions.install(endpoints.ca_file)
