"""`apply` and `bootstrap`: show a plan, ask, execute that very change set, follow it."""

import sys
from collections.abc import Collection

import click

from deployer import bootstrapping, progress
from deployer.acceptance import Path, accept
from deployer.commands.asking import accept_losses, approve, discarding, letting_run, need_terminal
from deployer.commands.diagnose import tell
from deployer.commands.drift import gated
from deployer.commands.invocation import command, image_of
from deployer.commands.plan import IMAGE, UNWATCHED
from deployer.commands.showing import show
from deployer.commands.waiting import option as wait_option
from deployer.commands.waiting import settle
from deployer.deployment import Deployment
from deployer.plan import Plan
from deployer.rollback_alarms import OPTION

YES = "approved: do not ask; needed where there is no terminal"
LOSS = "a resource whose data may be lost, as the plan names it; for each one; --yes alone accepts none"
accepting = click.option("--accept-data-loss", "losses", metavar="NAME", multiple=True, help=LOSS)


@command("bootstrap", "bootstrap dev", "bootstrap prod --yes")
@click.option("--yes", is_flag=True, help=f"{YES}, if anything is modified or removed")
@accepting
@wait_option
def bootstrap(deployment: Deployment, yes: bool, losses: tuple[str, ...], wait: bool) -> int:
    """Make the artefact bucket, the image repository and the roles."""
    settle(deployment, wait, deployment.bootstrap_name)
    for made in bootstrapping.plans(deployment):
        show(made, sys.stdout)
        with discarding(deployment, made):
            accepted = _approved(made, losses, yes or made.only_adds)
        _execute(deployment, made, accepted, fresh=True)
    return 0


@command(
    "apply",
    "apply dev",
    "apply prod --plan millrace-deploy-0f3c… --yes",
    "apply dev --yes --accept-data-loss Stream/Readings",
)
@click.option("--image", metavar="DIGEST", help=IMAGE)
@click.option("--plan", "name", metavar="NAME", help="execute a change set that `plan` made and named")
@click.option("--yes", is_flag=True, help=YES)
@accepting
@click.option(OPTION, "unwatched", is_flag=True, help=UNWATCHED)
@wait_option
@gated
def apply(
    deployment: Deployment,
    *,
    image: str | None,
    name: str | None,
    yes: bool,
    losses: tuple[str, ...],
    unwatched: bool,
    wait: bool,
) -> int:
    """Plan, ask, execute that very change set, and follow it."""
    if name is not None and (image is not None or unwatched):
        option, what = ("--image", "image") if image is not None else (OPTION, "alarms")
        raise click.UsageError(f"{option} is not allowed with --plan, which has its {what} already")
    if not yes:
        need_terminal()
    settle(deployment, wait)
    if name is not None:  # it was there before, and stays
        made = deployment.read_plan(name)
        show(made, sys.stdout)
        return _execute(deployment, made, _approved(made, losses, yes), fresh=False)
    made = deployment.plan(image_digest=image_of(image), watched=not unwatched)
    show(made, sys.stdout)
    with discarding(deployment, made):
        accepted = _approved(made, losses, yes)
    return _execute(deployment, made, accepted, fresh=True)


def _approved(made: Plan, losses: Collection[str], yes: bool) -> frozenset[Path]:
    """What may be lost; asked for at a terminal, resource by resource, and then for the whole."""
    if made.is_empty:  # whoever was cut off says again what was lost already
        return frozenset()
    accepted = accept(made, losses)
    if yes:
        return accepted
    accepted |= accept_losses(made, accepted)
    approve()
    return accepted


def _execute(deployment: Deployment, made: Plan, accepted: Collection[Path], *, fresh: bool) -> int:
    with tell(deployment), letting_run(made.environment), progress.screen(sys.stderr) as listener:
        deployment.apply(made, listener, accepted=accepted, fresh=fresh)
    if not made.is_empty:
        print(f"{made.stack_name}: done")
    return 0
