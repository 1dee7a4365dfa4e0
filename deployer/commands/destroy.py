"""`destroy`: list what is kept and lost, ask, delete the platform's stacks."""

import sys

import click

from deployer import destruction, documents, progress
from deployer.commands.asking import letting_run, need_terminal, need_typed
from deployer.commands.diagnose import tell
from deployer.commands.invocation import command
from deployer.commands.showing import say, width
from deployer.commands.waiting import option as wait_option
from deployer.commands.waiting import settle
from deployer.deployment import Deployment
from deployer.destruction import Destruction
from deployer.naming import meant

LOSS = "with --yes: lose this resource; may be repeated"
EMPTY = "empty this bucket first; may be repeated"
YES = "approved: do not ask; each resource that loses data still needs --accept-data-loss"


@command(
    "destroy",
    "destroy dev",
    "destroy dev --list",
    "destroy dev --yes --accept-data-loss Stream/Readings",
    "destroy dev --bootstrap --empty Artefacts",
)
@click.option("--list", "only_list", is_flag=True, help="list what would be kept and lost, and end there")
@click.option("--bootstrap", is_flag=True, help="the bootstrap stack, once the platform is gone")
@click.option("--accept-data-loss", "accepted", metavar="NAME", multiple=True, help=LOSS)
@click.option("--empty", "emptied", metavar="NAME", multiple=True, help=EMPTY)
@click.option("--yes", is_flag=True, help=YES)
@wait_option
@click.option("--json", "as_json", is_flag=True, help="print one JSON document")
def destroy(
    deployment: Deployment,
    *,
    only_list: bool,
    bootstrap: bool,
    accepted: tuple[str, ...],
    emptied: tuple[str, ...],
    yes: bool,
    wait: bool,
    as_json: bool,
) -> int:
    """List what is kept and lost, ask, delete."""
    if accepted and not yes:
        raise click.UsageError("--accept-data-loss goes with --yes; at a terminal, the stack's name is typed")
    going = Destruction(deployment.target, bootstrap)
    if not only_list:
        settle(deployment, wait, going.stack_name)
    listing = going.listing()
    if not as_json:
        told = going.nothing() if listing is None else listing.render(width(sys.stdout))
        print(told, flush=True)
    if listing is not None and not only_list:
        _agree(going, listing, accepted if yes else None, emptied)
        names = meant("--empty", emptied, listing.buckets)
        to_empty = [each for each in listing.blocking if each.path in names]
        with (
            tell(deployment),
            letting_run(deployment.target.environment.name),
            progress.screen(sys.stderr) as listener,
        ):
            going.destroy(listener, to_empty)
        if not as_json:
            stays = "" if bootstrap else f"; {deployment.target.bootstrap_name} and its artefacts stay"
            say(f"{going.stack_name}: deleted{stays}", sys.stdout)
    if as_json:
        print(documents.text(destruction.document(going, listing, listing is not None and not only_list)))
    return 0


def _agree(
    going: Destruction,
    listing: destruction.Listing,
    accepted: tuple[str, ...] | None,
    emptied: tuple[str, ...],
) -> None:
    going.check(listing, accepted, emptied)
    if accepted is None:
        need_terminal()
        need_typed(f"Type {going.stack_name} to delete it:", going.stack_name)
