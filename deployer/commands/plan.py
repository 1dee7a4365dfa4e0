"""`plan`: show what would change, and keep the change set."""

import sys

import click

from deployer import documents, markdown, plan_document
from deployer.commands.asking import discarding
from deployer.commands.drift import gated
from deployer.commands.invocation import command, image_of
from deployer.commands.showing import full as full_option
from deployer.commands.showing import show, width
from deployer.commands.waiting import option as wait_option
from deployer.commands.waiting import settle
from deployer.deployment import Deployment
from deployer.rollback_alarms import OPTION
from deployer.wrapping import wrapped

IMAGE = "the image to run, sha256:… (default: $IMAGE_DIGEST, else the one that is deployed)"
UNWATCHED = "no alarm takes the deployment back: for the one that mends what they tell"


@command("plan", "plan dev", "plan prod --image sha256:5d0e…", "plan prod --markdown > comment.md")
@click.option("--image", metavar="DIGEST", help=IMAGE)
@click.option(OPTION, "unwatched", is_flag=True, help=UNWATCHED)
@full_option
@wait_option
@click.option("--json", "as_json", is_flag=True, help="print a document: docs/schemas/plan.schema.json")
@click.option("--markdown", "as_markdown", is_flag=True, help="print the comment of a pull request")
@gated
def plan(
    deployment: Deployment,
    *,
    image: str | None,
    unwatched: bool,
    full: bool,
    wait: bool,
    as_json: bool,
    as_markdown: bool,
) -> int:
    """Show what would change, and keep the change set."""
    if as_json and as_markdown:
        raise click.UsageError("--json is not allowed with --markdown: stdout takes one of them")
    settle(deployment, wait)
    made = deployment.plan(image_digest=image_of(image), watched=not unwatched)
    with discarding(deployment, made):  # the name of what nobody could read is nowhere else
        if as_json:
            print(documents.text(plan_document.of(made)))
        elif as_markdown:
            print(markdown.render(made), end="")
        else:
            show(made, sys.stdout, full=full)
            if not made.is_empty:
                how = f"apply it with: `python deploy.py apply {made.environment} --plan {made.token}`"
                print("\n".join(wrapped(how, width(sys.stdout))).replace("`", ""))
    return made.verdict
