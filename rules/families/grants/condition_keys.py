"""Names of condition keys and operators.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
"""

GLOBAL = frozenset(
    f"aws:{name}"
    for name in [
        "calledvia",
        "calledviafirst",
        "calledvialast",
        "chatbotsourcearn",
        "currenttime",
        "ec2instancesourceprivateipv4",
        "ec2instancesourcevpc",
        "epochtime",
        "federatedprovider",
        "isaws",
        "isawsmcpserviceaction",
        "multifactorauthage",
        "multifactorauthpresent",
        "principalaccount",
        "principalarn",
        "principalisawsservice",
        "principalorgid",
        "principalorgpaths",
        "principalservicename",
        "principalservicenameslist",
        "principaltype",
        "referer",
        "requestedregion",
        "resourceaccount",
        "resourceorgid",
        "resourceorgpaths",
        "securetransport",
        "sourceaccount",
        "sourcearn",
        "sourceidentity",
        "sourceip",
        "sourceorgid",
        "sourceorgpaths",
        "sourceowner",
        "sourcevpc",
        "sourcevpcarn",
        "sourcevpce",
        "tagkeys",
        "tokenissuetime",
        "useragent",
        "userid",
        "username",
        "viaawsservice",
        "viaawsmcpservice",
        "vpceaccount",
        "vpceorgid",
        "vpceorgpaths",
        "vpcsourceip",
        "assumedroot",
        "signinsessionarn",
    ]
)
OF_SERVICES = frozenset(
    "cloudwatch:namespace cloudwatch:alarmactions cloudwatch:requestinsightrulelogGroups "
    "dynamodb:attributes dynamodb:enclosingoperation dynamodb:fulltablescan dynamodb:leadingkeys "
    "dynamodb:firstpartitionkeyvalues dynamodb:secondpartitionkeyvalues dynamodb:returnconsumedcapacity "
    "dynamodb:returnvalues dynamodb:select "
    "ecs:cluster ecs:container-name ecs:service ecs:task ecs:task-definition "
    "iam:awsservicename iam:associatedresourcearn iam:passedtoservice iam:permissionsboundary "
    "iam:policyarn iam:organizationspolicyid iam:resourcetag "
    "kms:bypasspolicylockoutsafetycheck kms:calleraccount kms:encryptionalgorithm "
    "kms:encryptioncontextkeys kms:expirationmodel kms:grantconstrainttype kms:grantisforawsresource "
    "kms:grantoperations kms:granteeprincipal kms:keyagreementalgorithm kms:keyorigin kms:keyspec "
    "kms:keyusage kms:macalgorithm kms:messagetype kms:multiregion kms:multiregionkeytype "
    "kms:primaryregion kms:reencryptonsamekey kms:recipientattestation kms:replicaregion "
    "kms:requestalias kms:resourcealiases kms:retiringprincipal kms:rotationperiodindays "
    "kms:scheduledeletionpendingwindowindays kms:signingalgorithm kms:validto kms:viaservice "
    "kms:wrappingalgorithm kms:wrappingkeyspec kms:customermasterkeyspec kms:customermasterkeyusage "
    "kms:dataKeypairspec kms:grantgranteeprincipal kms:grantserviceprincipal "
    "lambda:codesigningconfigarn lambda:eventsourcetoken lambda:functionarn lambda:functionurlauthtype "
    "lambda:invokedviafunctionurl lambda:layer lambda:principal lambda:securitygroupids "
    "lambda:sourcefunctionarn lambda:subnetids lambda:vpcids "
    "s3:if-match s3:if-none-match s3:objectcreationoperation s3:prefix s3:delimiter s3:max-keys "
    "s3:signatureversion s3:signatureage s3:authtype s3:tlsversion s3:versionid s3:x-amz-acl "
    "s3:x-amz-content-sha256 s3:x-amz-copy-source s3:x-amz-metadata-directive "
    "s3:x-amz-server-side-encryption s3:x-amz-server-side-encryption-aws-kms-key-id "
    "s3:x-amz-server-side-encryption-customer-algorithm s3:x-amz-storage-class s3:resourceaccount "
    "s3:dataaccesspointarn s3:dataaccesspointaccount s3:locationconstraint "
    "secretsmanager:addreplicaregions secretsmanager:blockpublicpolicy secretsmanager:description "
    "secretsmanager:forcedeletewithoutrecovery secretsmanager:forceoverwritereplicasecret "
    """
    secretsmanager:kmskeyarn secretsmanager:kmskeyid secretsmanager:modifyrotationrules
    secretsmanager:name
    """
    "secretsmanager:recoverywindowindays secretsmanager:resource/allowrotationlambdaarn "
    "secretsmanager:rotateimmediately secretsmanager:rotationlambdaarn secretsmanager:secretid "
    "secretsmanager:secretprimaryregion secretsmanager:versionid secretsmanager:versionstage "
    "secretsmanager:type secretsmanager:externalsecretrotationrolearn "
    "sns:endpoint sns:protocol "
    "sts:externalid sts:rolesessionname sts:sourceidentity sts:transitivetagkeys "
    "sts:durationseconds".lower().split()
)
COMPLETE = ("aws", "cloudwatch", "kms", "lambda", "secretsmanager", "sns")  # lists without gaps
WITH_NAME = (  # keys that go on with a name of the team's own
    "aws:principaltag/",
    "aws:requesttag/",
    "aws:resourcetag/",
    "aws:requesttags/",
    "kms:encryptioncontext:",
    "kms:recipientattestation:",
    "s3:existingobjecttag/",
    "s3:requestobjecttag/",
    "s3:requestobjecttagkeys",
    "secretsmanager:resourcetag/",
)
OPERATORS = frozenset(
    [
        "stringequals",
        "stringnotequals",
        "stringequalsignorecase",
        "stringnotequalsignorecase",
        "stringlike",
        "stringnotlike",
        "numericequals",
        "numericnotequals",
        "numericlessthan",
        "numericlessthanequals",
        "numericgreaterthan",
        "numericgreaterthanequals",
        "dateequals",
        "datenotequals",
        "datelessthan",
        "datelessthanequals",
        "dategreaterthan",
        "dategreaterthanequals",
        "bool",
        "binaryequals",
        "ipaddress",
        "notipaddress",
        "arnequals",
        "arnlike",
        "arnnotequals",
        "arnnotlike",
        "null",
    ]
)
