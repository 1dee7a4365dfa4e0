"""Application Auto Scaling: its two types, and the API's three descriptions of them.

Nothing scales. The descriptions read the stacks' own records, so there is nothing else to keep.
"""

import json
import time

from ministack import app
from ministack.core import responses, router
from ministack.services import cloudformation

from local.aws.stacks import Answer, Json
from local.aws.types import Made, register

TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
SERVICE = "application-autoscaling"


def install() -> None:
    register(
        TARGET,
        create=lambda logical_id, props, stack_name: _target(props),
        update=lambda physical_id, old, new: _target(new),
        delete=lambda physical_id, props: None,
        replacing=("ResourceId", "ScalableDimension", "ServiceNamespace"),
    )
    register(
        POLICY,
        create=lambda logical_id, props, stack_name: _policy(props),
        update=lambda physical_id, old, new: (physical_id, {"Arn": physical_id}),
        delete=lambda physical_id, props: None,
        replacing=("PolicyName", "ResourceId", "ScalableDimension", "ScalingTargetId", "ServiceNamespace"),
    )
    app.SERVICE_HANDLERS[SERVICE] = handle_request
    router.SERVICE_PATTERNS[SERVICE] = {
        "target_prefixes": ["AnyScaleFrontendService"],
        "credential_scope": SERVICE,
    }


def _target(props: Json) -> Made:
    physical_id = "|".join(props[key] for key in ("ResourceId", "ScalableDimension", "ServiceNamespace"))
    return physical_id, {"Id": physical_id}


def _policy(props: Json) -> Made:
    resource = props.get("ScalingTargetId") or props.get("ResourceId", "")
    region, account = responses.get_region(), responses.get_account_id()
    arn = (
        f"arn:aws:autoscaling:{region}:{account}:scalingPolicy:{responses.new_uuid()}:"
        f"resource/{str(resource).split('|')[0]}:policyName/{props['PolicyName']}"
    )
    return arn, {"Arn": arn}


async def handle_request(method: str, path: str, headers: Json, body: bytes, query_params: Json) -> Answer:
    """DescribeScalableTargets, …ScheduledActions and …ScalingPolicies; all else is refused."""
    action = headers.get("x-amz-target", "").split(".")[-1]
    namespace = json.loads(body or b"{}").get("ServiceNamespace")
    if action == "DescribeScalableTargets":
        said: Json = {
            "ScalableTargets": [_described_target(props) for _, props in _deployed(TARGET, namespace)]
        }
    elif action == "DescribeScalingPolicies":
        said = {
            "ScalingPolicies": [_described_policy(arn, props) for arn, props in _deployed(POLICY, namespace)]
        }
    elif action == "DescribeScheduledActions":
        said = {
            "ScheduledActions": [
                _described_action(props, planned)
                for _, props in _deployed(TARGET, namespace)
                for planned in props.get("ScheduledActions", [])
            ]
        }
    else:
        refused: Answer = responses.error_response_json(
            "ValidationException", f"{action} is not simulated: scaling comes from templates here", 400
        )
        return refused
    answer: Answer = responses.json_response(said)
    return answer


def _deployed(resource_type: str, namespace: str | None) -> list[tuple[str, Json]]:
    found = []
    for stack in cloudformation._stacks.values():
        for record in (stack.get("_resources") or {}).values():
            props = record.get("Properties") or {}
            if record["ResourceType"] == resource_type and _namespace(props) in (namespace, None, ""):
                found.append((record["PhysicalResourceId"], props))
    return found


def _namespace(props: Json) -> str:
    return str(props.get("ServiceNamespace") or props.get("ScalingTargetId", "").split("|")[-1])


def _described_target(props: Json) -> Json:
    return {
        "ServiceNamespace": props["ServiceNamespace"],
        "ResourceId": props["ResourceId"],
        "ScalableDimension": props["ScalableDimension"],
        "MinCapacity": int(props["MinCapacity"]),
        "MaxCapacity": int(props["MaxCapacity"]),
        "RoleARN": props.get("RoleARN", ""),
        "CreationTime": time.time(),
    }


def _described_action(target: Json, planned: Json) -> Json:
    region, account = responses.get_region(), responses.get_account_id()
    bounds = planned["ScalableTargetAction"]
    return {
        **{key: planned[key] for key in ("ScheduledActionName", "Schedule", "Timezone") if key in planned},
        "ScheduledActionARN": (
            f"arn:aws:autoscaling:{region}:{account}:scheduledAction:{target['ResourceId']}:"
            f"scheduledActionName/{planned['ScheduledActionName']}"
        ),
        **{key: target[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")},
        "ScalableTargetAction": {key: int(bound) for key, bound in bounds.items()},
        "CreationTime": time.time(),
    }


def _described_policy(arn: str, props: Json) -> Json:
    target = str(props.get("ScalingTargetId", "")).split("|")
    resource, dimension = (target[0], target[1]) if len(target) > 1 else ("", "")
    said: Json = {
        "PolicyARN": arn,
        "PolicyName": props["PolicyName"],
        "PolicyType": props["PolicyType"],
        "ServiceNamespace": _namespace(props),
        "ResourceId": props.get("ResourceId") or resource,
        "ScalableDimension": props.get("ScalableDimension") or dimension,
        "CreationTime": time.time(),
    }
    for key in ("StepScalingPolicyConfiguration", "TargetTrackingScalingPolicyConfiguration"):
        if key in props:
            said[key] = props[key]
    return said
