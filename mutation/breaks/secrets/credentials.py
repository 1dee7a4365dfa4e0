"""Logins: where they are kept, how they are changed, who is let in without."""

from typing import Any

from mutation.breaking import broken
from mutation.draft import Draft, Part, att, ref, sub

SECRET = "AWS::SecretsManager::Secret"
SCHEDULE = "AWS::SecretsManager::RotationSchedule"
ATTACHMENT = "AWS::SecretsManager::SecretTargetAttachment"
DATABASE = "AWS::RDS::DBInstance"
CACHE = "AWS::ElastiCache::ReplicationGroup"
USER = "AWS::ElastiCache::User"
TASK = "AWS::ECS::TaskDefinition"
FUNCTION = "AWS::Lambda::Function"
MANAGED = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html"
ROTATION = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html"
OF_TASKS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html"
OF_USERS = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html"
BY_IAM = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html"


def variables(draft: Draft) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = draft.the(TASK).properties["ContainerDefinitions"][0]["Environment"]
    return found


def schedule(draft: Draft) -> Part:
    return draft.the(SCHEDULE, "Schedule")


@broken(why="whoever may describe a task definition reads the password", source=OF_TASKS)
def a_password_stands_in_the_tasks_environment(draft: Draft) -> None:
    variables(draft).append({"Name": "DATABASE_PASSWORD", "Value": "Tr0ub4dor-and-3"})


@broken(why="a dynamic reference is resolved into the task definition, in plain text", source=OF_TASKS)
def a_secret_is_resolved_into_the_tasks_environment(draft: Draft) -> None:
    value = sub("{{resolve:secretsmanager:${SecretArn}:SecretString:password}}")
    variables(draft).append({"Name": "DATABASE_PASSWORD", "Value": value})


@broken(why="whoever may see the function's configuration reads the token")
def a_token_stands_in_the_functions_environment(draft: Draft) -> None:
    draft.the(FUNCTION).properties["Environment"]["Variables"]["API_TOKEN"] = (
        "8f14e45fceea167a5a36dedd4bea2543"
    )


@broken(why="the agent that fetches it has no right to the secret: no task starts", source=OF_TASKS)
def a_secret_is_injected_that_the_agent_may_not_read(draft: Draft) -> None:
    container = draft.the(TASK).properties["ContainerDefinitions"][0]
    container["Secrets"] = [{"Name": "DATABASE_LOGIN", "ValueFrom": ref("SecretArn")}]


@broken(why="the secret's value stands in the template and in every copy of it")
def the_secrets_value_is_written_out(draft: Draft) -> None:
    properties = draft.the(SECRET, "Application").properties
    del properties["GenerateSecretString"]
    properties["SecretString"] = '{"username": "millrace_app", "password": "correct-horse-battery"}'


@broken(why="the master's password stands in the template and is never changed", source=MANAGED)
def the_masters_password_is_written_out(draft: Draft) -> None:
    properties = draft.the(DATABASE).properties
    del properties["ManageMasterUserPassword"], properties["MasterUserSecret"]
    properties["MasterUserPassword"] = "correct-horse-battery"
    output = draft.files["database.yaml"]["Outputs"]["MasterSecretArn"]
    output["Value"] = sub(
        "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:master"
    )


@broken(why="whoever may read parameters reads the password: the type is plain text")
def a_password_is_an_open_parameter(draft: Draft) -> None:
    draft.add(
        draft.the("AWS::SSM::Parameter", "RdsEndpointParameter"),
        "RdsPasswordParameter",
        "AWS::SSM::Parameter",
        Name=f"/millrace/{draft.environment}/rds_password",
        Type="String",
        Value="correct-horse-battery",
    )


@broken(why="the login is never changed, and never made", source=ROTATION)
def the_secret_is_not_rotated(draft: Draft) -> None:
    draft.remove(schedule(draft))


@broken(why="rules say when; without one nothing is rotated but by hand", source=ROTATION)
def the_rotation_has_no_time(draft: Draft) -> None:
    del schedule(draft).properties["RotationRules"]


@broken(why="a password that was stolen is good for years", source=ROTATION)
def the_secret_is_rotated_every_thousand_days(draft: Draft) -> None:
    schedule(draft).properties["RotationRules"]["ScheduleExpression"] = "rate(999 days)"


@broken(why="a window may not reach into the next one: the schedule is refused", source=ROTATION)
def a_window_of_rotation_reaches_into_the_next(draft: Draft) -> None:
    rules = schedule(draft).properties["RotationRules"]
    rules.update(ScheduleExpression="rate(4 hours)", Duration="6h")


@broken(why="host and port are not yet in the secret when the first rotation begins")
def the_first_rotation_does_not_wait_for_the_host(draft: Draft) -> None:
    schedule(draft).body["DependsOn"].remove("Attachment")


@broken(why="Secrets Manager may not yet call the function, so the schedule is refused")
def the_schedule_does_not_wait_for_the_permission(draft: Draft) -> None:
    schedule(draft).body["DependsOn"].remove("Invocation")


@broken(why="nobody writes host and port into the secret, and nobody logs in")
def the_secret_is_attached_to_nothing(draft: Draft) -> None:
    draft.remove(draft.the(ATTACHMENT, "Attachment"))
    schedule(draft).body["DependsOn"].remove("Attachment")


@broken(why="the target is an instance, and a cluster of that name is not found")
def the_secret_is_attached_to_a_cluster(draft: Draft) -> None:
    draft.the(ATTACHMENT, "Attachment").properties["TargetType"] = "AWS::RDS::DBCluster"


@broken(why="the user's name is not in the secret, so the function has no user to rotate")
def the_secret_names_no_user(draft: Draft) -> None:
    draft.the(SECRET, "Application").properties["GenerateSecretString"]["SecretStringTemplate"] = (
        '{"dbname": "millrace"}'
    )


@broken(why="a key that the template of the secret has already is overwritten or missed: no password is made")
def the_password_is_generated_under_another_name(draft: Draft) -> None:
    draft.the(SECRET, "Application").properties["GenerateSecretString"]["GenerateStringKey"] = "username"


@broken(why="the processor logs in as the master")
def the_processor_is_given_the_masters_secret(draft: Draft) -> None:
    stack = draft.nesting(draft.the(TASK))
    stack.properties["Parameters"]["SecretArn"] = draft.output(
        draft.the(DATABASE), "MasterUserSecret.SecretArn"
    )


@broken(why="the function takes the application's login for the master's, and may change nothing with it")
def the_function_is_given_the_applications_secret_as_the_masters(draft: Draft) -> None:
    variables = draft.the(FUNCTION).properties["Environment"]["Variables"]
    variables["MASTER_SECRET_ARN"] = ref(draft.the(SECRET, "Application").name)


@broken(why="the schedule rotates the master's secret, which RDS rotates itself", source=MANAGED)
def the_schedule_rotates_the_masters_secret(draft: Draft) -> None:
    schedule(draft).properties["SecretId"] = ref("MasterSecretArn")


@broken(why="without users the cache lets everyone in who reaches it", source=OF_USERS)
def the_cache_has_no_users(draft: Draft) -> None:
    del draft.the(CACHE).properties["UserGroupIds"]


@broken(why="who knows the user's name is let in", source=OF_USERS)
def a_user_of_the_cache_needs_no_password(draft: Draft) -> None:
    draft.the(USER).properties["AuthenticationMode"] = {"Type": "no-password-required"}


@broken(why="the password of the cache's user stands in the template", source=OF_USERS)
def a_user_of_the_cache_has_a_written_password(draft: Draft) -> None:
    mode = {"Type": "password", "Passwords": ["correct-horse-battery"]}
    draft.the(USER).properties["AuthenticationMode"] = mode


@broken(why="the processor may drop every key and change the cache's settings", source=OF_USERS)
def a_user_of_the_cache_may_do_everything(draft: Draft) -> None:
    draft.the(USER).properties["AccessString"] = "on ~* &* +@all"


@broken(why="a user that is off cannot log in", source=OF_USERS)
def the_user_of_the_cache_is_off(draft: Draft) -> None:
    properties = draft.the(USER).properties
    properties["AccessString"] = properties["AccessString"].replace("on ", "off ", 1)


@broken(why="with IAM a user's id and name must be the same", source=BY_IAM)
def a_user_of_the_cache_has_another_name_than_its_id(draft: Draft) -> None:
    draft.the(USER).properties["UserName"] = "processor"


@broken(why="a cache of Redis takes no group of users that is Valkey's", source=OF_USERS)
def the_cache_is_of_another_engine_than_its_users(draft: Draft) -> None:
    draft.the(CACHE).properties.update(Engine="redis", EngineVersion="7.1")


@broken(why="the age of a login that RDS changes is measured, and the application login grows old unseen")
def the_function_is_told_to_measure_the_masters_secret(draft: Draft) -> None:
    target, _ = draft.the("AWS::Events::Rule", ScheduleExpression="rate(6 hours)").properties["Targets"]
    target["Input"] = sub('{"Measure": "SecretAge", "SecretId": "${MasterSecretArn}"}')


@broken(why="whoever may describe the stacks reads the login")
def a_login_is_an_output(draft: Draft) -> None:
    outputs = draft.files["rotation.yaml"]["Outputs"]
    outputs["Password"] = {"Value": sub("{{resolve:secretsmanager:${Application}:SecretString:password}}")}


@broken(why="a token is signed for a user, and the group is none: no login succeeds")
def the_processors_user_of_the_cache_is_its_group(draft: Draft) -> None:
    output = draft.files["cache.yaml"]["Outputs"]["UserId"]
    output["Value"] = ref("Users")


@broken(why="there is no function of that name: the schedule is refused")
def the_schedule_calls_a_function_of_another_name(draft: Draft) -> None:
    arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:rotate"
    schedule(draft).properties["RotationLambdaARN"] = sub(arn)


@broken(why="the address of the database and of its master's secret are exchanged: the attachment is refused")
def the_secret_is_attached_to_the_master_secret(draft: Draft) -> None:
    stack = draft.nesting(draft.the(SECRET, "Application"))
    stack.properties["Parameters"]["DatabaseId"] = att("Database", "Outputs.MasterSecretArn")
