"""What a task is made of, what it is told, and the function beside it."""

from mutation.breaking import broken
from mutation.draft import Body, Draft, att, ref, sub

TASK = "AWS::ECS::TaskDefinition"
CLUSTER = "AWS::ECS::Cluster"
FUNCTION = "AWS::Lambda::Function"
FARGATE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html"
DEFINED = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html"


def container(draft: Draft) -> Body:
    found, _ = draft.the(TASK).properties["ContainerDefinitions"]  # the migrations come second
    held: Body = found
    return held


@broken(why="Fargate has no such pair of CPU and memory: the task is refused", source=FARGATE)
def the_tasks_memory_does_not_fit_its_cpu(draft: Draft) -> None:
    draft.the(TASK).properties["Memory"] = "16384"


@broken(why="Fargate gives each task its own interface, and needs awsvpc", source=FARGATE)
def the_task_is_on_the_hosts_bridge(draft: Draft) -> None:
    draft.the(TASK).properties["NetworkMode"] = "bridge"


@broken(why="without this role the agent cannot pull the image from ECR or open the log", source=DEFINED)
def the_task_has_no_execution_role(draft: Draft) -> None:
    del draft.the(TASK).properties["ExecutionRoleArn"]


@broken(
    why="the agent has the processor's rights and the processor the agent's: neither can work", source=DEFINED
)
def the_tasks_roles_are_exchanged(draft: Draft) -> None:
    properties = draft.the(TASK).properties
    properties.update(ExecutionRoleArn=properties["TaskRoleArn"], TaskRoleArn=properties["ExecutionRoleArn"])


@broken(why="the processor calls AWS with no credentials", source=DEFINED)
def the_task_has_no_role(draft: Draft) -> None:
    del draft.the(TASK).properties["TaskRoleArn"]


@broken(why="what takes over the processor may write itself into its files", source=DEFINED)
def the_container_may_write_to_its_root(draft: Draft) -> None:
    del container(draft)["ReadonlyRootFilesystem"]


@broken(why="the processor runs as root", source=DEFINED)
def the_container_runs_as_root(draft: Draft) -> None:
    container(draft)["User"] = "0:0"


@broken(why="Fargate starts no privileged container", source=DEFINED)
def the_container_is_privileged(draft: Draft) -> None:
    container(draft)["Privileged"] = True


@broken(why="a capability that lets it watch and change other processes", source=DEFINED)
def the_container_is_given_a_capability(draft: Draft) -> None:
    container(draft)["LinuxParameters"]["Capabilities"] = {"Add": ["SYS_PTRACE"]}


@broken(why="a processor that hangs is never replaced", source=DEFINED)
def the_containers_health_is_not_asked(draft: Draft) -> None:
    del container(draft)["HealthCheck"]


@broken(why="one answer takes longer than the time to the next question", source=DEFINED)
def the_containers_health_is_asked_too_often(draft: Draft) -> None:
    container(draft)["HealthCheck"].update(Interval=5, Timeout=60)


@broken(why="a task whose only container may fail and be left is refused", source=DEFINED)
def the_only_container_is_not_essential(draft: Draft) -> None:
    container(draft)["Essential"] = False


@broken(why="a tag may mean another image tomorrow, and a rollback starts the same again")
def the_image_is_named_by_a_tag(draft: Draft) -> None:
    given = draft.nesting(draft.the(TASK)).properties["Parameters"]
    given["ImageUri"]["Fn::Sub"] = given["ImageUri"]["Fn::Sub"].replace("@${ImageDigest}", ":latest")


@broken(why="the processor says nothing that anyone can read", source=DEFINED)
def the_container_has_no_log(draft: Draft) -> None:
    del container(draft)["LogConfiguration"]


@broken(why="there is no log group of that name, so the container is not started", source=DEFINED)
def the_containers_log_is_not_there(draft: Draft) -> None:
    container(draft)["LogConfiguration"]["Options"]["awslogs-group"] = "/millrace/processor"


@broken(why="the agent may write to the processor's group, and is told another", source=DEFINED)
def the_containers_log_is_another_group(draft: Draft) -> None:
    container(draft)["LogConfiguration"]["Options"]["awslogs-group"] = ref("PerformanceLog")


@broken(why="the group is in this region, and the agent looks for it in another", source=DEFINED)
def the_containers_log_is_in_another_region(draft: Draft) -> None:
    container(draft)["LogConfiguration"]["Options"]["awslogs-region"] = "us-east-1"


@broken(why="the processor connects to the database as if it were the cache")
def the_processor_is_given_the_databases_address_as_the_caches(draft: Draft) -> None:
    given = draft.nesting(draft.the(TASK)).properties["Parameters"]
    given["CacheAddress"] = att("Database", "Outputs.Address")


@broken(why="the processor knocks at the cache on the database's port")
def the_processor_is_given_the_databases_port_as_the_caches(draft: Draft) -> None:
    given = draft.nesting(draft.the(TASK)).properties["Parameters"]
    given["CachePort"] = att("Database", "Outputs.Port")


@broken(
    why="the processor may publish and does not know where: nobody in the plant is told, and nothing fails"
)
def the_processor_is_not_told_of_the_plants_topic(draft: Draft) -> None:
    told = container(draft)["Environment"]
    told[:] = [variable for variable in told if variable["Name"] != "ALARM_TOPIC_ARN"]


@broken(why="what the plant should hear is published to the platform's people, which its role may not")
def the_processor_is_told_of_the_platforms_topic(draft: Draft) -> None:
    for variable in container(draft)["Environment"]:
        if variable["Name"] == "ALARM_TOPIC_ARN":
            variable["Value"] = ref("TopicArn")


@broken(why="there is no stream of the queue's name")
def the_processor_is_given_the_queues_name_as_the_streams(draft: Draft) -> None:
    given = draft.nesting(draft.the(TASK)).properties["Parameters"]
    given["StreamName"] = att("Stream", "Outputs.DeadLettersName")


@broken(
    why="ECS makes the cluster's log group itself, unencrypted and kept for ever, before ours", source=FARGATE
)
def the_cluster_does_not_wait_for_its_log(draft: Draft) -> None:
    del draft.the(CLUSTER).body["DependsOn"]


@broken(why="the group that Container Insights writes to has the cluster's name; this one stays empty")
def the_clusters_log_has_another_name(draft: Draft) -> None:
    group = draft.the("AWS::Logs::LogGroup", "PerformanceLog").properties
    group["LogGroupName"] = group["LogGroupName"].replace(f"-{draft.environment}/", "/")


@broken(
    why="nothing may call a function with no concurrency: no rotation",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html",
)
def the_function_may_never_run(draft: Draft) -> None:
    draft.the(FUNCTION).properties["ReservedConcurrentExecutions"] = 0


@broken(why="what the function was asked for and could not do is dropped without a word")
def the_function_sets_nothing_aside(draft: Draft) -> None:
    del draft.the(FUNCTION).properties["DeadLetterConfig"]


@broken(
    why="the role of the function may write to its own group, and it logs to another",
    source="https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html",
)
def the_function_logs_to_the_group_it_is_born_with(draft: Draft) -> None:
    del draft.the(FUNCTION).properties["LoggingConfig"]


@broken(why="the processor's endpoint and its table's grants name one table, and the table has another name")
def the_table_of_leases_has_another_name(draft: Draft) -> None:
    draft.the("AWS::DynamoDB::Table").properties["TableName"] = "processor-leases"


@broken(why="what looks for its own leases asks an index that is not there")
def the_table_of_leases_has_no_index(draft: Draft) -> None:
    properties = draft.the("AWS::DynamoDB::Table").properties
    del properties["GlobalSecondaryIndexes"], properties["AttributeDefinitions"][1]


@broken(why="the agent may pull from this account only, so no image arrives")
def the_image_is_from_another_account(draft: Draft) -> None:
    given = draft.nesting(draft.the(TASK)).properties["Parameters"]
    digest = "@${ImageDigest}"
    given["ImageUri"] = sub("111122223333.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/millrace/shared" + digest)
