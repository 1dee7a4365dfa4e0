"""`recover`: show what a stuck stack needs, ask, do it, and follow it to its end."""

import sys

import click

from deployer import documents, progress, recovering, recovery, states
from deployer.commands.apply import YES
from deployer.commands.asking import ask, letting_run, need_terminal, need_typed
from deployer.commands.diagnose import BOOTSTRAP, tell
from deployer.commands.invocation import command
from deployer.commands.showing import say, width
from deployer.commands.waiting import option as wait_option
from deployer.commands.waiting import settle
from deployer.deployment import Deployment
from deployer.errors import NotApproved
from deployer.recovery import Choice, Recovery, Way
from deployer.states import Readiness

SKIP = "leave this resource as it is in the roll-back; may be repeated"
RETAIN = "keep this resource, and delete the rest; may be repeated"
LOSS = "with --yes: this resource's data may be lost; may be repeated; --yes alone accepts none"


@command(
    "recover",
    "recover dev",
    "recover dev --skip Database/Database",
    "recover dev --retain Stream/Readings --yes",
)
@click.option("--skip", metavar="PATH", multiple=True, help=SKIP)
@click.option("--retain", metavar="PATH", multiple=True, help=RETAIN)
@click.option("--force", is_flag=True, help="keep whatever cannot be deleted, and delete the rest")
@click.option("--accept-data-loss", "losses", metavar="NAME", multiple=True, help=LOSS)
@click.option("--bootstrap", is_flag=True, help=BOOTSTRAP)
@click.option("--json", "as_json", is_flag=True, help="only list, as docs/schemas/recover.schema.json says")
@click.option("--yes", is_flag=True, help=YES)
@wait_option
def recover(
    deployment: Deployment,
    *,
    skip: tuple[str, ...],
    retain: tuple[str, ...],
    force: bool,
    losses: tuple[str, ...],
    bootstrap: bool,
    as_json: bool,
    yes: bool,
    wait: bool,
) -> int:
    """Show what blocks a stuck stack, ask, continue or delete."""
    name = deployment.bootstrap_name if bootstrap else deployment.stack_name
    settle(deployment, wait, name)
    found = recovery.look(deployment.target, name)
    if as_json:
        print(documents.text(found))
        return 0
    choice = recovery.choose(found, skip, retain, force=force)
    if found.way is Way.NOTHING:
        if states.readiness(found.status) is Readiness.RESTING:
            deployment.mend(name)
        say(f"{name} is {found.status}: nothing to do", sys.stdout)
        return 0
    print(found.render(width(sys.stdout)), flush=True)
    if yes:
        recovery.refuse_losses(found, choice, losses)
    elif found.way is not Way.NONE:
        _approve(found, choice)
    environment = deployment.target.environment.name
    with tell(deployment), letting_run(environment), progress.screen(sys.stderr) as listener:
        kept = recovering.perform(deployment.target, found, choice, listener)
    if found.way is not Way.DELETE:
        deployment.mend(name)
    say(_afterwards(found, choice), sys.stdout)
    if kept:
        told = ("kept, and in no stack any more; delete it or import it:", *map(str, kept))
        say("\n  ".join(told), sys.stdout)
    return 0


def _approve(found: Recovery, choice: Choice) -> None:
    """A deletion wants the stack's name, as `destroy` does. Raises ApprovalNeeded, NotApproved."""
    need_terminal()
    if found.way is Way.DELETE:
        need_typed(f"Type {found.stack} to delete it:", found.stack)
        return
    skipped = ", ".join(remnant.path for remnant in choice.skip) or "nothing"
    what = f"Continue the roll-back, skipping {skipped}" if found.way is Way.CONTINUE else "Roll it back"
    if ask(f"{what}? Only `yes` does:") != "yes":
        raise NotApproved


def _afterwards(found: Recovery, choice: Choice) -> str:
    if found.way is Way.DELETE:
        return f"{found.stack}: deleted; next: {found.plan}"
    if choice.skip:
        skipped = ", ".join(remnant.path for remnant in choice.skip)
        drift = f"`python deploy.py drift {found.environment}`"
        return f"{found.stack}: rolled back, but {skipped}, which may differ from its template; next: {drift}"
    return f"{found.stack}: rolled back; next: `python deploy.py diagnose {found.environment}`"
