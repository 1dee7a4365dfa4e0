"""`diagnose`: why the last operation failed, and what to do now; told also when an `apply` fails."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from botocore.exceptions import BotoCoreError, ClientError

from deployer import diagnosis, documents
from deployer.commands.invocation import command
from deployer.commands.showing import width
from deployer.deployment import Deployment
from deployer.diagnosis import Diagnosis
from deployer.errors import Cancelled, DeployerError, DeploymentFailed, Diagnosed
from deployer.paths import TEMPLATES

BOOTSTRAP = "of the bootstrap stack instead of the platform"


@command("diagnose", "diagnose dev", "diagnose dev --operation millrace-deploy-0f3c…", "diagnose dev --json")
@click.option(
    "--operation",
    metavar="TOKEN",
    help="an operation's token (the plan's name) or id, not the last that failed",
)
@click.option("--bootstrap", is_flag=True, help=BOOTSTRAP)
@click.option("--json", "as_json", is_flag=True, help="one JSON document: docs/schemas/diagnose.schema.json")
def diagnose(deployment: Deployment, operation: str | None, bootstrap: bool, as_json: bool) -> int:
    """Tell the first cause of the last failure and the next command."""
    name = deployment.bootstrap_name if bootstrap else deployment.stack_name
    found = diagnosis.diagnose(
        deployment.target,
        TEMPLATES / deployment.target.environment.name,
        stack_name=name,
        operation=operation,
    )
    print(documents.text(found) if as_json else found.render(width(sys.stdout)))
    return 0


@contextmanager
def tell(deployment: Deployment) -> Iterator[list[Diagnosis]]:
    """Who sees an operation fail is told all that `diagnose` knows, before the error that says so.

    The cause stands first there, and not again in the error; and whatever fails here hides nothing. What
    was told stands in the list.
    """
    told: list[Diagnosis] = []
    try:
        yield told
    except Cancelled:
        raise  # somebody asked for it, and nothing is to be mended
    except DeploymentFailed as failure:
        try:
            found = diagnosis.diagnose(
                deployment.target,
                TEMPLATES / deployment.target.environment.name,
                stack_name=str(failure.fields["stack"]),
            )
        except (BotoCoreError, ClientError, DeployerError):
            raise failure from None
        told.append(found)
        print(f"\n{found.render(width(sys.stderr))}", file=sys.stderr, flush=True)
        if found.cause is None:
            raise
        raise Diagnosed(**failure.fields) from failure
