"""`up`: from an empty account to a running platform, in one command that can be started again anywhere."""

import sys
from pathlib import Path

import click

from deployer import outputs, progress
from deployer.commands.asking import approve, discarding, letting_run, need_terminal
from deployer.commands.image import ACCEPT_FINDINGS, tell
from deployer.commands.invocation import command, image_of
from deployer.commands.showing import full as full_option
from deployer.commands.showing import show
from deployer.deployment import Deployment
from deployer.images import delivery
from deployer.images.archive import check_readable
from deployer.paths import TEMPLATES
from deployer.plan import Plan
from deployer.up import Up, climb


@command("up", "up dev", "up dev --image sha256:5d0e… --yes", "up dev --archive image.tar")
@click.option(
    "--image",
    metavar="DIGEST",
    help="the image to run, sha256:… (default: $IMAGE_DIGEST, the "
    "deployed one, or else the checkout's, built and pushed)",
)
@click.option(
    "--archive",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="push this OCI archive instead of building",
)
@click.option("--accept-findings", is_flag=True, help=ACCEPT_FINDINGS)
@click.option("--yes", is_flag=True, help="approved: do not ask; data is never lost by this")
@full_option
@click.option("--json", "as_json", is_flag=True, help="print the outputs as one JSON object")
def up(
    deployment: Deployment,
    *,
    image: str | None,
    archive: Path | None,
    accept_findings: bool,
    yes: bool,
    full: bool,
    as_json: bool,
) -> int:
    """Bring an empty account to a running platform.

    Each step looks first whether it is done, so `up` can be started again wherever it stopped.
    """
    if image is not None and archive is not None:
        raise click.UsageError("--image is not allowed with --archive")
    if archive is not None:
        check_readable(archive)
    if not yes:
        need_terminal()

    def deliver() -> str:
        delivered = delivery.deliver(deployment.target, tag=None, archive=archive, build=False, tell=tell)
        if not accept_findings:
            delivered.scan.judge(delivered.digest)
        return delivered.digest

    def agree(made: Plan) -> None:
        show(made, sys.stderr, full=full)
        if not yes:
            with discarding(deployment, made):
                approve()

    name = deployment.target.environment.name
    given = image if archive is not None else image_of(image)
    climbing = Up(
        deployment=deployment,
        templates=TEMPLATES / name,
        image=given,
        deliver=deliver,
        approve=agree,
        screen=lambda: progress.screen(sys.stderr),
        keep_deployed=archive is None,
        tell=tell,
    )
    with letting_run(name):
        climb(climbing.steps(), deployment.target.clock, tell)
    form = outputs.Format.JSON if as_json else outputs.Format.ENV
    print(outputs.render(deployment.outputs(), form))
    return 0
