"""AWS::Budgets::Budget, through ministack's own Budgets service."""

from ministack.services import budgets

from local.aws.stacks import Json
from local.aws.types import Made, called, register

BUDGET = "AWS::Budgets::Budget"


def install() -> None:
    register(
        BUDGET,
        create=_create,
        update=_update,
        delete=lambda physical_id, props: _delete(physical_id),
        replacing=("NotificationsWithSubscribers",),
    )


def _create(logical_id: str, props: Json, stack_name: str) -> Made:
    budget = dict(props["Budget"])
    budget.setdefault("BudgetName", f"{stack_name}-{logical_id}")
    if "BudgetLimit" in budget:
        limit = budget["BudgetLimit"]
        budget["BudgetLimit"] = {"Amount": str(limit["Amount"]), "Unit": limit["Unit"]}
    wanted = {
        "Budget": budget,
        "NotificationsWithSubscribers": props.get("NotificationsWithSubscribers") or [],
        "ResourceTags": props.get("ResourceTags") or [],
    }
    called(budgets._create_budget(wanted), BUDGET)
    return budget["BudgetName"], {}


def _update(physical_id: str, old: Json, new: Json) -> Made:
    called(budgets._update_budget({"NewBudget": {"BudgetName": physical_id, **new["Budget"]}}), BUDGET)
    return physical_id, {}


def _delete(name: str) -> None:
    budgets._budgets.pop(name, None)
    budgets._notification_store.pop(name, None)
