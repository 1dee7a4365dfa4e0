"""A plan: a change set made, sealed and read whole; found again by its name; withdrawn."""

import re
from contextlib import suppress
from dataclasses import replace

from botocore.exceptions import ClientError

from deployer import artefacts, leftovers, noise, seal, stack, templates
from deployer.changes import StackPlan
from deployer.changeset import ChangeSets, Reading
from deployer.errors import BadImage, BadPlan, ChangeSetFailed
from deployer.plan import Kind, Plan
from deployer.seal import Seal, SealBroken, Unsealed
from deployer.sources import NONE, Source, Sources
from deployer.stack import REVIEW, Stack
from deployer.target import PREFIX, Target
from deployer.told import Told

PLAN_NAME = re.compile(rf"{PREFIX}[-a-zA-Z0-9]{{1,64}}")
IMAGE_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Planner:
    """Makes change sets, and executes none."""

    def __init__(self, target: Target, sources: Sources, change_sets: ChangeSets) -> None:
        self._target = target
        self._environment = target.environment
        self._cloudformation = target.clients.cloudformation
        self._sources = sources
        self._change_sets = change_sets

    def plan(self, stack_name: str, image_digest: str | None = None, *, watched: bool = True) -> Plan:
        """Upload what is missing, make the nested change set and read it whole.

        Raises BadImage, MissingImage, NotBootstrapped, MissingAlarm, Busy, Stuck, ChangeSetFailed; a failed
        change set is removed again.
        """
        if image_digest is not None and not IMAGE_DIGEST.fullmatch(image_digest):
            raise BadImage(found=image_digest)
        self._target.check_account()
        source = self._sources.read(stack_name, image_digest, watched=watched)
        if source.bucket is not None:
            owner = self._environment.account
            artefacts.upload(self._target.clients.s3, source.bucket, owner, source.artefacts)
        token = self._target.new_token()
        sealed = Seal.of(source.facts, token, stack_name).text()
        change_set_id = self._change_sets.create(replace(source.request, token=token, description=sealed))
        kind = source.request.kind
        try:
            reading = self._change_sets.read(change_set_id)
        except ChangeSetFailed:
            with suppress(ClientError):  # the cause is what matters; a later plan removes what stays
                self._withdraw(kind, stack_name, change_set_id)
            raise
        leftovers.remove(self._change_sets, stack_name, change_set_id, source.situation.facts)
        plan = self._as_plan(kind, reading, source)
        if plan.is_empty:
            self._withdraw(kind, stack_name, change_set_id)
        return plan

    def read(self, name: str) -> Plan:
        """The platform's plan that an earlier `plan` made, by the name it printed.

        Raises BadPlan, PlanOutdated, Unsealed, SealBroken.
        """
        if not PLAN_NAME.fullmatch(name):
            raise BadPlan(found=name)
        self._target.check_account()
        reading = self._change_sets.read(name, self._target.stack_name)
        source = self.verify(reading.told)
        return self._as_plan(source.request.kind, reading, source)

    def verify(self, told: Told) -> Source:
        """What the change set was made of, read again. Nothing is written.

        Raises Unsealed, SealBroken with all that moved, ArtefactReplaced; Busy, Stuck.
        """
        command = "plan" if told.stack_name == self._target.stack_name else "bootstrap"
        again = f"python deploy.py {command} {self._environment.name}"
        sealed = seal.read(told.description, told.name, told.stack_name, again)
        watched = sealed.parts.get("rollback", {}).get("alarms") != NONE
        image = told.parameters.get("ImageDigest")
        source = self._sources.read(told.stack_name, image, watched=watched)
        moved = list(sealed.moved(source.facts))
        if not moved and source.bucket is not None:
            s3, owner = self._target.clients.s3, self._environment.account
            gone = artefacts.missing(s3, source.bucket, owner, source.artefacts)
            moved = [f"artefact {key} was there, and is gone" for key in gone]
        if moved:
            raise SealBroken(plan=told.name, stack=told.stack_name, moved="; ".join(moved), again=again)
        if differs := self._differs(told, source):
            why = f"its seal does not speak of this change set, whose {differs}"
            raise Unsealed(plan=told.name, why=why, again=again)
        return source

    def withdraw(self, plan: Plan) -> None:
        """Leave everything as it was before the plan was made."""
        if plan.change_set_id is not None:
            self._withdraw(plan.kind, plan.stack_name, plan.change_set_id)

    def _differs(self, told: Told, source: Source) -> str:
        """A seal has no secret, so whoever makes a change set could write one: does it hold what it says?"""
        request = source.request
        given = {name: value for name, value in request.parameters.items() if value is not None}
        for what, wanted, found in (
            ("parameters differ", given, {name: told.parameters.get(name) for name in given}),
            ("tags differ", dict(request.tags), told.tags),
            ("capabilities differ", tuple(sorted(request.capabilities)), told.capabilities),
        ):
            if wanted != found:
                return what
        root = templates.fetched(self._cloudformation, told.stack_id, told.id)
        return "" if root == source.trees[()] else "template differs"

    def _as_plan(self, kind: Kind, reading: Reading, source: Source) -> Plan:
        stacks, empty, present = reading.stacks, reading.empty, source.situation.present
        if present is not None and kind is Kind.UPDATE and stacks.children and not empty:
            given = reading.told.parameters
            comparison = noise.compare(self._cloudformation, stacks, present.parameters, given)
            stacks = comparison.label(stacks)
            same = comparison.identical and present.tags == self._environment.tags
            empty = same and not stacks.counts.certain
        told, watch = reading.told, source.request.watch
        return Plan(
            environment=self._environment.name,
            stack_name=told.stack_name,
            kind=kind,
            stacks=StackPlan(told.stack_name) if empty else stacks,
            change_set_id=None if empty else stacks.change_set_id,
            stack_id=told.stack_id,
            token=told.name,
            notes=watch.notes if watch is not None and not empty else (),
        )

    def _withdraw(self, kind: Kind, stack_name: str, change_set_id: str) -> None:
        """Remove a change set, and the empty stack that it was made with, unless another needs that."""
        self._change_sets.delete(change_set_id)
        if kind is not Kind.CREATE:
            return
        left: Stack | None = stack.find(self._cloudformation, stack_name)
        if left and left.status == REVIEW and not self._change_sets.listed(stack_name):
            token = self._target.new_token()
            self._cloudformation.delete_stack(StackName=left.id, ClientRequestToken=token)
