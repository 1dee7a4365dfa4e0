import pytest

from tests.unit.rules.conftest import Say

WELL = """\
Resources:
  Leases:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: reader
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
      - {AttributeName: leaseKey, AttributeType: S}
      - {AttributeName: leaseOwner, AttributeType: S}
      KeySchema: [{AttributeName: leaseKey, KeyType: HASH}]
      GlobalSecondaryIndexes:
      - IndexName: LeaseOwnerToLeaseKeyIndex
        KeySchema: [{AttributeName: leaseOwner, KeyType: HASH}, {AttributeName: leaseKey, KeyType: RANGE}]
        Projection: {ProjectionType: ALL}
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
      SSESpecification: {SSEEnabled: true, KMSMasterKeyId: alias/shop}
      Tags: [{Key: Environment, Value: STAGE}]
  Reader:
    Type: AWS::IAM::Role
    Properties:
      Policies:
      - PolicyName: read
        PolicyDocument:
          Statement:
          - Effect: Allow
            Action: dynamodb:Query
            Resource: !Sub '${Leases.Arn}/index/LeaseOwnerToLeaseKeyIndex'
          - Effect: Allow
            Action: dynamodb:DescribeTable
            Resource: arn:aws:dynamodb:eu-west-1:111122223333:table/reader-CoordinatorState
"""
IDS = ("E947", "W9456", "W9457", "W9458")


def ids(say: Say, template: str, stage: str = "prod") -> set[str]:
    return {line.split()[1] for line in say(IDS, template.replace("STAGE", stage))}


def edited(old: str, new: str) -> str:
    assert old in WELL
    return WELL.replace(old, new, 1)


@pytest.mark.parametrize("stage", ["prod", "dev", "blue"])
def test_a_table_that_fits_is_well(say: Say, stage: str) -> None:
    assert ids(say, WELL, stage) == set()


@pytest.mark.parametrize(
    ("old", "new", "raised"),
    [
        ("RecoveryEnabled: true", "RecoveryEnabled: false", {"E9470"}),
        (
            "- {AttributeName: leaseOwner, AttributeType: S}",
            "- {AttributeName: owner, AttributeType: S}",
            {"E9471"},
        ),
        ("KeySchema: [{AttributeName: leaseKey, KeyType: HASH}]", "KeySchema: []", {"E9472", "E9475"}),
        ("      BillingMode: PAY_PER_REQUEST\n", "", {"E9473"}),
        (
            "PAY_PER_REQUEST",
            "PAY_PER_REQUEST\n      ProvisionedThroughput: {ReadCapacityUnits: 1}",
            {"E9473"},
        ),
        ("/index/LeaseOwnerToLeaseKeyIndex", "/index/LeaseOwnerIndex", {"E9474"}),
        ("IndexName: LeaseOwnerToLeaseKeyIndex", "IndexName: ByOwner", {"E9474", "E9475"}),
        ("leaseOwner, AttributeType: S", "leaseOwner, AttributeType: N", {"E9475"}),
        (", {AttributeName: leaseKey, KeyType: RANGE}", "", {"E9475"}),
        (
            "      Tags",
            "      TimeToLiveSpecification: {AttributeName: leaseKey, Enabled: true}\n      Tags",
            {"E9476"},
        ),
        ("SSEEnabled: true", "SSEEnabled: false", {"E9477"}),
        ("ProjectionType: ALL", "ProjectionType: INCLUDE", {"E9478"}),
        ("TableName: reader", "TableName: writer", {"W9458"}),
        ("      TableName: reader\n", "", {"W9458"}),
        ("SSEEnabled: true", "SSEEnabled: true, SSEType: AES256", {"E9477"}),
        ("TableName: reader", "TableName: reader\n      TableClass: STANDARD_INFREQUENT_ACCESS", {"W9457"}),
    ],
)
def test_each_misfit_is_told(say: Say, old: str, new: str, raised: set[str]) -> None:
    assert ids(say, edited(old, new)) == raised


def test_recovery_is_doubtful_where_data_may_go_and_silent_where_nobody_says(say: Say) -> None:
    off = edited("RecoveryEnabled: true", "RecoveryEnabled: false")
    assert ids(say, off, "dev") == {"W9456"}
    assert ids(say, off, "blue") == set()
