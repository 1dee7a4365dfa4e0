"""What drift detection reads of resources, beyond what upstream reads of them.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html: of a
resource's properties, those that the template sets are compared with what the resource's own service says
now. Detection is for one stack and not for those nested in it.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from ministack.services import (
    cloudformation,
    ec2,
    ecs,
    elasticache,
    iam,
    kinesis,
    rds,
    s3,
    secretsmanager,
    sns,
    sqs,
)
from ministack.services.cloudformation import drift, handlers, helpers, provisioners

from local.aws.acts import FAULTS
from local.aws.descriptions import answered
from local.aws.patching import replace
from local.aws.stacks import Answer, Json, as_xml

Read = Callable[[str, Json], Json | None]
DETECTION = "AWS::CloudFormation::StackDriftDetection"  # no resource: what a fault names to mean it
RULE = "AWS::EC2::SecurityGroup{}"
WAYS = {"Ingress": "IpPermissions", "Egress": "IpPermissionsEgress"}
INSTANCE = (
    "AllocatedStorage",
    "AutoMinorVersionUpgrade",
    "BackupRetentionPeriod",
    "DBInstanceClass",
    "DeletionProtection",
    "EngineVersion",
    "MultiAZ",
    "PubliclyAccessible",
    "StorageEncrypted",
)
GROUP = ("AutomaticFailoverEnabled", "CacheNodeType", "SnapshotRetentionLimit", "TransitEncryptionEnabled")


def install() -> None:
    _extend(
        "AWS::SQS::Queue", _queue, "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"
    )
    _extend("AWS::SNS::Topic", _topic, "KmsMasterKeyId")
    _extend("AWS::IAM::Role", _role, "ManagedPolicyArns", "Policies")
    _extend("AWS::Kinesis::Stream", _stream, "Name", "RetentionPeriodHours", "ShardCount", "StreamEncryption")
    _extend("AWS::S3::Bucket", _bucket, "BucketEncryption", "PublicAccessBlockConfiguration")
    _extend_secret()
    _add("AWS::EC2::SecurityGroup", _group, "GroupDescription", "SecurityGroupIngress", "SecurityGroupEgress")
    for way in WAYS:
        _add(RULE.format(way), _rule_reader(way), "CidrIp", "FromPort", "IpProtocol", "ToPort")
    replace(handlers._detect_stack_drift, _taking_time(handlers._detect_stack_drift))
    replace(
        handlers._describe_stack_drift_detection_status,
        _told(handlers._describe_stack_drift_detection_status),
    )
    _add("AWS::RDS::DBInstance", _instance, *INSTANCE)
    _add("AWS::ElastiCache::ReplicationGroup", _cache, *GROUP)
    _add("AWS::ECS::Service", _service, "DesiredCount", "TaskDefinition")


def _add(name: str, read: Read, *properties: str) -> None:
    """Raises LookupError when upstream reads the type by now."""
    if name in drift._DRIFT_READERS:
        raise LookupError(f"ministack detects the drift of {name} by now: extend what it reads, or drop this")
    drift._DRIFT_READERS[name] = (read, frozenset(properties))


def _extend(name: str, read: Callable[[str, Json, Json], Json], *properties: str) -> None:
    """Let `read` add properties to what upstream reads. Raises LookupError when it reads them by now."""
    original, known = drift._DRIFT_READERS[name]
    if known & set(properties):
        raise LookupError(f"ministack reads {', '.join(sorted(known & set(properties)))} of {name} by now")

    def both(physical_id: str, props: Json) -> Json | None:
        found = original(physical_id, props)
        return None if found is None else {**found, **read(physical_id, props, found)}

    drift._DRIFT_READERS[name] = (both, known | set(properties))


def _extend_secret() -> None:
    """A secret's Ref is its ARN, as AWS has it (secrets.py); upstream reads by the name."""
    original, known = drift._DRIFT_READERS["AWS::SecretsManager::Secret"]

    def read(physical_id: str, props: Json) -> Json | None:
        found: Json | None = original(secretsmanager._resolve(physical_id)[0], props)
        return found

    drift._DRIFT_READERS["AWS::SecretsManager::Secret"] = (read, known)


def _taking_time(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    """A detection that was asked to take time, or to fail: a fault names it by the stack."""

    def detect(params: Json) -> Answer:
        answer = original(params)
        stack = handlers._resolve_stack(helpers._p(params, "StackName"))
        if answer[0] != 200 or stack is None:
            return answer
        detection = list(stack["_drift_detections"].values())[-1]
        name = stack["StackName"]
        for fault in FAULTS.due(resource_type=DETECTION, logical_id=name, stack=name, action="create"):
            detection["_ready_at"] = time.time() + fault.seconds
            if fault.message:
                detection |= {"DetectionStatus": "DETECTION_FAILED", "DetectionStatusReason": fault.message}
                detection["StackDriftStatus"] = "UNKNOWN"
        return answer

    return detect


def _told(original: Callable[[Json], Answer]) -> Callable[[Json], Answer]:
    def describe(params: Json) -> Answer:
        asked = helpers._p(params, "StackDriftDetectionId")
        for stack in cloudformation._stacks.values():
            detection = (stack.get("_drift_detections") or {}).get(asked)
            if detection and time.time() < detection.get("_ready_at", 0):
                said = {key: detection[key] for key in ("StackId", "StackDriftDetectionId", "Timestamp")}
                return answered(
                    "DescribeStackDriftDetectionStatus",
                    as_xml({**said, "DetectionStatus": "DETECTION_IN_PROGRESS"}),
                )
        return original(params)

    return describe


def _queue(physical_id: str, props: Json, found: Json) -> Json:
    said = sqs._queues[physical_id]["attributes"]
    return _present(said, "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled")


def _topic(physical_id: str, props: Json, found: Json) -> Json:
    return _present(sns._topics[physical_id]["attributes"], "KmsMasterKeyId")


def _role(physical_id: str, props: Json, found: Json) -> Json:
    role = iam._roles[physical_id]
    inline = role.get("InlinePolicies") or {}
    own = [policy["PolicyName"] for policy in props.get("Policies") or []]
    of_others = set(_held("PolicyName", "AWS::IAM::Policy", "AWS::IAM::RolePolicy"))
    names = [name for name in own if name in inline]
    names += sorted(inline.keys() - set(own) - of_others)
    return {
        "ManagedPolicyArns": list(role.get("AttachedPolicies") or []),
        "Policies": [{"PolicyName": name, "PolicyDocument": _parsed(inline[name])} for name in names],
    }


def _stream(physical_id: str, props: Json, found: Json) -> Json:
    stream = kinesis._streams[physical_id]
    read = {
        "Name": stream["StreamName"],
        "RetentionPeriodHours": stream["RetentionPeriodHours"],
        "ShardCount": len(stream["shards"]),
    }
    if stream["EncryptionType"] != "NONE":
        read["StreamEncryption"] = {
            "EncryptionType": stream["EncryptionType"],
            "KeyId": stream.get("KeyId") or (props.get("StreamEncryption") or {}).get("KeyId"),
        }
    return read


def _bucket(physical_id: str, props: Json, found: Json) -> Json:
    """Both are kept as the XML that was put; what is there is told as it is written in the template."""
    read: Json = {}
    if physical_id in s3._bucket_encryption and "BucketEncryption" in props:
        read["BucketEncryption"] = props["BucketEncryption"]
    blocked = s3._buckets[physical_id].get("_public_access_block")
    if blocked and "PublicAccessBlockConfiguration" in props:
        text = blocked.decode() if isinstance(blocked, bytes) else str(blocked)
        read["PublicAccessBlockConfiguration"] = {
            name: f"<{name}>true</{name}>" in text for name in props["PublicAccessBlockConfiguration"]
        }
    return read


def _group(physical_id: str, props: Json) -> Json | None:
    group = ec2._security_groups.get(physical_id)
    if group is None:
        return None
    return {"GroupDescription": group.get("Description")} | {
        f"SecurityGroup{way}": list(_rules(physical_id, way, props.get(f"SecurityGroup{way}") or []))
        for way in WAYS
    }


def _rules(group_id: str, way: str, declared: list[Json]) -> Iterator[Json]:
    """A group's rules as the template writes them; the rules that are resources of their own left out."""
    there = list(ec2._security_groups[group_id].get(WAYS[way]) or [])
    for rule in declared:
        if _take(there, rule):
            yield rule
    for record in _records(RULE.format(way)):
        if record["Properties"].get("GroupId") == group_id:
            _take(there, record["Properties"])
    for permission in there:
        ranges = permission.get("IpRanges") or []
        source = {"CidrIp": ranges[0]["CidrIp"]} if ranges else {}
        yield {**_present(permission, "IpProtocol", "FromPort", "ToPort"), **source}


def _take(there: list[Json], rule: Json) -> bool:
    """Whether a rule of a template is among a group's permissions, which it then leaves."""
    for wanted in provisioners._ec2_sg_permissions([rule]):
        for permission in there:
            if ec2._strip_descriptions(permission) == ec2._strip_descriptions(wanted):
                there.remove(permission)
                return True
    return False


def _rule_reader(way: str) -> Read:
    def read(physical_id: str, props: Json) -> Json | None:
        group = ec2._security_groups.get(props.get("GroupId"))
        if group is None or not _take(list(group.get(WAYS[way]) or []), props):
            return None
        return _present(props, "CidrIp", "FromPort", "IpProtocol", "ToPort")

    return read


def _instance(physical_id: str, props: Json) -> Json | None:
    instance = rds._instances.get(physical_id)
    return None if instance is None else _present(instance, *INSTANCE)


def _cache(physical_id: str, props: Json) -> Json | None:
    group = elasticache._replication_groups.get(physical_id)
    if group is None:
        return None
    read = _present(group, "CacheNodeType", "SnapshotRetentionLimit", "TransitEncryptionEnabled")
    if "AutomaticFailover" in group:
        read["AutomaticFailoverEnabled"] = group["AutomaticFailover"] == "enabled"
    return read


def _service(physical_id: str, props: Json) -> Json | None:
    name = physical_id.rpartition("/")[2]
    service = next(
        (known for known in ecs._services.values() if name in (known["serviceName"], known["serviceArn"])),
        None,
    )
    if service is None or service.get("status") == "INACTIVE":
        return None
    return {"DesiredCount": service["desiredCount"], "TaskDefinition": service["taskDefinition"]}


def _records(*types: str) -> Iterator[Json]:
    for stack in cloudformation._stacks.values():
        for record in (stack.get("_resources") or {}).values():
            if record["ResourceType"] in types:
                yield record


def _held(key: str, *types: str) -> Iterator[str]:
    return (record["Properties"][key] for record in _records(*types) if record["Properties"].get(key))


def _present(said: Json, *names: str) -> Json:
    return {name: said[name] for name in names if said.get(name) is not None}


def _parsed(document: Any) -> Any:
    return json.loads(document) if isinstance(document, str) else document
