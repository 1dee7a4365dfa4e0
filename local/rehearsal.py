"""A second deployment, rehearsed: what a plan tells, what is refused, what becomes of a change that fails.

Nothing of it stays. The emitted templates are copied and edited there as data, by what is in them and not by
names; one change is planned and withdrawn, another fails in a nested stack and is rolled back by AWS's rules.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deployer import diagnosis, templates
from deployer.errors import DataLossNotAccepted, DeploymentFailed
from deployer.events import Silence
from deployer.plan import Plan, Verdict
from local.aws.faults import Fault
from local.errors import LocalError
from local.platform import Platform

ROOT = "platform.yaml"
WIDTH = 100
PLAN_LINES = 24  # of what the plan says for certain
UNRESOLVED = ("? ", "(may stay as it is")
BACK = "UPDATE_ROLLBACK_COMPLETE"
REFUSAL = "the service refuses it"
UPDATED = ("AWS::CloudWatch::Alarm", "AlarmDescription")
REPLACED = ("AWS::IAM::ManagedPolicy", "Description")
REMOVED = ("AWS::Kinesis::Stream", "AWS::DynamoDB::Table", "AWS::SQS::Queue")  # hold data

Tree = dict[str, Any]


class NothingToEdit(LocalError):
    """no emitted template has a resource of {types} to {how}: leave the rehearsal out with --no-rehearsal"""

    exit_code = 1


class WentWrong(LocalError):
    """the rehearsal did not go as it must: {why}"""

    exit_code = 1


@dataclass(frozen=True)
class Edit:
    """What was edited: `how` it changes, the template and the resource."""

    how: str
    file: str
    logical_id: str

    def __str__(self) -> str:
        return f"{self.how} {self.file.removesuffix('.yaml')}/{self.logical_id}"


@dataclass(frozen=True)
class Rehearsal:
    """How it went. `verdict`: the planned change's exit code; `cause`: what diagnose calls it."""

    edits: tuple[str, ...]
    plan: tuple[str, ...]
    verdict: int
    refused: str
    cause: str
    status: str  # of the root after the failure
    restored: bool  # a further plan says that there is nothing to do

    def lines(self) -> Iterator[str]:
        """For people, at most 40."""
        yield f"rehearsal    edited: {'; '.join(self.edits)}"
        certain = [line for line in self.plan if line and not any(mark in line for mark in UNRESOLVED)]
        yield from (f"  {line}" for line in certain[:PLAN_LINES])
        yield f"plan exits with {self.verdict}; apply: {self.refused}"
        yield f"a change that fails: {self.cause}"
        yield f"the platform is {self.status}, and a further plan says that there is nothing to do"


class Templates:
    """A copy of the emitted templates, to be edited."""

    def __init__(self, emitted: Path, scratch: Path) -> None:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(emitted, scratch)
        self.directory = scratch
        root = templates.parse(templates.read(scratch / ROOT), ROOT)
        self._files = dict(templates.nested(root))

    def change(self, kind: tuple[str, str], how: str, text: str) -> Edit:
        """Give the first resource of a type another text as that property. Raises NothingToEdit."""
        wanted, name = kind
        for file, tree in self._trees():
            for logical_id, resource in tree["Resources"].items():
                if resource["Type"] == wanted:
                    resource.setdefault("Properties", {})[name] = text
                    self._write(file, tree)
                    return Edit(how, file, logical_id)
        raise NothingToEdit(types=wanted, how=how)

    def remove(self, values: Callable[[str], Mapping[str, str]]) -> Edit:
        """Take the first resource out that holds data and that only outputs of its template speak of.

        `values`: a nested stack's outputs, which then stand as they are, so that nobody else changes.
        """
        for wanted in REMOVED:
            for title, file in self._files.items():
                tree = self._tree(file)
                for logical_id, resource in tree["Resources"].items():
                    others = {name: one for name, one in tree["Resources"].items() if name != logical_id}
                    if resource["Type"] != wanted or _speaks(others, logical_id):
                        continue
                    del tree["Resources"][logical_id]
                    for name, output in tree.get("Outputs", {}).items():
                        if _speaks(output, logical_id):
                            output["Value"] = values(title)[name]
                    self._write(file, tree)
                    return Edit("remove", file, logical_id)
        raise NothingToEdit(types=" or ".join(REMOVED), how="remove")

    def _trees(self) -> Iterator[tuple[str, Tree]]:
        for file in self._files.values():
            yield file, self._tree(file)

    def _tree(self, file: str) -> Tree:
        return dict(templates.parse(templates.read(self.directory / file), file))

    def _write(self, file: str, tree: Tree) -> None:
        (self.directory / file).write_text(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True))


def rehearse(platform: Platform, scratch: Path, inject: Callable[..., None]) -> Rehearsal:
    """Plan a change that loses data and withdraw it; then have a harmless one fail.

    `inject`: has the embedded AWS fail, as EmbeddedAws.inject does. Raises NothingToEdit, WentWrong,
    DeployerError.
    """
    edits, plan, refused = _lossy(platform, scratch / "lossy")
    cause = _failing(platform, scratch / "failing", inject)
    deployed = platform.of(platform.emitted)
    again = deployed.plan()
    if not again.is_empty:
        deployed.discard(again)
        raise WentWrong(why="after the roll-back, a plan of what was there before has changes")
    status = deployed.status().status
    if status != BACK:
        raise WentWrong(why=f"the platform is {status}, not {BACK}")
    return Rehearsal(
        edits=tuple(map(str, edits)),
        plan=tuple(plan.render(WIDTH).splitlines()),
        verdict=int(plan.verdict),
        refused=refused,
        cause=cause,
        status=status,
        restored=again.is_empty,
    )


def _lossy(platform: Platform, directory: Path) -> tuple[tuple[Edit, ...], Plan, str]:
    """What was edited, what the plan says, and what `apply` says to it."""
    copied = Templates(platform.emitted, directory)
    edits = (
        copied.change(UPDATED, "update", "rehearsed: another text"),
        copied.change(REPLACED, "replace", "rehearsed: another text"),
        copied.remove(platform.stack_outputs),
    )
    deployment = platform.of(directory)
    plan = deployment.plan()
    if plan.verdict is not Verdict.DATA_AT_RISK:
        deployment.discard(plan)
        raise WentWrong(why=f"the plan of {edits[-1]} exits with {int(plan.verdict)}, not with 3")
    try:
        deployment.apply(plan, Silence(), fresh=True)  # which withdraws what it refuses
    except DataLossNotAccepted as refusal:
        return edits, plan, str(refusal)
    raise WentWrong(why=f"nobody accepted {edits[-1]}, and it was applied")


def _failing(platform: Platform, directory: Path, inject: Callable[..., None]) -> str:
    """What diagnose calls the cause of a change that fails, with the template's path."""
    edit = Templates(platform.emitted, directory).change(UPDATED, "update", "rehearsed: this one fails")
    deployment = platform.of(directory)
    inject(Fault(UPDATED[0], edit.logical_id, action="update", message=REFUSAL, times=1))
    try:
        deployment.apply(deployment.plan(), Silence())
    except DeploymentFailed:
        cause = diagnosis.diagnose(deployment.target, directory).cause
    else:
        raise WentWrong(why=f"{edit} was made to fail, and did not")
    finally:
        inject()
    if cause is None or edit.logical_id not in str(cause) or REFUSAL not in str(cause):
        raise WentWrong(why=f"diagnose tells {cause}, which is not the cause")
    return "; ".join(filter(None, (str(cause), cause.template))).replace(f"{directory}/", "")


def _speaks(tree: object, logical_id: str) -> bool:
    """Whether anything in it refers to a resource."""
    if isinstance(tree, Mapping):
        if tree.get("Ref") == logical_id:
            return True
        target = tree.get("Fn::GetAtt")
        if (
            target is not None
            and (target if isinstance(target, list) else str(target).split("."))[0] == logical_id
        ):
            return True
        if "Fn::Sub" in tree and f"${{{logical_id}" in str(tree["Fn::Sub"]):
            return True
        return any(_speaks(value, logical_id) for value in tree.values()) or (
            logical_id in tree.get("DependsOn", ()) if "DependsOn" in tree else False
        )
    if isinstance(tree, (list, tuple)):
        return any(_speaks(value, logical_id) for value in tree)
    return False
