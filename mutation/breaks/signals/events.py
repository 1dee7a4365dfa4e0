"""Events, logs, figures of hosts, and the people at the end of it."""

from mutation.breaking import broken
from mutation.draft import Body, Draft, ref, sub

RULE = "AWS::Events::Rule"
DATABASE = "AWS::RDS::DBInstance"
CACHE = "AWS::ElastiCache::ReplicationGroup"
ROTATION = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html"
OF_ECS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html"
OF_RDS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-cloud-watch-events.html"
OF_ECR = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html"
INPUT = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html"
FLOWS = "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html"
EXPORTS = (
    "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html"
)


def pattern(draft: Draft, name: str) -> Body:
    found: Body = draft.the(RULE, name).properties["EventPattern"]
    return found


@broken(why="no service has that name, so no event matches", source=ROTATION)
def a_source_is_misspelt(draft: Draft) -> None:
    pattern(draft, "RotationFailed")["source"] = ["aws.secretmanager"]


@broken(why="the detail's type has its exact words", source=OF_ECS)
def a_type_of_event_is_misspelt(draft: Draft) -> None:
    pattern(draft, "DeploymentFailed")["detail-type"] = ["ECS Deployment State-change"]


@broken(why="there is no event of that name", source=OF_ECS)
def an_events_name_is_misspelt(draft: Draft) -> None:
    pattern(draft, "DeploymentFailed")["detail"]["eventName"] = ["SERVICE_DEPLOYMENT_FAILURE"]


@broken(why="source and type belong together, and these never come together", source=OF_RDS)
def a_type_is_of_another_source(draft: Draft) -> None:
    pattern(draft, "DatabaseEvents")["source"] = ["aws.ecs"]


@broken(why="events of an instance; a cluster of that name sends none", source=OF_RDS)
def the_databases_events_are_of_a_cluster(draft: Draft) -> None:
    text = pattern(draft, "DatabaseEvents")["detail"]["SourceArn"][0]["Fn::Sub"]
    text[0] = text[0].replace(":db:", ":cluster:")


@broken(why="the deployments of another service are told")
def the_deployments_are_of_another_service(draft: Draft) -> None:
    text = pattern(draft, "DeploymentFailed")["resources"][0]["Fn::Sub"]
    text[0] = text[0].replace(":service/", ":task/")


@broken(why="the secret's ARN stands in the event; another's never comes")
def the_rotations_are_of_another_secret(draft: Draft) -> None:
    detail = pattern(draft, "RotationFailed")["detail"]
    detail["additionalEventData"]["SecretId"] = [ref("TopicArn")]


@broken(why="one of the keys is watched twice and another not at all")
def a_key_is_not_watched(draft: Draft) -> None:
    arns = pattern(draft, "KeyEndangered")["detail"]["resources"]["ARN"]
    arns[1] = arns[0]


@broken(why="images of this environment lie in another repository", source=OF_ECR)
def the_findings_are_of_another_repository(draft: Draft) -> None:
    other = {"dev": "prod", "prod": "dev"}[draft.environment]
    pattern(draft, "ImageFindings")["detail"]["repository-name"] = [f"millrace/{other}"]


@broken(why="images are not scanned, so nothing is ever found", source=OF_ECR)
def images_are_not_scanned(draft: Draft) -> None:
    draft.the("AWS::ECR::Repository").properties["ImageScanningConfiguration"]["ScanOnPush"] = False


@broken(why="a rule that is disabled sends nothing")
def a_rule_is_disabled(draft: Draft) -> None:
    draft.the(RULE, "DatabaseEvents").properties["State"] = "DISABLED"


@broken(why="the event matches and goes nowhere")
def a_rule_has_no_target(draft: Draft) -> None:
    del draft.the(RULE, "RotationFailed").properties["Targets"]


@broken(
    why="the target is a function of which nobody may tell events",
    survives="a function of that name may stand outside of the templates, and admit events",
)
def a_rules_target_is_another_resource(draft: Draft) -> None:
    arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:tell"
    draft.the(RULE, "KeyEndangered").properties["Targets"][0]["Arn"] = sub(arn)


@broken(why="the text asks for a value that no path gives", source=INPUT)
def a_message_names_a_value_that_is_not_there(draft: Draft) -> None:
    made = draft.the(RULE, "DatabaseEvents").properties["Targets"][0]["InputTransformer"]
    made["InputPathsMap"]["what"] = made["InputPathsMap"].pop("said")


@broken(why="a path begins with $; this one is refused", source=INPUT)
def a_messages_path_cannot_be_read(draft: Draft) -> None:
    made = draft.the(RULE, "DatabaseEvents").properties["Targets"][0]["InputTransformer"]
    made["InputPathsMap"]["said"] = "detail.Message"


@broken(why="nobody is subscribed: every alarm is published to no one")
def nobody_is_subscribed(draft: Draft) -> None:
    draft.remove(draft.the("AWS::SNS::Subscription", "Mail"))


@broken(why="an address of mail is no URL: the subscription is refused")
def the_subscribers_address_is_of_another_protocol(draft: Draft) -> None:
    draft.the("AWS::SNS::Subscription", "Mail").properties["Protocol"] = "https"


@broken(why="nobody of the plant is subscribed: what the readings are watched for is published to no one")
def nobody_of_the_plant_is_subscribed(draft: Draft) -> None:
    draft.remove(draft.the("AWS::SNS::Subscription", "PlantMail"))
    del draft.files["processor.yaml"]["Parameters"]["PlantAddress"]
    del draft.the("AWS::CloudFormation::Stack", "Processor").properties["Parameters"]["PlantAddress"]


@broken(why="the plant's people are subscribed to the platform's topic, and hear none of their own alarms")
def the_plant_hears_the_platforms_topic(draft: Draft) -> None:
    draft.the("AWS::SNS::Subscription", "PlantMail").properties["TopicArn"] = ref("TopicArn")


@broken(why="what it costs is told to nobody")
def the_budget_tells_nobody(draft: Draft) -> None:
    del draft.the("AWS::Budgets::Budget").properties["NotificationsWithSubscribers"]


@broken(why="refused traffic is what shows an attack or a missing rule, and it is not recorded", source=FLOWS)
def refused_traffic_is_not_recorded(draft: Draft) -> None:
    draft.the("AWS::EC2::FlowLog").properties["TrafficType"] = "ACCEPT"


@broken(why="one subnet's traffic is recorded, the others' not", source=FLOWS)
def one_subnet_is_recorded(draft: Draft) -> None:
    draft.the("AWS::EC2::FlowLog").properties.update(ResourceType="Subnet", ResourceId=ref("PublicA"))


@broken(why="nobody can say who spoke to whom", source=FLOWS)
def nothing_is_recorded(draft: Draft) -> None:
    draft.remove(draft.the("AWS::EC2::FlowLog"))


@broken(why="the bucket's type of destination needs an ARN, and the log group is no bucket", source=FLOWS)
def the_record_goes_to_a_bucket_that_is_a_group(draft: Draft) -> None:
    draft.the("AWS::EC2::FlowLog").properties["LogDestinationType"] = "s3"


@broken(why="errors and slow statements stay on the instance for days and are gone", source=EXPORTS)
def the_databases_log_is_not_exported(draft: Draft) -> None:
    draft.the(DATABASE).properties["EnableCloudwatchLogsExports"] = ["upgrade"]


@broken(why="RDS makes a group of its own, unencrypted and for ever; ours stays empty", source=EXPORTS)
def the_databases_log_group_has_another_name(draft: Draft) -> None:
    group = draft.the("AWS::Logs::LogGroup", "PostgresqlLog").properties
    group["LogGroupName"] = group["LogGroupName"].replace("/postgresql", "/postgres")


@broken(why="RDS makes the group first, and then ours cannot be made", source=EXPORTS)
def the_database_does_not_wait_for_its_log(draft: Draft) -> None:
    draft.the(DATABASE).body["DependsOn"].remove("PostgresqlLog")


@broken(why="PostgreSQL has no log of that name: refused", source=EXPORTS)
def the_databases_exported_log_is_of_another_engine(draft: Draft) -> None:
    draft.the(DATABASE).properties["EnableCloudwatchLogsExports"] = ["slowquery", "upgrade"]


@broken(why="the host's own figures are not recorded")
def the_databases_host_is_not_watched(draft: Draft) -> None:
    properties = draft.the(DATABASE).properties
    properties["MonitoringInterval"] = 0
    del properties["MonitoringRoleArn"]


@broken(why="an interval without a role is refused")
def the_databases_host_is_watched_by_nobody(draft: Draft) -> None:
    del draft.the(DATABASE).properties["MonitoringRoleArn"]


@broken(why="which statement was slow is known to nobody")
def the_databases_statements_are_not_watched(draft: Draft) -> None:
    properties = draft.the(DATABASE).properties
    properties["EnablePerformanceInsights"] = False
    properties["DatabaseInsightsMode"] = "standard"
    del properties["PerformanceInsightsKMSKeyId"], properties["PerformanceInsightsRetentionPeriod"]


@broken(why="slow commands of the cache are recorded nowhere")
def the_caches_slow_log_goes_nowhere(draft: Draft) -> None:
    draft.the(CACHE).properties["LogDeliveryConfigurations"].pop(0)


@broken(why="both logs go to one group, and the other stays empty")
def both_logs_of_the_cache_go_to_one_group(draft: Draft) -> None:
    for delivery in draft.the(CACHE).properties["LogDeliveryConfigurations"]:
        delivery["DestinationDetails"]["CloudWatchLogsDetails"]["LogGroup"] = ref("EngineLog")


@broken(why="the page shows a metric that does not exist: an empty line, taken for calm")
def the_dashboard_shows_a_metric_that_is_not_there(draft: Draft) -> None:
    body = draft.the("AWS::CloudWatch::Dashboard").properties["DashboardBody"]["Fn::Sub"]
    body[0] = body[0].replace('"AWS/RDS", "ReadIOPS"', '"AWS/RDS", "ReadIops"')
