"""Which changed property replaces a resource, for the types whose table upstream leaves out.

Source: `createOnlyProperties` of CloudFormation's resource schemas for eu-west-2 (cfn-lint 1.58). Without
it a change set says "Conditional" of every property, and its reader cannot tell what would be lost.
"""

from ministack.services.cloudformation import provisioners

CREATE_ONLY: dict[str, tuple[str, ...]] = {
    "AWS::CloudWatch::Alarm": ("AlarmName",),
    "AWS::CloudWatch::Dashboard": ("DashboardName",),
    "AWS::EC2::InternetGateway": (),
    "AWS::EC2::Route": (
        "DestinationCidrBlock",
        "DestinationIpv6CidrBlock",
        "DestinationPrefixListId",
        "RouteTableId",
    ),
    "AWS::EC2::RouteTable": ("VpcId",),
    "AWS::EC2::SecurityGroup": ("GroupDescription", "GroupName", "VpcId"),
    "AWS::EC2::Subnet": ("AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "OutpostArn", "VpcId"),
    "AWS::EC2::SubnetRouteTableAssociation": ("RouteTableId", "SubnetId"),
    "AWS::EC2::VPC": ("CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength"),
    "AWS::EC2::VPCEndpoint": ("ServiceName", "ServiceRegion", "VpcEndpointType", "VpcId"),
    "AWS::EC2::VPCGatewayAttachment": ("VpcId",),
    "AWS::ECS::Cluster": ("ClusterName",),
    "AWS::ECS::Service": ("Cluster", "Role", "SchedulingStrategy", "ServiceName"),
    "AWS::ECS::TaskDefinition": (
        "ContainerDefinitions",
        "Cpu",
        "EnableFaultInjection",
        "EphemeralStorage",
        "ExecutionRoleArn",
        "Family",
        "IpcMode",
        "Memory",
        "NetworkMode",
        "PidMode",
        "PlacementConstraints",
        "ProxyConfiguration",
        "RequiresCompatibilities",
        "RuntimePlatform",
        "TaskRoleArn",
        "Volumes",
    ),
    "AWS::Events::Rule": ("Name",),
    "AWS::IoT::Policy": ("PolicyName",),
    "AWS::IoT::TopicRule": ("RuleName",),
    "AWS::KMS::Alias": ("AliasName",),
    "AWS::KMS::Key": (),
    "AWS::Kinesis::Stream": ("Name",),
    "AWS::Lambda::Permission": (
        "Action",
        "EventSourceToken",
        "FunctionName",
        "FunctionUrlAuthType",
        "InvokedViaFunctionUrl",
        "Principal",
        "PrincipalOrgID",
        "SourceAccount",
        "SourceArn",
    ),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::S3::Bucket": ("BucketName", "BucketNamePrefix", "BucketNamespace"),
    "AWS::S3::BucketPolicy": ("Bucket",),
    "AWS::SNS::Subscription": ("Endpoint", "Protocol", "TopicArn"),
    "AWS::SNS::TopicPolicy": (),
    "AWS::SQS::QueuePolicy": (),
    "AWS::SecretsManager::Secret": ("Name",),
}


def install() -> None:
    """Raises LookupError when upstream has a type's table by now."""
    known = CREATE_ONLY.keys() & provisioners._REPLACING_PROPERTIES.keys()
    if known:
        raise LookupError(f"ministack knows what replaces {', '.join(sorted(known))} by now: drop them here")
    provisioners._REPLACING_PROPERTIES.update(CREATE_ONLY)
