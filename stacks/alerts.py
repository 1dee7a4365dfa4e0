"""Where the platform tells people that something is wrong, and what it may cost."""

from dataclasses import dataclass

from awacs import sns as can
from awacs.aws import Allow, Bool, Condition, Deny, PolicyDocument, Principal, Statement, StringEquals
from troposphere import Ref, budgets, sns

from parameters import sections as parameters
from stacks.context import why
from stacks.wiring import Address, KeyArn, StackTemplate, TopicArn, TopicName

ACTUAL_PERCENT = 80  # spent: time to look before the money is gone
FORECAST_PERCENT = 100  # will be spent by the end of the month at today's pace


@dataclass(frozen=True)
class Inputs:
    key_arn: KeyArn
    notification_address: Address


@dataclass(frozen=True)
class Outputs:
    topic_arn: TopicArn
    topic_name: TopicName


def build(template: StackTemplate, inputs: Inputs, settings: parameters.Alerts) -> Outputs:
    topic = template.add_resource(
        sns.Topic(
            "Notifications",
            Metadata=why(
                "one place that every alarm and event speaks to",
                "be encrypted with a key that its publishers may use",
            ),
            KmsMasterKeyId=inputs.key_arn,
        )
    )
    template.add_resource(
        sns.TopicPolicy(
            "NotificationsPolicy",
            Topics=[Ref(topic)],
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[tls_only(TopicArn(Ref(topic))), *publishers(TopicArn(Ref(topic)))],
            ),
        )
    )
    template.add_resource(
        sns.SubscriptionResource(
            "Mail",
            Metadata=why("who is told; the address confirms once, by a link in the first mail"),
            TopicArn=Ref(topic),
            Protocol="email",
            Endpoint=inputs.notification_address,
        )
    )
    template.add_resource(budget(inputs.notification_address, settings.monthly_budget_usd))
    return Outputs(topic_arn=TopicArn(Ref(topic)), topic_name=TopicName(topic.get_att("TopicName")))


def tls_only(topic: TopicArn) -> Statement:
    """Whoever publishes with credentials of their own does it by TLS; services of AWS are passed over.

    No page says what EventBridge and CloudWatch present there, so nothing asks it of them: with a key that
    a request lacks, the statement does not refuse.
    https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html#enforce-encryption-data-in-transit
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalisawsservice
    """
    return Statement(
        Sid="RefuseWithoutTls",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[can.Publish],
        Resource=[topic],
        Condition=Condition(Bool({"aws:SecureTransport": "false", "aws:PrincipalIsAWSService": "false"})),
    )


def publishers(topic: TopicArn) -> list[Statement]:
    """Who of this account may publish; the budget is not among them, since it sends its mail itself.

    EventBridge stands apart: AWS says that topic policies take no condition for it, and an event that one
    turns away vanishes silently (docs/decisions/events.md).
    https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    return [
        Statement(
            Sid="AlarmsOfThisAccountPublish",
            Effect=Allow,
            Principal=Principal("Service", ["cloudwatch.amazonaws.com"]),
            Action=[can.Publish],
            Resource=[topic],
            Condition=Condition(StringEquals("aws:SourceAccount", Ref("AWS::AccountId"))),
        ),
        Statement(
            Sid="EventsPublish",
            Effect=Allow,
            Principal=Principal("Service", ["events.amazonaws.com"]),
            Action=[can.Publish],
            Resource=[topic],
        ),
    ]


def budget(address: Address, limit_usd: int) -> budgets.Budget:
    """Of the whole account: an environment has one of its own (docs/decisions/budget.md)."""

    def notification(kind: str, percent: int) -> budgets.NotificationWithSubscribers:
        return budgets.NotificationWithSubscribers(
            Notification=budgets.Notification(
                NotificationType=kind,
                ComparisonOperator="GREATER_THAN",
                Threshold=percent,
                ThresholdType="PERCENTAGE",
            ),
            Subscribers=[budgets.Subscriber(SubscriptionType="EMAIL", Address=address)],
        )

    return budgets.Budget(
        "MonthlyBudget",
        Metadata=why("a runaway scale-out or a forgotten environment shows within a day"),
        Budget=budgets.BudgetData(
            BudgetType="COST",
            TimeUnit="MONTHLY",
            BudgetLimit=budgets.Spend(Amount=limit_usd, Unit="USD"),
        ),
        NotificationsWithSubscribers=[
            notification("ACTUAL", ACTUAL_PERCENT),
            notification("FORECASTED", FORECAST_PERCENT),
        ],
    )
