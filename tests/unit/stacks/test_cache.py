import re
from typing import Any

import pytest

from processor import latest
from processor.alarms import board

REDIS = {"engine": "redis", "engine_version": "7.1"}
VALKEY = {"engine": "valkey", "engine_version": "8.2"}


def users(template: dict[str, Any], of_type: Any) -> dict[str, dict[str, Any]]:
    return {
        user["Properties"]["UserName"]: user["Properties"]
        for user in of_type(template, "AWS::ElastiCache::User").values()
    }


@pytest.mark.parametrize(("engine", "family"), [(REDIS, "redis7"), (VALKEY, "valkey8")])
def test_group_users_and_parameters_are_of_the_engine(
    nested: Any, of_type: Any, engine: dict[str, str], family: str
) -> None:
    made = nested("cache", **engine)
    resources = made["Resources"]

    assert resources["EngineSettings"]["Properties"]["CacheParameterGroupFamily"] == family
    assert resources["Latest"]["Properties"]["Engine"] == engine["engine"]
    assert resources["Users"]["Properties"]["Engine"] == engine["engine"]
    assert {user["Engine"] for user in users(made, of_type).values()} == {engine["engine"]}
    assert {reference["Ref"] for reference in resources["Users"]["Properties"]["UserIds"]} == set(
        of_type(made, "AWS::ElastiCache::User")
    )


def test_a_redis_group_has_a_default_user_that_can_do_nothing(nested: Any, of_type: Any) -> None:
    default = users(nested("cache", **REDIS), of_type)["default"]

    assert default["AccessString"].split()[0] == "off"
    assert default["UserId"] != "default", "that one is ElastiCache's own, which may do everything"


def test_a_valkey_group_holds_nobody_without_a_login(nested: Any, of_type: Any) -> None:
    kinds = [
        user["AuthenticationMode"]["Type"] for user in users(nested("cache", **VALKEY), of_type).values()
    ]

    assert kinds == ["iam"]


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_processors_user_can_neither_empty_nor_reconfigure_the_cache(
    nested: Any, of_type: Any, environment: str
) -> None:
    (user,) = users(nested("cache", environment, **VALKEY), of_type).values()
    words = user["AccessString"].split()

    assert user["UserId"] == user["UserName"], "with IAM they must be the same"
    assert environment in user["UserId"], "two environments of one account need two users"
    assert words[-2:] == ["-@admin", "-@dangerous"], "later words win"
    assert not {"+@all", "+@admin", "~*", "allkeys", "allcommands"} & set(words)


def test_the_processors_user_may_do_what_the_processor_does(nested: Any, of_type: Any) -> None:
    (user,) = users(nested("cache", **VALKEY), of_type).values()
    words = set(user["AccessString"].split())

    scripts = latest.FORWARD_ONLY + board.REPLACE
    called = {command.lower() for command in re.findall(r"redis\.call\('(\w+)'", scripts)}

    hashes = {"hget", "hset", "hkeys", "hdel"}
    assert called == hashes, "all of them hashes: a new command needs a word in the access string"
    assert {"+@hash", "+evalsha", "+script|load"} <= words
    assert "`latest:<" in (latest.__doc__ or "")
    assert "`alarms:<" in (board.__doc__ or "")
    assert {word for word in words if word.startswith("~")} == {"~latest:*", "~alarms:*"}


def test_who_connects_needs_the_group_and_the_user_and_nothing_more(nested: Any, statements: Any) -> None:
    role = nested("processor")["Resources"]["TaskRole"]

    (given,) = [one for one in statements(role) if one["Action"] == ["elasticache:Connect"]]

    on = {
        text.rpartition("${AWS::AccountId}:")[2]: values
        for text, values in (resource["Fn::Sub"] for resource in given["Resource"])
    }
    assert on == {
        "replicationgroup:${Name}": {"Name": {"Ref": "CacheName"}},
        "user:${User}": {"User": {"Ref": "CacheUserId"}},
    }


@pytest.mark.parametrize(("environment", "nodes"), [("dev", 2), ("prod", 3)])
def test_metrics_know_every_member(nested: Any, environment: str, nodes: int) -> None:
    template = nested("cache", environment)
    members = [
        output["Value"]["Fn::Sub"]
        for name, output in template["Outputs"].items()
        if name.startswith("Members")
    ]

    assert template["Resources"]["Latest"]["Properties"]["NumCacheClusters"] == nodes
    assert members == [f"${{Latest}}-{number:03}" for number in range(1, nodes + 1)]


@pytest.mark.parametrize(("environment", "policy"), [("dev", "Delete"), ("prod", "Snapshot")])
def test_nothing_is_plain_and_what_is_left_follows_the_environment(
    nested: Any, environment: str, policy: str
) -> None:
    made = nested("cache", environment)["Resources"]["Latest"]

    assert made["DeletionPolicy"] == made["UpdateReplacePolicy"] == policy
    properties = made["Properties"]
    assert properties["TransitEncryptionMode"] == "required"
    assert properties["TransitEncryptionEnabled"] is properties["AtRestEncryptionEnabled"] is True
    assert properties["KmsKeyId"] == {"Ref": "DataKeyArn"}
    assert properties["MultiAZEnabled"] is properties["AutomaticFailoverEnabled"] is True
    assert properties["UserGroupIds"] == [{"Ref": "Users"}]


def test_each_log_goes_to_a_group_of_its_own_that_the_key_admits(nested: Any, of_type: Any) -> None:
    template = nested("cache")
    groups = of_type(template, "AWS::Logs::LogGroup")
    targets = {
        log["DestinationDetails"]["CloudWatchLogsDetails"]["LogGroup"]["Ref"]
        for log in template["Resources"]["Latest"]["Properties"]["LogDeliveryConfigurations"]
    }

    assert targets == set(groups)
    assert all(
        group["Properties"]["LogGroupName"].startswith("/millrace/dev/cache/") for group in groups.values()
    )
