"""Policies of resources: topics, queues, buckets, keys, functions."""

from mutation.breaking import broken
from mutation.draft import Draft, Part, att, drop_statement, ref, statement, sub

KEY = "AWS::KMS::Key"
QUEUES = "AWS::SQS::QueuePolicy"
TOPIC_POLICY = "AWS::SNS::TopicPolicy"
OF_PRINCIPALS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"
PERMISSION = "AWS::Lambda::Permission"
TO_EVENTS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html"
TO_TOPIC = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
TO_LOGS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"
TO_BUCKET = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html"
OF_KEYS = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"


def topic(draft: Draft) -> Part:
    return draft.the(TOPIC_POLICY, "NotificationsPolicy")


def plants_topic(draft: Draft) -> dict[str, object]:
    """The statement that refuses all but the processor."""
    policy = draft.the(TOPIC_POLICY, "PlantAlarmsPolicy")
    return statement(policy, "sns:Publish", "Deny", "RefuseAllButTheProcessor")


def alerts(draft: Draft) -> Part:
    return draft.the(KEY, "Alerts")


def rotation_is_invoked(draft: Draft) -> Part:
    return draft.the(PERMISSION, Principal="secretsmanager.amazonaws.com")


@broken(why="no event reaches the topic, and nobody is told of failed rotations", source=TO_EVENTS)
def the_topic_does_not_admit_events(draft: Draft) -> None:
    drop_statement(topic(draft), "sns:Publish", sid="EventsPublish")


@broken(
    why="EventBridge is of no organization when it publishes, so every event is dropped", source=TO_EVENTS
)
def the_topic_asks_events_for_their_organization(draft: Draft) -> None:
    found = statement(topic(draft), "sns:Publish", sid="EventsPublish")
    found["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": "o-example"}}


@broken(why="alarms publish as cloudwatch.amazonaws.com; monitoring is another service", source=TO_TOPIC)
def the_topic_admits_another_service_than_alarms(draft: Draft) -> None:
    found = statement(topic(draft), "sns:Publish", sid="AlarmsOfThisAccountPublish")
    found["Principal"]["Service"] = ["monitoring.amazonaws.com"]


@broken(why="everyone may publish to the people who are on call", source=TO_TOPIC)
def the_topic_admits_everyone(draft: Draft) -> None:
    found = statement(topic(draft), "sns:Publish", sid="AlarmsOfThisAccountPublish")
    found["Principal"] = "*"
    del found["Condition"]


@broken(
    why="an encrypted topic takes only from services that its key admits: alarms are silent", source=TO_TOPIC
)
def the_topics_key_does_not_admit_alarms(draft: Draft) -> None:
    drop_statement(alerts(draft), "kms:Decrypt", sid="AlarmsPublish")


@broken(why="publishing to an encrypted topic takes GenerateDataKey and Decrypt, both", source=TO_TOPIC)
def the_topics_key_lets_alarms_decrypt_only(draft: Draft) -> None:
    found = statement(alerts(draft), "kms:GenerateDataKey", sid="AlarmsPublish")
    found["Action"].remove("kms:GenerateDataKey")


@broken(
    why="EventBridge carries no such key when it asks for the data key, so events are dropped",
    source=TO_EVENTS,
)
def the_topics_key_asks_events_for_their_account(draft: Draft) -> None:
    found = statement(alerts(draft), "kms:Decrypt", sid="EventsPublish")
    found["Condition"] = {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}}


@broken(why="the topic is under a key that admits no publisher")
def the_topic_is_under_another_key(draft: Draft) -> None:
    stack = draft.nesting(draft.the("AWS::SNS::Topic", "Notifications"))
    stack.properties["Parameters"]["KeyArn"] = draft.output(draft.the(KEY, "Secrets"), "Arn")


@broken(why="the role that starts the task is excepted, and the one that runs is refused: no alarm is told")
def the_plants_topic_takes_from_another_role(draft: Draft) -> None:
    plants_topic(draft)["Condition"] = {"ArnNotEquals": {"aws:PrincipalArn": att("ExecutionRole", "Arn")}}


@broken(
    why="of a session the key has the ARN of its role, so no session is excepted: no alarm is told",
    source=OF_PRINCIPALS,
)
def the_plants_topic_takes_from_sessions_by_name(draft: Draft) -> None:
    session = sub("arn:${AWS::Partition}:sts::${AWS::AccountId}:assumed-role/${TaskRole}/*")
    plants_topic(draft)["Condition"] = {"ArnNotLike": {"aws:PrincipalArn": session}}


@broken(why="the condition is turned round: the processor is refused, and all others are not")
def the_plants_topic_refuses_the_processor_alone(draft: Draft) -> None:
    found = plants_topic(draft)
    found["Condition"] = {"ArnEquals": {"aws:PrincipalArn": att("TaskRole", "Arn")}}


@broken(why="what the plant is told may travel in plain text")
def the_plants_topic_takes_plain_text(draft: Draft) -> None:
    drop_statement(draft.the(TOPIC_POLICY, "PlantAlarmsPolicy"), "sns:Publish", "Deny", "RefuseWithoutTls")


@broken(why="without its condition the denial refuses everyone: no alarm is told")
def the_plants_topic_refuses_everyone(draft: Draft) -> None:
    del plants_topic(draft)["Condition"]


@broken(why="it excepts an account that is not the one it is deployed to: no alarm is told")
def the_plants_topic_takes_from_another_account(draft: Draft) -> None:
    plants_topic(draft)["Condition"] = {"StringNotEquals": {"aws:PrincipalAccount": "444455556666"}}


@broken(why="the log groups that RDS writes to cannot be made under this key", source=TO_LOGS)
def the_logs_key_does_not_know_the_databases_groups(draft: Draft) -> None:
    found = statement(draft.the(KEY, "Logs"), "kms:GenerateDataKey")
    patterns = found["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    patterns[:] = [pattern for pattern in patterns if "/aws/rds/" not in pattern["Fn::Sub"]]


@broken(why="the context's key has the log group's ARN under aws:logs:arn, and no other name", source=TO_LOGS)
def the_logs_key_asks_for_a_context_that_is_not_there(draft: Draft) -> None:
    likes = statement(draft.the(KEY, "Logs"), "kms:GenerateDataKey")["Condition"]["ArnLike"]
    likes["kms:EncryptionContext:aws:logs:group"] = likes.pop("kms:EncryptionContext:aws:logs:arn")


@broken(why="the log service of another region asks, and this region's is refused", source=TO_LOGS)
def the_logs_key_admits_another_region(draft: Draft) -> None:
    found = statement(draft.the(KEY, "Logs"), "kms:GenerateDataKey")
    found["Principal"]["Service"] = ["logs.us-east-1.amazonaws.com"]


@broken(why="the log service encrypts with a data key, and gets none", source=TO_LOGS)
def the_logs_key_makes_no_data_keys(draft: Draft) -> None:
    actions = statement(draft.the(KEY, "Logs"), "kms:GenerateDataKey")["Action"]
    actions[:] = [action for action in actions if "GenerateDataKey" not in action]


@broken(why="every principal of every account that IAM lets may use the key", source=OF_KEYS)
def a_key_admits_everyone(draft: Draft) -> None:
    statement(draft.the(KEY, "Data"), "kms:*")["Principal"] = {"AWS": ["*"]}


@broken(
    why="no grant by IAM has an effect on a key whose policy does not leave it to the account", source=OF_KEYS
)
def a_key_leaves_nothing_to_iam(draft: Draft) -> None:
    found = statement(draft.the(KEY, "Data"), "kms:*")
    found["Action"] = ["kms:Describe*", "kms:List*", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"]


@broken(why="another account decides by its IAM who uses the key", source=OF_KEYS)
def a_key_belongs_to_another_account_as_well(draft: Draft) -> None:
    principals = statement(draft.the(KEY, "Secrets"), "kms:*")["Principal"]["AWS"]
    principals.append("arn:aws:iam::111122223333:root")


@broken(why="Secrets Manager may not call the function: the schedule is refused")
def nobody_may_invoke_the_rotation(draft: Draft) -> None:
    permission = rotation_is_invoked(draft)
    draft.remove(permission)
    for title in ("Schedule", "MigratorSchedule"):
        draft.the("AWS::SecretsManager::RotationSchedule", title).body["DependsOn"].remove(permission.name)


@broken(why="no service has that name, so Secrets Manager is refused")
def another_service_may_invoke_the_rotation(draft: Draft) -> None:
    rotation_is_invoked(draft).properties["Principal"] = "secretmanager.amazonaws.com"


@broken(
    why="any account's Secrets Manager may have the function called",
    source="https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html",
)
def secrets_of_any_account_may_invoke_the_rotation(draft: Draft) -> None:
    del rotation_is_invoked(draft).properties["SourceAccount"]


@broken(why="the schedule's rule is another than the one that is admitted, so age is not measured")
def another_rule_may_invoke_the_measurement(draft: Draft) -> None:
    permission = draft.the(PERMISSION, Principal="events.amazonaws.com")
    arn = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/millrace-age"
    permission.properties["SourceArn"] = sub(arn)


@broken(why="reading the policy is no call of it: the permission must be for InvokeFunction")
def the_measurement_may_look_and_not_invoke(draft: Draft) -> None:
    draft.the(PERMISSION, Principal="events.amazonaws.com").properties["Action"] = "lambda:GetFunction"


@broken(why="a queue that refuses its own account takes nothing at all")
def the_queue_refuses_its_own_account(draft: Draft) -> None:
    found = statement(draft.the(QUEUES, "DeadLettersPolicy"), "sqs:*", "Deny", "RefuseOtherAccounts")
    found["Condition"] = {"StringEquals": found["Condition"]["StringNotEquals"]}


@broken(why="without its condition the denial refuses everyone")
def the_queue_refuses_everyone(draft: Draft) -> None:
    policy = draft.the(QUEUES, "DeadLettersPolicy")
    del statement(policy, "sqs:*", "Deny", "RefuseOtherAccounts")["Condition"]


@broken(why="messages may travel in plain text")
def the_queue_takes_plain_text(draft: Draft) -> None:
    drop_statement(draft.the(QUEUES, "DeadLettersPolicy"), "sqs:*", "Deny", "RefuseWithoutTls")


@broken(why="the denial is of what comes with TLS: everything is refused but plain text")
def the_queue_refuses_tls(draft: Draft) -> None:
    found = statement(draft.the(QUEUES, "UndonePolicy"), "sqs:*", "Deny", "RefuseWithoutTls")
    found["Condition"]["Bool"]["aws:SecureTransport"] = "true"


@broken(why="artefacts may be fetched in plain text")
def the_artefacts_may_be_fetched_in_plain_text(draft: Draft) -> None:
    drop_statement(draft.the("AWS::S3::BucketPolicy", "ArtefactsPolicy"), "s3:*", "Deny")


@broken(why="the denial is of objects, and listing is of the bucket")
def plain_text_is_refused_for_objects_only(draft: Draft) -> None:
    statement(draft.the("AWS::S3::BucketPolicy", "ArtefactsPolicy"), "s3:*", "Deny")["Resource"].pop(0)


@broken(why="S3 may not deliver the log of requests: none is kept", source=TO_BUCKET)
def the_log_of_requests_is_not_admitted(draft: Draft) -> None:
    drop_statement(draft.the("AWS::S3::BucketPolicy", "AccessLogPolicy"), "s3:PutObject")


@broken(why="requests are logged of a bucket that is not admitted as a source", source=TO_BUCKET)
def the_log_of_requests_admits_only_its_own_bucket(draft: Draft) -> None:
    found = statement(draft.the("AWS::S3::BucketPolicy", "AccessLogPolicy"), "s3:PutObject")
    found["Condition"]["ArnEquals"]["aws:SourceArn"] = [att("AccessLog", "Arn")]


@broken(why="the code of the plant's functions lies open to the world")
def the_artefacts_are_public(draft: Draft) -> None:
    policy = draft.the("AWS::S3::BucketPolicy", "ArtefactsPolicy")
    everyone = {"Effect": "Allow", "Principal": "*"}
    reads = {"Action": ["s3:GetObject"], "Resource": [sub("${Artefacts.Arn}/*")]}
    policy.properties["PolicyDocument"]["Statement"].append(everyone | reads)


@broken(why="nothing forbids that a bucket is made public")
def the_artefacts_may_be_made_public(draft: Draft) -> None:
    del draft.the("AWS::S3::Bucket", "Artefacts").properties["PublicAccessBlockConfiguration"]
