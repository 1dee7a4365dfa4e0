"""`status` and `outputs`: what stands, and what it offers."""

import sys

import click

from deployer import documents, standing
from deployer import outputs as published
from deployer.commands.invocation import command
from deployer.commands.showing import width
from deployer.deployment import Deployment
from deployer.errors import MissingStack


@command("status", "status dev", "status prod --json")
@click.option("--json", "as_json", is_flag=True, help="print one JSON document")
def status(deployment: Deployment, as_json: bool) -> int:
    """Show what stands, as a tree."""
    report = standing.read(deployment.target)
    if report.bootstrap is None and report.platform is None:
        environment = deployment.target.environment
        raise MissingStack(
            stack=deployment.stack_name,
            region=environment.region,
            command="up",
            environment=environment.name,
        )
    print(documents.text(report) if as_json else report.render(width(sys.stdout)))
    return 0


@command("outputs", "outputs dev", "outputs dev --json", "outputs dev --format dotenv > .env")
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in published.Format]),
    default=published.Format.ENV.value,
    show_default=True,
    help="lines for a shell's eval, a JSON object, or a .env file",
)
@click.option("--json", "as_json", is_flag=True, help="the same as --format json")
def outputs(deployment: Deployment, form: str, as_json: bool) -> int:
    """Print the outputs, also by their old names."""
    chosen = published.Format.JSON if as_json else published.Format(form)
    print(published.render(deployment.outputs(), chosen))
    return 0
