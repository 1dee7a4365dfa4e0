"""`attach`: follow what runs, whoever began it and wherever."""

import sys

import click

from deployer import attachment, progress
from deployer.commands.asking import letting_run
from deployer.commands.invocation import command
from deployer.deployment import Deployment
from deployer.events import Silence


@command("attach", "attach dev", "attach prod --operation millrace-deploy-0f3c…")
@click.option(
    "--operation",
    metavar="TOKEN",
    help="the token with which it was begun, or AWS's id of it; needed only once another has begun",
)
def attach(deployment: Deployment, operation: str | None) -> int:
    """Follow what runs to its end; with nothing running, tell how the last operation ended."""
    target = deployment.target
    found = attachment.find(target, operation)
    if found.ended is not None:
        nothing = "" if operation else "nothing runs; "
        print(f"{found.stack_name}: {nothing}{found.kind} {found.who}, ended as {found.status}", flush=True)
        attachment.follow(target, found, Silence())
        return 0
    print(f"{found.stack_name}: {found.kind} {found.who}", file=sys.stderr, flush=True)
    with letting_run(target.environment.name), progress.screen(sys.stderr) as listener:
        status = attachment.follow(target, found, listener)
    print(f"{found.stack_name}: ended as {status}")
    return 0
