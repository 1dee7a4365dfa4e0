"""The condition keys that every request may carry: a key that is none of them never matches.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

GLOBAL = frozenset(
    {
        "aws:assumedroot",
        "aws:calledvia",
        "aws:calledviafirst",
        "aws:calledvialast",
        "aws:chatbotsourcearn",
        "aws:currenttime",
        "aws:ec2instancesourceprivateipv4",
        "aws:ec2instancesourcevpc",
        "aws:epochtime",
        "aws:federatedprovider",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:principaltype",
        "aws:referer",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:resourceorgid",
        "aws:resourceorgpaths",
        "aws:securetransport",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceidentity",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourcevpc",
        "aws:sourcevpcarn",
        "aws:sourcevpce",
        "aws:tagkeys",
        "aws:tokenissuetime",
        "aws:useragent",
        "aws:userid",
        "aws:username",
        "aws:viaawsservice",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:vpcsourceip",
    }
)
TAGGED = ("aws:principaltag/", "aws:requesttag/", "aws:resourcetag/")
# Carried only where a service calls for somebody, and no task or function is one.
OF_SERVICES = frozenset(
    {
        "aws:principalservicename",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
    }
)
# Of actions that are about no resource, nothing says whose it is. A metric is none.
WITHOUT_RESOURCE = frozenset(
    {
        "cloudwatch:getmetricdata",
        "cloudwatch:listmetrics",
        "cloudwatch:putmetricdata",
        "dynamodb:listtables",
        "ecr:getauthorizationtoken",
        "kinesis:liststreams",
        "secretsmanager:getrandompassword",
        "secretsmanager:listsecrets",
        "sns:listtopics",
        "sqs:listqueues",
        "ssm:describeparameters",
        "sts:getcalleridentity",
        "xray:puttracesegments",
    }
)


def exists(key: str) -> bool:
    """Whether there is such a key; those of services are not looked up."""
    name = key.lower()
    return name in GLOBAL or name.startswith(TAGGED) or not name.startswith("aws:")


def has_resources(action: str) -> bool:
    return action.lower() not in WITHOUT_RESOURCE
