"""References of alarms, dashboards and rules to what is not in their template: gone, or misspelt."""

from collections.abc import Iterator, Mapping

from rules.families.signals.alarm_series import ALARM, COMPOSITE
from rules.families.signals.dashboard_series import DASHBOARD
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import NESTED

KINDS = (
    ALARM,
    COMPOSITE,
    DASHBOARD,
    "AWS::Events::Rule",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::Logs::MetricFilter",
    "AWS::EC2::FlowLog",
    "AWS::ECS::Service",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::Budgets::Budget",
)


@rule(
    "E9697",
    cause=(
        "nested stack {stack} hands {parameter} on to alarms from {output}, which {child} does not give out"
    ),
    remedy="give the output in the child, or hand on another",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html",
    ),
)
def a_signal_s_parameter_from_nowhere(site: Site) -> Iterator[Finding]:
    for resource in site.all(NESTED):
        child = site.tree.stacks.get(resource.address)
        signals = child is not None and any(one.kind in KINDS for one in child.resources.values())
        for name, value in (resource.properties.get("Parameters") or {}).items() if signals else ():
            argument = value.get("Fn::GetAtt") if isinstance(value, Mapping) else None
            parts = (
                argument.split(".")
                if isinstance(argument, str)
                else argument
                if isinstance(argument, list)
                else []
            )
            path = ".".join(map(str, parts)).split(".")
            if len(path) == 3 and path[1] == "Outputs":
                stack = site.tree.stacks[resource.stack]
                giver = (
                    site.tree.stacks.get(stack.resources[path[0]].address)
                    if path[0] in stack.resources
                    else None
                )
                if giver is not None and path[2] not in giver.outputs:
                    yield found(
                        resource,
                        "Parameters",
                        name,
                        stack=resource,
                        parameter=name,
                        output=path[2],
                        child=giver.address,
                    )
