"""Endpoints, and the names by which they are found."""

from mutation.breaking import broken
from mutation.draft import Draft, Part, att, sub

ENDPOINT = "AWS::EC2::VPCEndpoint"
INGRESS = "AWS::EC2::SecurityGroupIngress"
EGRESS = "AWS::EC2::SecurityGroupEgress"
VPC = "AWS::EC2::VPC"
PROD = ("prod",)  # dev goes through its NAT gateway
DNS = "https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html"
PRIVATE_DNS = "https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html"
OF_ECR = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html"
POLICIES = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html"
TO_S3 = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html"


def endpoint(draft: Draft, service: str) -> Part:
    return draft.the(ENDPOINT, ServiceName=sub("com.amazonaws.${AWS::Region}." + service))


@broken(
    only=PROD,
    why="the service's name leads to its public addresses, which no group lets out",
    source=PRIVATE_DNS,
)
def an_endpoint_has_no_private_name(draft: Draft) -> None:
    endpoint(draft, "kinesis-streams").properties["PrivateDnsEnabled"] = False


@broken(only=PROD, why="by default an endpoint takes no private name", source=PRIVATE_DNS)
def an_endpoint_says_nothing_of_its_private_name(draft: Draft) -> None:
    del endpoint(draft, "secretsmanager").properties["PrivateDnsEnabled"]


@broken(why="no name is resolved in the network, neither the database's nor a service's", source=DNS)
def the_network_resolves_no_names(draft: Draft) -> None:
    draft.the(VPC).properties["EnableDnsSupport"] = False


@broken(only=PROD, why="private names of endpoints need hostnames in the network", source=DNS)
def the_network_gives_no_hostnames(draft: Draft) -> None:
    draft.the(VPC).properties["EnableDnsHostnames"] = False


@broken(
    only=PROD, why="a network is born without hostnames, so the endpoints' private names fail", source=DNS
)
def the_network_says_nothing_of_hostnames(draft: Draft) -> None:
    del draft.the(VPC).properties["EnableDnsHostnames"]


@broken(only=PROD, why="the endpoint is in the cache's group, which lets nobody in on 443")
def an_endpoint_is_in_the_caches_group(draft: Draft) -> None:
    endpoint(draft, "logs").properties["SecurityGroupIds"] = [att("CacheGroup", "GroupId")]


@broken(only=PROD, why="there is no service of that name, so the stack is rolled back")
def an_endpoints_service_is_misspelt(draft: Draft) -> None:
    endpoint(draft, "secretsmanager").properties["ServiceName"] = sub(
        "com.amazonaws.${AWS::Region}.secretmanager"
    )


@broken(only=PROD, why="tasks read streams, and the endpoint is Firehose's")
def the_streams_endpoint_is_firehoses(draft: Draft) -> None:
    found = endpoint(draft, "kinesis-streams")
    found.properties["ServiceName"] = sub("com.amazonaws.${AWS::Region}.kinesis-firehose")


@broken(only=PROD, why="without the registry's endpoint no image is pulled", source=OF_ECR)
def the_registrys_endpoint_is_missing(draft: Draft) -> None:
    draft.remove(endpoint(draft, "ecr.dkr"))


@broken(only=PROD, why="without the way to the secrets nobody logs in to the database")
def the_endpoint_of_the_secrets_is_missing(draft: Draft) -> None:
    draft.remove(endpoint(draft, "secretsmanager"))


@broken(only=PROD, why="an endpoint in one zone is gone with that zone")
def an_endpoint_stands_in_one_zone(draft: Draft) -> None:
    del endpoint(draft, "kinesis-streams").properties["SubnetIds"][1:]


@broken(only=PROD, why="callers are not let in to the endpoints")
def the_endpoints_let_nobody_in(draft: Draft) -> None:
    draft.remove(draft.the(INGRESS, GroupId=att("EndpointsGroup", "GroupId")))


@broken(only=PROD, why="endpoints listen on 443")
def the_endpoints_let_callers_in_on_80(draft: Draft) -> None:
    draft.the(INGRESS, GroupId=att("EndpointsGroup", "GroupId")).properties.update(FromPort=80, ToPort=80)


@broken(only=PROD, why="the manifest of an image is refused at the endpoint", source=POLICIES)
def the_registrys_endpoint_refuses_images(draft: Draft) -> None:
    for statement in endpoint(draft, "ecr.dkr").properties["PolicyDocument"]["Statement"]:
        statement["Action"] = [action for action in statement["Action"] if action != "ecr:BatchGetImage"]


@broken(
    only=PROD,
    why="who reads a stream asks for its shards first, and is refused at the endpoint",
    source=POLICIES,
)
def the_streams_endpoint_refuses_the_list_of_shards(draft: Draft) -> None:
    (statement,) = endpoint(draft, "kinesis-streams").properties["PolicyDocument"]["Statement"]
    statement["Action"].remove("kinesis:ListShards")


@broken(only=PROD, why="rotation's third step is refused at the endpoint", source=POLICIES)
def the_endpoint_of_the_secrets_refuses_a_step(draft: Draft) -> None:
    (statement,) = endpoint(draft, "secretsmanager").properties["PolicyDocument"]["Statement"]
    statement["Action"].remove("secretsmanager:UpdateSecretVersionStage")


@broken(
    only=PROD, why="without a policy an endpoint carries every caller's calls to any account", source=POLICIES
)
def an_endpoint_has_no_policy(draft: Draft) -> None:
    del endpoint(draft, "kinesis-streams").properties["PolicyDocument"]


@broken(
    only=PROD, why="a stranger's credentials carry what they take into a stranger's account", source=POLICIES
)
def an_endpoint_carries_for_every_account(draft: Draft) -> None:
    (statement,) = endpoint(draft, "sns").properties["PolicyDocument"]["Statement"]
    del statement["Condition"]


@broken(
    only=PROD,
    why="the plant's topic of this environment is refused at the endpoint: no alarm is told",
    source=POLICIES,
)
def the_way_to_the_topic_is_another_environments(draft: Draft) -> None:
    (statement,) = endpoint(draft, "sns").properties["PolicyDocument"]["Statement"]
    (resource,) = statement["Resource"]
    resource["Fn::Sub"] = resource["Fn::Sub"].replace("millrace-prod-", "millrace-dev-")


@broken(
    only=PROD,
    why="what is allowed is to subscribe, and the processor publishes: no alarm is told",
    source=POLICIES,
)
def the_way_to_the_topic_refuses_what_is_published(draft: Draft) -> None:
    (statement,) = endpoint(draft, "sns").properties["PolicyDocument"]["Statement"]
    statement["Action"] = ["sns:Subscribe"]


@broken(only=PROD, why="no group lets anything out to SNS's public addresses: no alarm is told")
def the_endpoint_of_the_topics_is_missing(draft: Draft) -> None:
    draft.remove(endpoint(draft, "sns"))


@broken(why="the layers of images lie in another bucket, so none is pulled", source=OF_ECR)
def the_way_to_s3_admits_another_bucket(draft: Draft) -> None:
    (statement,) = endpoint(draft, "s3").properties["PolicyDocument"]["Statement"]
    statement["Resource"] = [sub("arn:${AWS::Partition}:s3:::${AWS::Region}-starport-layer-bucket/*")]


@broken(why="the bucket without what is in it: GetObject is of objects", source=OF_ECR)
def the_way_to_s3_admits_the_bucket_without_objects(draft: Draft) -> None:
    (statement,) = endpoint(draft, "s3").properties["PolicyDocument"]["Statement"]
    (resource,) = statement["Resource"]
    resource["Fn::Sub"] = resource["Fn::Sub"].removesuffix("/*")


@broken(why="the lease table of this environment is refused at the endpoint", source=POLICIES)
def the_way_to_the_tables_is_another_environments(draft: Draft) -> None:
    (statement,) = endpoint(draft, "dynamodb").properties["PolicyDocument"]["Statement"]
    (resource,) = statement["Resource"]
    other = {"dev": "prod", "prod": "dev"}[draft.environment]
    resource["Fn::Sub"] = resource["Fn::Sub"].replace(f"millrace-{draft.environment}-", f"millrace-{other}-")


@broken(
    why="a lease is renewed by an update, which the endpoint refuses: nobody reads for long", source=POLICIES
)
def the_way_to_the_tables_refuses_updates(draft: Draft) -> None:
    (statement,) = endpoint(draft, "dynamodb").properties["PolicyDocument"]["Statement"]
    statement["Action"].remove("dynamodb:UpdateItem")


@broken(only=PROD, why="one zone's calls to S3 go around the endpoint and its policy", source=TO_S3)
def the_way_to_s3_is_missing_in_one_zone(draft: Draft) -> None:
    endpoint(draft, "s3").properties["RouteTableIds"].pop()


@broken(why="the endpoint's routes are in tables of subnets that have no callers", source=TO_S3)
def the_way_to_s3_is_in_the_data_tiers_tables(draft: Draft) -> None:
    tables = endpoint(draft, "s3").properties["RouteTableIds"]
    tables[:] = [{"Ref": table["Ref"].replace("App", "Data")} for table in tables]


@broken(only=PROD, why="no group lets the agent out to S3, so no layer of an image arrives", source=OF_ECR)
def the_processor_may_not_leave_for_s3(draft: Draft) -> None:
    draft.remove(draft.the(EGRESS, "ProcessorToS3"))


@broken(only=PROD, why="both ways out lead to DynamoDB's addresses, none to S3's")
def the_way_to_s3_has_the_addresses_of_dynamodb(draft: Draft) -> None:
    other = draft.the(EGRESS, "ProcessorToDynamoDb").properties["DestinationPrefixListId"]
    draft.the(EGRESS, "ProcessorToS3").properties["DestinationPrefixListId"] = other
