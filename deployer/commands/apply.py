"""`apply` and `bootstrap`: show a plan, ask, execute that very change set, follow it."""

import sys
from collections.abc import Collection
from contextlib import nullcontext, suppress

import click
from botocore.exceptions import BotoCoreError, ClientError

from deployer import account, apply_document, bootstrapping, documents, progress
from deployer.acceptance import Path, accept
from deployer.commands.asking import accept_losses, approve, discarding, letting_run, need_terminal
from deployer.commands.diagnose import tell
from deployer.commands.drift import gated
from deployer.commands.invocation import command, image_of
from deployer.commands.plan import IMAGE, UNWATCHED
from deployer.commands.showing import full as full_option
from deployer.commands.showing import show
from deployer.commands.waiting import option as wait_option
from deployer.commands.waiting import settle
from deployer.course import Course
from deployer.deployment import Deployment
from deployer.diagnosis import Diagnosis
from deployer.errors import DeployerError
from deployer.plan import Plan
from deployer.rollback_alarms import OPTION

YES = "approved: do not ask; needed where there is no terminal"
JSON = "stdout has one document alone: docs/schemas/{}.schema.json"
LOSS = "a resource whose data may be lost, as the plan names it; may be repeated; --yes alone accepts none"
accepting = click.option("--accept-data-loss", "losses", metavar="NAME", multiple=True, help=LOSS)


@command("bootstrap", "bootstrap dev", "bootstrap prod --yes")
@click.option("--yes", is_flag=True, help=f"{YES}, if anything is modified or removed")
@accepting
@full_option
@wait_option
@click.option("--json", "as_json", is_flag=True, help=JSON.format("bootstrap"))
def bootstrap(
    deployment: Deployment, *, yes: bool, losses: tuple[str, ...], full: bool, wait: bool, as_json: bool
) -> int:
    """Make the artefact bucket, the image repository and the roles."""
    settle(deployment, wait, deployment.bootstrap_name)
    for made in bootstrapping.plans(deployment):
        agreed, more = yes or made.only_adds, bootstrapping.begins(made)
        _carry_out(deployment, made, losses, agreed, fresh=True, full=full, as_json=as_json, more=more)
    return 0


@command(
    "apply",
    "apply dev",
    "apply prod --plan millrace-deploy-0f3c… --yes",
    "apply dev --yes --accept-data-loss Stream/Readings",
)
@click.option("--image", metavar="DIGEST", help=IMAGE)
@click.option("--plan", "name", metavar="NAME", help="execute a change set that `plan` made and named")
@click.option("--yes", is_flag=True, help=YES)
@accepting
@full_option
@click.option(OPTION, "unwatched", is_flag=True, help=UNWATCHED)
@wait_option
@click.option("--json", "as_json", is_flag=True, help=JSON.format("apply"))
@gated
def apply(
    deployment: Deployment,
    *,
    image: str | None,
    name: str | None,
    yes: bool,
    losses: tuple[str, ...],
    full: bool,
    unwatched: bool,
    wait: bool,
    as_json: bool,
) -> int:
    """Plan, ask, execute that very change set, and follow it."""
    if name is not None and (image is not None or unwatched):
        option, what = ("--image", "image") if image is not None else (OPTION, "alarms")
        raise click.UsageError(f"{option} is not allowed with --plan, which has its {what} already")
    if not yes:
        need_terminal()
    settle(deployment, wait)
    if name is not None:  # it was there before, and stays
        made = deployment.read_plan(name)
    else:
        made = deployment.plan(image_digest=image_of(image), watched=not unwatched)
    return _carry_out(deployment, made, losses, yes, fresh=name is None, full=full, as_json=as_json)


def _carry_out(
    deployment: Deployment,
    made: Plan,
    losses: Collection[str],
    yes: bool,
    *,
    fresh: bool,
    full: bool,
    as_json: bool,
    more: bool = False,
) -> int:
    """Show it, ask, execute it, follow it. With `as_json`, stdout has the document alone, however it ends.

    `more`: a plan follows that has the document, unless this one fails.
    """
    course = Course()
    told: list[Diagnosis] = []
    try:
        with discarding(deployment, made) if fresh else nullcontext():
            show(made, sys.stderr if as_json else sys.stdout, full=full)
            accepted = _approved(made, losses, yes)
        with tell(deployment) as told, letting_run(made.environment), progress.screen(sys.stderr) as screen:
            deployment.apply(made, course.shown_to(screen), accepted=accepted, fresh=fresh)
    except (BotoCoreError, ClientError, DeployerError) as error:
        if as_json:
            owner = deployment.target.environment.account
            why = error if isinstance(error, DeployerError) else account.explained(error, owner)
            diagnosis = told[0] if told else None
            print(documents.text(apply_document.of(made, course, error=why, diagnosis=diagnosis)))
        raise
    if as_json and not more:
        print(documents.text(apply_document.of(made, course, outputs=_outputs(deployment, made))))
    elif not as_json and not made.is_empty:
        print(f"{made.stack_name}: done")
    return 0


def _outputs(deployment: Deployment, made: Plan) -> dict[str, str] | None:
    """None where they cannot be read: the change was made all the same."""
    with suppress(BotoCoreError, ClientError, DeployerError):
        return deployment.outputs(made.stack_name)
    return None


def _approved(made: Plan, losses: Collection[str], yes: bool) -> frozenset[Path]:
    """What may be lost; asked for at a terminal, resource by resource, and then for the whole."""
    if made.is_empty:  # whoever was cut off says again what was lost already
        return frozenset()
    accepted = accept(made, losses)
    if yes:
        return accepted
    accepted |= accept_losses(made, accepted)
    approve()
    return accepted
