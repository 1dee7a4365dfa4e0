"""The seam between nested stacks: typed values, and the one function that turns them into parameters and outputs.

Every stack module has `Inputs`, `Outputs` (frozen dataclasses of the types below, or tuples of them)
and `build(template, inputs, settings) -> Outputs`. `Root.nest` makes a child's parameters from its
`Inputs` and its outputs from its `Outputs`, and hands the root `GetAtt` values of the same types. So
mypy sees a misspelt output, a wrong kind of ARN and a forgotten input, and no string names either side.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, NewType, Protocol, TypeVar

from troposphere import AWSHelperFn, GetAtt, Output, Parameter, Ref, Template
from troposphere.cloudformation import Stack

KeyArn = NewType("KeyArn", AWSHelperFn)
TopicArn = NewType("TopicArn", AWSHelperFn)
VpcId = NewType("VpcId", AWSHelperFn)
SubnetId = NewType("SubnetId", AWSHelperFn)
SecurityGroupId = NewType("SecurityGroupId", AWSHelperFn)
StreamArn = NewType("StreamArn", AWSHelperFn)
StreamName = NewType("StreamName", AWSHelperFn)
QueueArn = NewType("QueueArn", AWSHelperFn)
QueueName = NewType("QueueName", AWSHelperFn)
SecretArn = NewType("SecretArn", AWSHelperFn)
FunctionArn = NewType("FunctionArn", AWSHelperFn)
FunctionName = NewType("FunctionName", AWSHelperFn)
HostName = NewType("HostName", AWSHelperFn)
Port = NewType("Port", AWSHelperFn)
DatabaseId = NewType("DatabaseId", AWSHelperFn)
ReplicationGroupId = NewType("ReplicationGroupId", AWSHelperFn)
CacheUserId = NewType("CacheUserId", AWSHelperFn)
ClusterName = NewType("ClusterName", AWSHelperFn)
ServiceName = NewType("ServiceName", AWSHelperFn)
TableName = NewType("TableName", AWSHelperFn)
BucketName = NewType("BucketName", AWSHelperFn)
ObjectKey = NewType("ObjectKey", AWSHelperFn)
ImageUri = NewType("ImageUri", AWSHelperFn)
Address = NewType("Address", AWSHelperFn)
