"""What other teams write and what once was misread: each rule silent there, and not on what it is for."""

import pytest

from tests.unit.rules.conftest import Say

ALARM = """\
Resources:
  Pager: {Type: 'AWS::Serverless::Application', Properties: {Location: ./pager.yaml}}
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: CWAgent
      MetricName: mem_used_percent
      Dimensions: [{Name: ImageId, Value: ami-1}, {Name: InstanceType, Value: t3.nano}]
      Statistic: Average
      Period: 60
      EvaluationPeriods: 1
      Threshold: 90
      ComparisonOperator: GreaterThanThreshold
      AlarmActions: [!GetAtt Pager.Outputs.Topic]
"""
EVENTS = """\
Resources:
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [aws.networkmanager], detail-type: [Network Manager Routing Update]}
      ScheduleExpression: cron(* ? * * * *)
      Targets: [{Id: a, Arn: 'arn:aws:sns:us-east-1:111122223333:a'}]
"""
PARAMETERS = """\
Parameters:
  ManageMasterUserPassword: {Type: String, Default: 'true', AllowedValues: ['true', 'false']}
  AdminUsername: {Type: String, Default: postgres, NoEcho: true}
Resources:
  Pool:
    Type: AWS::Cognito::UserPoolClient
    Properties: {UserPoolId: a, TokenValidityUnits: {AccessToken: hours, IdToken: hours}}
  Later: {Type: 'AWS::SecretsManager::Secret', Properties: {SecretString: empty}}
  Host:
    Type: AWS::EC2::Instance
    Properties: {UserData: {'Fn::Base64': !Sub 'export APP_SECRET=Secret-${AWS::StackName}'}}
  Db:
    Type: AWS::RDS::DBCluster
    Properties:
      Engine: mysql
      MasterUsername: !Ref AdminUsername
      ManageMasterUserPassword: !Ref ManageMasterUserPassword
"""
DEFAULT = """\
Parameters:
  DbPassword: {Type: String, Default: tr0ub4dor}
Resources:
  Db: {Type: 'AWS::RDS::DBInstance', Properties: {Engine: mysql, MasterUserPassword: !Ref DbPassword}}
"""
POLICIES = """\
Resources:
  Elsewhere: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: 'https://example.com/a.yaml'}}
  Group: {Type: 'AWS::Logs::LogGroup'}
  Writers:
    Type: AWS::Logs::ResourcePolicy
    Properties:
      PolicyName: writers
      PolicyDocument: !Sub >-
        {"Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
        "Action": "logs:PutLogEvents", "Resource": "${Group.Arn}"}]}
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
        - {Effect: Allow, Action: 'wafv2:UpdateIPSet', Resource: !GetAtt Elsewhere.Outputs.SetArn}
        - {Effect: Allow, Action: 'mediaconnect:ManagedDescribeFlow', Resource: '*'}
        - Effect: Allow
          Action: cloudformation:CreateChangeSet
          Resource: arn:aws:cloudformation:us-east-1:aws:transform/Serverless-2016-10-31
        - Effect: Allow
          Action: logs:PutResourcePolicy
          Resource: !Sub 'arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group::log-stream:*'
        - Effect: Allow
          Action: guardduty:ListMembers
          Resource: !Sub 'arn:aws:guardduty:*:${AWS::AccountId}:detector/*'
"""
BOUND = (
    '"logs:PutLogEvents", "Condition": {"StringEquals": {"aws:SourceAccount": "${!aws:PrincipalAccount}"}}, '
)


@pytest.mark.parametrize(
    ("ids", "template"),
    [
        ("E9601", ALARM),
        ("E9602", ALARM.replace("CWAgent", "AWS/DirectoryService")),
        ("E9652", ALARM),
        ("E9662", EVENTS),
        ("E9678", EVENTS),
        ("E9371", PARAMETERS),
        ("E9374", PARAMETERS),
        ("E9375", PARAMETERS),
        ("E9371", DEFAULT),
        ("E927", POLICIES),
        ("W9274", POLICIES),
    ],
)
def test_what_others_write_is_not_misread(say: Say, ids: str, template: str) -> None:
    assert say(ids, template) == []


@pytest.mark.parametrize(
    ("id", "template", "right", "wrong"),
    [
        ("E9602", ALARM, "CWAgent", "AWS/Lamda"),
        ("E9652", ALARM, "!GetAtt Pager.Outputs.Topic", "pager"),
        ("E9662", EVENTS, "Network Manager Routing Update", "Network Manager Policy Updates"),
        ("E9678", EVENTS, "* ? *", "* * *"),
        ("E9371", PARAMETERS, "SecretString: empty", "SecretString: tr0ub4dor"),
        ("E9371", PARAMETERS, "=Secret-${AWS::StackName}", "=tr0ub4dor"),
        ("E9374", PARAMETERS, "ManageMasterUserPassword: {Type: String, ", "DbPassword: {Type: String} #"),
        ("E9375", PARAMETERS, "AdminUsername", "AdminPassword"),
        ("E9371", DEFAULT, "!Ref DbPassword", "tr0ub4dor"),
        ("E9374", DEFAULT, "DbPassword", "Word"),
        ("E9375", DEFAULT, "mysql", "postgres"),
        ("E9271", POLICIES, "wafv2:UpdateIPSet", "wafv2:UpdateIPSets"),
        ("E9275", POLICIES, "!GetAtt Elsewhere.Outputs.SetArn", "a-set"),
        ("E9276", POLICIES, '"logs:PutLogEvents", ', BOUND),
        ("W9274", POLICIES, "logs:PutResourcePolicy", "ec2:DescribeVpcs"),
    ],
)  # fmt: skip
def test_what_a_rule_is_for_is_still_seen(say: Say, id: str, template: str, right: str, wrong: str) -> None:
    assert right in template
    assert say(id, template.replace(right, wrong))
