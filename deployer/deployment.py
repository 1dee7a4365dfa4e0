"""One environment's deployment, put together: what each command does, step by step.

Only change sets change a stack. Nothing here draws or asks; who calls it does.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from deployer import artefacts, functions, noise, secret_parameters, stack, templates
from deployer.changes import StackPlan
from deployer.changeset import ChangeSets, Reading
from deployer.clock import Clock, SystemClock
from deployer.destruction import Destruction
from deployer.errors import (
    BadImage,
    BadPlan,
    BadTemplate,
    ChangeSetFailed,
    MissingImage,
    MissingStack,
    NotBootstrapped,
)
from deployer.events import Listener
from deployer.operation import Operation
from deployer.origins import Origins
from deployer.plan import Kind, Plan
from deployer.removal import Removal
from deployer.request import Request
from deployer.stack import REVIEW, Stack, StackTree
from deployer.target import POLL_SECONDS, PREFIX, Target, new_token
from parameters.settings import Environment

PLAN_NAME = re.compile(rf"{PREFIX}[-a-zA-Z0-9]{{1,64}}")
IMAGE_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
DONE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})


class Deployment:
    """The stacks `millrace-<environment>` and `millrace-<environment>-bootstrap` of one account.

    `templates` is the directory that holds the environment's platform.yaml and bootstrap.yaml; `poll` the
    seconds between two looks at what runs. Whatever a method changes, it first makes sure that the
    credentials are those of the environment's account.
    """

    def __init__(
        self,
        environment: Environment,
        session: boto3.Session,
        *,
        templates: Path,
        poll: float = POLL_SECONDS,
        clock: Clock | None = None,
        build_function: Callable[[str], bytes] = functions.build,
        new_token: Callable[[], str] = new_token,
    ) -> None:
        self.target = Target(environment, session, poll, clock or SystemClock(), new_token)
        self._environment = environment
        self._clients = self.target.clients
        self._cloudformation = self._clients.cloudformation
        self._templates = templates
        self._change_sets = ChangeSets(self._cloudformation, self.target.clock, poll, Origins(templates))
        self._build_function = build_function
        self.stack_name = self.target.stack_name
        self.bootstrap_name = self.target.bootstrap_name

    def bootstrap(self, listener: Listener) -> None:
        """Make or update the artefact bucket and the image repository; a no-op when unchanged."""
        self.apply(self.plan_bootstrap(), listener)

    def plan_bootstrap(self) -> Plan:
        """The change set of the bootstrap stack, read whole."""
        self.target.check_account()
        file = self._templates / artefacts.BOOTSTRAP
        body = templates.read(file)
        tree = templates.parse(body, file)
        secret_parameters.refuse(tree, file)
        present = stack.find(self._cloudformation, self.bootstrap_name)
        kind = self._kind(self.bootstrap_name, present)
        return self._plan(
            Request(
                stack_name=self.bootstrap_name,
                kind=kind,
                token=self.target.new_token(),
                template_body=body,
                capabilities=tuple(templates.capabilities([tree])),
                tags=self._environment.tags,
            ),
            present,
        )

    def plan(self, *, image_digest: str | None = None) -> Plan:
        """Upload what is missing, make the nested change set and read it whole.

        `image_digest` is sha256:…; None keeps the deployed one. Raises BadImage, MissingImage,
        NotBootstrapped, Busy, Stuck, ChangeSetFailed; a failed change set is removed again.
        """
        if image_digest is not None and not IMAGE_DIGEST.fullmatch(image_digest):
            raise BadImage(found=image_digest)
        self.target.check_account()
        present = stack.find(self._cloudformation, self.stack_name)
        kind = self._kind(self.stack_name, present)
        bucket = self._bucket()
        region = self._environment.region
        bundle = artefacts.collect(self._templates, bucket, region, self._build_function)
        deployed = present.parameters if present is not None and kind is Kind.UPDATE else {}
        parameters = self._parameters(bundle, bucket, image_digest, deployed)
        artefacts.upload(self._clients.s3, bucket, self._environment.account, bundle.artefacts)
        return self._plan(
            Request(
                stack_name=self.stack_name,
                kind=kind,
                token=self.target.new_token(),
                template_url=artefacts.url(bucket, region, bundle.root.key),
                parameters=parameters,
                capabilities=bundle.capabilities,
                tags=self._environment.tags,
            ),
            present,
        )

    def read_plan(self, name: str) -> Plan:
        """The plan that an earlier `plan` made, by the name it printed. Raises BadPlan, PlanOutdated."""
        if not PLAN_NAME.fullmatch(name):
            raise BadPlan(found=name)
        self.target.check_account()
        present = stack.find(self._cloudformation, self.stack_name)
        kind = self._kind(self.stack_name, present)
        return self._as_plan(kind, self._change_sets.read(name, self.stack_name), present)

    def apply(self, plan: Plan, listener: Listener) -> None:
        """Execute exactly this change set and follow it to its end.

        Raises PlanOutdated when the stack has moved since, DeploymentFailed with the first cause, LostSight
        when AWS cannot be asked any more how it goes.
        """
        self.target.check_account()
        if plan.change_set_id is not None:
            operation = self._operation(plan.stack_name, plan.stack_id)
            self._change_sets.execute(plan.change_set_id, plan.kind, plan.token, plan.stack_name)
            operation.follow(listener, DONE)
        self._protect(plan.stack_name)

    def discard(self, plan: Plan) -> None:
        """Leave everything as it was before the plan was made."""
        if plan.change_set_id is not None:
            self._withdraw(plan.kind, plan.stack_name, plan.change_set_id)

    def mend(self, stack_name: str) -> None:
        """What a deployer that was killed left undone beside the stack's own state."""
        self.target.check_account()
        self._protect(stack_name)

    def outputs(self) -> dict[str, str]:
        """The root's outputs. Raises MissingStack."""
        return dict(self._present("apply").outputs)

    def status(self) -> StackTree:
        """The root and all that it nests. Raises MissingStack."""
        return stack.tree(self._cloudformation, self._present("apply"))

    def bootstrap_status(self) -> StackTree | None:
        """The bootstrap stack; None when there is none."""
        self.target.check_account()
        present = stack.find(self._cloudformation, self.bootstrap_name)
        return stack.tree(self._cloudformation, present) if present else None

    def removal(self) -> Removal | None:
        """What `destroy` would keep and lose; None when there is no stack.

        Raises Busy, Protected, and Guarded for a stack that an `apply` can still make deletable.
        """
        return Destruction(self.target).removal()

    def destroy(self, listener: Listener) -> None:
        """Delete the platform's stacks, each resource by its DeletionPolicy; bootstrap stays.

        Empties nothing. Raises Protected, Busy, DeploymentFailed.
        """
        Destruction(self.target).destroy(listener)

    def _present(self, command: str) -> Stack:
        self.target.check_account()
        found = stack.find(self._cloudformation, self.stack_name)
        if found is None or found.status == REVIEW:
            raise MissingStack(
                stack=self.stack_name,
                region=self._environment.region,
                command=command,
                environment=self._environment.name,
            )
        return found

    def _kind(self, name: str, present: Stack | None) -> Kind:
        return stack.kind_of_change(present, name, self._environment.name)

    def _bucket(self) -> str:
        found = stack.find(self._cloudformation, self.bootstrap_name)
        bucket = found.outputs.get("ArtefactBucket") if found else None
        if bucket is None:
            raise NotBootstrapped(
                stack=self.bootstrap_name, output="ArtefactBucket", environment=self._environment.name
            )
        return bucket

    def _parameters(
        self, bundle: artefacts.Bundle, bucket: str, image_digest: str | None, deployed: Mapping[str, str]
    ) -> dict[str, str | None]:
        """What the root asks for; None for an image that is deployed and stays."""
        values = {
            "ArtefactBucket": bucket,
            "ImageDigest": image_digest,
            "NotificationAddress": self._environment.notification_address,
            "RotationCodeKey": bundle.rotation_code.key,
        }
        asked = bundle.root_tree.get("Parameters", {})
        for name in asked:
            if name not in values:
                file = self._templates / artefacts.ROOT
                why = f"asks for a parameter {name} that the deployer does not know"
                raise BadTemplate(file=file, why=why)
            if values[name] is None and name not in deployed:
                raise MissingImage(stack=self.stack_name)
        return {name: values[name] for name in asked}

    def _plan(self, request: Request, present: Stack | None) -> Plan:
        if request.kind is Kind.CREATE and present is not None:
            self._change_sets.remove_leftovers(request.stack_name)
        change_set_id = self._change_sets.create(request)
        try:
            reading = self._change_sets.read(change_set_id)
        except ChangeSetFailed:
            with suppress(ClientError):  # the cause is what matters; the next plan removes what stays
                self._withdraw(request.kind, request.stack_name, change_set_id)
            raise
        plan = self._as_plan(request.kind, reading, present)
        if plan.is_empty:
            self._withdraw(request.kind, request.stack_name, change_set_id)
        return plan

    def _as_plan(self, kind: Kind, reading: Reading, present: Stack | None) -> Plan:
        stacks, empty = reading.stacks, reading.empty
        if present is not None and kind is Kind.UPDATE and stacks.children and not empty:
            comparison = noise.compare(self._cloudformation, stacks, present.parameters, reading.parameters)
            stacks = comparison.label(stacks)
            same = comparison.identical and present.tags == self._environment.tags
            empty = same and not stacks.counts.certain
        return Plan(
            environment=self._environment.name,
            stack_name=reading.stack_name,
            kind=kind,
            stacks=StackPlan(reading.stack_name) if empty else stacks,
            change_set_id=None if empty else stacks.change_set_id,
            stack_id=reading.stack_id,
            token=reading.name,
        )

    def _withdraw(self, kind: Kind, stack_name: str, change_set_id: str) -> None:
        """Remove a change set, and the empty stack that it was made with."""
        self._change_sets.delete(change_set_id)
        if kind is Kind.CREATE:
            left = stack.find(self._cloudformation, stack_name)
            if left and left.status == REVIEW and not self._change_sets.remove_leftovers(stack_name):
                self._cloudformation.delete_stack(
                    StackName=left.id, ClientRequestToken=self.target.new_token()
                )

    def _operation(self, stack_name: str, stack_id: str) -> Operation:
        return Operation(
            self._cloudformation,
            stack_name,
            stack_id,
            self._environment,
            clock=self.target.clock,
            poll=self.target.poll,
        )

    def _protect(self, stack_name: str) -> None:
        """Termination protection is no part of a change set, and is the root's alone."""
        wanted = self._environment.termination_protection
        present = stack.find(self._cloudformation, stack_name)
        if present is not None and present.protected != wanted:
            self._cloudformation.update_termination_protection(
                StackName=stack_name, EnableTerminationProtection=wanted
            )
