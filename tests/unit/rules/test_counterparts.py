"""What one side says and the other does not: places, names, logins, grants."""

import pytest

from tests.unit.rules.conftest import Say

ASSUMED = """\
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: SERVICE.amazonaws.com}, Action: 'sts:AssumeRole'}]
"""

BOX = """\
Resources:
  Box:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Volumes: [{Name: pad}, {Name: cold}]
      ContainerDefinitions:
      - Name: web
        Image: web@sha256:0
        ReadonlyRootFilesystem: true
        StopTimeout: 60
        Environment: [{Name: HOME, Value: /home/web}]
        HealthCheck: {Command: [CMD-SHELL, 'test -f /run/web/alive']}
        MountPoints:
        - {SourceVolume: pad, ContainerPath: /run}
        - {SourceVolume: cold, ContainerPath: /home/web}
      Tags: [{Key: env, Value: live}]
"""

LEASES = """\
Resources:
  Slots:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: carts-reader
      KeySchema: [{AttributeName: leaseKey, KeyType: HASH}]
  Reader:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
      - {Name: reader, Image: r, Environment: [{Name: KCL_APP_NAME, Value: carts-reader}]}
"""

SHOP = """\
Resources:
  Boss:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString: {SecretStringTemplate: '{"username": "boss"}', GenerateStringKey: password}
  Clerk:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString:
        SecretStringTemplate: !Sub '{"username": "clerk", "masterarn": "${Boss}"}'
        GenerateStringKey: password
  Orders:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: mysql
      MasterUsername: boss
      MasterUserPassword: !Sub '{{resolve:secretsmanager:${Boss}:SecretString:password}}'
  ClerkOfOrders:
    Type: AWS::SecretsManager::SecretTargetAttachment
    Properties: {SecretId: !Ref Clerk, TargetId: !Ref Orders, TargetType: 'AWS::RDS::DBInstance'}
  Turning:
    Type: AWS::IAM::Role
    Properties:
"""
SHOP += ASSUMED.replace("SERVICE", "lambda")
SHOP += """\
      Policies:
      - PolicyName: turn
        PolicyDocument:
          Statement:
          - Effect: Allow
            Action: ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue',
              'secretsmanager:PutSecretValue', 'secretsmanager:UpdateSecretVersionStage']
            Resource: !Ref ClerkOfOrders
          - {Effect: Allow, Action: 'secretsmanager:GetSecretValue', Resource: !Ref Boss}
  Turn:
    Type: AWS::Lambda::Function
    Properties: {Role: !GetAtt Turning.Arn, Timeout: 60}
  ForClerk:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !Ref Turn
      Action: lambda:InvokeFunction
      Principal: secretsmanager.amazonaws.com
      SourceArn: !Ref ClerkOfOrders
  ForBoss:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !Ref Turn
      Action: lambda:InvokeFunction
      Principal: secretsmanager.amazonaws.com
      SourceArn: !Ref Boss
  Turns:
    Type: AWS::SecretsManager::RotationSchedule
    DependsOn: ForClerk
    Properties:
      SecretId: !Ref ClerkOfOrders
      RotationLambdaARN: !GetAtt Turn.Arn
      RotationRules: {AutomaticallyAfterDays: 7}
  Till:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions: [{Name: till, Image: t, Environment: [{Name: LOGIN, Value: !Ref Clerk}]}]
  Tills:
    Type: AWS::ECS::Service
    DependsOn: Turns
    Properties: {TaskDefinition: !Ref Till, Tags: [{Key: env, Value: live}]}
"""

CARRIED = """\
Resources:
  Clicks:
    Type: AWS::Kinesis::Stream
  Fast:
    Type: AWS::Kinesis::StreamConsumer
    Properties: {ConsumerName: fast, StreamARN: !GetAtt Clicks.Arn}
  Count:
    Type: AWS::ECS::TaskDefinition
    Properties:
      TaskRoleArn: !GetAtt Counting.Arn
      ContainerDefinitions: [{Name: count, Image: c, Environment: [{Name: BY, Value: !Ref Fast}]}]
  Counting:
    Type: AWS::IAM::Role
    Properties:
"""
CARRIED += ASSUMED.replace("SERVICE", "ecs-tasks")
CARRIED += """\
      Policies:
      - PolicyName: read
        PolicyDocument:
          Statement: [{Effect: Allow, Action: 'kinesis:SubscribeToShard', Resource: !GetAtt Fast.ConsumerARN}]
  Odd:
    Type: AWS::S3::Bucket
    Properties:
      LifecycleConfiguration: {Rules: [{Status: Enabled, ExpirationInDays: 60}]}
  Carry:
    Type: AWS::IoT::TopicRule
    Properties:
      RuleName: doors
      TopicRulePayload:
        Sql: SELECT * FROM 'doors/+'
        Actions: [{Republish: {Topic: 'seen/${topic(2)}', RoleArn: !GetAtt Carrier.Arn}}]
        ErrorAction: {S3: {BucketName: !Ref Odd, Key: 'odd/${timestamp()}', RoleArn: !GetAtt Carrier.Arn}}
  Carrier:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
        - Effect: Allow
          Principal: {Service: iot.amazonaws.com}
          Action: sts:AssumeRole
          Condition:
            ArnEquals: {aws:SourceArn: !Sub 'arn:aws:iot:${AWS::Region}:${AWS::AccountId}:rule/doors'}
      Policies:
      - PolicyName: carry
        PolicyDocument:
          Statement:
          - {Effect: Allow, Action: 's3:PutObject', Resource: !Sub '${Odd.Arn}/odd/*'}
          - Effect: Allow
            Action: iot:Publish
            Resource: !Sub arn:aws:iot:${AWS::Region}:${AWS::AccountId}:topic/seen/*
"""

HEARD = """\
Resources:
  Log:
    Type: AWS::Logs::LogGroup
  Panics:
    Type: AWS::Logs::MetricFilter
    Properties:
      LogGroupName: !Ref Log
      FilterPattern: panic
      MetricTransformations: [{MetricNamespace: Till, MetricName: Panics, MetricValue: '1'}]
  Panicking:
    Type: AWS::CloudWatch::Alarm
    Properties: {AlarmName: till-panicking, Namespace: Till, MetricName: Panics, AlarmActions: [!Ref Bell]}
  Full:
    Type: AWS::CloudWatch::Alarm
    Properties:
      {AlarmName: till-full, Namespace: AWS/RDS, MetricName: FreeStorageSpace, AlarmActions: [!Ref Bell]}
  Either:
    Type: AWS::CloudWatch::CompositeAlarm
    Properties:
      AlarmName: till
      AlarmRule: 'ALARM(till-panicking) OR ALARM("till-full")'
      AlarmActions: [!Ref Bell]
  Bell:
    Type: AWS::SNS::Topic
    Properties: {TopicName: bell, Tags: [{Key: env, Value: live}]}
  Ear:
    Type: AWS::SNS::Subscription
    Properties: {TopicArn: !Ref Bell, Protocol: email, Endpoint: ear@example.com}
Outputs:
  Bell: {Value: !Ref Bell}
"""

KEPT = """\
Resources:
  Warm:
    Type: AWS::ElastiCache::ServerlessCache
    Properties:
      Engine: valkey
      SnapshotRetentionLimit: 7
      DailySnapshotTime: '02:00'
      Tags: [{Key: env, Value: live}]
  Missed:
    Type: AWS::SQS::Queue
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
  Daily:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: rate(1 day)
      Targets: [{Id: one, Arn: !Ref Bell, DeadLetterConfig: {Arn: !GetAtt Missed.Arn}}]
  Bell:
    Type: AWS::SNS::Topic
"""


CALLED = """\
Resources:
  Fresh:
    Type: AWS::ElastiCache::ReplicationGroup
    Properties: {TransitEncryptionEnabled: true}
  Call:
    Type: AWS::Lambda::Function
    Properties:
      Environment: {Variables: {FRESH: !Sub 'rediss://${Fresh.PrimaryEndPoint.Address}:6379'}}
"""

ROLES = """\
Resources:
  Busy:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: AWS/RDS
      MetricName: CPUUtilization
      Dimensions: [{Name: DBClusterIdentifier, Value: orders}, {Name: Role, Value: READER}]
"""

SEALED = (
    """\
Resources:
  Seal:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Statement:
        - Effect: Allow
          Principal: {AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:root'}
          Action: kms:*
          Resource: '*'
  Pile:
    Type: AWS::S3::Bucket
    Properties:
      BucketEncryption:
        ServerSideEncryptionConfiguration:
        - ServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms', KMSMasterKeyID: !GetAtt Seal.Arn}
  Heap:
    Type: AWS::IAM::Role
    Properties:
"""
    + ASSUMED.replace("SERVICE", "lambda")
    + """\
      Policies:
      - PolicyName: heap
        PolicyDocument:
          Statement:
          - {Effect: Allow, Action: 's3:PutObject', Resource: !Sub '${Pile.Arn}/in/*'}
          - Effect: Allow
            Action: kms:GenerateDataKey
            Resource: !GetAtt Seal.Arn
            Condition: {StringEquals: {kms:ViaService: s3.eu-west-1.amazonaws.com}}
"""
)


@pytest.mark.parametrize(
    ("rule", "text", "before", "after"),
    [
        ("E9500", BOX, "ContainerPath: /run}", "ContainerPath: /run, ReadOnly: true}"),
        ("E9500", BOX, "ContainerPath: /run}", "ContainerPath: /srv}"),
        ("E9500", BOX, "ContainerPath: /home/web}", "ContainerPath: /home/webs}"),
        ("E9537", BOX, "ContainerPath: /run}", "ContainerPath: /run, ReadOnly: true}"),
        ("E9597", CALLED, "rediss://", "redis://"),
        ("E9597", CALLED, "TransitEncryptionEnabled: true", "TransitEncryptionEnabled: false"),
        ("E9570", CARRIED.replace("Name: BY", "Name: CONSUMER_ARN"), "!Ref Fast", "!GetAtt Clicks.Arn"),
        ("W9753", CARRIED, "odd/${timestamp()}", "odd/last"),
        ("E9661", HEARD.replace("FilterPattern: panic", "FilterPattern: '{ $.a = 1 }'"), "= 1 }", "= 1"),
        ("E9607", ROLES, "Value: READER", "Value: REPLICA"),
        ("E9220", SEALED, "s3.eu", "sqs.eu"),
        ("W9558", BOX, "StopTimeout: 60", "StopTimeout: 3"),
        ("E9596", LEASES, "Value: carts-reader", "Value: cart-reader"),
        ("W9332", SHOP, "Value: !Ref Clerk", "Value: !Ref Boss"),
        ("W9333", SHOP, "    DependsOn: Turns\n", ""),
        ("E9260", SHOP, "SourceArn: !Ref ClerkOfOrders", "SourceArn: !Ref Boss"),
        ("E9330", SHOP, "    DependsOn: ForClerk\n", "    DependsOn: ForBoss\n"),
        ("E9218", SHOP, ", 'secretsmanager:UpdateSecretVersionStage'", ""),
        ("E9218", SHOP, "Resource: !Ref Boss}", "Resource: !Ref Clerk}"),
        ("E9203", CARRIED, "'kinesis:SubscribeToShard'", "'kinesis:DescribeStreamConsumer'"),
        ("E9203", CARRIED, "!GetAtt Fast.ConsumerARN", "!GetAtt Clicks.Arn"),
        ("E9223", CARRIED, "Key: 'odd/", "Key: 'even/"),
        ("E9223", CARRIED, "Topic: 'seen/", "Topic: 'gone/"),
        ("E9230", CARRIED, "rule/doors", "rule/windows"),
        ("W9479", CARRIED, "ExpirationInDays: 60", "ExpirationInDays: 3"),
        ("W9600", HEARD, "MetricName: Panics, MetricValue", "MetricName: Alerts, MetricValue"),
        ("W9600", HEARD, "MetricNamespace: Till", "MetricNamespace: Tills"),
        ("E9600", HEARD, "ALARM(till-panicking)", "ALARM(till-panicked)"),
        ("W9601", HEARD, "Protocol: email", "Protocol: email, FilterPolicyScope: MessageBody"),
        ("E9450", KEPT, "SnapshotRetentionLimit: 7", "SnapshotRetentionLimit: 0"),
        ("W9469", KEPT, "    DeletionPolicy: Retain\n", ""),
    ],
)
def test_each_side_has_its_counterpart(say: Say, rule: str, text: str, before: str, after: str) -> None:
    assert say(rule, text) == []
    assert before in text
    wrong = text.replace(before, after, 1)
    if rule == "W9601":
        wrong = "\n".join(
            line for line in HEARD.split("\n") if "Ear" not in line and "Subscription" not in line
        )
        wrong = wrong.replace(
            "    Properties: {TopicArn: !Ref Bell, Protocol: email, Endpoint: ear@example.com}\n", ""
        )
    assert say(rule, wrong)


def test_a_schedule_does_not_wait_for_the_permission_of_another_secret(say: Say) -> None:
    assert say("E9330", SHOP.replace("    DependsOn: ForClerk\n", "    DependsOn: [ForClerk]\n")) == []


def test_what_is_let_go_of_a_cache_or_of_notices_is_no_error(say: Say) -> None:
    assert say("E940", KEPT.replace("Retain", "Delete")) == []


def test_a_place_that_another_container_writes_to_may_be_read_only(say: Say) -> None:
    mount = "[{SourceVolume: pad, ContainerPath: /out}]"
    side = f"      - Name: side\n        Image: s\n        MountPoints: {mount}\n"
    text = BOX.replace("ContainerPath: /run}", "ContainerPath: /run, ReadOnly: true}")
    assert say("E9500", text.replace("      Tags:", f"{side}      Tags:")) == []


NET = """\
Resources:
  Net:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: 10.8.0.0/16}
  Deep1:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Net, CidrBlock: 10.8.1.0/24, AvailabilityZone: eu-west-1a}
  Deep2:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Net, CidrBlock: 10.8.2.0/24, AvailabilityZone: eu-west-1b}
  Out:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Net
      SecurityGroupEgress:
      - {IpProtocol: tcp, FromPort: 3306, ToPort: 3306, CidrIp: 10.8.1.0/24}
      - {IpProtocol: tcp, FromPort: 3306, ToPort: 3306, CidrIp: 10.8.2.0/24}
  In:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Net
      SecurityGroupIngress:
      - {IpProtocol: tcp, FromPort: 3306, ToPort: 3306, SourceSecurityGroupId: !Ref Out}
  Deep:
    Type: AWS::RDS::DBSubnetGroup
    Properties: {SubnetIds: [!Ref Deep1, !Ref Deep2]}
  Orders:
    Type: AWS::RDS::DBInstance
    Properties: {Engine: mysql, DBSubnetGroupName: !Ref Deep, VPCSecurityGroups: [!Ref In]}
  Ask:
    Type: AWS::Lambda::Function
    Properties:
      VpcConfig: {SubnetIds: [!Ref Deep1], SecurityGroupIds: [!Ref Out]}
      Environment: {Variables: {DB_HOST: !GetAtt Orders.Endpoint.Address}}
"""


def test_ranges_cover_a_store_together(say: Say) -> None:
    assert say("E9105", NET) == []
    assert say("E9105", NET.replace("CidrIp: 10.8.2.0/24", "CidrIp: 10.8.3.0/24"))


STAGED = """\
Parameters:
  Size: {Type: String, Default: large, AllowedValues: [large, small]}
Conditions:
  Lasting: !Equals [!Ref Size, large]
Resources:
  Orders:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: mysql
      DeletionProtection: !If [Lasting, true, false]
      Tags: [{Key: stage, Value: !If [Lasting, prod, test]}]
"""


def test_the_tag_decides_in_each_scenario(say: Say) -> None:
    assert say("E9406", STAGED) == []
    assert say("E9406", STAGED.replace("[Lasting, true, false]", "[Lasting, false, true]"))


WATCHED = """\
Resources:
  Hot:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: AWS/RDS
      MetricName: CPUUtilization
      Dimensions: [{Name: DBInstanceIdentifier, Value: !Ref Orders}]
      Statistic: Average
      Period: 60
      EvaluationPeriods: 3
      Threshold: 80
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: breaching
  Orders:
    Type: AWS::RDS::DBInstance
    Properties: {Engine: mysql, Tags: [{Key: env, Value: live}]}
"""


def test_missing_data_taken_for_bad_is_doubtful_where_it_is_no_habit(say: Say) -> None:
    second = WATCHED.replace("Resources:\n", "").replace("Hot:", "Warm:").split("  Orders:\n")[0]
    assert say("W9629", WATCHED)
    assert say("W9629", WATCHED.replace("breaching", "notBreaching")) == []
    assert say("W9629", WATCHED + second) == []
