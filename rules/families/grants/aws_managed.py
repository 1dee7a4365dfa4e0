"""What AWS's own managed policies allow, of those that service roles usually take.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
"""

from collections.abc import Mapping

LOGS = ("logs:createloggroup", "logs:createlogstream", "logs:putlogevents")
INTERFACES = (
    "ec2:createnetworkinterface",
    "ec2:describenetworkinterfaces",
    "ec2:describesubnets",
    "ec2:deletenetworkinterface",
    "ec2:assignprivateipaddresses",
    "ec2:unassignprivateipaddresses",
)
MONITORING = "service-role/AmazonRDSEnhancedMonitoringRole"
# Name → actions, in lower case, on whatever resource; any other policy of AWS's may allow anything.
ALLOWED: Mapping[str, tuple[str, ...]] = {
    "AWSXRayDaemonWriteAccess": ("xray:*",),
    "AmazonSSMManagedInstanceCore": ("ssm:*", "ssmmessages:*", "ec2messages:*"),
    "CloudWatchLambdaInsightsExecutionRolePolicy": (),
    "service-role/AWSIoTThingsRegistration": ("iot:*",),
    "service-role/AWSLambdaBasicExecutionRole": LOGS,
    "service-role/AWSLambdaDynamoDBExecutionRole": (
        *LOGS,
        "dynamodb:describestream",
        "dynamodb:getrecords",
        "dynamodb:getsharditerator",
        "dynamodb:liststreams",
    ),
    "service-role/AWSLambdaENIManagementAccess": INTERFACES,
    "service-role/AWSLambdaKinesisExecutionRole": (
        *LOGS,
        "kinesis:describestream",
        "kinesis:describestreamsummary",
        "kinesis:getrecords",
        "kinesis:getsharditerator",
        "kinesis:listshards",
        "kinesis:liststreams",
        "kinesis:subscribetoshard",
    ),
    "service-role/AWSLambdaSQSQueueExecutionRole": (
        *LOGS,
        "sqs:receivemessage",
        "sqs:deletemessage",
        "sqs:getqueueattributes",
    ),
    "service-role/AWSLambdaVPCAccessExecutionRole": (*LOGS, *INTERFACES),
    "service-role/AmazonECSTaskExecutionRolePolicy": (
        "ecr:getauthorizationtoken",
        "ecr:batchchecklayeravailability",
        "ecr:getdownloadurlforlayer",
        "ecr:batchgetimage",
        "logs:createlogstream",
        "logs:putlogevents",
    ),
    MONITORING: (*LOGS, "logs:putretentionpolicy", "logs:describelogstreams", "logs:getlogevents"),
}
