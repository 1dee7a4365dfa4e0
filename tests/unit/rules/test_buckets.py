import pytest

from tests.unit.rules.conftest import Say

BLOCK = (
    "{BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true}"
)
WELL = """\
Resources:
  Asked:
    Type: AWS::S3::Bucket
    Properties:
      BucketEncryption: {ServerSideEncryptionConfiguration: [
        {ServerSideEncryptionByDefault: {SSEAlgorithm: AES256}}]}
      LoggingConfiguration: {LogFilePrefix: own/}
      VersioningConfiguration: {Status: Enabled}
      PublicAccessBlockConfiguration: BLOCK
      LifecycleConfiguration:
        Rules:
        - {Id: old, Status: Enabled, ExpirationInDays: 90, NoncurrentVersionExpiration: {NoncurrentDays: 31},
           AbortIncompleteMultipartUpload: {DaysAfterInitiation: 2}}
  Goods:
    Type: AWS::S3::Bucket
    Properties:
      ObjectLockEnabled: true
      ObjectLockConfiguration: {ObjectLockEnabled: Enabled, Rule: {DefaultRetention: {Days: 40}}}
      BucketEncryption:
        ServerSideEncryptionConfiguration:
        - ServerSideEncryptionByDefault: {SSEAlgorithm: aws:kms, KMSMasterKeyID: alias/goods}
      LoggingConfiguration: {DestinationBucketName: !Ref Asked}
      VersioningConfiguration: {Status: Enabled }
      PublicAccessBlockConfiguration: BLOCK
      OwnershipControls: {Rules: [{ObjectOwnership: BucketOwnerEnforced}]}
      LifecycleConfiguration:
        Rules:
        - Id: versions
          Status: Enabled
          NoncurrentVersionExpiration: {NoncurrentDays: 60}
          AbortIncompleteMultipartUpload: {DaysAfterInitiation: 1}
      Tags: [{Key: Environment, Value: STAGE}]
""".replace("BLOCK", BLOCK)
IDS = (*(f"E948{number}" for number in (0, 1, 3, 4, 7)), "W946", *(f"W947{number}" for number in range(9)))


def ids(say: Say, template: str, stage: str = "prod") -> set[str]:
    return {line.split()[1] for line in say(IDS, template.replace("STAGE", stage))}


def edited(old: str, new: str) -> str:
    assert old in WELL
    return WELL.replace(old, new, 1)


ITSELF = "{DestinationBucketName: !Ref Asked}"


@pytest.mark.parametrize("stage", ["prod", "dev", "blue"])
def test_a_bucket_that_keeps_is_well(say: Say, stage: str) -> None:
    assert ids(say, WELL, stage) == set()


@pytest.mark.parametrize(
    ("old", "new", "raised"),
    [
        ("Status: Enabled }", "Status: Suspended}", {"E9480", "E9481"}),
        ("      VersioningConfiguration: {Status: Enabled}\n", "", {"E9480"}),
        ("      ObjectLockEnabled: true\n", "", {"E9481"}),
        (", Rule: {DefaultRetention: {Days: 40}}", "", {"W9464"}),
        ("Days: 40}", "Days: 90}", {"W9465"}),
        ("Days: 40}", "Days: 1}", {"W9466"}),
        ("SSEAlgorithm: AES256", "SSEAlgorithm: aws:kms, KMSMasterKeyID: alias/goods", {"W9478"}),
        (ITSELF, "{DestinationBucketName: !Ref Goods}", {"E9483"}),
        (f"      LoggingConfiguration: {ITSELF}\n", "", {"E9483", "W9467"}),
        ("IgnorePublicAcls: true", "IgnorePublicAcls: false", {"W9461"}),
        ("BlockPublicPolicy: true, ", "", {"W9461"}),
        (f"      PublicAccessBlockConfiguration: {BLOCK}\n", "", {"W9462"}),
        ("BucketOwnerEnforced", "ObjectWriter", {"W9463"}),
        (", KMSMasterKeyID: alias/goods", "", {"W9468"}),
        ("{NoncurrentDays: 60}", "{NoncurrentDays: 5}", {"W9465", "W9471"}),
        ("          NoncurrentVersionExpiration: {NoncurrentDays: 60}\n", "", {"W9470"}),
        ("          Status: Enabled", "          Status: Enabled\n          ExpirationInDays: 30", {"W9473"}),
        ("ExpirationInDays: 90", "ExpirationInDays: 3", {"W9474"}),
        ("      OwnershipControls", "      AccessControl: PublicRead\n      OwnershipControls", {"E9487"}),
        ("ExpirationInDays: 90, ", "", {"W9475"}),
        ("          Status: Enabled", "          Status: Disabled", {"W9470", "W9476"}),
        ("          AbortIncompleteMultipartUpload: {DaysAfterInitiation: 1}\n", "", {"W9477"}),
        (
            "ExpirationInDays: 90",
            "ExpirationInDays: 90, Transitions: [{StorageClass: GLACIER, TransitionInDays: 99}]",
            {"E9484"},
        ),
        (
            "ExpirationInDays: 90",
            "ExpirationInDays: 90, Transitions: [{StorageClass: GLACIER, TransitionInDays: 40}, "
            "{StorageClass: STANDARD_IA, TransitionInDays: 50}]",
            {"E9484"},
        ),
    ],
)
def test_each_way_to_lose_an_object_is_told(say: Say, old: str, new: str, raised: set[str]) -> None:
    assert ids(say, edited(old, new)) == raised


@pytest.mark.parametrize(
    ("old", "new", "raised"),
    [
        ("{NoncurrentDays: 31}", "{NoncurrentDays: 1}", {"W9472"}),
        ("      VersioningConfiguration: {Status: Enabled}\n", "", {"W9460"}),
    ],
)
def test_a_passing_environment_may_forget_a_little(say: Say, old: str, new: str, raised: set[str]) -> None:
    assert ids(say, edited(old, new), "dev") == raised


def test_a_bucket_that_lets_the_public_in_on_purpose_is_its_own_affair(say: Say) -> None:
    site = """\
Resources:
  Site:
    Type: AWS::S3::Bucket
    Properties:
      PublicAccessBlockConfiguration: {BlockPublicAcls: true, IgnorePublicAcls: true}
"""
    assert ids(say, site) == set()
    assert ids(say, site.replace(", IgnorePublicAcls: true", "")) == {"W9461"}
