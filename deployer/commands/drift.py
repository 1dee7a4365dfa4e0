"""`drift`: what stands against what the templates say; and the gate that other commands put before a plan."""

import functools
import re
import sys
from collections.abc import Callable

import click

from deployer import documents, drift, drift_text
from deployer.commands.invocation import command
from deployer.commands.showing import say, width
from deployer.commands.waiting import settle
from deployer.deployment import Deployment
from deployer.drift import Drift
from deployer.drift_document import document
from deployer.errors import MissingStack

# How the services of AWS say that a right is missing.
REFUSED = re.compile(r"AccessDenied|UnauthorizedOperation|not authorized to perform", re.IGNORECASE)
READER = (
    "note: CloudFormation reads each resource with your rights, and some are missing: attach the policy "
    "docs/drift-reader.json, as docs/deploying.md says, and detect again"
)
GATE = "detect drift first, and refuse to go on over any"
ACCEPT = "with --drift-gate: go on over the drift of this resource; may be repeated"


@command("drift", "drift dev", "drift prod --json")
@click.option("--json", "as_json", is_flag=True, help="print one JSON document")
def drift_of(deployment: Deployment, as_json: bool) -> int:
    """Compare what stands with the templates."""
    say(f"{deployment.stack_name}: detecting drift, stack by stack; it takes a minute or more", sys.stderr)
    found = drift.detect(deployment.target)
    _tell_of_rights(found)
    print(documents.text(document(found)) if as_json else drift_text.render(found, width(sys.stdout)))
    return found.verdict


def _tell_of_rights(found: Drift) -> None:
    """CloudFormation reads as whoever asks, and its own sentence names an action of another service."""
    told = [text for each in found.stacks for text in (each.why, *(one.reason for one in each.resources))]
    if any(REFUSED.search(text) for text in told):
        print(READER, file=sys.stderr, flush=True)


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
                _tell_of_rights(found)
                drift.gate(found, accept_drift)
        return function(deployment, **options)

    run = click.option("--accept-drift", metavar="PATH", multiple=True, help=ACCEPT)(run)
    return click.option("--drift-gate", is_flag=True, help=GATE)(run)
