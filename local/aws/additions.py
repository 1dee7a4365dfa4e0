"""All that is patched into ministack 1.5.33, in one place, in the order it is put in."""

from local.aws import changesets, nested, stacks
from local.aws.endpoints import Endpoints


def install(endpoints: Endpoints) -> None:
    """Put every addition in; once, before the first request."""
    stacks.install()
    nested.install()
    changesets.install()
