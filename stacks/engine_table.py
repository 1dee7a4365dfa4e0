"""The engine's one table: who reads which shard, and who leads. And what the engine may do to it.

The engine is the Kinesis Client Library 3.5. At its first start it keeps everything in the lease table when
the two tables of earlier versions do not exist, so those are never made here.
https://docs.aws.amazon.com/streams/latest/dev/kcl-single-table-format.html

Read for the grants: its source, github.com/awslabs/amazon-kinesis-client, below
amazon-kinesis-client/src/main/java/software/amazon/kinesis; and
https://docs.aws.amazon.com/streams/latest/dev/kcl-iam-permissions.html, which grants more: CreateTable and
UpdateTable make the table and its index where they are missing (leases/dynamodb/DynamoDBLeaseRefresher.java),
ConditionCheckItem moves entries out of the tables of earlier versions
(coordinator/migration/TableMigrationStateMachineImpl.java). Here both are there from the start. PutMetricData
is for its metrics, which are off (processor/engine/properties.py, metricsLevel): each child tells its own.
"""

from awacs import dynamodb as can
from awacs import kms as can_key
from awacs.aws import Allow, Condition, Statement
from troposphere import Sub, dynamodb

from stacks import keys
from stacks.context import why
from stacks.wiring import KeyArn, StackTemplate

INDEX = "LeaseOwnerToLeaseKeyIndex"  # the library's name: leases/dynamodb/DynamoDBLeaseRefresher.java
FORMER = ("CoordinatorState", "WorkerMetricStats")  # suffixes of the tables of earlier versions


def application(environment: str) -> str:
    """What the engine is called: the library names its table so, and we its consumer."""
    return f"millrace-{environment}-processor"


def lease_table(template: StackTemplate, key: KeyArn) -> dynamodb.Table:
    """Keys as leases/dynamodb/DynamoDBLeaseSerializer.java has them; the index carries its keys only.

    The position that counts is the one in PostgreSQL. What is lost with this table is who reads what; still
    it goes the way of all data, since a table that is made anew starts every shard from its beginning. It has
    no deletion protection, which would outlast the roll-back of a first creation and block the next one.
    """
    return dynamodb.Table(
        "Leases",
        Metadata=why("Who reads which shard, so that tasks share the stream and take over from each other."),
        TableName=application(template.environment),
        BillingMode="PAY_PER_REQUEST",  # the load follows the number of shards and tasks, in bursts
        AttributeDefinitions=[
            dynamodb.AttributeDefinition(AttributeName=name, AttributeType="S")
            for name in ("leaseKey", "leaseOwner")
        ],
        KeySchema=[dynamodb.KeySchema(AttributeName="leaseKey", KeyType="HASH")],
        GlobalSecondaryIndexes=[
            dynamodb.GlobalSecondaryIndex(
                IndexName=INDEX,
                KeySchema=[
                    dynamodb.KeySchema(AttributeName="leaseOwner", KeyType="HASH"),
                    dynamodb.KeySchema(AttributeName="leaseKey", KeyType="RANGE"),
                ],
                Projection=dynamodb.Projection(ProjectionType="KEYS_ONLY"),
            )
        ],
        PointInTimeRecoverySpecification=dynamodb.PointInTimeRecoverySpecification(
            PointInTimeRecoveryEnabled=True
        ),
        SSESpecification=dynamodb.SSESpecification(SSEEnabled=True, SSEType="KMS", KMSMasterKeyId=key),
        **template.retention,
    )


def may_lease(table: dynamodb.Table, environment: str) -> list[Statement]:
    """Keep leases, leader lock and each worker's load in the table, and see that there is no earlier one."""
    here = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/" + application(environment)
    return [
        # leases/dynamodb/DynamoDBLeaseRefresher.java, and for entries that are no leases
        # coordinator/delegate/CoordinatorStateDAODelegate.java and
        # worker/metricstats/delegate/WorkerMetricStatsDAODelegate.java
        Statement(
            Sid="KeepLeases",
            Effect=Allow,
            Action=[
                can.DescribeTable,
                can.Scan,
                can.GetItem,
                can.PutItem,
                can.UpdateItem,
                can.DeleteItem,
            ],
            Resource=[table.get_att("Arn")],
        ),
        # leases/dynamodb/DynamoDBLeaseRefresher.java, listLeaseKeysForWorker
        Statement(
            Sid="FindOwnLeases",
            Effect=Allow,
            Action=[can.Query],
            Resource=[Sub(f"${{Table}}/index/{INDEX}", Table=table.get_att("Arn"))],
        ),
        # coordinator/delegate/LegacyTableCoordinatorStateDAODelegate.java and
        # worker/metricstats/delegate/LegacyTableWorkerMetricStatsDAODelegate.java: any answer but that there
        # is no such table, a refusal too, ends the start.
        Statement(
            Sid="SeeThatThereIsNoEarlierTable",
            Effect=Allow,
            Action=[can.DescribeTable],
            Resource=[Sub(f"{here}-{suffix}") for suffix in FORMER],
        ),
    ]


def may_use_key(key: KeyArn) -> Statement:
    """DynamoDB uses the table's key in its caller's name, and asks for these of whoever works with a table.

    https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html has CreateGrant besides: that
    is for whoever makes the table.
    """
    return Statement(
        Sid="UseKeyThroughDynamoDb",
        Effect=Allow,
        Action=[
            can_key.Decrypt,
            can_key.DescribeKey,
            can_key.Encrypt,
            can_key.GenerateDataKey,
            can_key.GenerateDataKeyWithoutPlaintext,
            can_key.ReEncryptFrom,
            can_key.ReEncryptTo,
        ],
        Resource=[key],
        Condition=Condition(keys.through("dynamodb")),
    )
