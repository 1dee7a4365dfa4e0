"""From an empty account to a running platform, in steps that each look first whether they are done.

So it can be killed anywhere and started again: what runs in AWS by then is waited for, what is there stays.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from deployer import bootstrapping, drawing, first_rotation, preconditions, stack, steadiness, waiting
from deployer.changes import Counts
from deployer.clock import Clock
from deployer.deployment import Deployment
from deployer.errors import DeployerError
from deployer.events import Listener
from deployer.plan import Plan

IMAGE = "ImageDigest"
SECRETS = ("DbSecretArn", "MigratorSecretArn")  # the processor's login, a release's
RUNS = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS"})


class NeedsReview(DeployerError):
    """{stack} would lose data by this, and `up` only ever adds: read the plan and apply it with `python
    deploy.py apply {environment}`, then run `python deploy.py up {environment}` again; nothing was changed"""


@dataclass(frozen=True)
class Outcome:
    """`done` is False where nothing had to be."""

    note: str
    done: bool = True


@dataclass(frozen=True)
class Step:
    name: str
    act: Callable[[], Outcome]


@dataclass
class Up:
    """`image` is the digest to run, None for the deployed one or else what `deliver` pushes and returns.

    `approve` shows a plan and raises where nobody agrees.
    """

    deployment: Deployment
    templates: Path
    image: str | None
    deliver: Callable[[], str]
    approve: Callable[[Plan], None]
    screen: Callable[[], AbstractContextManager[Listener]]
    keep_deployed: bool = True  # the image, if one is
    tell: Callable[[str], None] = lambda line: None  # what goes wrong meanwhile, and may mend itself

    def steps(self) -> tuple[Step, ...]:
        return (
            Step("account", self._account),
            Step("preconditions", self._preconditions),
            Step("bootstrap", self._bootstrap),
            Step("image", self._image),
            Step("platform", self._platform),
            Step("first rotation", self._rotation),
            Step("service", self._service),
        )

    def _account(self) -> Outcome:
        self.deployment.target.check_account()
        return Outcome(self.deployment.target.environment.account, done=False)

    def _preconditions(self) -> Outcome:
        met = preconditions.ensure(self.deployment.target, self.templates)
        return Outcome(met.note, met.made)

    def _bootstrap(self) -> Outcome:
        self._settle(self.deployment.bootstrap_name)
        counts, done = Counts(), False
        for made in bootstrapping.plans(self.deployment):
            done = self._made(made, ask=not made.only_adds).done or done
            counts += made.counts
        return _changed(counts, done=done)

    def _image(self) -> Outcome:
        if self.image is not None:
            return Outcome(f"{self.image}, as given", done=False)
        if self.keep_deployed and (deployed := self._deployed_image()):
            return Outcome(f"{deployed}, as deployed", done=False)
        self.image = self.deliver()
        return Outcome(self.image)

    def _deployed_image(self) -> str | None:
        """None while the stack is being made for the first time: then the tag finds what was pushed."""
        target = self.deployment.target
        present = stack.find(target.clients.cloudformation, target.stack_name)
        return present.parameters.get(IMAGE) if present and present.status in RUNS else None

    def _platform(self) -> Outcome:
        self._settle(self.deployment.stack_name)
        return self._made(self.deployment.plan(image_digest=self.image), ask=True)

    def _rotation(self) -> Outcome:
        target = self.deployment.target
        outputs = self.deployment.outputs()
        secrets = [outputs[name] for name in SECRETS if name in outputs]
        if not secrets:
            return Outcome("no secret is offered", done=False)
        before = [first_rotation.rotated(target, secret) for secret in secrets]
        seen = [
            known or first_rotation.wait(target, secret, self.tell)
            for known, secret in zip(before, secrets, strict=True)
        ]
        return Outcome(f"{max(seen):%Y-%m-%d %H:%M} UTC", done=None in before)

    def _service(self) -> Outcome:
        target = self.deployment.target
        outputs = self.deployment.outputs()
        cluster, service = outputs.get("EcsClusterName"), outputs.get("EcsServiceName")
        if cluster is None or service is None:
            return Outcome("no service is offered", done=False)
        now = steadiness.look(target, cluster, service)
        if now.steady:
            return Outcome(now.state, done=False)
        return Outcome(steadiness.wait(target, cluster, service).state)

    def _made(self, made: Plan, *, ask: bool) -> Outcome:
        if made.at_risk:
            self.deployment.discard(made)
            raise NeedsReview(stack=made.stack_name, environment=made.environment)
        if ask and not made.is_empty:
            self.approve(made)
        with self.screen() as listener:  # also for an empty plan, which still settles the protection
            self.deployment.apply(made, listener)
        return _changed(made.counts, done=not made.is_empty)

    def _settle(self, name: str) -> None:
        """Follow what runs to its end, whoever began it. Raises TookTooLong, LostSight."""
        with self.screen() as listener:
            waiting.settle(self.deployment.target, name, wait=True, listener=listener)


def _changed(counts: Counts, *, done: bool) -> Outcome:
    return Outcome(drawing.totals(counts) if done else "unchanged", done)


def climb(steps: Sequence[Step], clock: Clock, tell: Callable[[str], None]) -> None:
    """Take the steps in order; `tell` hears of each as it ends, however it ends."""
    widest = max(len(step.name) for step in steps)
    for step in steps:
        begun = clock.now()
        try:
            outcome = step.act()
        except BaseException:
            tell(_line("stopped", step.name, widest, clock.now() - begun, "see below"))
            raise
        state = "done" if outcome.done else "as it was"
        tell(_line(state, step.name, widest, clock.now() - begun, outcome.note))


def _line(state: str, name: str, widest: int, seconds: float, note: str) -> str:
    """`done       bootstrap         12.3s  4 to add, 0 to modify, 0 to remove`"""
    return f"{state:9}  {name.ljust(widest)}  {seconds:7.1f}s  {note}"
