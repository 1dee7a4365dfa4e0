"""One environment's deployment, put together: what each command does, and whose work it is.

Only change sets change a stack. Nothing here draws or asks; who calls it does.
"""

from collections.abc import Callable, Collection
from pathlib import Path

import boto3

from deployer import acceptance, bootstrapping, functions, stack
from deployer.changeset import ChangeSets
from deployer.clock import Clock, SystemClock
from deployer.destruction import Destruction
from deployer.events import Listener
from deployer.executor import Executor
from deployer.origins import Origins
from deployer.plan import Plan
from deployer.planner import Planner
from deployer.removal import Removal
from deployer.sources import Sources
from deployer.stack import REVIEW, Stack, StackTree
from deployer.target import POLL_SECONDS, Target, new_token
from parameters.settings import Environment


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
        self.stack_name = self.target.stack_name
        self.bootstrap_name = self.target.bootstrap_name
        self._cloudformation = self.target.clients.cloudformation
        change_sets = ChangeSets(self._cloudformation, self.target.clock, poll, Origins(templates))
        self._planner = Planner(self.target, Sources(self.target, templates, build_function), change_sets)
        self._executor = Executor(self.target, self._planner, change_sets)

    def bootstrap(self, listener: Listener) -> None:
        """Make or update the bootstrap stack; a no-op when unchanged."""
        for plan in bootstrapping.plans(self):
            self.apply(plan, listener, fresh=True)

    def plan_bootstrap(self) -> Plan:
        """The change set of the bootstrap stack, read whole; of a new one's foundation alone."""
        return self._planner.plan(self.bootstrap_name)

    def plan(self, *, image_digest: str | None = None, watched: bool = True) -> Plan:
        """Upload what is missing, make the nested change set and read it whole.

        `image_digest` is sha256:…; None keeps the deployed one. `watched`: alarms may roll it back.
        """
        return self._planner.plan(self.stack_name, image_digest, watched=watched)

    def read_plan(self, name: str) -> Plan:
        """The plan that an earlier `plan` made, by the name it printed, if nothing has moved since."""
        return self._planner.read(name)

    def apply(
        self,
        plan: Plan,
        listener: Listener,
        *,
        accepted: Collection[acceptance.Path] = (),
        fresh: bool = False,
    ) -> None:
        """Execute exactly this change set and follow it to its end; refuse it when anything has moved."""
        self._executor.apply(plan, listener, accepted, fresh=fresh)

    def discard(self, plan: Plan) -> None:
        """Leave everything as it was before the plan was made."""
        self._planner.withdraw(plan)

    def mend(self, stack_name: str) -> None:
        """What a deployer that was killed left undone beside the stack's own state."""
        self.target.check_account()
        self._executor.protect(stack_name)

    def outputs(self, stack_name: str | None = None) -> dict[str, str]:
        """The root's outputs, or those of the bootstrap stack. Raises MissingStack."""
        return dict(self._present(stack_name or self.stack_name).outputs)

    def status(self) -> StackTree:
        """The root and all that it nests. Raises MissingStack."""
        return stack.tree(self._cloudformation, self._present(self.stack_name))

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

    def _present(self, stack_name: str) -> Stack:
        self.target.check_account()
        found = stack.find(self._cloudformation, stack_name)
        if found is None or found.status == REVIEW:
            raise self.target.missing(stack_name)
        return found
