"""What speaks against a plan comes first; policies frame the operation, and are right again at its end."""

import json
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from deployer.changes import Action, Change, StackPlan
from deployer.changeset import ChangeSets
from deployer.errors import DataLossNotAccepted, DeploymentFailed, Interrupted, LostSight, PlanOutdated
from deployer.events import Progress, Silence
from deployer.executor import Executor
from deployer.plan import Kind, Plan
from deployer.planner import Planner
from deployer.request import Request
from deployer.rollback_alarms import Alarm, AlarmRaised, Watch
from deployer.seal import Unsealed
from deployer.sources import Situation, Source
from deployer.target import Target
from deployer.told import Told
from parameters.settings import Environment, load

NAME = "millrace-deploy-1"
QUEUE = "AWS::SQS::Queue"
TEMPLATE = json.dumps({"Resources": {"Queue": {"Type": QUEUE}}})
ALLOW = {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}
PROTECTED = {
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["Update:Replace", "Update:Delete"],
            "Resource": ["LogicalResourceId/Queue"],
        },
        ALLOW,
    ]
}
FREE = {"Statement": [ALLOW]}


class FakePlanner(Planner):
    """Whose plans hold, or are refused."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.watch: Watch | None = None
        self.withdrawn: list[Plan] = []

    def verify(self, told: Told) -> Source:
        if self.error is not None:
            raise self.error
        request = Request("millrace-dev", Kind.UPDATE, "", watch=self.watch)
        situation = Situation(Kind.UPDATE, None, "")
        return Source(request, situation, {(): TEMPLATE}, {(): json.loads(TEMPLATE)}, (), None, {}, "", "")

    def withdraw(self, plan: Plan) -> None:
        self.withdrawn.append(plan)


@pytest.fixture
def planner() -> FakePlanner:
    return FakePlanner()


def plan(aws: Any, *changes: Change, kind: Kind = Kind.UPDATE, empty: bool = False) -> Plan:
    stacks = StackPlan("millrace-dev", changes)
    made = None if empty else aws.change_set_id(NAME)
    return Plan("dev", "millrace-dev", kind, stacks, made, aws.stack_id("millrace-dev"), NAME)


LOSES = Change("Queue", QUEUE, Action.REMOVE, policy_action="Delete")


def apply(
    aws: Any,
    planner: FakePlanner,
    made: Plan,
    listener: Any = None,
    accepted: tuple[tuple[str, ...], ...] = (),
    *,
    fresh: bool = True,
    environment: Environment | None = None,
) -> None:
    target = Target(environment or load("dev"), aws.session, 1.0, aws.clock, lambda: "millrace-deploy-9")
    executor = Executor(target, planner, ChangeSets(aws.cloudformation, aws.clock, 1.0))
    executor.apply(made, listener or Silence(), accepted, fresh=fresh)


def tells(aws: Any) -> None:
    aws.account()
    aws.says("describe_change_set", aws.described("millrace-dev", [], name=NAME))


def puts(aws: Any, before: dict[str, Any] | None, after: dict[str, Any], *, succeeded: bool = False) -> None:
    """The policy of the one stack as it is found, and as it is set if it differs."""
    aws.says("list_stack_resources", {"StackResourceSummaries": []})
    if not succeeded:  # then the deployed template is the plan's
        aws.says("get_template", {"TemplateBody": TEMPLATE})
    aws.says("get_stack_policy", {"StackPolicyBody": json.dumps(before)} if before else {})
    if (before or FREE) != after:
        stack = aws.stack_id("millrace-dev")
        aws.says("set_stack_policy", {}, StackName=stack, StackPolicyBody=json.dumps(after))


def protects(
    aws: Any,
    before: dict[str, Any] | None = PROTECTED,
    status: str = "UPDATE_COMPLETE",
    *,
    succeeded: bool = True,
) -> None:
    aws.stack(status=status)
    puts(aws, before, PROTECTED, succeeded=succeeded)


def executes(aws: Any) -> None:
    aws.says(
        "execute_change_set",
        {},
        ChangeSetName=aws.change_set_id(NAME),
        ClientRequestToken=NAME,
        RetainExceptOnCreate=True,
        DisableRollback=False,
    )


def runs(aws: Any, status: str) -> None:
    """From its beginning to its end."""
    told = [aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0), aws.about("millrace-dev", status, 4)]
    aws.stack(status=status)
    aws.tells("millrace-dev", *told)
    aws.tells("millrace-dev", *told)


def test_executes_exactly_what_was_reviewed_and_follows_it_to_its_end(aws: Any, planner: FakePlanner) -> None:
    seen: list[Progress] = []
    tells(aws)
    aws.tells("millrace-dev", aws.about("millrace-dev", "CREATE_COMPLETE", -100))
    puts(aws, None, PROTECTED)
    executes(aws)
    aws.stack(status="CREATE_COMPLETE")  # it has not begun to move yet
    aws.tells("millrace-dev")
    begun = [aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0)]
    aws.stack(status="UPDATE_IN_PROGRESS")
    aws.tells("millrace-dev", *begun)
    done = [*begun, aws.event("millrace-dev", "Queue", "CREATE_COMPLETE", 3)]
    ended = [*done, aws.about("millrace-dev", "UPDATE_COMPLETE", 4)]
    aws.stack(status="UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    aws.tells("millrace-dev", *done)
    aws.stack(status="UPDATE_COMPLETE")
    aws.tells("millrace-dev", *ended)
    aws.tells("millrace-dev", *ended)
    protects(aws)

    apply(aws, planner, plan(aws), seen.append)

    assert [event.status for event in seen] == ["UPDATE_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_COMPLETE"]
    assert aws.clock.now() == 3.0


def test_zero_resource_changes_but_outputs_or_tags_differ_is_executed(aws: Any, planner: FakePlanner) -> None:
    tells(aws)
    aws.tells("millrace-dev")
    puts(aws, PROTECTED, PROTECTED)
    executes(aws)
    runs(aws, "UPDATE_COMPLETE")
    protects(aws)
    made = plan(aws)

    assert not any(made.stacks.walk())
    apply(aws, planner, made)


def test_a_first_deployment_has_its_policies_when_it_stands(aws: Any, planner: FakePlanner) -> None:
    tells(aws)
    aws.tells("millrace-dev")
    aws.says(
        "execute_change_set",
        {},
        ChangeSetName=aws.change_set_id(NAME),
        ClientRequestToken=NAME,
        RetainExceptOnCreate=True,
    )
    runs(aws, "CREATE_COMPLETE")
    protects(aws, None, "CREATE_COMPLETE")

    apply(aws, planner, plan(aws, kind=Kind.CREATE))


def test_an_accepted_loss_is_free_for_this_one_operation(aws: Any, planner: FakePlanner) -> None:
    tells(aws)
    aws.tells("millrace-dev")
    puts(aws, PROTECTED, FREE)
    executes(aws)
    runs(aws, "UPDATE_COMPLETE")
    protects(aws, FREE)

    apply(aws, planner, plan(aws, LOSES), accepted=(("Queue",),))


def test_what_leaves_and_is_retained_is_no_loss_and_free(aws: Any, planner: FakePlanner) -> None:
    tells(aws)
    aws.tells("millrace-dev")
    puts(aws, PROTECTED, FREE)
    executes(aws)
    runs(aws, "UPDATE_COMPLETE")
    protects(aws, FREE)

    apply(aws, planner, plan(aws, Change("Queue", QUEUE, Action.REMOVE, policy_action="Retain")))


def test_a_failure_ends_with_its_first_cause_and_with_its_policies(aws: Any, planner: FakePlanner) -> None:
    tells(aws)
    aws.tells("millrace-dev")
    puts(aws, PROTECTED, FREE)
    executes(aws)
    told = [
        aws.about("millrace-dev", "UPDATE_IN_PROGRESS", 0),
        aws.event("millrace-dev", "Queue", "DELETE_FAILED", 3, reason="no"),
        aws.about("millrace-dev", "UPDATE_ROLLBACK_COMPLETE", 4),
    ]
    aws.stack(status="UPDATE_ROLLBACK_COMPLETE")
    aws.tells("millrace-dev", *told)
    aws.tells("millrace-dev", *told)
    protects(aws, FREE, "UPDATE_ROLLBACK_COMPLETE", succeeded=False)

    with pytest.raises(DeploymentFailed, match=r"first cause: Queue \(AWS::SQS::Queue\) DELETE_FAILED: no"):
        apply(aws, planner, plan(aws, LOSES), accepted=(("Queue",),))


def test_a_failure_is_not_hidden_by_policies_that_cannot_be_set(aws: Any, planner: FakePlanner) -> None:
    tells(aws)
    aws.tells("millrace-dev")
    puts(aws, PROTECTED, PROTECTED)
    executes(aws)
    runs(aws, "UPDATE_ROLLBACK_COMPLETE")
    aws.refuses("describe_stacks", "ExpiredToken", "old")

    with pytest.raises(DeploymentFailed):
        apply(aws, planner, plan(aws))


def test_policies_that_cannot_be_set_stop_the_apply_before_it_executes(
    aws: Any, planner: FakePlanner
) -> None:
    tells(aws)
    aws.tells("millrace-dev")
    aws.says("list_stack_resources", {"StackResourceSummaries": []})
    aws.says("get_template", {"TemplateBody": TEMPLATE})
    aws.says("get_stack_policy", {})
    aws.refuses("set_stack_policy", "AccessDenied", "not you")
    aws.refuses("describe_stacks", "AccessDenied", "nor here")

    with pytest.raises(ClientError, match="SetStackPolicy operation: not you"):
        apply(aws, planner, plan(aws))


def test_the_stack_moved_since_the_plan_and_aws_says_so(aws: Any, planner: FakePlanner) -> None:
    tells(aws)
    aws.tells("millrace-dev")
    puts(aws, PROTECTED, FREE)
    aws.refuses("execute_change_set", "InvalidChangeSetStatus", "OBSOLETE")
    protects(aws, FREE, succeeded=False)

    with pytest.raises(PlanOutdated, match="OBSOLETE"):
        apply(aws, planner, plan(aws, LOSES), accepted=(("Queue",),))


def test_who_loses_sight_of_a_deployment_leaves_it_what_it_needs(aws: Any, planner: FakePlanner) -> None:
    tells(aws)
    aws.tells("millrace-dev")
    puts(aws, PROTECTED, FREE)
    executes(aws)
    aws.stack(status="UPDATE_IN_PROGRESS")
    aws.refuses("describe_stack_events", "AccessDenied", "too late")

    with pytest.raises(LostSight, match=r"^AWS refused Descr.*goes on in AWS.*`python deploy\.py attach dev"):
        apply(aws, planner, plan(aws, LOSES), accepted=(("Queue",),))


def test_what_a_killed_deployer_left_open_the_next_apply_closes_also_with_nothing_to_do(
    aws: Any, planner: FakePlanner
) -> None:
    aws.account()
    protects(aws, FREE, succeeded=False)

    apply(aws, planner, plan(aws, empty=True))


def test_an_empty_plan_still_sets_the_termination_protection(aws: Any, planner: FakePlanner) -> None:
    aws.account()
    aws.stack()
    aws.says("update_termination_protection", {}, StackName="millrace-dev", EnableTerminationProtection=True)
    puts(aws, PROTECTED, PROTECTED)

    environment = msgspec.structs.replace(load("dev"), termination_protection=True)
    apply(aws, planner, plan(aws, empty=True), environment=environment)


def test_a_first_deployment_that_failed_is_not_protected_from_its_removal(
    aws: Any, planner: FakePlanner
) -> None:
    tells(aws)
    aws.tells("millrace-dev")
    aws.says("execute_change_set", {})
    runs(aws, "ROLLBACK_COMPLETE")
    aws.stack(status="ROLLBACK_COMPLETE")

    environment = msgspec.structs.replace(load("dev"), termination_protection=True)
    with pytest.raises(DeploymentFailed):
        apply(aws, planner, plan(aws, kind=Kind.CREATE), environment=environment)


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "REVIEW_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"])
def test_of_a_stack_that_moves_or_is_stuck_or_none_yet_nothing_is_touched(
    aws: Any, planner: FakePlanner, status: str
) -> None:
    aws.account()
    aws.stack(status=status)

    apply(aws, planner, plan(aws, empty=True))


@pytest.mark.parametrize("fresh", [True, False])
def test_a_refused_plan_goes_again_unless_it_was_there_before(
    aws: Any, planner: FakePlanner, fresh: bool
) -> None:
    tells(aws)
    planner.error = Unsealed(plan=NAME, why="it has no seal", again="python deploy.py plan dev")
    made = plan(aws)

    with pytest.raises(Unsealed):
        apply(aws, planner, made, fresh=fresh)

    assert planner.withdrawn == ([made] if fresh else [])


def test_data_loss_that_nobody_accepted_is_refused_before_anything_is_asked(
    aws: Any, planner: FakePlanner
) -> None:
    aws.account()

    with pytest.raises(DataLossNotAccepted, match="--accept-data-loss Queue"):
        apply(aws, planner, plan(aws, LOSES), fresh=False)


def test_an_alarm_that_is_on_is_refused(aws: Any, planner: FakePlanner) -> None:
    tells(aws)
    planner.watch = Watch((Alarm("arn:aws:cloudwatch:r:1:alarm:Lag", "AWS::CloudWatch::Alarm", "ALARM"),), 5)

    with pytest.raises(AlarmRaised, match="Lag is in ALARM already"):
        apply(aws, planner, plan(aws), fresh=False)


def test_interrupted_before_it_executes_it_says_that_nothing_was_begun(
    aws: Any, planner: FakePlanner
) -> None:
    tells(aws)
    planner.error = KeyboardInterrupt()
    made = plan(aws)

    with pytest.raises(Interrupted, match="no change of a stack was begun"):
        apply(aws, planner, made)

    assert planner.withdrawn == [made]


@pytest.mark.parametrize("execution", ["EXECUTE_COMPLETE", "OBSOLETE"])
def test_a_change_set_that_cannot_be_executed_any_more_is_refused(
    aws: Any, planner: FakePlanner, execution: str
) -> None:
    aws.account()
    aws.says("describe_change_set", aws.described("millrace-dev", [], name=NAME, execution=execution))

    with pytest.raises(PlanOutdated, match=f"its change set is {execution}"):
        apply(aws, planner, plan(aws), fresh=False)
