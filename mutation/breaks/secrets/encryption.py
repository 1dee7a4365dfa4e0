"""What is encrypted, on the way and at rest, and under which key."""

from mutation.breaking import broken
from mutation.draft import Draft, Part, ref

KEY = "AWS::KMS::Key"
STREAM = "AWS::Kinesis::Stream"
DATABASE = "AWS::RDS::DBInstance"
CACHE = "AWS::ElastiCache::ReplicationGroup"
TABLE = "AWS::DynamoDB::Table"
SECRET = "AWS::SecretsManager::Secret"
QUEUE = "AWS::SQS::Queue"
FUNCTION = "AWS::Lambda::Function"
OF_TOPICS = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
OF_STREAMS = "https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html"
OF_CACHES = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption.html"
OF_SECRETS = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html"
OF_FUNCTIONS = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html"
TLS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html"


def settings_of(draft: Draft) -> Part:
    return draft.the("AWS::RDS::DBParameterGroup")


@broken(why="logins and readings may cross the network in plain text", source=TLS)
def the_database_takes_plain_text(draft: Draft) -> None:
    settings_of(draft).properties["Parameters"]["rds.force_ssl"] = "0"


@broken(why="the database has the engine's own settings, and what forces TLS stands beside it", source=TLS)
def the_database_does_not_use_its_settings(draft: Draft) -> None:
    del draft.the(DATABASE).properties["DBParameterGroupName"]


@broken(why="values and tokens cross the network in plain text", source=OF_CACHES)
def the_cache_speaks_plain_text(draft: Draft) -> None:
    properties = draft.the(CACHE).properties
    properties["TransitEncryptionEnabled"] = False
    del properties["TransitEncryptionMode"]


@broken(why="preferred takes plain text as well: it is for the time of a migration", source=OF_CACHES)
def the_cache_prefers_tls(draft: Draft) -> None:
    draft.the(CACHE).properties["TransitEncryptionMode"] = "preferred"


@broken(why="the cache's disks and snapshots are in plain text")
def the_cache_is_not_encrypted(draft: Draft) -> None:
    properties = draft.the(CACHE).properties
    properties["AtRestEncryptionEnabled"] = False
    del properties["KmsKeyId"]


@broken(why="readings lie on the disk in plain text, and encryption cannot be added later")
def the_database_is_not_encrypted(draft: Draft) -> None:
    properties = draft.the(DATABASE).properties
    properties["StorageEncrypted"] = False
    del properties["KmsKeyId"]


@broken(why="readings wait in the stream in plain text", source=OF_STREAMS)
def the_stream_is_not_encrypted(draft: Draft) -> None:
    del draft.the(STREAM).properties["StreamEncryption"]


@broken(why="nobody decides who may use AWS's own key, and nobody can take it away", source=OF_STREAMS)
def the_stream_is_under_the_services_key(draft: Draft) -> None:
    draft.the(STREAM).properties["StreamEncryption"]["KeyId"] = "alias/aws/kinesis"


@broken(
    why="who writes and who reads have grants on the data key, and the stream is under another",
    source=OF_STREAMS,
)
def the_stream_is_under_another_key(draft: Draft) -> None:
    stack = draft.nesting(draft.the(STREAM))
    stack.properties["Parameters"]["DataKeyArn"] = draft.output(draft.the(KEY, "Logs"), "Arn")


@broken(why="the function may use the secrets' key alone, and the secret is under another", source=OF_SECRETS)
def the_secret_is_under_another_key(draft: Draft) -> None:
    draft.the(SECRET, "Application").properties["KmsKeyId"] = ref("LogsKeyArn")


@broken(
    why="under AWS's own key, reading the secret is bound by nothing but the secret's grant",
    source=OF_SECRETS,
)
def the_secret_is_under_the_services_key(draft: Draft) -> None:
    del draft.the(SECRET, "Application").properties["KmsKeyId"]


@broken(why="the function decrypts with the secrets' key, and the master's secret is under another")
def the_masters_secret_is_under_another_key(draft: Draft) -> None:
    draft.the(DATABASE).properties["MasterUserSecret"]["KmsKeyId"] = ref("DataKeyArn")


@broken(why="the function's role may not decrypt its own environment: no call succeeds", source=OF_FUNCTIONS)
def the_function_is_under_another_key(draft: Draft) -> None:
    draft.the(FUNCTION).properties["KmsKeyArn"] = ref("LogsKeyArn")


@broken(why="the function writes to a queue under a key that it may not use: what it cannot do is lost")
def the_queue_of_the_undone_is_under_another_key(draft: Draft) -> None:
    draft.the(QUEUE, "Undone").properties["KmsMasterKeyId"] = ref("LogsKeyArn")


@broken(why="dead letters hold readings, in plain text")
def the_dead_letters_are_not_encrypted(draft: Draft) -> None:
    properties = draft.the(QUEUE, "DeadLetters").properties
    del properties["KmsMasterKeyId"]
    properties["SqsManagedSseEnabled"] = False


@broken(why="what alarms say lies in plain text")
def the_topic_is_not_encrypted(draft: Draft) -> None:
    del draft.the("AWS::SNS::Topic", "Notifications").properties["KmsMasterKeyId"]


@broken(why="what the readings are watched for lies in plain text")
def the_plants_topic_is_not_encrypted(draft: Draft) -> None:
    del draft.the("AWS::SNS::Topic", "PlantAlarms").properties["KmsMasterKeyId"]


@broken(
    why="the topic is under a key that the processor may not encrypt with: no alarm is told", source=OF_TOPICS
)
def the_plants_topic_is_under_the_key_of_the_logs(draft: Draft) -> None:
    draft.the("AWS::SNS::Topic", "PlantAlarms").properties["KmsMasterKeyId"] = ref("LogsKeyArn")


@broken(why="AWS's own key for topics admits no service, so no alarm is heard", source=OF_TOPICS)
def the_topic_is_under_the_services_key(draft: Draft) -> None:
    draft.the("AWS::SNS::Topic", "Notifications").properties["KmsMasterKeyId"] = "alias/aws/sns"


@broken(why="leases name hosts and shards; the table's own key is AWS's, bound by no policy of ours")
def the_table_is_under_the_services_key(draft: Draft) -> None:
    draft.the(TABLE).properties["SSESpecification"] = {"SSEEnabled": False}


@broken(why="the processor may use the data key through DynamoDB, and the table is under another")
def the_table_is_under_another_key(draft: Draft) -> None:
    draft.the(TABLE).properties["SSESpecification"]["KMSMasterKeyId"] = ref("LogsKeyArn")


@broken(why="logs hold names and statements, readable for who may read logs, under no key of ours")
def a_log_group_is_under_no_key(draft: Draft) -> None:
    del draft.the("AWS::Logs::LogGroup", "PostgresqlLog").properties["KmsKeyId"]


@broken(why="the log service has no right to this key: the group cannot be made")
def a_log_group_is_under_another_key(draft: Draft) -> None:
    stack = draft.nesting(draft.the("AWS::EC2::FlowLog"))
    stack.properties["Parameters"]["LogsKeyArn"] = draft.output(draft.the(KEY, "Data"), "Arn")


@broken(why="what was encrypted once stays under one material for ever")
def a_key_is_never_rotated(draft: Draft) -> None:
    properties = draft.the(KEY, "Data").properties
    properties["EnableKeyRotation"] = False
    del properties["RotationPeriodInDays"]


@broken(why="seven years are no rotation")
def a_key_is_rotated_every_seven_years(draft: Draft) -> None:
    draft.the(KEY, "Secrets").properties["RotationPeriodInDays"] = 2555


@broken(why="a disabled key decrypts nothing: the stream, the database and the table stand still")
def the_data_key_is_disabled(draft: Draft) -> None:
    draft.the(KEY, "Data").properties["Enabled"] = False


@broken(why="code and templates lie under S3's key, for everyone who may read the bucket")
def the_artefacts_are_under_the_services_key(draft: Draft) -> None:
    (rule,) = draft.the("AWS::S3::Bucket", "Artefacts").properties["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    del rule["BucketKeyEnabled"]
    rule["ServerSideEncryptionByDefault"] = {"SSEAlgorithm": "AES256"}


@broken(
    why="S3 writes its log with its own right alone, and a bucket under a key of ours takes none",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
)
def the_log_of_requests_is_under_a_key(draft: Draft) -> None:
    (rule,) = draft.the("AWS::S3::Bucket", "AccessLog").properties["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    key = {"Fn::GetAtt": ["ArtefactKey", "Arn"]}
    rule["ServerSideEncryptionByDefault"] = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
