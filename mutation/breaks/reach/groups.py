"""Security groups and their edges."""

from mutation.breaking import broken
from mutation.draft import Draft, Part, att

INGRESS = "AWS::EC2::SecurityGroupIngress"
EGRESS = "AWS::EC2::SecurityGroupEgress"
GROUP = "AWS::EC2::SecurityGroup"
PROCESSOR = att("ProcessorGroup", "GroupId")
ROTATION = att("RotationGroup", "GroupId")
DATABASE = att("DatabaseGroup", "GroupId")
CACHE = att("CacheGroup", "GroupId")
ANYWHERE = "0.0.0.0/0"
RULES = "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"


def to_database(draft: Draft) -> Part:
    return draft.the(INGRESS, GroupId=DATABASE, SourceSecurityGroupId=PROCESSOR)


@broken(why="the database listens on 5432, and nothing is let in there", source=RULES)
def the_database_lets_its_caller_in_on_the_next_port(draft: Draft) -> None:
    to_database(draft).properties.update(FromPort=5433, ToPort=5433)


@broken(why="the group of the caller may not send to the port that the database listens on", source=RULES)
def the_caller_may_leave_for_another_port_than_the_databases(draft: Draft) -> None:
    way = draft.the(EGRESS, GroupId=PROCESSOR, DestinationSecurityGroupId=DATABASE)
    way.properties.update(FromPort=3306, ToPort=3306)


@broken(why="PostgreSQL speaks TCP; a rule for UDP lets none of it in", source=RULES)
def the_database_lets_udp_in(draft: Draft) -> None:
    to_database(draft).properties["IpProtocol"] = "udp"


@broken(why="the cache lets the function in, which never calls it, and not the processor, which does")
def the_cache_lets_the_wrong_group_in(draft: Draft) -> None:
    way = draft.the(INGRESS, GroupId=CACHE, SourceSecurityGroupId=PROCESSOR)
    way.properties["SourceSecurityGroupId"] = ROTATION


@broken(why="no rotation reaches the database: the login is never changed, and never made")
def the_database_does_not_let_the_rotation_in(draft: Draft) -> None:
    draft.remove(draft.the(INGRESS, GroupId=DATABASE, SourceSecurityGroupId=ROTATION))


@broken(why="a group whose only other egress is to 127.0.0.1 may not call the cache", source=RULES)
def the_processor_may_not_leave_for_the_cache(draft: Draft) -> None:
    draft.remove(draft.the(EGRESS, GroupId=PROCESSOR, DestinationSecurityGroupId=CACHE))


@broken(why="the way out leads to the database, so the cache is never reached")
def the_way_to_the_cache_leads_to_the_database(draft: Draft) -> None:
    way = draft.the(EGRESS, GroupId=PROCESSOR, DestinationSecurityGroupId=CACHE)
    way.properties["DestinationSecurityGroupId"] = DATABASE


@broken(why="whatever address is routed to it may try to log in to the database", source=RULES)
def the_database_is_open_to_every_address(draft: Draft) -> None:
    properties = to_database(draft).properties
    del properties["SourceSecurityGroupId"]
    properties["CidrIp"] = ANYWHERE


@broken(
    why="half of all addresses may try to log in, and the rule has no /0 that one would look for",
    source=RULES,
)
def the_database_is_open_to_half_of_the_world(draft: Draft) -> None:
    properties = to_database(draft).properties
    del properties["SourceSecurityGroupId"]
    properties["CidrIp"] = "128.0.0.0/1"


@broken(why="every address of IPv6 is let in to the cache", source=RULES)
def the_cache_is_open_to_ipv6(draft: Draft) -> None:
    draft.add(
        draft.the(GROUP, "CacheGroup"),
        "CacheFromAnywhere",
        INGRESS,
        GroupId=CACHE,
        IpProtocol="tcp",
        FromPort=6379,
        ToPort=6379,
        CidrIpv6="::/0",
        Description="from anywhere",
    )


@broken(why="the tasks have no shell to log in to, and everyone may try", source=RULES)
def ssh_is_open_to_the_world(draft: Draft) -> None:
    draft.the(GROUP, "ProcessorGroup").properties["SecurityGroupIngress"] = [
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": ANYWHERE, "Description": "ssh"}
    ]


@broken(why="every port of the database's host is open to the processor, not the one it needs", source=RULES)
def the_processor_is_let_in_on_every_port(draft: Draft) -> None:
    properties = to_database(draft).properties
    properties.update(FromPort=0, ToPort=65535)


@broken(why="a database that was taken over may send what it holds anywhere", source=RULES)
def the_database_may_call_the_world(draft: Draft) -> None:
    (rule,) = draft.the(GROUP, "DatabaseGroup").properties["SecurityGroupEgress"]
    rule["CidrIp"] = ANYWHERE


@broken(why="without a list of its own a group may send anything anywhere", source=RULES)
def the_cache_has_the_egress_that_a_group_is_born_with(draft: Draft) -> None:
    del draft.the(GROUP, "CacheGroup").properties["SecurityGroupEgress"]


@broken(only=("dev",), why="without interface endpoints the services of AWS are reached by HTTPS to anywhere")
def the_processor_may_not_call_the_services_of_aws(draft: Draft) -> None:
    draft.remove(draft.the(EGRESS, GroupId=PROCESSOR, CidrIp=ANYWHERE))


@broken(only=("dev",), why="a task that was taken over may speak any protocol to anyone", source=RULES)
def the_processor_may_call_the_world_on_every_port(draft: Draft) -> None:
    properties = draft.the(EGRESS, GroupId=PROCESSOR, CidrIp=ANYWHERE).properties
    del properties["FromPort"], properties["ToPort"]
    properties["IpProtocol"] = "-1"


@broken(why="the service's tasks are in a group that the cache does not let in")
def the_service_is_in_the_functions_group(draft: Draft) -> None:
    stack = draft.nesting(draft.the("AWS::ECS::Service"))
    stack.properties["Parameters"]["ProcessorGroup"] = att("Network", "Outputs.RotationGroup")


@broken(why="the database is in the cache's group, which lets nobody in on 5432")
def the_database_is_in_the_caches_group(draft: Draft) -> None:
    stack = draft.nesting(draft.the("AWS::RDS::DBInstance"))
    stack.properties["Parameters"]["DatabaseGroup"] = att("Network", "Outputs.CacheGroup")


@broken(why="a cache without a group of its own gets the network's default one, which lets nobody in")
def the_cache_has_no_group(draft: Draft) -> None:
    del draft.the("AWS::ElastiCache::ReplicationGroup").properties["SecurityGroupIds"]
    del draft.files["cache.yaml"]["Parameters"]["CacheGroup"]
    del draft.nesting(draft.the("AWS::ElastiCache::UserGroup")).properties["Parameters"]["CacheGroup"]
