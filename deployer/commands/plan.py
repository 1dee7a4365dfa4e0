"""`plan`: show what would change, and keep the change set."""

import sys

import click

from deployer.commands.drift import gated
from deployer.commands.invocation import command, image_of
from deployer.commands.showing import show
from deployer.deployment import Deployment

IMAGE = "the image to run, sha256:… (default: $IMAGE_DIGEST, else the one that is deployed)"


@command("plan", "plan dev", "plan prod --image sha256:5d0e…")
@click.option("--image", metavar="DIGEST", help=IMAGE)
@gated
def plan(deployment: Deployment, image: str | None) -> int:
    """Show what would change, and keep the change set."""
    made = deployment.plan(image_digest=image_of(image))
    show(made, sys.stdout)
    if not made.is_empty:
        print(f"apply it with: python deploy.py apply {made.environment} --plan {made.token}")
    return made.verdict
