import pytest

from tests.unit.rules.conftest import Say

WELL = """\
Resources:
  Net: {Type: AWS::EC2::VPC}
  Guard: {Type: AWS::EC2::SecurityGroup, Properties: {VpcId: !Ref Net}}
  Places: {Type: AWS::ElastiCache::SubnetGroup, Properties: {SubnetIds: [subnet-1, subnet-2]}}
  Slow: {Type: AWS::Logs::LogGroup}
  Engine: {Type: AWS::Logs::LogGroup}
  Told:
    Type: AWS::ElastiCache::ParameterGroup
    Properties: {CacheParameterGroupFamily: redis7, Properties: {maxmemory-policy: allkeys-lfu}}
  Shop: {Type: AWS::ElastiCache::User, Properties: {Engine: redis, AuthenticationMode: {Type: password}}}
  Shops: {Type: AWS::ElastiCache::UserGroup, Properties: {Engine: redis, UserIds: [!Ref Shop]}}
  Sessions:
    Type: AWS::ElastiCache::ReplicationGroup
    Properties:
      Engine: redis
      EngineVersion: '7.1'
      CacheNodeType: cache.r7g.large
      NumCacheClusters: 2
      AutomaticFailoverEnabled: true
      MultiAZEnabled: true
      CacheSubnetGroupName: !Ref Places
      SecurityGroupIds: [!Ref Guard]
      CacheParameterGroupName: !Ref Told
      UserGroupIds: [!Ref Shops]
      TransitEncryptionEnabled: true
      AtRestEncryptionEnabled: true
      SnapshotRetentionLimit: 7
      SnapshotWindow: 02:00-03:00
      PreferredMaintenanceWindow: tue:04:00-tue:05:00
      LogDeliveryConfigurations:
      - LogType: slow-log
        DestinationType: cloudwatch-logs
        DestinationDetails: {CloudWatchLogsDetails: {LogGroup: !Ref Slow}}
      - LogType: engine-log
        DestinationType: cloudwatch-logs
        DestinationDetails: {CloudWatchLogsDetails: {LogGroup: !Ref Engine}}
      Tags: [{Key: Environment, Value: STAGE}]
  Full:
    Type: AWS::CloudWatch::Alarm
    Properties:
      MetricName: Evictions
      Dimensions: [{Name: CacheClusterId, Value: !Sub '${Sessions}-002'}]
  Where: {Type: AWS::SSM::Parameter, Properties: {Value: !GetAtt Sessions.PrimaryEndPoint.Address}}
"""
IDS = ("E941", "E9431", "E9437", "E9438", "E9439", *(f"E94{number}" for number in range(45, 60)))
IDS += ("W9408", "W941", *(f"W94{number}" for number in range(21, 30)))


def ids(say: Say, template: str, stage: str = "live") -> set[str]:
    return {line.split()[1] for line in say(IDS, template.replace("STAGE", stage))}


def edited(old: str, new: str) -> str:
    assert old in WELL
    return WELL.replace(old, new, 1)


@pytest.mark.parametrize("stage", ["live", "dev", "blue"])
def test_a_cache_that_fits_is_well(say: Say, stage: str) -> None:
    assert ids(say, WELL, stage) == set()


@pytest.mark.parametrize(
    ("old", "new", "raised"),
    [
        ("NumCacheClusters: 2", "NumCacheClusters: 1", {"E9445", "E9447", "E9449"}),
        ("AutomaticFailoverEnabled: true", "AutomaticFailoverEnabled: false", {"E9446", "E9447"}),
        ("MultiAZEnabled: true", "MultiAZEnabled: false", {"E9447"}),
        ("NumCacheClusters: 2", "NumCacheClusters: 7", {"E9448"}),
        ("-002", "-003", {"E9449"}),
        ("SnapshotRetentionLimit: 7", "SnapshotRetentionLimit: 0", {"E9450"}),
        ("      SnapshotRetentionLimit: 7\n", "", {"E9450"}),
        ("SnapshotRetentionLimit: 7", "SnapshotRetentionLimit: 1", {"W9422"}),
        ("SnapshotRetentionLimit: 7", "SnapshotRetentionLimit: 36", {"E9416"}),
        ("tue:04:00-tue:05:00", "tue:02:30-tue:03:30", {"E9414"}),
        ("02:00-03:00", "02:00-02:30", {"E9413"}),
        ("LogType: engine-log", "LogType: slow-log", {"E9451"}),
        ("DestinationType: cloudwatch-logs", "DestinationType: kinesis-firehose", {"E9451"}),
        ("!Ref Slow", "!GetAtt Slow.Arn", {"E9451"}),
        ("!Ref Slow", "!Ref Engine", {"W9423"}),
        ("CacheParameterGroupFamily: redis7", "CacheParameterGroupFamily: redis6.x", {"E9452"}),
        ("EngineVersion: '7.1'", "EngineVersion: '6.2'", {"E9452"}),
        ("maxmemory-policy: allkeys-lfu", "maxmemory-policy: allkeys_lfu", {"E9453"}),
        ("maxmemory-policy: allkeys-lfu", "maxmemory_policy: allkeys-lfu", {"E9453"}),
        ("allkeys-lfu", "noeviction", {"W9425"}),
        ("allkeys-lfu", "volatile-lru", {"W9425"}),
        ("{maxmemory-policy: allkeys-lfu}", "{}", {"W9429"}),
        ("User, Properties: {Engine: redis", "User, Properties: {Engine: valkey", {"E9454"}),
        (
            "UserGroup, Properties: {Engine: redis",
            "UserGroup, Properties: {Engine: valkey",
            {"E9454", "W9426"},
        ),
        ("      TransitEncryptionEnabled: true\n", "", {"E9456"}),
        ("AtRestEncryptionEnabled: true", "AtRestEncryptionEnabled: false", {"E9431"}),
        ("MultiAZEnabled: true", "MultiAZEnabled: true\n      TransitEncryptionMode: preferred", {"W9427"}),
        ("      UserGroupIds: [!Ref Shops]\n", "", {"W9414", "W9428"}),
        ("MultiAZEnabled: true", "MultiAZEnabled: true\n      AuthToken: '{{resolve:x}}'", {"E9457"}),
        ("MultiAZEnabled: true", "MultiAZEnabled: true\n      ClusterMode: enabled", {"E9458"}),
        (
            "CacheParameterGroupName: !Ref Told",
            "CacheParameterGroupName: default.redis7.cluster.on",
            {"E9458", "W9414"},
        ),
        (
            "MultiAZEnabled: true",
            "MultiAZEnabled: true\n      ClusterMode: disabled\n      NumNodeGroups: 2",
            {"E9459"},
        ),
        ("[subnet-1, subnet-2]", "[subnet-1]", {"E9437"}),
        ("UserIds: [!Ref Shop]", "UserIds: []", {"E9439", "W9414"}),
        ("      CacheSubnetGroupName: !Ref Places\n", "", {"W9414"}),
        ("cache.r7g.large", "cache.t4g.small", {"W9413"}),
        ("MultiAZEnabled: true", "MultiAZEnabled: true\n      AutoMinorVersionUpgrade: false", {"W9411"}),
    ],
)
def test_each_misfit_is_told(say: Say, old: str, new: str, raised: set[str]) -> None:
    assert ids(say, edited(old, new)) == raised


def test_a_user_of_valkey_is_asked_for_something(say: Say) -> None:
    valkey = WELL.replace("redis", "valkey").replace("valkey7", "valkey8").replace("'7.1'", "'8.1'")
    assert ids(say, valkey) == set()


def test_a_passing_environment_may_stand_alone(say: Say) -> None:
    assert ids(say, edited("MultiAZEnabled: true", "MultiAZEnabled: false"), "dev") == set()
    assert ids(say, edited("SnapshotRetentionLimit: 7", "SnapshotRetentionLimit: 0"), "dev") == {"W9421"}


def test_a_cache_says_what_it_does(say: Say) -> None:
    silent = WELL[: WELL.index("      LogDelivery")] + WELL[WELL.index("      Tags") :]
    assert ids(say, silent) == {"W9424"}
    assert ids(say, silent, "blue") == set()
