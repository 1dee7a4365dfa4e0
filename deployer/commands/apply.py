"""`apply` and `bootstrap`: show a plan, ask, execute that very change set, follow it."""

import sys

import click

from deployer import progress
from deployer.commands.asking import approve, discarding, letting_run, need_terminal
from deployer.commands.diagnose import tell
from deployer.commands.drift import gated
from deployer.commands.invocation import command, image_of
from deployer.commands.plan import IMAGE
from deployer.commands.showing import show
from deployer.commands.waiting import option as wait_option
from deployer.commands.waiting import settle
from deployer.deployment import Deployment
from deployer.plan import Plan

YES = "approved: do not ask; needed where there is no terminal"


@command("bootstrap", "bootstrap dev", "bootstrap prod --yes")
@click.option("--yes", is_flag=True, help=f"{YES}, if anything is modified or removed")
@wait_option
def bootstrap(deployment: Deployment, yes: bool, wait: bool) -> int:
    """Make the artefact bucket, the image repository and the roles."""
    settle(deployment, wait, deployment.bootstrap_name)
    plan = deployment.plan_bootstrap()
    show(plan, sys.stdout)
    if not plan.is_empty and not plan.only_adds and not yes:
        with discarding(deployment, plan):
            approve()
    return _execute(deployment, plan)


@command("apply", "apply dev", "apply prod --plan millrace-deploy-0f3c… --yes")
@click.option("--image", metavar="DIGEST", help=IMAGE)
@click.option("--plan", "name", metavar="NAME", help="execute a change set that `plan` made and named")
@click.option("--yes", is_flag=True, help=YES)
@wait_option
@gated
def apply(deployment: Deployment, image: str | None, name: str | None, yes: bool, wait: bool) -> int:
    """Plan, ask, execute that very change set, and follow it."""
    if image is not None and name is not None:
        raise click.UsageError("--image is not allowed with --plan, which has its image already")
    if not yes:
        need_terminal()
    settle(deployment, wait)
    made = deployment.read_plan(name) if name is not None else deployment.plan(image_digest=image_of(image))
    show(made, sys.stdout)
    if not made.is_empty and not yes:
        if name is not None:  # it was there before, and stays
            approve()
        else:
            with discarding(deployment, made):
                approve()
    return _execute(deployment, made)


def _execute(deployment: Deployment, made: Plan) -> int:
    with tell(deployment), letting_run(made.environment), progress.screen(sys.stderr) as listener:
        deployment.apply(made, listener)
    if not made.is_empty:
        print(f"{made.stack_name}: done")
    return 0
