import pytest

from deployer import acceptance
from deployer.changes import Action, Change, PropertyChange, Replacement, StackPlan
from deployer.errors import DataLossNotAccepted
from deployer.naming import Ambiguous, NoSuchName
from deployer.plan import Kind, Plan

STREAM = "AWS::Kinesis::Stream"
QUEUE = "AWS::SQS::Queue"


def lost(name: str) -> Change:
    return Change(name, QUEUE, Action.REMOVE, policy_action="Delete")


KEPT = Change("Archive", "AWS::S3::Bucket", Action.REMOVE, policy_action="Retain")
UNKNOWN = Change(
    "Readings",
    STREAM,
    Action.MODIFY,
    Replacement.CONDITIONAL,
    properties=(PropertyChange("Name", dynamic=True, source="ParameterReference"),),
)
PLAN = Plan(
    "dev",
    "millrace-dev",
    Kind.UPDATE,
    StackPlan(
        "millrace-dev",
        (lost("Own"),),
        (
            StackPlan("Stream", (lost("Letters"), UNKNOWN)),
            StackPlan("Ingest", (lost("Letters"), KEPT, Change("Role", "AWS::IAM::Role", Action.REMOVE))),
        ),
    ),
    "c",
)


@pytest.mark.parametrize(
    ("name", "path"),
    [("Own", ("Own",)), ("Stream/Letters", ("Stream", "Letters")), ("Ingest/Letters", ("Ingest", "Letters"))],
)
def test_a_loss_is_accepted_by_path_or_by_a_name_that_is_one_resources(
    name: str, path: tuple[str, ...]
) -> None:
    assert acceptance.accept(PLAN, [name]) == {path}


def test_a_name_that_could_be_two_is_refused() -> None:
    with pytest.raises(Ambiguous, match="Letters could be any of Stream/Letters, Ingest/Letters") as refusal:
        acceptance.accept(PLAN, ["Letters"])
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize("name", ["Role", "Archive", "Readings", "Stream", "Nothing", ""])
def test_what_is_not_endangered_is_refused_as_a_mistake(name: str) -> None:
    with pytest.raises(NoSuchName, match="that is none of Own, Stream/Letters, Ingest/Letters") as refusal:
        acceptance.accept(PLAN, [name])
    assert refusal.value.exit_code == 2


def test_a_plan_that_endangers_nothing_says_so() -> None:
    plan = Plan("dev", "millrace-dev", Kind.UPDATE, StackPlan("millrace-dev"), "c")

    with pytest.raises(NoSuchName, match="that is none of what it is for"):
        acceptance.accept(plan, ["Own"])


def test_data_loss_that_not_everybody_accepted_is_refused_with_the_options() -> None:
    with pytest.raises(DataLossNotAccepted) as refusal:
        acceptance.refuse_missing(PLAN, {("Own",)})

    assert str(refusal.value) == (
        "millrace-dev would lose data, and nobody accepted that for Stream/Letters, Ingest/Letters: read "
        "what would be lost; to go on all the same, run the command again with "
        "--accept-data-loss Stream/Letters --accept-data-loss Ingest/Letters; nothing was changed"
    )
    assert refusal.value.exit_code == 1


def test_all_accepted_is_not_refused() -> None:
    acceptance.refuse_missing(PLAN, acceptance.endangered(PLAN))


def test_what_leaves_without_a_loss_is_free_and_what_nobody_could_see_is_not() -> None:
    assert acceptance.released(PLAN, {("Own",)}) == {("Own",), ("Ingest", "Archive")}
