"""`destroy`: list what is kept and lost, ask, delete the platform's stacks."""

import sys

import click

from deployer import progress
from deployer.commands.apply import YES
from deployer.commands.asking import ask, letting_run, need_terminal
from deployer.commands.diagnose import tell
from deployer.commands.invocation import command
from deployer.commands.showing import width
from deployer.commands.waiting import option as wait_option
from deployer.commands.waiting import settle
from deployer.deployment import Deployment
from deployer.errors import NotApproved


@command("destroy", "destroy dev")
@click.option("--yes", is_flag=True, help=YES)
@wait_option
def destroy(deployment: Deployment, yes: bool, wait: bool) -> int:
    """List what is kept and lost, ask, delete the platform's stacks."""
    settle(deployment, wait)
    removal = deployment.removal()
    if removal is None:
        print(f"{deployment.stack_name}: nothing to do")
        return 0
    print(removal.render(width(sys.stdout)))
    if not yes:
        need_terminal()
        if ask(f"Type {deployment.stack_name} to delete it: ") != deployment.stack_name:
            raise NotApproved
    with (
        tell(deployment),
        letting_run(deployment.target.environment.name),
        progress.screen(sys.stderr) as listener,
    ):
        deployment.destroy(listener)
    print(f"{deployment.stack_name}: deleted; {deployment.bootstrap_name} and its artefacts stay")
    return 0
