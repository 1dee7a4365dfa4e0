"""`cancel`: take back an update that runs, whoever began it."""

import sys

import click

from deployer import cancellation, documents, progress
from deployer.commands.asking import ask, letting_run, need_terminal
from deployer.commands.diagnose import tell
from deployer.commands.invocation import command
from deployer.commands.showing import say
from deployer.deployment import Deployment
from deployer.ending import Ending
from deployer.errors import DeploymentFailed, NotApproved


@command("cancel", "cancel dev", "cancel prod --yes")
@click.option("--yes", is_flag=True, help="do not ask; needed where there is no terminal")
@click.option("--json", "as_json", is_flag=True, help="how it ended, as docs/schemas/cancel.schema.json says")
def cancel(deployment: Deployment, yes: bool, as_json: bool) -> int:
    """Cancel the update that runs, and follow its way back."""
    target = deployment.target
    update = cancellation.cancellable(target)
    say(f"{update.stack_name}: {update.kind} {update.who}", sys.stderr)
    if not yes:
        need_terminal()
        if ask("Cancel it, and go back to what was before? Only `yes` does:") != "yes":
            raise NotApproved
    try:
        with tell(deployment), letting_run(target.environment.name), progress.screen(sys.stderr) as listener:
            status = cancellation.cancel(target, update, listener)
    except DeploymentFailed as failed:
        if as_json:
            print(documents.text(Ending.failed(update, failed)))
        raise
    if as_json:
        print(documents.text(Ending.of(update, status)))
    else:
        say(f"{update.stack_name}: cancelled; it is as it was before", sys.stdout)
    return 0
