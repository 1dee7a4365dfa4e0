"""What roles may do."""

from typing import Any

from mutation.breaking import broken
from mutation.draft import DoesNotApply, Draft, Part, drop_statement, policies, ref, statement, sub

TO_TOPIC = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
AUTH = "https://docs.aws.amazon.com/service-authorization/latest/reference/"
TASKS, LAMBDA, IOT = "ecs-tasks.amazonaws.com", "lambda.amazonaws.com", "iot.amazonaws.com"
ADMIN = sub("arn:${AWS::Partition}:iam::aws:policy/AdministratorAccess")


def task(draft: Draft) -> Part:
    return draft.role(TASKS, "TaskRole")


def execution(draft: Draft) -> Part:
    return draft.role(TASKS, "ExecutionRole")


def encrypting(draft: Draft) -> dict[str, Any]:
    """What the processor may do with the key of the topics."""
    for found in policies(task(draft)):
        for one in found["Statement"]:
            if one["Resource"] == [ref("AlertsKeyArn")]:
                held: dict[str, Any] = one
                return held
    raise DoesNotApply("the task's role may do nothing with AlertsKeyArn")


def function(draft: Draft) -> Part:
    return draft.role(LAMBDA)


def carrier(draft: Draft) -> Part:
    return draft.role(IOT, "Carrier")


@broken(why="the rule puts one record at a time, and may only put several")
def the_rule_may_only_put_batches(draft: Draft) -> None:
    statement(carrier(draft), "kinesis:PutRecord")["Action"] = ["kinesis:PutRecords"]


@broken(
    why="who writes to an encrypted stream needs a data key of its key",
    source="https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html",
)
def the_rule_may_not_use_the_streams_key(draft: Draft) -> None:
    drop_statement(carrier(draft), "kms:GenerateDataKey")


@broken(why="what the rule cannot deliver is lost: the queue refuses it")
def the_rule_may_not_set_aside(draft: Draft) -> None:
    drop_statement(carrier(draft), "sqs:SendMessage")


@broken(why="the rule may write to the queue and means the stream")
def the_rule_may_put_records_on_the_queue(draft: Draft) -> None:
    found = statement(carrier(draft), "kinesis:PutRecord")
    found["Resource"] = [ref("DeadLettersArn")]


@broken(why="without GetRecords nothing is read", source=AUTH + "list_amazonkinesis.html")
def the_processor_may_not_get_records(draft: Draft) -> None:
    statement(task(draft), "kinesis:GetRecords")["Action"].remove("kinesis:GetRecords")


@broken(why="there is no such action, so nothing is allowed", source=AUTH + "list_amazonkinesis.html")
def an_action_is_misspelt(draft: Draft) -> None:
    actions = statement(task(draft), "kinesis:GetShardIterator")["Action"]
    actions[actions.index("kinesis:GetShardIterator")] = "kinesis:GetShardIterators"


@broken(why="records come encrypted, and whoever reads them may not decrypt")
def the_processor_may_not_decrypt_the_stream(draft: Draft) -> None:
    resources = statement(task(draft), "kms:Decrypt")["Resource"]
    resources[resources.index(ref("DataKeyArn"))] = ref("LogsKeyArn")


@broken(why="the secret is under its own key, which the processor then may not use")
def the_processor_may_not_decrypt_its_secret(draft: Draft) -> None:
    for policy in task(draft).properties["Policies"]:
        statements = policy["PolicyDocument"]["Statement"]
        (gone,) = [found for found in statements if found["Resource"] == [ref("SecretsKeyArn")]]
        statements.remove(gone)


@broken(why="the processor may read every secret of the account, the master's among them")
def the_processor_may_read_every_secret(draft: Draft) -> None:
    statement(task(draft), "secretsmanager:GetSecretValue")["Resource"] = ["*"]


@broken(why="a prefix with a wildcard takes in the secrets of others")
def the_processor_may_read_secrets_by_a_wide_pattern(draft: Draft) -> None:
    pattern = sub("arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:*")
    statement(task(draft), "secretsmanager:GetSecretValue")["Resource"] = [pattern]


@broken(
    why="a login with IAM needs the user's ARN beside the group's; the user group's is not asked",
    source="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html",
)
def the_processor_may_connect_as_the_user_group(draft: Draft) -> None:
    resources = statement(task(draft), "elasticache:Connect")["Resource"]
    text, names = resources[1]["Fn::Sub"]
    resources[1]["Fn::Sub"] = [text.replace(":user:", ":usergroup:"), names]


@broken(
    why="a login with IAM is asked on both, the cache and the user",
    source="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html",
)
def the_processor_may_connect_without_a_user(draft: Draft) -> None:
    statement(task(draft), "elasticache:Connect")["Resource"].pop()


@broken(
    why="the ARN of a cache with replicas says replicationgroup; cluster is another kind",
    source=AUTH + "list_amazonelasticache.html",
)
def the_processor_may_connect_to_a_cluster(draft: Draft) -> None:
    resources = statement(task(draft), "elasticache:Connect")["Resource"]
    text, names = resources[0]["Fn::Sub"]
    resources[0]["Fn::Sub"] = [text.replace(":replicationgroup:", ":cluster:"), names]


@broken(
    why="who publishes to an encrypted topic encrypts with its key, and may not: no alarm is told",
    source=TO_TOPIC,
)
def the_processor_may_publish_and_not_encrypt(draft: Draft) -> None:
    for policy in task(draft).properties["Policies"]:
        statements = policy["PolicyDocument"]["Statement"]
        (gone,) = [found for found in statements if found["Resource"] == [ref("AlertsKeyArn")]]
        statements.remove(gone)


@broken(
    why="SNS makes the data key and verifies it by decrypting; one of both is not enough", source=TO_TOPIC
)
def the_processor_makes_data_keys_and_may_not_decrypt(draft: Draft) -> None:
    encrypting(draft)["Action"].remove("kms:Decrypt")


@broken(why="it is SNS that asks KMS for the processor, and the right is for SQS alone", source=TO_TOPIC)
def the_processor_encrypts_for_another_service(draft: Draft) -> None:
    encrypting(draft)["Condition"] = {
        "StringEquals": {"kms:ViaService": sub("sqs.${AWS::Region}.${AWS::URLSuffix}")}
    }


@broken(why="the processor is told of the plant's topic, and may speak to the platform's alone")
def the_processor_may_publish_to_the_platforms_topic(draft: Draft) -> None:
    statement(task(draft), "sns:Publish")["Resource"] = [ref("TopicArn")]


@broken(why="a prefix with a wildcard takes in every topic of the account")
def the_processor_may_publish_to_every_topic(draft: Draft) -> None:
    statement(task(draft), "sns:Publish")["Resource"] = ["*"]


@broken(why="a query of an index is asked on the index's ARN", source=AUTH + "list_amazondynamodb.html")
def the_processor_may_query_the_table_and_not_its_index(draft: Draft) -> None:
    statement(task(draft), "dynamodb:Query")["Resource"] = [{"Fn::GetAtt": ["Leases", "Arn"]}]


@broken(why="the index that may be queried does not exist")
def the_processor_may_query_an_index_that_is_not_there(draft: Draft) -> None:
    (resource,) = statement(task(draft), "dynamodb:Query")["Resource"]
    resource["Fn::Sub"][0] = "${Table}/index/LeaseOwnerIndex"


def reporting(draft: Draft) -> dict[str, object]:
    """The processor with its engine's metrics on, and the right to write them."""
    added: dict[str, object] = {
        "Sid": "ReportLeases",
        "Effect": "Allow",
        "Action": ["cloudwatch:PutMetricData"],
        "Resource": ["*"],
        "Condition": {"StringEquals": {"cloudwatch:namespace": f"millrace-{draft.environment}-processor"}},
    }
    task(draft).properties["Policies"][0]["PolicyDocument"]["Statement"].append(added)
    return added


@broken(
    why="a condition on a key that the call does not carry never holds",
    source=AUTH + "list_amazoncloudwatch.html",
)
def the_processor_may_put_metrics_under_a_key_that_is_not_there(draft: Draft) -> None:
    added = reporting(draft)
    added["Condition"] = {"StringEquals": {"cloudwatch:MetricNamespace": "millrace"}}


@broken(
    why="the action has no resources, so it is allowed on * or not at all",
    source=AUTH + "list_amazoncloudwatch.html",
)
def the_processor_may_put_metrics_on_one_resource(draft: Draft) -> None:
    arn = sub("arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:namespace/millrace")
    reporting(draft)["Resource"] = [arn]


@broken(
    why="DynamoDB's calls come by dynamodb.<region>.amazonaws.com; the condition never holds",
    source="https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html",
)
def the_processor_may_use_the_key_through_a_service_that_is_not_there(draft: Draft) -> None:
    condition = statement(task(draft), "kms:DescribeKey")["Condition"]["StringEquals"]
    condition["kms:ViaService"] = sub("ddb.${AWS::Region}.${AWS::URLSuffix}")


@broken(why="whoever takes over the processor has the account")
def the_processor_is_administrator(draft: Draft) -> None:
    task(draft).properties["ManagedPolicyArns"] = [ADMIN]


@broken(why="every action on every resource of the service, deletion among them")
def the_processor_may_do_anything_with_streams(draft: Draft) -> None:
    found = statement(task(draft), "kinesis:GetRecords")
    found.update(Action=["kinesis:*"], Resource=["*"])


@broken(why="it may hand any role of the account to a task and so become it")
def the_processor_may_pass_any_role(draft: Draft) -> None:
    policy = task(draft).properties["Policies"][0]["PolicyDocument"]
    actions = ["iam:PassRole", "ecs:RunTask"]
    policy["Statement"].append({"Effect": "Allow", "Action": actions, "Resource": ["*"]})


@broken(why="Allow with NotAction is everything but what it names")
def the_function_may_do_all_but_a_few(draft: Draft) -> None:
    found = statement(function(draft), "secretsmanager:PutSecretValue")
    del found["Action"]
    found.update(NotAction=["iam:*"], Resource=["*"])


@broken(
    why="the token is of the account, so no repository's ARN allows it",
    source=AUTH + "list_amazonelasticcontainerregistry.html",
)
def the_agent_may_log_in_to_one_repository(draft: Draft) -> None:
    role = execution(draft)
    repository = statement(role, "ecr:BatchGetImage")["Resource"]
    statement(role, "ecr:GetAuthorizationToken")["Resource"] = list(repository)


@broken(why="the image lies in this environment's repository, and the agent may pull from the other's")
def the_agent_may_pull_from_the_other_environment(draft: Draft) -> None:
    (resource,) = statement(execution(draft), "ecr:BatchGetImage")["Resource"]
    other = {"dev": "prod", "prod": "dev"}[draft.environment]
    resource["Fn::Sub"] = resource["Fn::Sub"].replace(f"/{draft.environment}", f"/{other}")


@broken(
    why="streams of a log group end in :log-stream:…, and the ARN without :* is the group alone",
    source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html",
)
def the_agent_may_write_to_the_group_without_its_streams(draft: Draft) -> None:
    group = draft.the("AWS::Logs::LogGroup", "Log", LogGroupName=f"/millrace/{draft.environment}/processor")
    arn = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:"
    found = statement(execution(draft), "logs:PutLogEvents")
    found["Resource"] = [sub(arn + group.properties["LogGroupName"])]


@broken(why="tasks do not start: their log cannot be opened")
def the_agent_may_not_write_the_log(draft: Draft) -> None:
    drop_statement(execution(draft), "logs:PutLogEvents")


@broken(why="the function writes the new password with PutSecretValue: the step fails")
def the_function_may_not_put_the_secret(draft: Draft) -> None:
    found = statement(function(draft), "secretsmanager:PutSecretValue")
    found["Action"].remove("secretsmanager:PutSecretValue")


@broken(
    why="the new value is encrypted with a data key of the secret's key",
    source=AUTH + "list_awskeymanagementservice.html",
)
def the_function_may_not_make_data_keys(draft: Draft) -> None:
    statement(function(draft), "kms:GenerateDataKey")["Action"].remove("kms:GenerateDataKey")


@broken(
    why="Lambda joins the network with the function's role, and may not make the interface",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
)
def the_function_may_not_make_interfaces(draft: Draft) -> None:
    found = statement(function(draft), "ec2:CreateNetworkInterface")
    found["Action"].remove("ec2:CreateNetworkInterface")


@broken(
    why="Describe calls of EC2 have no resources, so they are allowed on * or not at all",
    source=AUTH + "list_amazonec2.html",
)
def the_function_may_describe_the_interfaces_of_the_account(draft: Draft) -> None:
    arn = sub("arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:network-interface/*")
    statement(function(draft), "ec2:DescribeNetworkInterfaces")["Resource"] = [arn]


@broken(
    why="without its condition the denial is for Lambda too, which then cannot join the network",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
)
def the_denial_is_for_lambda_as_well(draft: Draft) -> None:
    del statement(function(draft), "ec2:CreateNetworkInterface", "Deny")["Condition"]


@broken(why="the function reads the master's login to make the application's, and may not")
def the_function_may_not_read_the_masters_secret(draft: Draft) -> None:
    drop_statement(function(draft), "secretsmanager:GetSecretValue", sid="ReadMasterSecret")


@broken(why="RDS has no role to report the host's figures with: the instance is refused")
def the_monitoring_role_may_do_nothing(draft: Draft) -> None:
    del draft.role("monitoring.rds.amazonaws.com").properties["ManagedPolicyArns"]


@broken(why="flow logs open a stream first, and may not: nothing is logged")
def the_flow_logs_may_not_open_a_stream(draft: Draft) -> None:
    found = statement(draft.role("vpc-flow-logs.amazonaws.com"), "logs:CreateLogStream")
    found["Action"].remove("logs:CreateLogStream")


@broken(
    why="a gateway puts batches, and may not: its readings are refused",
    survives="nothing in the templates says whether a gateway puts records alone or in batches",
)
def a_gateway_may_not_put_batches(draft: Draft) -> None:
    policy = draft.the("AWS::IAM::ManagedPolicy", "Gateway")
    statement(policy, "kinesis:PutRecords")["Action"].remove("kinesis:PutRecords")


@broken(
    why="the service's name in the condition has its region in it, so the condition never holds",
    source="https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html",
)
def a_gateway_may_use_the_key_through_no_service(draft: Draft) -> None:
    found = statement(draft.the("AWS::IAM::ManagedPolicy", "Gateway"), "kms:GenerateDataKey")
    found["Condition"]["StringEquals"]["kms:ViaService"] = "kinesis.amazonaws.com"


@broken(why="a gateway needs to write, and may read everything that others wrote")
def a_gateway_may_read_the_stream(draft: Draft) -> None:
    policy = draft.the("AWS::IAM::ManagedPolicy", "Gateway")
    statement(policy, "kinesis:PutRecord")["Action"].append("kinesis:Get*")


@broken(why="an installer may make devices of any template of the account")
def an_installer_may_claim_for_every_template(draft: Draft) -> None:
    policy = draft.the("AWS::IAM::ManagedPolicy", "Installer")
    statement(policy, "iot:CreateProvisioningClaim")["Resource"] = ["*"]
