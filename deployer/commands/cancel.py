"""`cancel`: take back an update that runs, whoever began it."""

import sys

import click

from deployer import cancellation, progress
from deployer.commands.asking import ask, letting_run, need_terminal
from deployer.commands.invocation import command
from deployer.deployment import Deployment
from deployer.errors import NotApproved


@command("cancel", "cancel dev", "cancel prod --yes")
@click.option("--yes", is_flag=True, help="do not ask; needed where there is no terminal")
def cancel(deployment: Deployment, yes: bool) -> int:
    """Cancel the update that runs, and follow its way back."""
    target = deployment.target
    update = cancellation.cancellable(target)
    print(f"{update.stack_name}: {update.kind} {update.who}", file=sys.stderr, flush=True)
    if not yes:
        need_terminal()
        if ask("Cancel it, and go back to what was before? Only `yes` does: ") != "yes":
            raise NotApproved
    with letting_run(target.environment.name), progress.screen(sys.stderr) as listener:
        cancellation.cancel(target, update, listener)
    print(f"{update.stack_name}: cancelled; it is as it was before")
    return 0
