"""A second deployment, rehearsed: what a plan tells, what is refused, and what becomes of a change that fails.

Nothing of it stays. The emitted templates are copied and edited there as data, by what is in them and not by
names; one change is planned and withdrawn, another fails in a nested stack and is rolled back by AWS's rules.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

from deployer import acceptance, diagnosis, templates
from deployer.acceptance import DataLossNotAccepted
from deployer.deployment import Deployment
from deployer.errors import DeploymentFailed
from deployer.events import Silence
from deployer.plan import Plan, Verdict
from local.aws.faults import Fault
from local.errors import LocalError
from local.platform import POLL_SECONDS
from parameters.settings import Environment

ROOT = "platform.yaml"
WIDTH = 100
PLAN_LINES = 24  # of what the plan says; the whole of it is `deploy.py plan`'s to show
REFUSAL = "the service refuses it"
UPDATED = ("AWS::CloudWatch::Alarm", "AlarmDescription")
REPLACED = ("AWS::IAM::ManagedPolicy", "Description")
REMOVED = ("AWS::Kinesis::Stream", "AWS::DynamoDB::Table", "AWS::SQS::Queue")  # hold data

Tree = dict[str, Any]


class NothingToEdit(LocalError):
    """no emitted template has a resource of {types} that could be {how}; rehearse with --no-rehearsal left out
    once one has"""

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
    """How it went. `verdict`: the planned change's exit code; `cause`: diagnose's first line."""

    edits: tuple[str, ...]
    plan: tuple[str, ...]
    verdict: int
    refused: str
    cause: str
    status: str  # of the root after the failure
    restored: bool  # a further plan says that nothing is to do

    @property
    def well(self) -> bool:
        return self.verdict == Verdict.DATA_AT_RISK and self.restored

    def lines(self) -> Iterator[str]:
        """For people, at most 40."""
        yield f"edited: {'; '.join(self.edits)}"
        yield from (f"  {line}" for line in self.plan[:PLAN_LINES])
        if len(self.plan) > PLAN_LINES:
            yield f"  … and {len(self.plan) - PLAN_LINES} lines more"
        yield f"plan exits with {self.verdict}; apply: {self.refused}"
        yield f"a change that fails: {self.cause}"
        yield f"the platform is {self.status}, and a further plan says " + (
            "that nothing is to do" if self.restored else "otherwise"
        )


class Templates:
    """A copy of the emitted templates, to be edited."""

    def __init__(self, emitted: Path, scratch: Path) -> None:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(emitted, scratch)
        self.directory = scratch
        root = templates.parse(templates.read(scratch / ROOT), ROOT)
        self._files = {title: url for title, url in templates.nested(root)}

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

    def remove(self, values: Callable[[str, str], Mapping[str, str]]) -> Edit:
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
                            output["Value"] = values(title, logical_id)[name]
                    self._write(file, tree)
                    return Edit("remove", file, logical_id)
        raise NothingToEdit(types=" or ".join(REMOVED), how="removed")

    def _trees(self) -> Iterator[tuple[str, Tree]]:
        for file in self._files.values():
            yield file, self._tree(file)

    def _tree(self, file: str) -> Tree:
        return dict(templates.parse(templates.read(self.directory / file), file))

    def _write(self, file: str, tree: Tree) -> None:
        (self.directory / file).write_text(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True))


def rehearse(
    environment: Environment,
    session: boto3.Session,
    emitted: Path,
    scratch: Path,
    inject: Callable[..., None],
) -> Rehearsal:
    """Plan a change that loses data and withdraw it; then have a harmless one fail. Raises WentWrong.

    `inject`: has the embedded AWS fail, as EmbeddedAws.inject does.
    """
    cloudformation = session.client("cloudformation")

    def outputs(title: str, _: str) -> Mapping[str, str]:
        found = cloudformation.describe_stack_resource(StackName=deployed.stack_name, LogicalResourceId=title)
        name = found["StackResourceDetail"]["PhysicalResourceId"]
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    deployed = Deployment(environment, session, templates=emitted, poll=POLL_SECONDS)
    copied = Templates(emitted, scratch / "lossy")
    edits = (
        copied.change(UPDATED, "update", "rehearsed: another text"),
        copied.change(REPLACED, "replace", "rehearsed: another text"),
        copied.remove(outputs),
    )
    lossy = Deployment(environment, session, templates=copied.directory, poll=POLL_SECONDS)
    plan = lossy.plan()
    try:
        refused = _refused(lossy, plan)
    finally:
        lossy.discard(plan)

    harmless = Templates(emitted, scratch / "failing")
    edit = harmless.change(UPDATED, "update", "rehearsed: a text that is refused")
    inject(Fault(resource_type=UPDATED[0], logical_id=edit.logical_id, action="update", message=REFUSAL, times=1))
    failing = Deployment(environment, session, templates=harmless.directory, poll=POLL_SECONDS)
    try:
        failing.apply(failing.plan(), Silence())
    except DeploymentFailed:
        cause = diagnosis.diagnose(failing.target, harmless.directory).render(WIDTH).splitlines()[0]
    else:
        raise WentWrong(why=f"{edit} was made to fail, and did not")
    finally:
        inject()
    if edit.logical_id not in cause or REFUSAL not in cause:
        raise WentWrong(why=f"diagnose begins with {cause!r}, which is not the cause")
    again = deployed.plan()
    restored = again.is_empty
    if not restored:
        deployed.discard(again)
    return Rehearsal(
        edits=tuple(map(str, edits)),
        plan=tuple(plan.render(WIDTH).splitlines()),
        verdict=int(plan.verdict),
        refused=refused,
        cause=cause,
        status=deployed.status().status,
        restored=restored,
    )


def _refused(deployment: Deployment, plan: Plan) -> str:
    """What `apply` says without the acknowledgement. Raises WentWrong where it does not refuse."""
    try:
        acceptance.refuse_missing(plan, ())
        raise WentWrong(why="the plan removes what holds data, and apply would not ask")
    except DataLossNotAccepted as refusal:
        return str(refusal)


def _speaks(tree: object, logical_id: str) -> bool:
    """Whether anything in it refers to a resource."""
    if isinstance(tree, Mapping):
        if tree.get("Ref") == logical_id:
            return True
        target = tree.get("Fn::GetAtt")
        if target is not None and (target if isinstance(target, list) else str(target).split("."))[0] == logical_id:
            return True
        if "Fn::Sub" in tree and f"${{{logical_id}" in str(tree["Fn::Sub"]):
            return True
        return any(_speaks(value, logical_id) for value in tree.values()) or (
            logical_id in tree.get("DependsOn", ()) if "DependsOn" in tree else False
        )
    if isinstance(tree, (list, tuple)):
        return any(_speaks(value, logical_id) for value in tree)
    return False
