"""`status` and `outputs`: what stands, and what it offers."""

import sys

import click

from deployer import outputs as published
from deployer.commands.invocation import command
from deployer.commands.showing import width
from deployer.deployment import Deployment
from deployer.errors import MissingStack


@command("status", "status dev")
def status(deployment: Deployment) -> int:
    """Show the stacks as a tree."""
    bootstrapped = deployment.bootstrap_status()
    try:
        platform = deployment.status().render(width(sys.stdout))
    except MissingStack:
        if bootstrapped is None:
            raise
        platform = f"{deployment.stack_name}  there is none yet"
    if bootstrapped is not None:
        print(bootstrapped.render(width(sys.stdout)))
    print(platform)
    return 0


@command("outputs", "outputs dev", "outputs dev --format dotenv > .env")
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in published.Format]),
    default=published.Format.ENV.value,
    show_default=True,
    help="lines for a shell's eval, a JSON object, or a .env file",
)
def outputs(deployment: Deployment, form: str) -> int:
    """Print the outputs, also by their old names."""
    print(published.render(deployment.outputs(), published.Format(form)))
    return 0
