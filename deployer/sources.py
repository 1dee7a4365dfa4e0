"""All that a change set is made of, read from where it is now: files, parameters, stacks, Parameter Store.

A plan reads it to ask for the change set and to seal it; an apply reads it again to see that nothing moved.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deployer import artefacts, foundation, rollback_alarms, secret_parameters, ssm_values, stack, templates
from deployer.errors import BadTemplate, MissingImage, NotBootstrapped
from deployer.plan import Kind
from deployer.request import Request
from deployer.rollback_alarms import Watch
from deployer.seal import Facts
from deployer.stack import Stack
from deployer.target import Target
from deployer.templates import Tree

NONE = "none"
BUCKET, ROLE = "ArtefactBucket", "ExecutionRoleArn"  # what bootstrap offers a deployment


@dataclass(frozen=True)
class Situation:
    """The stack as it was found, and what can be done to it."""

    kind: Kind
    present: Stack | None
    operation: str  # the token of the stack's last operation, or its last event's id

    @property
    def facts(self) -> dict[str, str]:
        """Of a stack that is still to be created there is nothing to say."""
        if self.present is None or self.kind is Kind.CREATE:
            return {"id": NONE, "status": NONE, "operation": NONE}
        number = self.present.id.rpartition("/")[2]
        return {"id": number, "status": self.present.status, "operation": self.operation}

    @property
    def parameters(self) -> Mapping[str, str]:
        """The deployed ones."""
        return self.present.parameters if self.present is not None and self.kind is Kind.UPDATE else {}

    @property
    def outputs(self) -> Mapping[str, str]:
        """The deployed ones."""
        return self.present.outputs if self.present is not None and self.kind is Kind.UPDATE else {}


@dataclass(frozen=True)
class Source:
    """One stack's. `templates` are by the logical ids that lead to each, () the root's."""

    request: Request
    situation: Situation
    templates: Mapping[tuple[str, ...], str]
    trees: Mapping[tuple[str, ...], Tree]
    artefacts: tuple[artefacts.Artefact, ...]
    bucket: str | None
    stored: Mapping[str, str]  # what the Parameter Store has
    account: str
    region: str

    @property
    def facts(self) -> Facts:
        """What the seal holds. A parameter that keeps its value has the deployed one."""
        deployed = self.situation.parameters
        watch = self.request.watch or Watch()
        return {
            "account": {"id": self.account, "region": self.region},
            "template": {
                "/".join(path) or artefacts.PLATFORM: hashlib.sha256(text.encode()).hexdigest()
                for path, text in self.templates.items()
            },
            "parameter": {
                name: deployed.get(name, "") if value is None else value
                for name, value in self.request.parameters.items()
            },
            "tag": dict(self.request.tags),
            "capability": {"list": ",".join(self.request.capabilities)},
            "stack": self.situation.facts,
            "ssm": dict(self.stored),
            "role": {"arn": self.request.role_arn or NONE},
            "rollback": {
                "alarms": ",".join(alarm.arn for alarm in watch.alarms) or NONE,
                "minutes": str(watch.minutes),
            },
        }


class Sources:
    """Those of one environment: the emitted `directory`, its parameters file, its account."""

    def __init__(self, target: Target, directory: Path, build_function: Callable[[str], bytes]) -> None:
        self._target = target
        self._environment = target.environment
        self._clients = target.clients
        self._directory = directory
        self._build_function = build_function

    def read(self, stack_name: str, image_digest: str | None, *, watched: bool = True) -> Source:
        """The platform's or the bootstrap stack's. Nothing is written.

        Raises Busy, Stuck, NotBootstrapped, MissingImage, MissingAlarm, BadTemplate, TemplateMissing.
        """
        present = stack.find(self._clients.cloudformation, stack_name)
        kind = self._kind(stack_name, present)
        operation = self._last_operation(present) if present is not None and kind is Kind.UPDATE else NONE
        situation = Situation(kind, present, operation)
        if stack_name == self._target.bootstrap_name:
            return self._bootstrap(situation)
        return self._platform(situation, image_digest, watched=watched)

    def _bootstrap(self, situation: Situation) -> Source:
        """Its foundation while there is no stack; then the whole, sent by the bucket that this made."""
        file = self._directory / artefacts.BOOTSTRAP
        body = templates.read(file)
        tree = templates.parse(body, file)
        secret_parameters.refuse(tree, file)
        if situation.kind is Kind.CREATE:
            body = foundation.of(tree)
            tree = templates.parse(body, file)
        request = Request(
            stack_name=self._target.bootstrap_name,
            kind=situation.kind,
            token="",
            capabilities=tuple(templates.capabilities([tree])),
            tags=self._environment.tags,
        )
        bucket = situation.outputs.get(BUCKET)
        if bucket is None:
            return self._source(replace(request, template_body=body), situation, {(): body})
        whole = artefacts.template_artefact(body)
        by_address = artefacts.url(bucket, self._environment.region, whole.key)
        return self._source(
            replace(request, template_url=by_address), situation, {(): body}, (whole,), bucket
        )

    def _platform(self, situation: Situation, image_digest: str | None, *, watched: bool) -> Source:
        environment = self._environment
        first = self._bootstrapped()
        bucket = first[BUCKET]
        bundle = artefacts.collect(self._directory, bucket, environment.region, self._build_function)
        request = Request(
            stack_name=self._target.stack_name,
            kind=situation.kind,
            token="",
            template_url=artefacts.url(bucket, environment.region, bundle.root.key),
            parameters=self._parameters(bundle, bucket, image_digest, situation.parameters),
            capabilities=bundle.capabilities,
            tags=environment.tags,
            role_arn=first[ROLE],
            watch=self._watch(situation, watched=watched),
        )
        texts = {path: artefact.body.decode() for path, artefact in bundle.templates.items()}
        return self._source(request, situation, texts, bundle.artefacts, bucket)

    def _source(
        self,
        request: Request,
        situation: Situation,
        texts: Mapping[tuple[str, ...], str],
        uploaded: tuple[artefacts.Artefact, ...] = (),
        bucket: str | None = None,
    ) -> Source:
        trees = {path: templates.parse(text, "/".join(path)) for path, text in texts.items()}
        given = {name: value for name, value in request.parameters.items() if value is not None}
        asked = ssm_values.names(trees, {**situation.parameters, **given})
        return Source(
            request=request,
            situation=situation,
            templates=texts,
            trees=trees,
            artefacts=uploaded,
            bucket=bucket,
            stored=ssm_values.read(self._clients.ssm, asked) if asked else {},
            account=self._environment.account,
            region=self._environment.region,
        )

    def _watch(self, situation: Situation, *, watched: bool) -> Watch | None:
        """From the second deployment on: the first one makes the alarms."""
        if situation.present is None or situation.kind is Kind.CREATE:
            return None
        return rollback_alarms.watch(
            self._clients.cloudwatch,
            situation.present.outputs if watched else {},
            self._environment.rollback_minutes,
            stack=situation.present.name,
            environment=self._environment.name,
        )

    def _last_operation(self, present: Stack) -> str:
        """Its token, which is on each of its events; an operation without one is known by its last event.

        Only what the stack says of itself counts: whatever else may be told, an operation ends with that.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html
        """
        events = self._clients.cloudformation.describe_stack_events(StackName=present.id)["StackEvents"]
        for event in events:
            if event.get("PhysicalResourceId") == present.id:
                return event.get("ClientRequestToken") or event["EventId"]
        return NONE

    def _kind(self, name: str, present: Stack | None) -> Kind:
        return stack.kind_of_change(present, name, self._environment.name)

    def _bootstrapped(self) -> Mapping[str, str]:
        """The bootstrap stack's outputs. Raises NotBootstrapped."""
        name = self._target.bootstrap_name
        found = stack.find(self._clients.cloudformation, name)
        outputs = found.outputs if found is not None else {}
        for output in (BUCKET, ROLE):  # without the role CloudFormation would take its caller's rights
            if output not in outputs:
                raise NotBootstrapped(stack=name, output=output, environment=self._environment.name)
        return outputs

    def _parameters(
        self, bundle: artefacts.Bundle, bucket: str, image_digest: str | None, deployed: Mapping[str, str]
    ) -> dict[str, str | None]:
        """What the root asks for; None for an image that is deployed and stays."""
        values = {
            "ArtefactBucket": bucket,
            "ImageDigest": image_digest,
            "NotificationAddress": self._environment.notification_address,
            "PlantAddress": self._environment.plant_address,
            "RotationCodeKey": bundle.rotation_code.key,
        }
        asked = bundle.root_tree.get("Parameters", {})
        for name in asked:
            if name not in values:
                file = self._directory / artefacts.PLATFORM
                why = f"asks for a parameter {name} that the deployer does not know"
                raise BadTemplate(file=file, why=why)
            if values[name] is None and name not in deployed:
                raise MissingImage(stack=self._target.stack_name, environment=self._target.environment.name)
        return {name: values[name] for name in asked}
