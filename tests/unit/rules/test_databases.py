import pytest

from tests.unit.rules.conftest import Say

WELL = """\
Resources:
  Net: {Type: AWS::EC2::VPC}
  Left: {Type: AWS::EC2::Subnet, Properties: {AvailabilityZone: eu-west-1a}}
  Right: {Type: AWS::EC2::Subnet, Properties: {AvailabilityZone: eu-west-1b}}
  Guard: {Type: AWS::EC2::SecurityGroup, Properties: {VpcId: !Ref Net}}
  Places: {Type: AWS::RDS::DBSubnetGroup, Properties: {SubnetIds: [!Ref Left, !Ref Right]}}
  Told:
    Type: AWS::RDS::DBParameterGroup
    Properties: {Family: postgres14, Parameters: {rds.force_ssl: 1, work_mem: 64}}
  Orders:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: postgres
      EngineVersion: '14.12'
      DBInstanceClass: db.r7g.large
      DBName: orders
      MasterUsername: chief
      AllocatedStorage: '100'
      MaxAllocatedStorage: 400
      StorageType: gp3
      StorageEncrypted: true
      MultiAZ: true
      BackupRetentionPeriod: 14
      DeleteAutomatedBackups: false
      CopyTagsToSnapshot: true
      PreferredBackupWindow: 23:30-00:30
      PreferredMaintenanceWindow: Mon:01:00-Mon:02:00
      DBSubnetGroupName: !Ref Places
      DBParameterGroupName: !Ref Told
      VPCSecurityGroups: [!Ref Guard]
      EnablePerformanceInsights: true
      PerformanceInsightsRetentionPeriod: 465
      DatabaseInsightsMode: advanced
      MonitoringInterval: 30
      MonitoringRoleArn: arn:aws:iam::111122223333:role/watch
      EnableCloudwatchLogsExports: [postgresql]
      Tags: [{Key: env, Value: STAGE}]
  Login:
    Type: AWS::SecretsManager::Secret
    Properties: {GenerateSecretString: {SecretStringTemplate: '{"username": "shop", "dbname": "orders"}'}}
  Joined:
    Type: AWS::SecretsManager::SecretTargetAttachment
    Properties: {SecretId: !Ref Login, TargetId: !Ref Orders, TargetType: AWS::RDS::DBInstance}
"""
IDS = tuple(f"E94{number}" for number in range(12, 40))
IDS += tuple(f"W94{number:02}" for number in (*range(8, 21), 29, 38, 39))


def ids(say: Say, template: str, stage: str = "prd") -> set[str]:
    said = say(IDS, template.replace("STAGE", stage))
    return {line.split()[1] for line in said}


def edited(old: str, new: str, template: str = WELL) -> str:
    assert old in template
    return template.replace(old, new, 1)


@pytest.mark.parametrize("stage", ["prd", "dev", "blue"])
def test_a_database_that_fits_is_well(say: Say, stage: str) -> None:
    assert ids(say, WELL, stage) == set()


@pytest.mark.parametrize(
    ("old", "new", "raised"),
    [
        ("23:30-00:30", "11 pm", {"E9412"}),
        ("Mon:01:00-Mon:02:00", "Monday:01:00-Monday:02:00", {"E9412"}),
        ("23:30-00:30", "23:30-23:45", {"E9413"}),
        ("Mon:01:00-Mon:02:00", "mon:01:00-mon:01:29", {"E9413"}),
        ("Mon:01:00-Mon:02:00", "mon:00:29-mon:02:00", {"E9414"}),
        ("Mon:01:00-Mon:02:00", "sun:23:00-mon:00:00", {"E9414"}),
        ("Mon:01:00-Mon:02:00", "sat:10:00-sun:10:00", {"E9414"}),
        ("Mon:01:00-Mon:02:00", "mon:00:30-mon:02:00", set()),
        ("      PreferredBackupWindow: 23:30-00:30\n", "", {"W9408"}),
        ("      PreferredMaintenanceWindow: Mon:01:00-Mon:02:00\n", "", {"W9408"}),
        ("BackupRetentionPeriod: 14", "BackupRetentionPeriod: 0", {"E9415"}),
        ("      BackupRetentionPeriod: 14\n", "", {"E9415"}),
        ("BackupRetentionPeriod: 14", "BackupRetentionPeriod: 36", {"E9416"}),
        ("DeleteAutomatedBackups: false", "DeleteAutomatedBackups: true", {"E9417"}),
        ("      DeleteAutomatedBackups: false\n", "", {"E9417"}),
        ("MultiAZ: true", "MultiAZ: false", {"E9418"}),
        ("      MultiAZ: true\n", "", {"E9418"}),
        ("MultiAZ: true", "MultiAZ: true\n      AvailabilityZone: eu-west-1a", {"E9420"}),
        ("Family: postgres14", "Family: postgres15", {"E9421"}),
        ("EngineVersion: '14.12'", "EngineVersion: '15.7'", {"E9421"}),
        ("Family: postgres14", "Family: mysql8.0", {"E9421"}),
        ("      EngineVersion: '14.12'\n", "", {"W9439"}),
        ("work_mem: 64", "fsync: off", {"E9422"}),
        ("work_mem: 64", "synchronous_commit: 'off'", {"E9422"}),
        ("rds.force_ssl: 1, ", "", {"E9424"}),
        ("work_mem: 64", "autovacuum: 0", {"W9415"}),
        ("work_mem: 64", "idle_in_transaction_session_timeout: 0", {"W9416"}),
        ("work_mem: 64", "max_connections: 5", {"W9417"}),
        (", Parameters: {rds.force_ssl: 1, work_mem: 64}", ", Parameters: {}", {"E9424", "W9429"}),
        ("MasterUsername: chief", "MasterUsername: rdsadmin", {"E9425"}),
        ("MasterUsername: chief", "LicenseModel: license-included", {"E9425"}),
        ("DBName: orders", "DBName: goods", {"E9426"}),
        ("      DBName: orders\n", "", {"E9426"}),
        ("[postgresql]", "[postgresql, slowquery]", {"E9427"}),
        ("MaxAllocatedStorage: 400", "MaxAllocatedStorage: 100", {"E9428"}),
        ("      MaxAllocatedStorage: 400\n", "", {"W9418"}),
        ("AllocatedStorage: '100'", "AllocatedStorage: 10", {"E9429"}),
        ("StorageType: gp3", "StorageType: gp3\n      Iops: 6000", {"E9430"}),
        ("StorageType: gp3", "StorageType: gp3\n      StorageThroughput: 500", {"E9430"}),
        ("StorageType: gp3", "StorageType: io2", {"E9430"}),
        ("StorageType: gp3", "StorageType: standard", {"W9419"}),
        ("StorageEncrypted: true", "StorageEncrypted: false", {"E9431"}),
        ("      StorageEncrypted: true\n", "", {"E9431"}),
        ("PerformanceInsightsRetentionPeriod: 465", "PerformanceInsightsRetentionPeriod: 500", {"E9432"}),
        ("EnablePerformanceInsights: true", "EnablePerformanceInsights: false", {"E9433", "W9420"}),
        ("PerformanceInsightsRetentionPeriod: 465", "PerformanceInsightsRetentionPeriod: 7", {"E9434"}),
        ("MonitoringInterval: 30", "MonitoringInterval: 0", {"W9420"}),
        ("DBName: orders", "DBName: orders\n      CACertificateIdentifier: rds-ca-2019", {"E9436"}),
        ("[!Ref Left, !Ref Right]", "[!Ref Left]", {"E9437"}),
        ("AvailabilityZone: eu-west-1b", "AvailabilityZone: eu-west-1a", {"E9437"}),
        ("      DBSubnetGroupName: !Ref Places\n", "", {"W9414"}),
        ("CopyTagsToSnapshot: true", "CopyTagsToSnapshot: false", {"W9410"}),
        ("DBName: orders", "DBName: orders\n      AutoMinorVersionUpgrade: false", {"W9411"}),
        ("DBName: orders", "DBName: orders\n      AllowMajorVersionUpgrade: true", {"W9412"}),
        ("db.r7g.large", "db.t4g.medium", {"W9413"}),
        ("      DBParameterGroupName: !Ref Told\n", "", {"W9414"}),
    ],
)
def test_each_misfit_is_told(say: Say, old: str, new: str, raised: set[str]) -> None:
    assert ids(say, edited(old, new)) == raised


@pytest.mark.parametrize(
    ("old", "new", "raised"),
    [
        ("MultiAZ: true", "MultiAZ: false", set()),
        ("DeleteAutomatedBackups: false", "DeleteAutomatedBackups: true", set()),
        ("BackupRetentionPeriod: 14", "BackupRetentionPeriod: 1", set()),
        ("BackupRetentionPeriod: 14", "BackupRetentionPeriod: 0", {"W9409"}),
    ],
)
def test_a_passing_environment_may_be_lost(say: Say, old: str, new: str, raised: set[str]) -> None:
    assert ids(say, edited(old, new), "test") == raised


def test_a_parameter_without_a_default_decides_nothing(say: Say) -> None:
    asked = WELL.replace("true", "!Ref Any").replace("14\n", "!Ref Any\n").replace("465", "!Ref Any")
    assert ids(say, "Parameters: {Any: {Type: String}}\n" + asked) == set()


AURORA = """\
Resources:
  Orders:
    Type: AWS::RDS::DBCluster
    Properties:
      Engine: aurora-postgresql
      EngineVersion: '16.4'
      StorageEncrypted: true
      BackupRetentionPeriod: 7
      CopyTagsToSnapshot: true
      Tags: [{Key: Environment, Value: prod}]
  One: {Type: AWS::RDS::DBInstance, Properties: {DBClusterIdentifier: !Ref Orders, Engine: aurora-postgresql}}
  Two: {Type: AWS::RDS::DBInstance, Properties: {DBClusterIdentifier: !Ref Orders, Engine: aurora-postgresql}}
"""


def test_a_cluster_keeps_what_its_instances_do_not(say: Say) -> None:
    assert ids(say, AURORA) == set()
    alone = AURORA[: AURORA.index("  Two")]
    assert ids(say, alone) == {"E9419"}


def test_storage_that_a_deployment_chooses_is_not_judged(say: Say) -> None:
    chosen = """
Parameters: {Kind: {Type: String, Default: io1}}
Resources:
  Db: {Type: AWS::RDS::DBInstance, Properties: {Engine: mysql, StorageType: !Ref Kind}}
"""
    assert say("E9430", chosen) == []
    assert len(say("E9430", chosen.replace("!Ref Kind", "io1"))) == 1


TIMES = """\
Resources:
  Settings:
    Type: AWS::RDS::DBParameterGroup
    Properties:
      Family: FAMILY
      Description: shop
      Parameters: {statement_timeout: VALUE}
"""


@pytest.mark.parametrize(
    ("family", "written", "count"),
    [
        ("postgres16", "'30'", 1),
        ("aurora-postgresql16", 999, 1),
        ("postgres16", "'30000'", 0),
        ("postgres16", "0", 0),
        ("mysql8.0", "'30'", 0),
    ],
)
def test_a_limit_is_in_milliseconds(say: Say, family: str, written: str | int, count: int) -> None:
    root = TIMES.replace("FAMILY", family).replace("VALUE", str(written))
    assert len(say("W9442", root)) == count
