"""The way of a reading from a device's topic into the stream, and what becomes of those that do not fit."""

import json
from typing import Any

from mutation.breaking import broken
from mutation.draft import Body, Draft, att, ref, statement, sub

RULE = "AWS::IoT::TopicRule"
DEVICE = "AWS::IoT::Policy"
TEMPLATE = "AWS::IoT::ProvisioningTemplate"
STREAM = "AWS::Kinesis::Stream"
SQL = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-from.html"
TOPIC = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-functions.html"
ERRORS = "https://docs.aws.amazon.com/iot/latest/developerguide/rule-error-handling.html"
POLICY = "https://docs.aws.amazon.com/iot/latest/developerguide/iot-policy-actions.html"
VARIABLES = "https://docs.aws.amazon.com/iot/latest/developerguide/thing-policy-variables.html"
PROVISION = "https://docs.aws.amazon.com/iot/latest/developerguide/provision-template.html"
LIMITS = "https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html"
ORDER = "https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html"


def payload(draft: Draft) -> Body:
    found: Body = draft.the(RULE).properties["TopicRulePayload"]
    return found


def kinesis(draft: Draft) -> Body:
    (action,) = payload(draft)["Actions"]
    found: Body = action["Kinesis"]
    return found


def body(draft: Draft) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(draft.the(TEMPLATE).properties["TemplateBody"]["Fn::Sub"])
    return found


def provision(draft: Draft, made: dict[str, Any]) -> None:
    text = json.dumps(made)
    draft.the(TEMPLATE).properties["TemplateBody"] = sub(text) if "${" in text else text


@broken(why="devices publish one level deeper than the rule listens", source=SQL)
def the_rule_listens_one_level_too_high(draft: Draft) -> None:
    payload(draft)["Sql"] = payload(draft)["Sql"].replace("/+'", "'")


@broken(why="devices may publish below millrace/…, and the rule listens elsewhere", source=SQL)
def the_rule_listens_to_another_prefix(draft: Draft) -> None:
    payload(draft)["Sql"] = payload(draft)["Sql"].replace("millrace/", "milrace/")


@broken(why="this environment's devices publish below its own name")
def the_rule_listens_to_the_other_environment(draft: Draft) -> None:
    other = {"dev": "prod", "prod": "dev"}[draft.environment]
    payload(draft)["Sql"] = payload(draft)["Sql"].replace(f"/{draft.environment}/", f"/{other}/")


@broken(why="a wildcard of a rule is + or #; an asterisk is a level of that name", source=SQL)
def the_rule_listens_to_asterisks(draft: Draft) -> None:
    payload(draft)["Sql"] = payload(draft)["Sql"].replace("+", "*")


@broken(why="the topic has eight levels, so the ninth is undefined and no record has a key", source=TOPIC)
def the_partition_is_a_level_that_is_not_there(draft: Draft) -> None:
    kinesis(draft)["PartitionKey"] = "${topic(9)}"


@broken(why="the second level is the environment, so all devices share one shard", source=ORDER)
def the_partition_is_the_same_for_all(draft: Draft) -> None:
    kinesis(draft)["PartitionKey"] = "${topic(2)}"


@broken(why="one text for all readings: one shard carries all, the others nothing", source=ORDER)
def the_partition_is_a_plain_text(draft: Draft) -> None:
    kinesis(draft)["PartitionKey"] = "readings"


@broken(why="a device's readings go to any shard and lose their order", source=ORDER)
def the_partition_is_by_chance(draft: Draft) -> None:
    kinesis(draft)["PartitionKey"] = "${newuuid()}"


@broken(why="a rule that is disabled carries nothing")
def the_rule_is_disabled(draft: Draft) -> None:
    payload(draft)["RuleDisabled"] = True


@broken(why="what the stream does not take is dropped without a word", source=ERRORS)
def the_rule_has_nowhere_to_set_aside(draft: Draft) -> None:
    del payload(draft)["ErrorAction"]


@broken(why="what the stream does not take is put on the stream again", source=ERRORS)
def the_rule_sets_aside_where_it_failed(draft: Draft) -> None:
    payload(draft)["ErrorAction"] = {"Kinesis": dict(kinesis(draft))}


@broken(why="the rule acts by the role that makes devices, which may not write to the stream")
def the_rule_acts_by_another_role(draft: Draft) -> None:
    kinesis(draft)["RoleArn"] = att("Provisioner", "Arn")


@broken(why="setting aside is by the role that makes devices, which may not send")
def the_rule_sets_aside_by_another_role(draft: Draft) -> None:
    payload(draft)["ErrorAction"]["Sqs"]["RoleArn"] = att("Provisioner", "Arn")


@broken(why="there is no stream of the queue's name")
def the_rule_writes_to_a_stream_that_is_a_queue(draft: Draft) -> None:
    given = draft.nesting(draft.the(RULE)).properties["Parameters"]
    given["StreamName"] = att("Stream", "Outputs.DeadLettersName")


@broken(why="a queue is written to by its URL; by its ARN the action fails")
def the_rule_sets_aside_by_the_queues_arn(draft: Draft) -> None:
    payload(draft)["ErrorAction"]["Sqs"]["QueueUrl"] = ref("DeadLettersArn")


@broken(why="every device may connect as any other and throw it out", source=POLICY)
def a_device_may_connect_as_any_other(draft: Draft) -> None:
    (resource,) = statement(draft.the(DEVICE), "iot:Connect")["Resource"]
    resource["Fn::Sub"] = resource["Fn::Sub"].replace("${!iot:Connection.Thing.ThingName}", "*")


@broken(why="every device may speak for any other", source=POLICY)
def a_device_may_publish_anywhere(draft: Draft) -> None:
    (resource,) = statement(draft.the(DEVICE), "iot:Publish")["Resource"]
    resource["Fn::Sub"] = resource["Fn::Sub"].partition(":topic/")[0] + ":topic/*"


@broken(why="a certificate that is attached to no thing may connect", source=VARIABLES)
def a_device_need_not_be_attached(draft: Draft) -> None:
    del statement(draft.the(DEVICE), "iot:Connect")["Condition"]


@broken(why="without iot:Connect no device is let in at all", source=POLICY)
def a_device_may_not_connect(draft: Draft) -> None:
    statement(draft.the(DEVICE), "iot:Connect")["Action"] = ["iot:Receive"]


@broken(why="publishing is to topic/…; topicfilter/… is for subscribing", source=POLICY)
def a_device_may_publish_to_a_filter(draft: Draft) -> None:
    (resource,) = statement(draft.the(DEVICE), "iot:Publish")["Resource"]
    resource["Fn::Sub"] = resource["Fn::Sub"].replace(":topic/", ":topicfilter/")


@broken(why="a device may publish where no rule listens")
def a_device_may_publish_to_another_prefix(draft: Draft) -> None:
    (resource,) = statement(draft.the(DEVICE), "iot:Publish")["Resource"]
    resource["Fn::Sub"] = resource["Fn::Sub"].replace(":topic/millrace/", ":topic/plant/")


@broken(why="there is no variable of that name, so the statement never matches", source=VARIABLES)
def a_devices_variable_is_misspelt(draft: Draft) -> None:
    (resource,) = statement(draft.the(DEVICE), "iot:Connect")["Resource"]
    resource["Fn::Sub"] = resource["Fn::Sub"].replace("Thing.ThingName", "Thing.Name")


@broken(why="an attribute that no thing is given: the condition never holds", source=VARIABLES)
def a_devices_place_is_another_attribute(draft: Draft) -> None:
    found = statement(draft.the(DEVICE), "iot:Publish")
    (resource,) = found["Resource"]
    resource["Fn::Sub"] = resource["Fn::Sub"].replace("Attributes[place]", "Attributes[site]")
    likes = found["Condition"]["StringLike"]
    likes["iot:Connection.Thing.Attributes[site]"] = likes.pop("iot:Connection.Thing.Attributes[place]")


@broken(why="a device needs to speak, and may listen to all others", source=POLICY)
def a_device_may_listen_to_everything(draft: Draft) -> None:
    document = draft.the(DEVICE).properties["PolicyDocument"]
    actions = ["iot:Subscribe", "iot:Receive"]
    document["Statement"].append({"Effect": "Allow", "Action": actions, "Resource": ["*"]})


@broken(why="no device is made known any more", source=PROVISION)
def provisioning_is_disabled(draft: Draft) -> None:
    draft.the(TEMPLATE).properties["Enabled"] = False


@broken(why="a new device has a certificate that may do nothing", source=PROVISION)
def a_new_device_gets_no_policy(draft: Draft) -> None:
    made = body(draft)
    del made["Resources"]["policy"]
    provision(draft, made)


@broken(why="there is no policy of that name: every registration fails", source=PROVISION)
def a_new_device_gets_a_policy_that_is_not_there(draft: Draft) -> None:
    made = body(draft)
    made["Resources"]["policy"]["Properties"]["PolicyName"] = "millrace-device"
    provision(draft, made)


@broken(why="whoever asks with the name of a known device takes its place", source=PROVISION)
def a_new_device_takes_the_place_of_a_known_one(draft: Draft) -> None:
    made = body(draft)
    made["Resources"]["thing"]["OverrideSettings"]["AttributePayload"] = "REPLACE"
    provision(draft, made)


@broken(why="a certificate that is not active connects nobody", source=PROVISION)
def a_new_devices_certificate_is_not_active(draft: Draft) -> None:
    made = body(draft)
    made["Resources"]["certificate"]["Properties"]["Status"] = "INACTIVE"
    provision(draft, made)


@broken(why="a name that the template does not ask for: every registration fails", source=PROVISION)
def a_new_devices_name_is_a_parameter_that_is_not_there(draft: Draft) -> None:
    made = body(draft)
    made["Resources"]["thing"]["Properties"]["ThingName"] = {"Ref": "DeviceName"}
    provision(draft, made)


@broken(
    why="the place is built of four levels, and topics have five: no device may publish", source=PROVISION
)
def a_new_devices_place_lacks_a_level(draft: Draft) -> None:
    made = body(draft)
    made["Resources"]["thing"]["Properties"]["AttributePayload"]["place"]["Fn::Join"][1].pop()
    provision(draft, made)


@broken(why="the role may carry readings and make nothing", source=PROVISION)
def provisioning_is_by_another_role(draft: Draft) -> None:
    draft.the(TEMPLATE).properties["ProvisioningRoleArn"] = att("Carrier", "Arn")


@broken(
    why="claims are for FLEET_PROVISIONING; a template for a just-in-time registration takes none",
    source=PROVISION,
)
def provisioning_is_of_another_type(draft: Draft) -> None:
    draft.the(TEMPLATE).properties["TemplateType"] = "JITP"


@broken(why="a stream keeps 24 hours or more: less is refused", source=LIMITS)
def the_stream_keeps_half_a_day(draft: Draft) -> None:
    draft.the(STREAM).properties["RetentionPeriodHours"] = 12


@broken(only=("prod",), why="a stream on demand has no number of shards: it is refused", source=LIMITS)
def a_stream_on_demand_has_a_number_of_shards(draft: Draft) -> None:
    draft.the(STREAM).properties["ShardCount"] = 4


@broken(only=("dev",), why="a stream of fixed size needs its size: it is refused", source=LIMITS)
def a_stream_of_fixed_size_has_none(draft: Draft) -> None:
    del draft.the(STREAM).properties["ShardCount"]
