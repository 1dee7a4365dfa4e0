"""A plan carried out: first all that speaks against it, then policies, change set, and policies again.

Killed at any point, it leaves nothing that the next `apply` does not mend, also one with nothing to do: what
should protect a stack is worked out anew from its templates each time.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress

from botocore.exceptions import ClientError

from deployer import acceptance, stack, stack_policy
from deployer.acceptance import Path
from deployer.changeset import ChangeSets
from deployer.errors import DeployerError, Interrupted, LetRun, LostSight, TookTooLong
from deployer.events import Listener
from deployer.operation import Operation
from deployer.plan import Kind, Plan
from deployer.planner import Planner
from deployer.sources import Source
from deployer.target import Target
from deployer.templates import Tree

# After these the operation may still need what was accepted; the next apply sets its policies right.
GOES_ON = (LetRun, LostSight, TookTooLong)
DONE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})


class Executor:
    def __init__(self, target: Target, planner: Planner, change_sets: ChangeSets) -> None:
        self._target = target
        self._environment = target.environment
        self._cloudformation = target.clients.cloudformation
        self._planner = planner
        self._change_sets = change_sets

    def apply(self, plan: Plan, listener: Listener, accepted: Collection[Path], *, fresh: bool) -> None:
        """Execute exactly this change set and follow it to its end.

        `accepted` are the endangered resources that may be lost; `fresh`: a plan that nobody else has seen
        yet, which goes again when it is refused. Raises DataLossNotAccepted, AlarmRaised, SealBroken,
        Unsealed, PlanOutdated, Busy, Stuck before anything is changed; then DeploymentFailed, LostSight.
        """
        self._target.check_account()
        if plan.change_set_id is None:
            self.protect(plan.stack_name)
            return
        try:
            source = self._check(plan, plan.change_set_id, accepted)
        except (DeployerError, ClientError, KeyboardInterrupt) as error:
            if fresh:
                self._planner.withdraw(plan)
            if isinstance(error, KeyboardInterrupt):
                raise Interrupted from None
            raise
        operation = Operation.of(self._target, plan.stack_name, plan.stack_id)
        try:
            if plan.kind is Kind.UPDATE:
                free = acceptance.released(plan, accepted)
                root = stack_policy.deployed(self._cloudformation, plan.stack_id)
                stack_policy.put(self._cloudformation, root, source.trees, free)
            self._change_sets.execute(plan.change_set_id, plan.kind, plan.token, plan.stack_name)
            operation.follow(listener, DONE)
        except GOES_ON:
            raise
        except (DeployerError, ClientError):
            with suppress(ClientError):
                self.protect(plan.stack_name)
            raise
        self.protect(plan.stack_name, source.trees)

    def protect(self, stack_name: str, deployed: Mapping[Path, Tree] | None = None) -> None:
        """Termination protection and stack policies as they should be while nothing runs.

        Neither is part of a change set. Nothing is touched of a stack that moves, and of one that is stuck:
        it is to be destroyed or recovered first, and protection would stand in the way. `deployed` are the
        templates of an operation that has just succeeded.
        """
        present = stack.find(self._cloudformation, stack_name)
        if present is None or present.is_moving or present.is_stuck or present.status == stack.REVIEW:
            return
        wanted = self._environment.termination_protection
        if present.protected != wanted:
            self._cloudformation.update_termination_protection(
                StackName=stack_name, EnableTerminationProtection=wanted
            )
        root = stack_policy.deployed(self._cloudformation, present.id, known=deployed)
        stack_policy.put(self._cloudformation, root, planned={})

    def _check(self, plan: Plan, change_set_id: str, accepted: Collection[Path]) -> Source:
        acceptance.refuse_missing(plan, accepted)
        source = self._planner.verify(self._change_sets.tell(change_set_id))
        if source.request.watch is not None:
            source.request.watch.refuse_raised(plan.stack_name, self._environment.name)
        return source
