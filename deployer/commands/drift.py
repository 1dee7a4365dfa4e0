"""`drift`: what stands against what the templates say; and the gate that other commands put before a plan."""

import functools
import sys
from collections.abc import Callable

import click

from deployer import documents, drift
from deployer.commands.invocation import command
from deployer.commands.showing import width
from deployer.commands.waiting import settle
from deployer.deployment import Deployment
from deployer.drift_document import document
from deployer.errors import MissingStack

GATE = "detect drift first, and refuse to go on over any"
ACCEPT = "with --drift-gate: go on over the drift of this resource; may be repeated"


@command("drift", "drift dev", "drift prod --json")
@click.option("--json", "as_json", is_flag=True, help="print one JSON document")
def drift_of(deployment: Deployment, as_json: bool) -> int:
    """Compare what stands with the templates."""
    found = drift.detect(deployment.target)
    print(documents.text(document(found)) if as_json else found.render(width(sys.stdout)))
    return found.verdict


def gated(function: Callable[..., int]) -> Callable[..., int]:
    """Gives a command `--drift-gate` and `--accept-drift`, looked after before anything is planned."""

    @functools.wraps(function)
    def run(
        deployment: Deployment, *, drift_gate: bool, accept_drift: tuple[str, ...], **options: object
    ) -> int:
        if accept_drift and not drift_gate:
            raise click.UsageError("--accept-drift goes with --drift-gate")
        if drift_gate:
            settle(deployment, bool(options.get("wait")))
            try:
                found = drift.detect(deployment.target)
            except MissingStack:
                pass  # what is not there yet has not drifted
            else:
                drift.gate(found, accept_drift)
        return function(deployment, **options)

    run = click.option("--accept-drift", metavar="PATH", multiple=True, help=ACCEPT)(run)
    return click.option("--drift-gate", is_flag=True, help=GATE)(run)
