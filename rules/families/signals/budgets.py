"""Budgets: somebody is told, before the money is spent."""

import re
from collections.abc import Iterator

from rules.families.signals.alarm_series import number
from rules.families.signals.notifications import takes_mail
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Value, known

BUDGET = "AWS::Budgets::Budget"
LIST = "NotificationsWithSubscribers"
NOTIFICATION = (
    "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_Notification.html"
)
SUBSCRIBER = "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_Subscriber.html"
PRACTICE = "https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-best-practices.html"


def _notifications(site: Site) -> Iterator[tuple[Resource, int, dict[str, Value], list[Value]]]:
    for budget in site.all(BUDGET):
        for position, one in enumerate(site.items(budget, LIST)):
            if isinstance(one, dict) and isinstance(one.get("Notification"), dict):
                people = one.get("Subscribers")
                said: dict[str, Value] = one["Notification"]  # type: ignore[assignment]
                yield budget, position, said, people if isinstance(people, list) else []


@rule(
    "E9685",
    cause="budget {budget} tells nobody: {why}",
    remedy="give it notifications, each with a subscriber",
    sources=(NOTIFICATION, SUBSCRIBER),
    demanding=True,
)
def a_budget_that_tells_nobody(site: Site) -> Iterator[Finding]:
    for budget in site.all(BUDGET):
        listed = site.get(budget, LIST)
        if known(listed) and not site.items(budget, LIST):
            yield found(budget, LIST, budget=budget, why="it has no notification")
    for budget, position, _, people in _notifications(site):
        if not people:
            yield found(
                budget, LIST, position, "Subscribers", budget=budget, why="a notification has no subscriber"
            )


@rule(
    "E9686",
    cause="budget {budget} sends {kind} to {address}, which is none",
    remedy="give a mail address with EMAIL, and a topic's ARN with SNS",
    sources=(SUBSCRIBER,),
)
def a_subscriber_whose_address_does_not_fit(site: Site) -> Iterator[Finding]:
    for budget, position, _, people in _notifications(site):
        for place, one in enumerate(people):
            if not isinstance(one, dict):
                continue
            kind, address = one.get("SubscriptionType"), one.get("Address")
            text = isinstance(address, str) and not re.fullmatch(
                r"[^@\s]+@[^@\s]+" if kind == "EMAIL" else r"arn:\S+:sns:\S+", address
            )
            topic = isinstance(address, Reference) and address.resource.kind == "AWS::SNS::Topic"
            wrong = (kind == "EMAIL" and (text or topic)) or (
                kind == "SNS"
                and (
                    text
                    or (
                        isinstance(address, Reference)
                        and topic
                        and address.attribute not in ("Ref", "TopicArn")
                    )
                )
            )
            parameter = kind == "SNS" and takes_mail(site, address)
            if wrong or parameter or kind not in ("EMAIL", "SNS"):
                yield found(
                    budget,
                    LIST,
                    position,
                    "Subscribers",
                    place,
                    "Address",
                    budget=budget,
                    kind=kind,
                    address=address,
                )


@rule(
    "W9687",
    cause="budget {budget} warns {when}, which is too late to do anything",
    remedy="add a notification well below 100 % of what is spent, and one on the forecast",
    sources=(PRACTICE, NOTIFICATION),
    demanding=True,
)
def a_budget_that_warns_too_late(site: Site) -> Iterator[Finding]:
    for budget in site.all(BUDGET):
        shares = []
        for one, _, said, _ in _notifications(site):
            if one == budget:
                shares.append((said.get("NotificationType"), _share(site, budget, said)))
        if not shares or any(share is None for _, share in shares):
            continue
        spent = [share for kind, share in shares if kind == "ACTUAL" and share is not None]
        early = [
            share
            for kind, share in shares
            if share is not None and (share <= 90 or (kind == "FORECASTED" and share <= 110))
        ]
        if not early:
            yield found(
                budget, LIST, budget=budget, when=f"at {min(share or 0 for _, share in shares):g} % first"
            )
        elif not spent:
            yield found(
                budget, LIST, budget=budget, when="by forecast alone, which a new account does not have"
            )
        elif min(spent) > 100:
            yield found(budget, LIST, budget=budget, when=f"of what is spent at {min(spent):g} % first")


def _share(site: Site, budget: Resource, said: dict[str, Value]) -> float | None:
    """The threshold in percent of the limit."""
    threshold = number(said.get("Threshold"))
    if threshold is None or said.get("ThresholdType") != "ABSOLUTE_VALUE":
        return threshold
    limit = number(site.get(budget, "Budget", "BudgetLimit", "Amount"))
    return threshold / limit * 100 if limit else None


@rule(
    "E9688",
    cause="budget {budget} notifies when {what}",
    remedy="use GREATER_THAN and a threshold above zero",
    sources=(NOTIFICATION,),
    demanding=True,
)
def a_budget_that_notifies_when_all_is_well(site: Site) -> Iterator[Finding]:
    for budget, position, said, _ in _notifications(site):
        kind = site.get(budget, "Budget", "BudgetType")
        cost = kind in ("COST", "USAGE")
        threshold = number(said.get("Threshold"))
        what = ""
        if cost and said.get("ComparisonOperator") in ("LESS_THAN", "EQUAL_TO"):
            what = (
                f"spending is {str(said.get('ComparisonOperator')).lower().replace('_', ' ')} its threshold"
            )
        elif cost and 0 < (_share(site, budget, said) or 0) < 5:
            what = f"{_share(site, budget, said):g} % of it are spent, which is on the first day"
        elif threshold is not None and threshold <= 0:
            what = "anything is spent at all"
        elif (
            cost
            and threshold is not None
            and said.get("ThresholdType", "PERCENTAGE") == "PERCENTAGE"
            and threshold > 500
        ):
            what = f"{threshold:g} % of it are spent"
        if what:
            yield found(budget, LIST, position, "Notification", budget=budget, what=what)


@rule(
    "E9689",
    cause="budget {budget} has {what}",
    remedy="give a limit above zero in USD, by day, month, quarter or year",
    sources=("https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_Budget.html",),
)
def a_budget_without_limit(site: Site) -> Iterator[Finding]:
    for budget in site.all(BUDGET):
        limit = site.get(budget, "Budget", "BudgetLimit")
        kind = site.get(budget, "Budget", "BudgetType")
        planned = any(
            site.get(budget, "Budget", name) is not None for name in ("AutoAdjustData", "PlannedBudgetLimits")
        )
        amount = number(limit.get("Amount")) if isinstance(limit, dict) else None
        if limit is None and not planned:
            yield found(budget, "Budget", budget=budget, what="no limit")
        elif isinstance(limit, dict) and amount is not None and amount <= 0:
            yield found(budget, "Budget", "BudgetLimit", "Amount", budget=budget, what="a limit of nothing")
        elif (
            kind == "COST"
            and isinstance(limit, dict)
            and isinstance(limit.get("Unit"), str)
            and len(str(limit.get("Unit"))) != 3
        ):
            yield found(budget, "Budget", "BudgetLimit", "Unit", budget=budget, what="a limit in no currency")
        elif kind == "USAGE" and isinstance(limit, dict) and limit.get("Unit") == "USD":
            yield found(budget, "Budget", "BudgetType", budget=budget, what="a limit of usage in a currency")
