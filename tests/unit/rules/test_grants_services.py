"""Roles that services take: IoT, flow logs, enhanced monitoring."""

import pytest

from tests.unit.rules.conftest import Say
from tests.unit.rules.test_grants_roles import allow, resources, role

CARRIER = """
  Readings: {Type: AWS::Kinesis::Stream}
  Carries:
    Type: AWS::IoT::TopicRule
    Properties:
      TopicRulePayload:
        Actions: [{Kinesis: {StreamName: !Ref Readings, RoleArn: !GetAtt Own.Arn}}]
"""
LOG = """
  Paper: {Type: AWS::Logs::LogGroup}
  Flow:
    Type: AWS::EC2::FlowLog
    Properties: {LogGroupName: !Ref Paper, DeliverLogsPermissionArn: !GetAtt Own.Arn}
"""
TEMPLATE = """
  Makes:
    Type: AWS::IoT::ProvisioningTemplate
    Properties:
      ProvisioningRoleArn: !GetAtt Own.Arn
      TemplateBody: '{"Resources": {"thing": {"Type": "AWS::IoT::Thing"}}}'
"""
DATABASE = """
  Rows: {Type: AWS::RDS::DBInstance, Properties: {MonitoringRoleArn: !GetAtt Own.Arn}}
"""


@pytest.mark.parametrize(
    ("rule", "service", "template", "statement", "part"),
    [
        ("E9223", "iot", CARRIER, allow("kinesis:PutRecord", "!GetAtt Readings.Arn"), "kinesis:PutRecord"),
        (
            "E9224",
            "iot",
            TEMPLATE,
            allow(
                "iot:CreateThing, iot:DescribeThing, iot:RegisterThing, iot:ListAttachedPolicies, "
                "iot:ListPolicyPrincipals, iot:ListPrincipalPolicies, iot:ListPrincipalThings, "
                "iot:ListThingPrincipals",
                "'*'",
            ),
            "iot:RegisterThing",
        ),
        (
            "E9225",
            "vpc-flow-logs",
            LOG,
            allow("logs:CreateLogStream, logs:PutLogEvents, logs:DescribeLogStreams", "!GetAtt Paper.Arn"),
            "logs:PutLogEvents",
        ),
        (
            "E9226",
            "monitoring.rds",
            DATABASE,
            allow("logs:PutLogEvents", "'arn:aws:logs:*:*:log-group:RDS*:log-stream:*'"),
            "logs:PutLogEvents",
        ),
    ],
)
def test_a_service_may_do_what_it_takes_the_role_for(
    say: Say, rule: str, service: str, template: str, statement: str, *, part: str
) -> None:
    right = resources(role("Own", service, statement), template)

    assert say(rule, right) == []
    assert say(rule, right.replace(part, "sts:GetCallerIdentity"))


def test_a_role_bound_to_all_though_it_has_one_user(say: Say) -> None:
    trust = role("Own", "iot").replace("iot.amazonaws", "monitoring.rds.amazonaws")
    named = DATABASE.replace("{MonitoringRoleArn", "{DBInstanceIdentifier: rows, MonitoringRoleArn")
    wide = trust.replace("arn:aws:iot:", "arn:aws:rds:").replace("AccountId}:*", "AccountId}:db:*")

    assert say("W9237", resources(wide, named))
    assert say("W9237", resources(wide.replace("db:*", "db:rows"), named)) == []
