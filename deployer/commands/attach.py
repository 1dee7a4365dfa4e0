"""`attach`: follow what runs, whoever began it and wherever."""

import sys

import click

from deployer import attachment, documents, progress
from deployer.attachment import Running
from deployer.commands.asking import letting_run
from deployer.commands.diagnose import tell
from deployer.commands.invocation import command
from deployer.commands.showing import say
from deployer.deployment import Deployment
from deployer.ending import Ending
from deployer.errors import DeploymentFailed
from deployer.events import Silence


@command("attach", "attach dev", "attach prod --operation millrace-deploy-0f3c…", "attach dev --json")
@click.option(
    "--operation",
    metavar="TOKEN",
    help="the token with which it was begun, or AWS's id of it; needed only once another has begun",
)
@click.option("--json", "as_json", is_flag=True, help="how it ended, as docs/schemas/attach.schema.json says")
def attach(deployment: Deployment, operation: str | None, as_json: bool) -> int:
    """Follow what runs to its end, or tell how the last one ended."""
    found = attachment.find(deployment.target, operation)
    if as_json:
        try:
            print(documents.text(Ending.of(found, _ended(deployment, found))))
        except DeploymentFailed as failed:
            print(documents.text(Ending.failed(found, failed)))
            raise
    elif found.ended is None:
        say(f"{found.stack_name}: ended as {_ended(deployment, found)}", sys.stdout)
    else:
        nothing = "" if operation else "nothing runs; "
        told = f"{nothing}{found.kind} {found.who}, ended as {found.status}"
        say(f"{found.stack_name}: {told}", sys.stdout)
        _ended(deployment, found)
    return 0


def _ended(deployment: Deployment, found: Running) -> str:
    """The status in which it ended, followed on the screen if it has not yet. Raises DeploymentFailed."""
    target = deployment.target
    if found.ended is not None:
        return attachment.follow(target, found, Silence())
    say(f"{found.stack_name}: {found.kind} {found.who}", sys.stderr)
    with tell(deployment), letting_run(target.environment.name), progress.screen(sys.stderr) as listener:
        return attachment.follow(target, found, listener)
