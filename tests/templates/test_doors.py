"""What the stream, the door for devices, the notifications and the bootstrap promise."""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from botocore.model import StringShape
from botocore.session import get_session

from parameters.settings import load

Templates = dict[str, dict[str, Any]]


def properties(templates: Templates, stack: str, title: str) -> dict[str, Any]:
    made: dict[str, Any] = templates[stack]["Resources"][title]["Properties"]
    return made


def test_a_stream_s_capacity_is_said_once(dev: Templates, prod: Templates) -> None:
    assert "ShardCount" in properties(dev, "stream", "Readings")
    on_demand = properties(prod, "stream", "Readings")
    assert on_demand["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert "ShardCount" not in on_demand  # lints clean, fails when deployed
    assert on_demand["RetentionPeriodHours"] == 168


def test_nothing_spreads_a_device_over_shards(templates: Templates) -> None:
    assert "RecordDistributionStrategy" not in properties(templates, "stream", "Readings")


def test_a_device_s_messages_are_partitioned_by_the_device(templates: Templates) -> None:
    rule = properties(templates, "ingest", "Readings")["TopicRulePayload"]
    topic = rule["Sql"].split("'")[1]
    levels = topic.split("/")
    assert levels[0] == "millrace"
    assert levels[2:] == ["+"] * 6  # enterprise, site, area, line, cell, device
    (action,) = rule["Actions"]
    named = "/".join(f"${{topic({level})}}" for level in range(3, len(levels) + 1))
    assert action["Kinesis"]["PartitionKey"] == named  # by which the processor knows who spoke
    assert topic.count("/") <= 7  # IoT Core's limit


def test_what_cannot_be_delivered_is_kept(templates: Templates) -> None:
    error = properties(templates, "ingest", "Readings")["TopicRulePayload"]["ErrorAction"]["Sqs"]
    assert error["QueueUrl"] == {"Ref": "DeadLettersUrl"}
    (policy,) = properties(templates, "ingest", "Carrier")["Policies"]
    actions = {
        action: statement["Resource"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }
    assert actions["sqs:SendMessage"] == [{"Ref": "DeadLettersArn"}]
    assert actions["kinesis:PutRecord"] == [{"Ref": "StreamArn"}]
    assert actions["kms:GenerateDataKey"] == [{"Ref": "DataKeyArn"}]


def test_a_gateway_can_write_what_it_cannot_read(templates: Templates) -> None:
    statements = properties(templates, "ingest", "Gateway")["PolicyDocument"]["Statement"]
    granted = {action: statement["Resource"] for statement in statements for action in statement["Action"]}
    assert granted == {
        "kinesis:PutRecord": [{"Ref": "StreamArn"}],
        "kinesis:PutRecords": [{"Ref": "StreamArn"}],
        "kms:GenerateDataKey": [{"Ref": "DataKeyArn"}],
    }
    (key,) = (statement for statement in statements if "kms:GenerateDataKey" in statement["Action"])
    (service,) = key["Condition"]["StringEquals"].values()
    assert list(key["Condition"]["StringEquals"]) == ["kms:ViaService"]
    assert service["Fn::Sub"].startswith("kinesis.${AWS::Region}.")


def test_the_rule_does_what_its_two_actions_ask_for(templates: Templates) -> None:
    (policy,) = properties(templates, "ingest", "Carrier")["Policies"]
    actions = {
        action for statement in policy["PolicyDocument"]["Statement"] for action in statement["Action"]
    }
    assert actions == {"kinesis:PutRecord", "sqs:SendMessage", "kms:GenerateDataKey", "kms:Decrypt"}


def test_dead_letters_refuse_other_accounts_and_plain_text(templates: Templates) -> None:
    policy = properties(templates, "stream", "DeadLettersPolicy")
    assert policy["Queues"] == [{"Ref": "DeadLetters"}]
    refused: dict[str, Any] = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        assert statement["Action"] == ["sqs:*"]
        assert statement["Resource"] == [{"Fn::GetAtt": ["DeadLetters", "Arn"]}]
        refused |= statement["Condition"]
    assert refused == {
        "Bool": {"aws:SecureTransport": "false"},
        "StringNotEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}},
    }


def test_metrics_of_shards_are_ones_that_kinesis_has(templates: Templates) -> None:
    shape = get_session().get_service_model("kinesis").shape_for("MetricsName")
    assert isinstance(shape, StringShape)
    known = shape.enum
    wanted = properties(templates, "stream", "Readings")["DesiredShardLevelMetrics"]
    assert wanted
    assert set(wanted) <= set(known) - {"ALL"}


def test_a_device_speaks_for_itself_from_its_place_only(templates: Templates) -> None:
    connect, publish = properties(templates, "ingest", "Device")["PolicyDocument"]["Statement"]
    thing, place = "${!iot:Connection.Thing.ThingName}", "iot:Connection.Thing.Attributes[place]"
    assert (connect["Action"], publish["Action"]) == (["iot:Connect"], ["iot:Publish"])
    (client,), (topic,) = connect["Resource"], publish["Resource"]
    assert client["Fn::Sub"].endswith(f":client/{thing}")
    assert connect["Condition"] == {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}
    rule = properties(templates, "ingest", "Readings")["TopicRulePayload"]["Sql"].split("'")[1]
    prefix = rule.partition("/+")[0]
    assert topic["Fn::Sub"].endswith(f":topic/{prefix}/${{!{place}}}/{thing}")
    assert "*" not in client["Fn::Sub"] + topic["Fn::Sub"]


def test_a_thing_without_a_whole_place_says_nothing(templates: Templates) -> None:
    _, publish = properties(templates, "ingest", "Device")["PolicyDocument"]["Statement"]
    (pattern,) = publish["Condition"]["StringLike"].values()
    assert fnmatchcase("acme/lon1/press/line2/cell4", pattern)
    for incomplete in ("", "acme", "acme/lon1/press/line2", "acme/lon1/press/line2/", "////"):
        assert not fnmatchcase(incomplete, pattern), incomplete


def services(statements: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Service → what a policy lets it do."""
    return {
        service: set(statement["Action"])
        for statement in statements
        if statement["Effect"] == "Allow"
        for service in statement["Principal"].get("Service", ())
    }


def test_who_publishes_and_nobody_else_may_use_the_topic_s_key(templates: Templates) -> None:
    """Alarms and rules speak to the topic; the budget sends its mail itself."""
    topic = services(properties(templates, "alerts", "NotificationsPolicy")["PolicyDocument"]["Statement"])
    key = services(properties(templates, "keys", "Alerts")["KeyPolicy"]["Statement"])
    publishers = {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    assert key == dict.fromkeys(publishers, {"kms:Decrypt", "kms:GenerateDataKey"})
    assert topic == dict.fromkeys(publishers, {"sns:Publish"})


def test_the_topic_refuses_plain_text_of_all_but_aws_s_services(templates: Templates) -> None:
    refused, *_ = properties(templates, "alerts", "NotificationsPolicy")["PolicyDocument"]["Statement"]
    assert (refused["Effect"], refused["Principal"], refused["Action"]) == ("Deny", "*", ["sns:Publish"])
    assert refused["Resource"] == [{"Ref": "Notifications"}]
    assert refused["Condition"] == {
        "Bool": {"aws:SecureTransport": "false", "aws:PrincipalIsAWSService": "false"}
    }


def test_events_reach_the_key_without_conditions(templates: Templates) -> None:
    """EventBridge sends none, and drops what it cannot encrypt without a word."""
    (statement,) = (
        statement
        for statement in properties(templates, "keys", "Alerts")["KeyPolicy"]["Statement"]
        if "events.amazonaws.com" in statement["Principal"].get("Service", ())
    )
    assert "Condition" not in statement


def test_the_budget_speaks_before_and_when_money_is_spent(templates: Templates) -> None:
    notifications = properties(templates, "alerts", "MonthlyBudget")["NotificationsWithSubscribers"]
    kinds = {
        made["Notification"]["NotificationType"]: made["Notification"]["Threshold"] for made in notifications
    }
    assert kinds == {"ACTUAL": 80, "FORECASTED": 100}
    assert {subscriber["Address"]["Ref"] for made in notifications for subscriber in made["Subscribers"]} == {
        "NotificationAddress"
    }


def test_the_artefact_bucket_is_private_encrypted_versioned_and_forgets(templates: Templates) -> None:
    bucket = properties(templates, "bootstrap", "Artefacts")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] >= 90


def test_no_artefact_expires_while_a_roll_back_may_still_need_it(templates: Templates) -> None:
    """The key of what is deployed may be as old as the last change of its content."""
    for rule in properties(templates, "bootstrap", "Artefacts")["LifecycleConfiguration"]["Rules"]:
        assert not {"ExpirationInDays", "ExpirationDate", "Expiration"} & set(rule)


@pytest.mark.parametrize("bucket", ["Artefacts", "AccessLog"])
def test_a_bucket_speaks_tls_only_and_to_nobody_outside(templates: Templates, bucket: str) -> None:
    policy = properties(templates, "bootstrap", f"{bucket}Policy")
    (denied,) = [one for one in policy["PolicyDocument"]["Statement"] if one["Sid"] == "TlsOnly"]

    assert policy["Bucket"] == {"Ref": bucket}
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": False}}
    assert denied["Resource"] == [{"Fn::GetAtt": [bucket, "Arn"]}, {"Fn::Sub": f"${{{bucket}.Arn}}/*"}]
    assert set(properties(templates, "bootstrap", bucket)["PublicAccessBlockConfiguration"].values()) == {True}


def test_each_request_for_an_artefact_is_logged_by_s3_alone(templates: Templates) -> None:
    logging = {
        name: properties(templates, "bootstrap", name)["LoggingConfiguration"]
        for name in ("Artefacts", "AccessLog")
    }
    (delivers,) = [
        one
        for one in properties(templates, "bootstrap", "AccessLogPolicy")["PolicyDocument"]["Statement"]
        if one["Effect"] == "Allow"
    ]

    assert logging["Artefacts"]["DestinationBucketName"] == {"Ref": "AccessLog"}
    assert "DestinationBucketName" not in logging["AccessLog"], "without one it is its own destination"
    assert logging["Artefacts"]["LogFilePrefix"] != logging["AccessLog"]["LogFilePrefix"]
    assert delivers["Principal"] == {"Service": ["logging.s3.amazonaws.com"]}
    assert delivers["Condition"]["ArnEquals"]["aws:SourceArn"] == [
        {"Fn::GetAtt": ["Artefacts", "Arn"]},
        {"Fn::GetAtt": ["AccessLog", "Arn"]},
    ]
    assert delivers["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_s3_can_deliver_into_the_log_bucket(templates: Templates) -> None:
    log = properties(templates, "bootstrap", "AccessLog")
    (rule,) = log["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}, "it delivers under no KMS key"
    assert "ObjectLockConfiguration" not in log, "nor where objects are kept by default"


def test_what_was_deployed_is_locked_where_it_is_evidence(dev: Templates, prod: Templates) -> None:
    kept = properties(prod, "bootstrap", "Artefacts")["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]

    assert kept == {"Mode": "GOVERNANCE", "Days": load("prod").bootstrap.artefact_retention_days}
    assert "ObjectLockEnabled" not in properties(dev, "bootstrap", "Artefacts"), "dev leaves no remnant"


def test_code_and_images_are_under_one_key_of_their_own(templates: Templates) -> None:
    key = {"Fn::GetAtt": ["ArtefactKey", "Arn"]}
    (rule,) = properties(templates, "bootstrap", "Artefacts")["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]

    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    assert properties(templates, "bootstrap", "Images")["EncryptionConfiguration"] == {
        "EncryptionType": "KMS",
        "KmsKey": key,
    }
    assert properties(templates, "bootstrap", "ArtefactKey")["EnableKeyRotation"] is True


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_image_that_runs_is_of_the_repository_that_bootstrap_makes(
    environment: str, dev: Templates, prod: Templates
) -> None:
    templates = {"dev": dev, "prod": prod}[environment]
    repository = properties(templates, "bootstrap", "Images")
    assert repository["RepositoryName"] == f"millrace/{environment}"
    assert repository["ImageTagMutability"] == "IMMUTABLE"
    image = properties(templates, "platform", "Processor")["Parameters"]["ImageUri"]["Fn::Sub"]
    assert image.endswith(f"/{repository['RepositoryName']}@${{ImageDigest}}")


def test_images_left_behind_expire(templates: Templates) -> None:
    text = properties(templates, "bootstrap", "Images")["LifecyclePolicy"]["LifecyclePolicyText"]
    untagged, old = json.loads(text)["rules"]
    assert untagged["selection"]["tagStatus"] == "untagged"
    assert old["selection"]["countNumber"] >= 20


def test_pushes_are_counted_and_not_the_manifests_of_each(templates: Templates) -> None:
    """An index, its image and its provenance are three; only the index has a tag."""
    text = properties(templates, "bootstrap", "Images")["LifecyclePolicy"]["LifecyclePolicyText"]
    (counted,) = (
        rule["selection"]
        for rule in json.loads(text)["rules"]
        if rule["selection"]["countType"] == "imageCountMoreThan"
    )
    assert (counted["tagStatus"], counted["tagPatternList"]) == ("tagged", ["*"])


def test_keys_rotate_and_their_account_keeps_them(templates: Templates) -> None:
    for title in ("Data", "Secrets", "Logs", "Alerts"):
        key = properties(templates, "keys", title)
        assert key["EnableKeyRotation"] is True
        owner = key["KeyPolicy"]["Statement"][0]
        assert owner["Action"] == ["kms:*"]
        assert owner["Principal"]["AWS"][0]["Fn::Sub"].endswith(":root")
