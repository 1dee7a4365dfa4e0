import pytest

from rules.families.ingest.topic_filters import meet, of_filter, of_glob, of_text, wrong_with
from rules.families.ingest.topic_sql import BadSql, expression, parse
from tests.unit.rules.conftest import Say

PLANT = """\
Resources:
  Frames: {Type: AWS::Kinesis::Stream, Properties: {StreamModeDetails: {StreamMode: ON_DEMAND}}}
  Failed: {Type: AWS::SQS::Queue, Properties: {MessageRetentionPeriod: 1209600}}
  Bus:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: iot.amazonaws.com}, Action: 'sts:AssumeRole'}]
      Policies:
      - PolicyName: put
        PolicyDocument:
          Statement:
          - {Effect: Allow, Action: 'kinesis:Put*', Resource: !GetAtt Frames.Arn}
          - {Effect: Allow, Action: ['sqs:SendMessage', 'iot:GetThingShadow'], Resource: '*'}
  Cameras:
    Type: AWS::IoT::TopicRule
    Properties:
      TopicRulePayload:
        AwsIotSqlVersion: '2016-03-23'
        Sql: SELECT *, topic(2) AS camera FROM 'cam/+/frame' WHERE size > 10 AND NOT isUndefined(at)
        Actions:
        - Kinesis: {StreamName: !Ref Frames, PartitionKey: '${topic(2)}', RoleArn: !GetAtt Bus.Arn}
        ErrorAction:
          Sqs: {QueueUrl: !Ref Failed, RoleArn: !GetAtt Bus.Arn}
  Camera:
    Type: AWS::IoT::Policy
    Properties:
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
        - Effect: Allow
          Action: iot:Connect
          Resource: !Sub arn:aws:iot:*:${AWS::AccountId}:client/${!iot:Connection.Thing.ThingName}
        - Effect: Allow
          Action: iot:Publish
          Resource: !Sub arn:aws:iot:*:${AWS::AccountId}:topic/cam/${!iot:Connection.Thing.ThingName}/frame
"""
FILTER = "'cam/+/frame'"
KEY = "'${topic(2)}'"


def test_a_rule_that_carries_is_well(say: Say) -> None:
    (finding,) = say("E97", PLANT) + say("W97", PLANT)
    assert "W9701" in finding  # it has a WHERE


@pytest.mark.parametrize(
    ("id", "old", "new"),
    [
        ("E9700", "SELECT *", "SELECT"),
        ("E9700", FILTER, "cam/+/frame"),
        ("E9700", "isUndefined(at)", "undefined(at)"),
        ("E9700", "size > 10", "size > "),
        ("E9701", FILTER, "'cam/#/frame'"),
        ("E9701", FILTER, "'cam+/+/frame'"),
        ("E9701", FILTER, "'a/b/c/d/e/f/g/h/i'"),
        ("E9702", "topic(2) AS", "topic(4) AS"),
        ("E9702", "topic(2) AS", "topic(0) AS"),
        ("W9703", "        AwsIotSqlVersion: '2016-03-23'\n", ""),
        ("W9703", "'2016-03-23'", "'2015-10-08'"),
        ("W9704", "        Sql:", "        RuleDisabled: true\n        Sql:"),
        ("E9706", "size > 10 AND NOT isUndefined(at)", "topic(1) = 'camera'"),
        ("W9707", FILTER, "'#'"),
        ("E9710", "ErrorAction:", "Ignored:"),
        ("E9711", "Sqs: {QueueUrl: !Ref Failed,", "Kinesis: {StreamName: !Ref Frames, PartitionKey: x,"),
        ("E9712", "Sqs: {QueueUrl: !Ref Failed,", "Republish: {Topic: cam/7/frame,"),
        ("E9713", "QueueUrl: !Ref Failed", "QueueUrl: !GetAtt Failed.Arn"),
        ("E9713", "StreamName: !Ref Frames", "StreamName: !GetAtt Frames.Arn"),
        ("E9714", f"PartitionKey: {KEY}, RoleArn: !GetAtt Bus.Arn", f"PartitionKey: {KEY}"),
        ("E9714", f"{KEY}, RoleArn: !GetAtt Bus.Arn", f"{KEY}, RoleArn: !Ref Bus"),
        ("E9715", "{MessageRetentionPeriod: 1209600}", "{FifoQueue: true}"),
        ("E9716", KEY, "'${topik(2)}'"),
        ("E9716", KEY, "'${topic(4)}'"),
        ("E9716", KEY, "'${topic(2)'"),
        ("E9716", KEY, "'topic(2)'"),
        ("E9717", KEY, "camera"),
        ("E9717", KEY, "'${topic(1)}'"),
        ("E9717", f"PartitionKey: {KEY}, ", ""),
        ("W9719", KEY, "'${newuuid()}'"),
        ("E9734", FILTER, "'camera/+/frame'"),
        ("E9734", FILTER, "'cam/+'"),
        ("E9734", f" FROM {FILTER} WHERE size > 10 AND NOT isUndefined(at)", ""),
        ("W9738", FILTER, "'+/+/frame'"),
        ("W9738", FILTER, "'#'"),
        ("W9736", KEY, "'${topic(3)}'"),
        ("E9223", "'kinesis:Put*'", "'kinesis:Get*'"),
        ("E9230", "Service: iot.amazonaws.com", "Service: lambda.amazonaws.com"),
    ],
)  # fmt: skip
def test_a_rule_that_loses_or_mixes_readings_is_named(say: Say, id: str, old: str, new: str) -> None:
    assert old in PLANT
    assert say(id, PLANT.replace(old, new, 1)) != []


def test_a_rule_without_an_action_is_named(say: Say) -> None:
    begin, end = PLANT.index("        Actions:"), PLANT.index("        ErrorAction:")
    assert "does nothing with what it selects" in say("E9705", PLANT[:begin] + PLANT[end:])[0]
    assert say("E9705", PLANT) == []


def test_the_order_is_named_where_the_key_is(say: Say) -> None:
    (finding,) = say("W9719", PLANT.replace(KEY, "'${timestamp()}'"))
    assert finding.startswith("root.yaml:22: W9719 Cameras puts records under ${timestamp()}, so a device's")


def test_a_prefix_that_a_deployment_gives_is_no_mismatch(say: Say) -> None:
    given = "Parameters: {Prefix: {Type: String}}\n" + PLANT.replace(
        "SELECT *, topic(2) AS camera FROM 'cam/+/frame' WHERE size > 10 AND NOT isUndefined(at)",
        "!Sub \"SELECT * FROM '${Prefix}/+/frame'\"",
    )
    assert say("E97", given) == []


def test_others_may_publish_what_no_device_does(say: Say) -> None:
    cloud = PLANT.replace("'iot:GetThingShadow'", "'iot:Publish'").replace(FILTER, "'cmd/+/frame'")
    assert say("E9734", cloud) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM 'a/b'",
        "select state.reported.x as x, timestamp() ts from 'a/#'",
        "SELECT encode(*, 'base64') AS data, clientid() AS c FROM 'a'",
        "SELECT VALUE * FROM 'a' WHERE (x = 1 OR y <> 'z') AND z IN [1, 2]",
        "SELECT CASE x WHEN 1 THEN 'one' ELSE 'many' END AS n FROM 'a'",
        "SELECT (SELECT VALUE n FROM numbers WHERE n > 1) AS large FROM 'a'",
        "SELECT {'a': x, 'b': [1, y.z]} AS o, get(arr, 0).v FROM 'a'",
        "SELECT cast(x as Int) + -1 AS n, substring(s, 1) FROM 'a' WHERE startswith(topic(1), 'a') = true",
        "SET @v = x.y SELECT @v AS v FROM 'a' WHERE @v > 2",
        "SELECT * FROM '$aws/events/presence/connected/+'",
        "SELECT aws_lambda('arn:aws:lambda:eu-west-1:111122223333:function:f', *) AS out FROM 'a'",
        "SELECT *",
    ],
)
def test_sql_that_the_reference_allows_parses(sql: str) -> None:
    parse(sql)


@pytest.mark.parametrize(
    ("sql", "wrong"),
    [
        ("SELEC * FROM 'a'", "has SELEC where SELECT belongs"),
        ("SELECT * FROM 'a", "a quote that is not closed"),
        ("SELECT a, FROM 'a'", "selects nothing before FROM"),
        ("SELECT * FROM 'a' WHERE", "ends where a value belongs"),
        ("SELECT * FROM 'a' LIMIT 1", "has LIMIT after its end"),
        ("SELECT abs(1, 2) FROM 'a'", "gives abs 2 arguments, and it takes 1"),
        ("SELECT (a FROM 'a'", "where ) belongs"),
        ("SELECT a AS FROM 'a'", "after AS"),
        ("SELECT a FROM b", "a filter in quotes belongs there"),
        ("SELECT CASE a THEN 1 END FROM 'a'", "where END belongs"),
        ("SELECT [1 2] FROM 'a'", "where ] belongs"),
        ("SELECT a; FROM 'a'", "';', which is no part of it"),
    ],
)
def test_sql_that_does_not_parse_says_why(sql: str, wrong: str) -> None:
    with pytest.raises(BadSql, match=wrong.replace("(", r"\(").replace(")", r"\)").replace("]", r"\]")):
        parse(sql)


def test_an_expression_says_which_levels_it_asks_for() -> None:
    assert list(expression("concat(topic(3), topic(1))").levels) == [3, 1]


@pytest.mark.parametrize(
    ("filter", "text", "met"),
    [
        ("a/+/c", "a/b/c", True),
        ("a/+/c", "a/b/d/c", False),
        ("a/#", "a/b/d", True),
        ("+/b", "b/b/b", False),
        ("a/b", "a/bc", False),
    ],
)
def test_a_filter_meets_a_topic(filter: str, text: str, met: bool) -> None:
    assert meet(of_filter(filter), of_text(text)) is met
    assert meet(of_filter(filter), of_glob("*")) is True


@pytest.mark.parametrize("filter", ["", "a/#b", "#/a", "a*/*", "x" * 257])
def test_filters_that_are_none(filter: str) -> None:
    assert wrong_with(filter)
    assert not wrong_with("$aws/rules/r/a/b/c/d/e/f/g")


def test_what_failed_lies_under_a_key_as_the_stream_does(say: Say) -> None:
    keyed = PLANT.replace("StreamModeDetails:", "StreamEncryption: {KeyId: !Ref Key}, StreamModeDetails:")
    keyed += "  Key: {Type: AWS::KMS::Key}\n"
    assert "W9779 Failed keeps readings that Cameras could not deliver" in say("W9779", keyed)[0]
    assert say("W9779", keyed.replace("{MessageRet", "{KmsMasterKeyId: !Ref Key, MessageRet")) == []


FILTERED = """\
Resources:
  Hot:
    Type: AWS::IoT::TopicRule
    Properties:
      Tags: [{Key: Environment, Value: test}]
      TopicRulePayload: {Sql: "SELECT * FROM 'line/+/oven' WHERE celsius > 900", Actions: []}
"""
OTHER = """\
  Rest:
    Type: AWS::IoT::TopicRule
    Properties:
      TopicRulePayload: {Sql: "SELECT * FROM 'line/+/oven' WHERE celsius <= 900", Actions: []}
"""


def test_what_a_condition_leaves_out_is_taken_by_another_rule(say: Say) -> None:
    (finding,) = say("W9701", FILTERED)
    assert "Hot leaves out what does not meet celsius > 900" in finding
    assert say("W9701", FILTERED + OTHER) == []
    assert say("W9701", FILTERED.replace(" WHERE celsius > 900", "")) == []
