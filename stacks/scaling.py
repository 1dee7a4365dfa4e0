"""How many tasks run: more on load and on lag, fewer when both have long been low, a floor by the clock."""

from typing import Any

from troposphere import Ref, Sub, cloudwatch, ecs
from troposphere import applicationautoscaling as scaling

from parameters import sections as parameters
from parameters.hours import WorkingHours
from stacks.alarm import Guidance, Series
from stacks.context import why
from stacks.wiring import StackTemplate
from topology import metrics

# Room to catch up while more tasks start, which takes a minute or two, and take over shards.
BUSY_PERCENT = 60
# Half of it: with a task less, at worst one of two, the rest is not yet busy, so out and in do not chase.
IDLE_PERCENT = 30
# Before the alarm on lag calls somebody (observability.lag_alarm_seconds).
LAGGING_SECONDS = 60
FAR_BEHIND_SECONDS = 300
CAUGHT_UP_SECONDS = 10
OUT_COOLDOWN = 180  # seconds until a new task has started, reads, and shows in the lag
IN_COOLDOWN = 900
IDLE_MINUTES = 30


def scale(
    template: StackTemplate,
    cluster: ecs.Cluster,
    service: ecs.Service,
    lag: Series,
    settings: parameters.Processor,
) -> None:
    """Add the bounds, the three policies and the two alarms that set the policies on lag and on idling off.

    Load only adds tasks. Left to take them away too, it would do so while a processor that waits for its
    database lags without load, and the lag would bring them back. Where two policies speak at once, the
    larger number holds:
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html
    """
    tasks = template.add_resource(target(cluster, service, settings))
    template.add_resource(more_on_load(tasks))
    more = template.add_resource(
        by_steps(
            "MoreOnLag",
            "How far a stream lags does not say how many tasks it lacks: so in steps, and look again.",
            tasks,
            OUT_COOLDOWN,
            scaling.StepAdjustment(
                MetricIntervalLowerBound=0,
                MetricIntervalUpperBound=(FAR_BEHIND_SECONDS - LAGGING_SECONDS) * 1000,
                ScalingAdjustment=1,
            ),
            scaling.StepAdjustment(
                MetricIntervalLowerBound=(FAR_BEHIND_SECONDS - LAGGING_SECONDS) * 1000, ScalingAdjustment=2
            ),
        )
    )
    template.add_resource(lagging(lag, more))
    fewer = template.add_resource(
        by_steps(
            "FewerWhenIdle",
            "One at a time, and never within a quarter of an hour.",
            tasks,
            IN_COOLDOWN,
            scaling.StepAdjustment(MetricIntervalLowerBound=0, ScalingAdjustment=-1),
        )
    )
    template.add_resource(idle(cluster, service, lag, fewer))


def target(
    cluster: ecs.Cluster, service: ecs.Service, settings: parameters.Processor
) -> scaling.ScalableTarget:
    """No role: for ECS it is Application Auto Scaling's service-linked one, made where it is missing.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html (RoleARN)
    """
    hours = settings.working_hours
    schedule: dict[str, Any] = {} if hours is None else {"ScheduledActions": shift(hours, settings)}
    return scaling.ScalableTarget(
        "Tasks",
        Metadata=why(
            "Bounds the number of tasks. The service names none, so that no deployment resets it.",
            "never runs more tasks than a stream of fixed size has shards",
        ),
        ServiceNamespace="ecs",
        ScalableDimension="ecs:service:DesiredCount",
        ResourceId=Sub("service/${Cluster}/${Name}", Cluster=Ref(cluster), Name=service.get_att("Name")),
        MinCapacity=settings.tasks_min,
        MaxCapacity=settings.tasks_max,
        **schedule,
    )


def shift(hours: WorkingHours, settings: parameters.Processor) -> list[scaling.ScheduledAction]:
    """The floor while the plant works, and its end, by the plant's own clock, summer time included.

    https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
    """
    begin, end = hours.hours.split("-")
    actions = []
    for name, moment, floor in (
        ("WorkBegins", begin, hours.tasks_min),
        ("WorkEnds", end, settings.tasks_min),
    ):
        hour, minute = (int(number) for number in moment.split(":"))
        actions.append(
            scaling.ScheduledAction(
                ScheduledActionName=name,
                Schedule=f"cron({minute} {hour} ? * {hours.days} *)",
                Timezone=hours.time_zone,
                ScalableTargetAction=scaling.ScalableTargetAction(
                    MinCapacity=floor, MaxCapacity=settings.tasks_max
                ),
            )
        )
    return actions


def more_on_load(tasks: scaling.ScalableTarget) -> scaling.ScalingPolicy:
    return scaling.ScalingPolicy(
        "MoreOnLoad",
        Metadata=why("A processor at its limit falls behind next."),
        PolicyName="more-on-load",
        PolicyType="TargetTrackingScaling",
        ScalingTargetId=Ref(tasks),
        TargetTrackingScalingPolicyConfiguration=scaling.TargetTrackingScalingPolicyConfiguration(
            PredefinedMetricSpecification=scaling.PredefinedMetricSpecification(
                PredefinedMetricType="ECSServiceAverageCPUUtilization"
            ),
            TargetValue=BUSY_PERCENT,
            ScaleOutCooldown=OUT_COOLDOWN,
            DisableScaleIn=True,
        ),
    )


def by_steps(
    title: str, reason: str, tasks: scaling.ScalableTarget, cooldown: int, *steps: scaling.StepAdjustment
) -> scaling.ScalingPolicy:
    name = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in title).lstrip("-")
    return scaling.ScalingPolicy(
        title,
        Metadata=why(reason),
        PolicyName=name,
        PolicyType="StepScaling",
        ScalingTargetId=Ref(tasks),
        StepScalingPolicyConfiguration=scaling.StepScalingPolicyConfiguration(
            AdjustmentType="ChangeInCapacity",
            Cooldown=cooldown,
            MetricAggregationType="Maximum",
            StepAdjustments=list(steps),
        ),
    )


def lagging(lag: Series, more: scaling.ScalingPolicy) -> cloudwatch.Alarm:
    guidance = Guidance(
        means=f"Readings wait {LAGGING_SECONDS} s or more, so tasks are added. It calls nobody.",
        look="Nothing, as long as the alarm Lag is silent: it speaks when more tasks do not help.",
        do="Nothing.",
    )
    return cloudwatch.Alarm(
        "Lagging",
        Metadata=why("Asks for more tasks; it calls nobody."),
        AlarmDescription=guidance.described("Lagging"),
        **lag.alone(),
        Period=60,
        EvaluationPeriods=2,
        Threshold=LAGGING_SECONDS * 1000,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",  # where nobody reads, a task more is no help
        AlarmActions=[Ref(more)],
    )


def idle(
    cluster: ecs.Cluster, service: ecs.Service, lag: Series, fewer: scaling.ScalingPolicy
) -> cloudwatch.Alarm:
    """On metric math, since neither lag nor load alone says that a task can go."""
    of_service = {"ClusterName": Ref(cluster), "ServiceName": service.get_att("Name")}
    guidance = Guidance(
        means=f"For {IDLE_MINUTES} minutes there was neither lag nor load, so a task is taken away, down to "
        "the floor. On a quiet day this is the usual state. It calls nobody.",
        look="Nothing.",
        do="Nothing.",
    )
    return cloudwatch.Alarm(
        "Idle",
        Metadata=why("Gives tasks back; it calls nobody."),
        AlarmDescription=guidance.described("Idle"),
        Metrics=[
            lag.query("lag", 60),
            Series(metrics.SERVICE_CPU, of_service, "Average").query("cpu", 60),
            cloudwatch.MetricDataQuery(
                Id="idle",
                Expression=f"IF(lag < {CAUGHT_UP_SECONDS * 1000} AND cpu < {IDLE_PERCENT}, 1, 0)",
                Label="neither lag nor load",
                ReturnData=True,
            ),
        ],
        EvaluationPeriods=IDLE_MINUTES,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",  # what is not measured is no reason to take away
        AlarmActions=[Ref(fewer)],
    )
