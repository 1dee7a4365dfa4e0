from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployer import leftovers
from deployer.changeset import ChangeSets
from deployer.seal import Seal

NOW = datetime(2026, 1, 10, tzinfo=UTC)
STATE = {"id": "1", "status": "UPDATE_COMPLETE", "operation": "millrace-deploy-0"}
MOVED = {**STATE, "operation": "millrace-deploy-before"}
MADE = {"ChangeSetId": "made", "ChangeSetName": "millrace-deploy-made", "CreationTime": NOW}


def plan(name: str, *, hours: float = 1, state: dict[str, str] | None = STATE, **more: Any) -> dict[str, Any]:
    description = Seal.of({"stack": state}, name, "millrace-dev").text() if state else ""
    return {
        "ChangeSetId": name,
        "ChangeSetName": name,
        "CreationTime": NOW - timedelta(hours=hours),
        "ExecutionStatus": "AVAILABLE",
        "Status": "CREATE_COMPLETE",
        "Description": description,
        **more,
    }


@pytest.mark.parametrize(
    ("one", "left"),
    [
        (plan("millrace-deploy-young"), False),
        (plan("millrace-deploy-day", hours=24), False),
        (plan("millrace-deploy-old", hours=24.1), True),
        (plan("millrace-deploy-moved", state=MOVED), True),
        (plan("millrace-deploy-newer", state=MOVED, hours=-0.1), False),
        (plan("millrace-deploy-unsealed", state=None), False),
        (plan("millrace-deploy-unsealed", state=None, hours=25), True),
        (plan("millrace-deploy-failed", hours=25, ExecutionStatus="UNAVAILABLE", Status="FAILED"), True),
        (plan("millrace-deploy-no-changes", hours=0.2, ExecutionStatus="UNAVAILABLE", Status="FAILED"), True),
        (plan("millrace-deploy-is-read", hours=0.1, ExecutionStatus="UNAVAILABLE", Status="FAILED"), False),
        (plan("millrace-deploy-is-made", hours=0.2, Status="CREATE_PENDING"), False),
        (plan("somebody-elses-failed", hours=25, ExecutionStatus="UNAVAILABLE", Status="FAILED"), False),
        (plan("millrace-deploy-refused", hours=0.1, state=None, ExecutionStatus="OBSOLETE"), True),
        (plan("millrace-deploy-obsolete", state=MOVED, ExecutionStatus="OBSOLETE"), True),
        (plan("millrace-deploy-runs", hours=25, ExecutionStatus="EXECUTE_IN_PROGRESS"), False),
        (plan("millrace-deploy-ran", hours=25, ExecutionStatus="EXECUTE_COMPLETE"), False),
        (plan("millrace-deploy-going", hours=25, Status="DELETE_IN_PROGRESS"), False),
        (plan("millrace-deploy-coming", hours=25, Status="CREATE_IN_PROGRESS"), False),
        (plan("somebody-elses", hours=25, state=MOVED), False),
    ],
)
def test_a_plan_is_left_over_when_it_is_a_day_old_or_its_stack_has_moved_or_nobody_can_apply_it(
    one: dict[str, Any], left: bool
) -> None:
    found = list(leftovers.leftovers([one, MADE], "made", STATE))  # type: ignore[list-item]

    assert found == ([one] if left else [])


def test_what_another_deployer_removes_at_this_moment_stops_nothing(aws: Any) -> None:
    old = [plan(f"millrace-deploy-{name}", hours=30) for name in ("gone", "runs", "old")]
    aws.says("list_change_sets", {"Summaries": [MADE, *old]}, StackName="millrace-dev")
    aws.refuses("delete_change_set", "ChangeSetNotFound")
    aws.refuses("delete_change_set", "AccessDenied", "not you")
    aws.says("delete_change_set", {}, ChangeSetName="millrace-deploy-old")

    leftovers.remove(ChangeSets(aws.cloudformation, aws.clock, 1.0), "millrace-dev", "made", STATE)


def test_who_may_not_list_change_sets_plans_all_the_same(aws: Any) -> None:
    aws.refuses("list_change_sets", "AccessDenied", "not you")

    leftovers.remove(ChangeSets(aws.cloudformation, aws.clock, 1.0), "millrace-dev", "made", STATE)
