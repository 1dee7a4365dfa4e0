"""How the service runs its tasks, deploys them and changes their number."""

from typing import Any

from mutation.breaking import broken
from mutation.draft import Body, Draft, ref

SERVICE = "AWS::ECS::Service"
CLUSTER = "AWS::ECS::Cluster"
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
ALARM = "AWS::CloudWatch::Alarm"
FARGATE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html"
DEPLOY = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html"
CIRCUIT = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html"
STEPS = "https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html"
SCALE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-auto-scaling.html"
CAPACITY = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html"
CRON = "https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html"


def service(draft: Draft) -> Body:
    return draft.the(SERVICE).properties


def steps(draft: Draft, name: str) -> list[dict[str, Any]]:
    policy = draft.the(POLICY, PolicyName=name)
    found: list[dict[str, Any]] = policy.properties["StepScalingPolicyConfiguration"]["StepAdjustments"]
    return found


@broken(
    why="in a private subnet a public address leads nowhere, and it is one more to be found by",
    source=FARGATE,
)
def the_tasks_have_public_addresses(draft: Draft) -> None:
    service(draft)["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] = "ENABLED"


@broken(why="whoever may call ECS has a shell where the readings are")
def the_tasks_have_a_shell(draft: Draft) -> None:
    service(draft)["EnableExecuteCommand"] = True


@broken(why="when the zone fails no task is left", only=("prod",))
def the_service_stands_in_one_zone(draft: Draft) -> None:
    del service(draft)["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"][1:]


@broken(why="none may be stopped and none added: a deployment never moves", source=DEPLOY)
def a_deployment_can_neither_stop_nor_start(draft: Draft) -> None:
    service(draft)["DeploymentConfiguration"].update(MinimumHealthyPercent=100, MaximumPercent=100)


@broken(why="all old tasks may be stopped before a new one works", source=DEPLOY)
def a_deployment_stops_all_first(draft: Draft) -> None:
    service(draft)["DeploymentConfiguration"]["MinimumHealthyPercent"] = 0


@broken(why="a version that does not start is started again for ever", source=CIRCUIT)
def a_deployment_has_no_circuit_breaker(draft: Draft) -> None:
    del service(draft)["DeploymentConfiguration"]["DeploymentCircuitBreaker"]


@broken(why="a version that does not start stays where it is, and nothing goes back", source=CIRCUIT)
def a_failed_deployment_does_not_go_back(draft: Draft) -> None:
    service(draft)["DeploymentConfiguration"]["DeploymentCircuitBreaker"]["Rollback"] = False


@broken(why="a version that starts and falls behind stays: its alarm is not heeded", source=DEPLOY)
def a_deployment_heeds_no_alarm(draft: Draft) -> None:
    service(draft)["DeploymentConfiguration"]["Alarms"]["Enable"] = False


@broken(why="each deployment sets the number that scaling has found back to this one", source=SCALE)
def the_service_names_its_number_of_tasks(draft: Draft) -> None:
    service(draft)["DesiredCount"] = 1


@broken(why="all tasks are on spare capacity, and may be taken away within two minutes", source=CAPACITY)
def the_service_is_on_spot_alone(draft: Draft) -> None:
    service(draft)["CapacityProviderStrategy"] = [
        {"CapacityProvider": "FARGATE_SPOT", "Base": 1, "Weight": 1}
    ]


@broken(why="the service asks for capacity that its cluster does not have: it is refused", source=CAPACITY)
def the_cluster_lacks_a_capacity_of_its_service(draft: Draft) -> None:
    draft.the(CLUSTER).properties["CapacityProviders"].remove("FARGATE_SPOT")


@broken(why="Fargate runs ARM from platform 1.4.0 on", source=FARGATE)
def the_platform_is_too_old_for_its_processor(draft: Draft) -> None:
    service(draft)["PlatformVersion"] = "1.3.0"


@broken(why="the lower bound is above the upper: refused", source=SCALE)
def the_bounds_of_scaling_are_exchanged(draft: Draft) -> None:
    draft.the(TARGET).properties["MinCapacity"] = draft.the(TARGET).properties["MaxCapacity"] + 1


@broken(only=("dev",), why="a task beyond the number of shards has nothing to read")
def there_may_be_more_tasks_than_shards(draft: Draft) -> None:
    draft.the(TARGET).properties["MaxCapacity"] = 6


@broken(
    why="the first name is the cluster's, the second the service's: there is no such service", source=SCALE
)
def the_scaled_services_names_are_exchanged(draft: Draft) -> None:
    draft.the(TARGET).properties["ResourceId"]["Fn::Sub"][0] = "service/${Name}/${Cluster}"


@broken(why="the dimension is of another service than the namespace: refused", source=SCALE)
def the_scaled_dimension_is_of_another_service(draft: Draft) -> None:
    draft.the(TARGET).properties["ScalableDimension"] = "dynamodb:table:ReadCapacityUnits"


@broken(why="when readings wait, tasks are taken away", source=STEPS)
def lag_takes_tasks_away(draft: Draft) -> None:
    for step in steps(draft, "more-on-lag"):
        step["ScalingAdjustment"] *= -1


@broken(why="the alarm on lag starts the policy that takes tasks away")
def the_alarm_on_lag_calls_the_wrong_policy(draft: Draft) -> None:
    draft.the(ALARM, AlarmActions=[ref("MoreOnLag")]).properties["AlarmActions"] = [ref("FewerWhenIdle")]


@broken(why="between the steps lag is answered by nothing", source=STEPS)
def steps_leave_a_gap(draft: Draft) -> None:
    steps(draft, "more-on-lag")[1]["MetricIntervalLowerBound"] = 300000


@broken(why="no alarm starts the policy, so lag adds no task", source=STEPS)
def no_alarm_calls_the_policy_on_lag(draft: Draft) -> None:
    draft.remove(draft.the(ALARM, AlarmActions=[ref("MoreOnLag")]))


@broken(why="CPU never averages 600 %, so load adds no task", source=SCALE)
def the_target_of_scaling_cannot_be_reached(draft: Draft) -> None:
    policy = draft.the(POLICY, PolicyName="more-on-load")
    policy.properties["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] = 600


@broken(only=("prod",), why="the floor of the working day is above its ceiling: refused", source=SCALE)
def a_scheduled_floor_is_above_its_ceiling(draft: Draft) -> None:
    draft.the(TARGET).properties["ScheduledActions"][0]["ScalableTargetAction"]["MinCapacity"] = 9


@broken(
    only=("prod",),
    why="day of the month and of the week are both given: one must be a question mark",
    source=CRON,
)
def a_schedule_cannot_be_read(draft: Draft) -> None:
    draft.the(TARGET).properties["ScheduledActions"][0]["Schedule"] = "cron(0 6 * * MON-FRI *)"
