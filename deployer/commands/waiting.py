"""`--wait`, for every command that changes a stack."""

import sys

import click

from deployer import progress, waiting
from deployer.commands.asking import letting_run
from deployer.deployment import Deployment

option = click.option(
    "--wait", is_flag=True, help="where another operation is under way, wait for its end and go on"
)


def settle(deployment: Deployment, wait: bool, stack_name: str | None = None) -> None:
    """Raises Busy where the stack (the platform's, by default) is being changed, or waits."""
    target = deployment.target
    with letting_run(target.environment.name), progress.screen(sys.stderr) as listener:
        waiting.settle(target, stack_name or deployment.stack_name, wait, listener)
