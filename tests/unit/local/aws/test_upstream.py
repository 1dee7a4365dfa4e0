"""What ministack lacks by itself: a test here fails once it no longer does, and then the addition goes.

Types and functions that an addition puts in are guarded where they are put in: `register` and
`replace` raise LookupError, so the embedded AWS does not start with an upstream that has changed.
"""

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.embedded import child_environment, listening

Json = dict[str, Any]
QUEUE: Json = {
    "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
    "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}}},
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, account: Callable[[str], Any]) -> Iterator[Any]:
    """ministack with nothing added."""
    scratch: Path = tmp_path_factory.mktemp("plain")
    with listening(0) as listener:
        port = listener.getsockname()[1]
    environment = child_environment(os.environ, "111122223333", port, None, scratch)
    with (
        (scratch / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env=environment | {"BIND_HOST": "127.0.0.1"},
            stdout=log,
            stderr=log,
        ) as process,
    ):
        aws = account(f"http://127.0.0.1:{port}")
        aws.awaited(lambda: b"Ready" in (scratch / "log").read_bytes())
        yield aws
        process.terminate()


def test_the_version_that_was_looked_into() -> None:
    assert importlib.metadata.version("ministack") == "1.5.33"


def test_nested_change_sets(plain: Any) -> None:
    root = plain.plan("nested", {"Resources": {"A": plain.nest(QUEUE)}})

    assert "ChangeSetId" not in root["Changes"][0]["ResourceChange"]
    assert plain.execute(root) == "CREATE_COMPLETE"
    assert "ParentId" not in plain.stack(plain.resources("nested")["A"])
    same = plain.plan("nested", {"Resources": {"A": plain.nest(QUEUE)}}, "UPDATE")
    assert same["Status"] == "FAILED"
    assert "BeforeContext" not in json.dumps(same, default=str)


def test_a_nested_update_that_leaves_a_resource_alone(plain: Any) -> None:
    plain.deploy("forgets", {"Resources": {"A": plain.nest(QUEUE)}})
    more = {**QUEUE, "Resources": {**QUEUE["Resources"], "More": {"Type": "AWS::SQS::Queue"}}}

    planned = plain.plan("forgets", {"Resources": {"A": plain.nest(more)}}, "UPDATE")

    assert plain.execute(planned) == "UPDATE_ROLLBACK_FAILED"


def test_types(plain: Any) -> None:
    from_templates = json.dumps(
        {
            "Resources": {
                name.rpartition("::")[2]: {"Type": name, "Properties": {}}
                for name in (
                    "AWS::ApplicationAutoScaling::ScalableTarget",
                    "AWS::ApplicationAutoScaling::ScalingPolicy",
                    "AWS::Budgets::Budget",
                    "AWS::CloudWatch::CompositeAlarm",
                    "AWS::EC2::EIP",
                    "AWS::EC2::FlowLog",
                    "AWS::EC2::NatGateway",
                    "AWS::EC2::SecurityGroupEgress",
                    "AWS::EC2::SecurityGroupIngress",
                    "AWS::ECS::ClusterCapacityProviderAssociations",
                    "AWS::IAM::OIDCProvider",
                    "AWS::IAM::RolePolicy",
                    "AWS::Kinesis::StreamConsumer",
                    "AWS::RDS::EventSubscription",
                    "AWS::SecretsManager::ResourcePolicy",
                    "AWS::SecretsManager::RotationSchedule",
                )
            }
        }
    )
    with pytest.raises(plain.client("cloudformation").exceptions.ClientError) as refused:
        plain.client("cloudformation").validate_template(TemplateBody=from_templates)

    assert str(refused.value).count("AWS::") == 16


def test_attributes(plain: Any) -> None:
    stack = plain.deploy(
        "attributes",
        {
            "Resources": {
                "Stream": {
                    "Type": "AWS::Kinesis::Stream",
                    "Properties": {
                        "ShardCount": 1,
                        "StreamEncryption": {"EncryptionType": "KMS", "KeyId": "k"},
                    },
                },
                "Secret": {
                    "Type": "AWS::SecretsManager::Secret",
                    "Properties": {
                        "GenerateSecretString": {"PasswordLength": 400, "ExcludePunctuation": True}
                    },
                },
            },
            "Outputs": {"Secret": {"Value": {"Ref": "Secret"}}, "Stream": {"Value": {"Ref": "Stream"}}},
        },
    )
    said = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    assert not said["Secret"].startswith("arn:")
    value = plain.client("secretsmanager").get_secret_value(SecretId=said["Secret"])["SecretString"]
    assert not value.isalnum()
    described = plain.client("kinesis").describe_stream_summary(StreamName=said["Stream"])
    assert described["StreamDescriptionSummary"]["EncryptionType"] == "NONE"
    with_cidr = {
        "Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}},
        "Outputs": {"Cidr": {"Value": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}}},
    }
    assert plain.execute(plain.plan("cidr", with_cidr)) == "ROLLBACK_COMPLETE"


def test_rotation(plain: Any) -> None:
    secrets = plain.client("secretsmanager")
    arn = secrets.create_secret(Name="copied", SecretString="as it was")["ARN"]

    secrets.rotate_secret(
        SecretId=arn, RotationLambdaARN="arn:aws:lambda:eu-west-2:111122223333:function:none"
    )

    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "as it was"
    assert "LastRotatedDate" not in secrets.describe_secret(SecretId=arn)


def test_rotation_has_no_cancelling(plain: Any) -> None:
    arn = plain.client("secretsmanager").create_secret(Name="kept", SecretString="s")["ARN"]
    with pytest.raises(plain.client("secretsmanager").exceptions.ClientError):
        plain.client("secretsmanager").cancel_rotate_secret(SecretId=arn)


def test_a_filter_of_logs_by_any_of_several_terms(plain: Any) -> None:
    logs = plain.client("logs")
    logs.create_log_group(logGroupName="terms")
    logs.create_log_stream(logGroupName="terms", logStreamName="one")
    event = {"timestamp": round(time.time() * 1000), "message": "ERROR alone"}
    logs.put_log_events(logGroupName="terms", logStreamName="one", logEvents=[event])

    assert logs.filter_log_events(logGroupName="terms", filterPattern="?ERROR ?CRITICAL")["events"] == []


def test_conditions(plain: Any) -> None:
    here = {"Here": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-2"]}}
    plain.deploy(
        "conditions",
        {
            "Conditions": here,
            "Resources": {"Never": {"Type": "AWS::SQS::Queue", "Condition": "Here"}, **QUEUE["Resources"]},
        },
    )

    assert list(plain.resources("conditions")) == ["Queue"]


def test_endpoints_and_the_master_secret(plain: Any) -> None:
    database = {"Engine": "postgres", "DBInstanceClass": "db.t4g.micro", "AllocatedStorage": "20"}
    group = {"ReplicationGroupDescription": "two", "Engine": "redis", "CacheNodeType": "cache.t4g.micro"}
    plain.deploy(
        "endpoints",
        {
            "Resources": {
                "Database": {
                    "Type": "AWS::RDS::DBInstance",
                    "Properties": {
                        **database,
                        "MasterUsername": "master",
                        "ManageMasterUserPassword": True,
                        "DBInstanceIdentifier": "plain",
                    },
                },
                "Cache": {
                    "Type": "AWS::ElastiCache::ReplicationGroup",
                    "Properties": {**group, "NumCacheClusters": 2, "ReplicationGroupId": "plain"},
                },
            }
        },
    )

    (instance,) = plain.client("rds").describe_db_instances()["DBInstances"]
    assert "MasterUserSecret" not in instance
    (cache,) = plain.client("elasticache").describe_replication_groups()["ReplicationGroups"]
    assert cache["NodeGroups"][0]["PrimaryEndpoint"] == {"Address": "redis", "Port": 6379}


def test_metric_math(plain: Any) -> None:
    stat = {"Metric": {"Namespace": "A", "MetricName": "B"}, "Period": 60, "Stat": "Sum"}
    alarm = {
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "Metrics": [
            {"Id": "one", "MetricStat": stat, "ReturnData": False},
            {"Id": "twice", "Expression": "one * 2", "ReturnData": True},
        ],
    }
    computed = {"Resources": {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm}}}

    assert plain.execute(plain.plan("math", computed)) == "ROLLBACK_COMPLETE"


def test_resharding_loses_records(plain: Any) -> None:
    kinesis = plain.client("kinesis")
    kinesis.create_stream(StreamName="resharded", ShardCount=1)
    kinesis.put_record(StreamName="resharded", Data=b"kept?", PartitionKey="k")

    kinesis.update_shard_count(StreamName="resharded", TargetShardCount=2, ScalingType="UNIFORM_SCALING")

    found = []
    for shard in kinesis.list_shards(StreamName="resharded")["Shards"]:
        asked = {"StreamName": "resharded", "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        found += kinesis.get_records(**_iterator(kinesis, asked))["Records"]
    assert found == []


def test_a_large_answer_is_not_bounded(plain: Any) -> None:
    kinesis = plain.client("kinesis")
    kinesis.create_stream(StreamName="large", ShardCount=1)
    for _ in range(3):
        record = {"Data": b"x" * 1_000_000, "PartitionKey": "k"}
        kinesis.put_records(StreamName="large", Records=[record] * 5)
    (shard,) = kinesis.list_shards(StreamName="large")["Shards"]

    asked = {"StreamName": "large", "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    assert len(kinesis.get_records(**_iterator(kinesis, asked))["Records"]) == 15


def test_an_index_of_a_template_has_no_status(plain: Any) -> None:
    table = {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": "indexed",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "again",
                    "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        },
    }
    plain.deploy("indexed", {"Resources": {"Table": table}})

    (index,) = plain.client("dynamodb").describe_table(TableName="indexed")["Table"]["GlobalSecondaryIndexes"]
    assert "IndexStatus" not in index


def test_get_records_is_authorised_on_no_stream(plain: Any) -> None:
    plain.client("kinesis").create_stream(StreamName="denied", ShardCount=1)
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
    may = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "kinesis:*",
                "Resource": "arn:aws:kinesis:eu-west-2:111122223333:stream/denied",
            }
        ],
    }
    iam = plain.client("iam")
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=json.dumps(may))
    reader = plain.assumed(role).client("kinesis")
    shard = reader.list_shards(StreamName="denied")["Shards"][0]["ShardId"]
    asked = {"StreamName": "denied", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}

    with pytest.raises(reader.exceptions.ClientError, match="AccessDenied"):
        reader.get_records(**_iterator(reader, asked))


def _iterator(kinesis: Any, asked: Json) -> Json:
    return {"ShardIterator": kinesis.get_shard_iterator(**asked)["ShardIterator"]}


def test_requests_over_loopback_count_as_plain_text(plain: Any) -> None:
    sqs = plain.client("sqs")
    queue = sqs.create_queue(QueueName="tls-only")["QueueUrl"]
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    with pytest.raises(ClientError, match="denied"):
        sqs.send_message(QueueUrl=queue, MessageBody="no")


def test_a_session_is_not_taken_for_its_role(plain: Any, holding: Any, queue_of: Any) -> None:
    speaker = holding(plain, "speaker", "sqs:SendMessage").client("sqs")

    with pytest.raises(ClientError, match="AccessDenied"):
        speaker.send_message(QueueUrl=queue_of(plain, "speaker"), MessageBody="its policy names the role")


def test_a_function_makes_its_log_group_whatever_its_role_allows(plain: Any, logged: Any) -> None:
    assert logged(plain, "logs:PutLogEvents") == ["/aws/lambda/NAME"]


def test_stack_policies_are_kept_and_not_enforced(plain: Any) -> None:
    plain.deploy("policy", {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
    statement = {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    plain.client("cloudformation").set_stack_policy(
        StackName="policy", StackPolicyBody=json.dumps({"Statement": [statement]})
    )
    changed = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 2}}}}

    assert plain.execute(plain.plan("policy", changed, "UPDATE")) == "UPDATE_COMPLETE"


def test_rollback_triggers_and_what_else_was_asked_for_are_forgotten(plain: Any) -> None:
    missing = {
        "Arn": "arn:aws:cloudwatch:eu-west-2:111122223333:alarm:none",
        "Type": "AWS::CloudWatch::Alarm",
    }
    planned = plain.plan("triggers", QUEUE, RollbackConfiguration={"RollbackTriggers": [missing]})

    assert "RollbackConfiguration" not in planned
    assert plain.execute(planned) == "CREATE_COMPLETE"
    assert "RollbackConfiguration" not in plain.stack("triggers")


def test_operations_have_no_ids_and_change_sets_no_events(plain: Any) -> None:
    plain.client("sqs").create_queue(QueueName="taken")
    taken = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "taken"}}}}
    planned = plain.plan(
        "events", {"Resources": {**taken["Resources"], "Topic": {"Type": "AWS::SNS::Topic"}}}
    )

    assert planned["Status"] == "CREATE_COMPLETE"
    assert "OperationId" not in plain.events("events")[0]
    cloudformation = plain.client("cloudformation")
    assert cloudformation.describe_events(StackName="events")["OperationEvents"] == []
    assert cloudformation.describe_events(ChangeSetName=planned["ChangeSetId"])["OperationEvents"] == []
    assert "LastOperations" not in plain.stack("events")


def test_protection_is_any_nested_stacks_own(plain: Any) -> None:
    plain.deploy("protected", {"Resources": {"A": plain.nest(QUEUE)}})
    child = plain.resources("protected")["A"]

    plain.client("cloudformation").update_termination_protection(
        StackName=child, EnableTerminationProtection=True
    )

    assert plain.stack(child)["EnableTerminationProtection"] is True


def test_a_request_that_is_sent_twice_is_refused(plain: Any) -> None:
    planned = plain.plan("twice", QUEUE)
    again = {"ChangeSetName": planned["ChangeSetId"], "ClientRequestToken": "once"}
    plain.client("cloudformation").execute_change_set(**again)

    with pytest.raises(ClientError, match="InvalidChangeSetStatus"):
        plain.client("cloudformation").execute_change_set(**again)


def test_drift_is_not_seen_of_a_streams_retention_nor_of_a_groups_rules(plain: Any) -> None:
    group = {"GroupDescription": "web", "VpcId": {"Ref": "Vpc"}}
    plain.deploy(
        "drift",
        {
            "Resources": {
                "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"RetentionPeriodHours": 72}},
                "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
                "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": group},
            }
        },
    )
    plain.client("kinesis").decrease_stream_retention_period(
        StreamName=plain.resources("drift")["Stream"], RetentionPeriodHours=24
    )
    cloudformation = plain.client("cloudformation")
    cloudformation.detect_stack_drift(StackName="drift")

    drifts = cloudformation.describe_stack_resource_drifts(StackName="drift")["StackResourceDrifts"]

    assert {d["LogicalResourceId"]: d["StackResourceDriftStatus"] for d in drifts} == {"Stream": "IN_SYNC"}


def test_a_topics_key_is_forgotten(plain: Any) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": "alias/aws/sns"}}
    plain.deploy("topic-key", {"Resources": {"Topic": topic}})

    said = plain.client("sns").get_topic_attributes(TopicArn=plain.resources("topic-key")["Topic"])
    assert "KmsMasterKeyId" not in said["Attributes"]


def test_layers_are_forgotten_and_nothing_is_scanned(plain: Any) -> None:
    ecr = plain.client("ecr")
    ecr.create_repository(repositoryName="forgets")
    layer = b"{}"
    name = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    where = {
        "repositoryName": "forgets",
        "uploadId": ecr.initiate_layer_upload(repositoryName="forgets")["uploadId"],
    }
    ecr.upload_layer_part(**where, partFirstByte=0, partLastByte=1, layerPartBlob=layer)
    ecr.complete_layer_upload(**where, layerDigests=[name])

    (found,) = ecr.batch_check_layer_availability(repositoryName="forgets", layerDigests=[name])["layers"]
    assert found["layerAvailability"] == "UNAVAILABLE"
    assert (
        ecr.describe_images(repositoryName="forgets", imageIds=[{"imageTag": "none"}])["imageDetails"] == []
    )
    with pytest.raises(ClientError, match="Unknown action"):
        ecr.start_image_scan(repositoryName="forgets", imageId={"imageTag": "none"})


def test_a_role_of_a_template_goes_beyond_its_boundary(plain: Any, bounded: Any) -> None:
    role = bounded(plain)

    assert "Topics" in role.client("sns").list_topics()  # which its boundary does not allow
