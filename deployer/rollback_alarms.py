"""The alarms that take a deployment back while it runs, and for some minutes after it.

CloudFormation watches five at most and rolls the whole operation back when one of them goes to ALARM, and
also when one of them is missing:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-rollback-triggers.html
What becomes of one that is in ALARM from the beginning the page does not say; here it is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.errors import DeployerError

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import RollbackConfigurationTypeDef
    from types_boto3_cloudwatch import CloudWatchClient

OUTPUT = "RollbackAlarms"  # of the root: ARNs with a comma between two
OPTION = "--without-rollback-alarms"
IN_ALARM = "ALARM"


class MissingAlarm(DeployerError):
    """the alarm {alarm} that would guard the deployment of {stack} is not there, and CloudFormation would
    roll everything back for that: make it again, or deploy without any with `python deploy.py apply
    {environment} --without-rollback-alarms`; nothing was changed"""


class AlarmRaised(DeployerError):
    """{alarms} in ALARM already, and the deployment of {stack} would be rolled back for that: mend what it
    tells (docs/runbook.md), or deploy what mends it with `python deploy.py apply {environment}
    --without-rollback-alarms`; nothing was changed"""


@dataclass(frozen=True)
class Alarm:
    """`type` is CloudFormation's, `state` CloudWatch's: OK, ALARM or INSUFFICIENT_DATA."""

    arn: str
    type: str
    state: str

    @property
    def name(self) -> str:
        return name_of(self.arn)


@dataclass(frozen=True)
class Watch:
    """The alarms of one deployment, and for how many minutes they count after its last resource."""

    alarms: tuple[Alarm, ...] = ()
    minutes: int = 0

    def configuration(self) -> "RollbackConfigurationTypeDef":
        """Always whole: CloudFormation keeps what an earlier change set asked for, unless it is told none.

        Minutes without an alarm would only be waited for:
        https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackConfiguration.html
        """
        return {
            "RollbackTriggers": [{"Arn": alarm.arn, "Type": alarm.type} for alarm in self.alarms],
            "MonitoringTimeInMinutes": self.minutes if self.alarms else 0,
        }

    @property
    def raised(self) -> tuple[str, ...]:
        return tuple(alarm.name for alarm in self.alarms if alarm.state == IN_ALARM)

    @property
    def notes(self) -> tuple[str, ...]:
        """What whoever reads the plan must know."""
        return tuple(
            f"ALARM {name}: the deployment would be rolled back for it; {OPTION} deploys what mends it"
            for name in self.raised
        )

    def refuse_raised(self, stack: str, environment: str) -> None:
        """Raises AlarmRaised."""
        if self.raised:
            verb = "is" if len(self.raised) == 1 else "are"
            alarms = f"{', '.join(self.raised)} {verb}"
            raise AlarmRaised(alarms=alarms, stack=stack, environment=environment)


def watch(
    cloudwatch: "CloudWatchClient",
    outputs: Mapping[str, str],
    minutes: int,
    *,
    stack: str,
    environment: str,
) -> Watch:
    """What the deployed root names, as CloudWatch has it now. Raises MissingAlarm."""
    arns = [arn for arn in outputs.get(OUTPUT, "").split(",") if arn]
    if not arns:
        return Watch()
    described = cloudwatch.describe_alarms(
        AlarmNames=[name_of(arn) for arn in arns], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    found = {
        alarm["AlarmArn"]: Alarm(alarm["AlarmArn"], "AWS::CloudWatch::Alarm", alarm["StateValue"])
        for alarm in described.get("MetricAlarms", [])
    }
    found |= {
        alarm["AlarmArn"]: Alarm(alarm["AlarmArn"], "AWS::CloudWatch::CompositeAlarm", alarm["StateValue"])
        for alarm in described.get("CompositeAlarms", [])
    }
    for arn in arns:
        if arn not in found:
            raise MissingAlarm(alarm=name_of(arn), stack=stack, environment=environment)
    return Watch(tuple(found[arn] for arn in arns), minutes)


def name_of(arn: str) -> str:
    """arn:aws:cloudwatch:<region>:<account>:alarm:<name>"""
    return arn.split(":", 6)[-1]
