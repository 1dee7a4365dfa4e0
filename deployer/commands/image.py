"""`image`: build or take an image, push it, wait for its scan; its digest is what `plan` and `apply` take."""

import sys
from pathlib import Path

import click

from deployer import documents
from deployer.commands.invocation import command
from deployer.commands.showing import say
from deployer.deployment import Deployment
from deployer.images import delivery
from deployer.images.archive import check_readable

ACCEPT_FINDINGS = "go on over critical findings, or without a scan"


@command(
    "image",
    "image dev",
    "image dev --archive image.tar --tag v1.4.0",
    "image prod --build --json",
)
@click.option("--build", is_flag=True, help="build even if the tag names an image already")
@click.option("--tag", metavar="TAG", help="the image's tag (default: what `git describe` says)")
@click.option(
    "--archive",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="push this OCI archive instead of building",
)
@click.option("--accept-findings", is_flag=True, help=ACCEPT_FINDINGS)
@click.option("--json", "as_json", is_flag=True, help="print one JSON document")
def image(
    deployment: Deployment,
    *,
    build: bool,
    tag: str | None,
    archive: Path | None,
    accept_findings: bool,
    as_json: bool,
) -> int:
    """Push the processor's image, print its digest.

    It is built here unless the tag names one already; its scan is waited for.
    """
    if build and archive is not None:
        raise click.UsageError("--build is not allowed with --archive")
    if archive is not None:
        check_readable(archive)
    delivered = delivery.deliver(deployment.target, tag=tag, archive=archive, build=build, tell=tell)
    if not accept_findings:
        delivered.scan.judge(delivered.digest)
    print(documents.text(delivered) if as_json else delivered.digest)
    return 0


def tell(line: str) -> None:
    say(line, sys.stderr)
