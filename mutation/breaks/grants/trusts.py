"""Whom a role trusts, and under which conditions."""

from mutation.breaking import broken
from mutation.draft import Draft, sub, trust

DEPUTY = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
OPERATORS = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"
)
TASKS = "ecs-tasks.amazonaws.com"


@broken(why="tasks take their role as ecs-tasks.amazonaws.com; the service's own name takes none")
def the_tasks_role_trusts_the_scheduler(draft: Draft) -> None:
    trust(draft.role(TASKS, "TaskRole"))["Principal"]["Service"] = ["ecs.amazonaws.com"]


@broken(why="no service has that name, so nobody takes the role")
def the_rules_role_trusts_nobody(draft: Draft) -> None:
    trust(draft.role("iot.amazonaws.com", "Carrier"))["Principal"]["Service"] = ["iot-core.amazonaws.com"]


@broken(why="RDS takes the role as monitoring.rds.amazonaws.com")
def the_monitoring_role_trusts_rds_itself(draft: Draft) -> None:
    trust(draft.role("monitoring.rds.amazonaws.com"))["Principal"]["Service"] = ["rds.amazonaws.com"]


@broken(why="every account's every principal may take the role", source=DEPUTY)
def the_tasks_role_trusts_everyone(draft: Draft) -> None:
    found = trust(draft.role(TASKS, "TaskRole"))
    found["Principal"] = {"AWS": ["*"]}
    del found["Condition"]


@broken(why="another account's root may hand the role to whom it likes", source=DEPUTY)
def the_tasks_role_trusts_another_account(draft: Draft) -> None:
    found = trust(draft.role(TASKS, "TaskRole"))
    found["Principal"]["AWS"] = ["arn:aws:iam::111122223333:root"]
    del found["Condition"]


@broken(why="the service can be made to act for another account", source=DEPUTY)
def the_rules_role_may_be_used_for_any_account(draft: Draft) -> None:
    del trust(draft.role("iot.amazonaws.com", "Carrier"))["Condition"]


@broken(why="a key that no request carries never equals anything: nobody takes the role", source=DEPUTY)
def a_condition_of_a_trust_is_misspelt(draft: Draft) -> None:
    equals = trust(draft.role(TASKS, "ExecutionRole"))["Condition"]["StringEquals"]
    equals["aws:SourceAcount"] = equals.pop("aws:SourceAccount")


@broken(why="StringEquals knows no wildcards, so no ARN is ever equal", source=OPERATORS)
def a_pattern_is_compared_as_a_text(draft: Draft) -> None:
    condition = trust(draft.role(TASKS, "TaskRole"))["Condition"]
    condition["StringEquals"] = {**condition["StringEquals"], **condition.pop("ArnLike")}


@broken(why="flow logs come with the ARN of a flow log, never of a network", source=DEPUTY)
def the_flow_logs_role_waits_for_another_kind_of_source(draft: Draft) -> None:
    condition = trust(draft.role("vpc-flow-logs.amazonaws.com"))["Condition"]
    condition["ArnLike"]["aws:SourceArn"] = sub(
        "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:vpc/*"
    )


@broken(why="the ARN of an instance that is not there: RDS may not take the role")
def the_monitoring_role_waits_for_another_instance(draft: Draft) -> None:
    equals = trust(draft.role("monitoring.rds.amazonaws.com"))["Condition"]["StringEquals"]
    equals["aws:SourceArn"] = {"Fn::Sub": equals["aws:SourceArn"]["Fn::Sub"] + "-replica"}


@broken(why="tasks come with an ARN of ECS; IoT's never comes")
def the_tasks_role_waits_for_another_service(draft: Draft) -> None:
    condition = trust(draft.role(TASKS, "TaskRole"))["Condition"]
    arn = condition["ArnLike"]["aws:SourceArn"]["Fn::Sub"]
    condition["ArnLike"]["aws:SourceArn"] = sub(arn.replace(":ecs:", ":ec2:"))


@broken(why="a role is taken with sts:AssumeRole; a service has no web identity")
def a_role_is_taken_by_the_wrong_call(draft: Draft) -> None:
    trust(draft.role("lambda.amazonaws.com"))["Action"] = ["sts:AssumeRoleWithWebIdentity"]
