"""Every resource type that the templates may use: made, seen through its service's API, and gone."""

import json
from typing import Any

import pytest

Json = dict[str, Any]


def ref(name: str) -> Json:
    return {"Ref": name}


def att(name: str, attribute: str) -> Json:
    return {"Fn::GetAtt": [name, attribute]}


def resource(kind: str, **properties: Any) -> Json:
    return {"Type": kind, "Properties": properties}


def rendered(**outputs: Any) -> Json:
    return {name: {"Value": value} for name, value in outputs.items()}


def told(stack: Json) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


NETWORK = {
    "Resources": {
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.1.0.0/16"),
        "Subnet": resource(
            "AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.1.1.0/24", AvailabilityZone="eu-west-2a"
        ),
        "Address": resource("AWS::EC2::EIP", Domain="vpc", Tags=[{"Key": "Name", "Value": "nat"}]),
        "Nat": resource(
            "AWS::EC2::NatGateway", SubnetId=ref("Subnet"), AllocationId=att("Address", "AllocationId")
        ),
        "Regional": resource("AWS::EC2::NatGateway", VpcId=ref("Vpc"), AvailabilityMode="regional"),
        "Tasks": resource(
            "AWS::EC2::SecurityGroup",
            VpcId=ref("Vpc"),
            GroupDescription="tasks",
            SecurityGroupEgress=[{"IpProtocol": "-1", "CidrIp": "127.0.0.1/32"}],
        ),
        "Data": resource("AWS::EC2::SecurityGroup", VpcId=ref("Vpc"), GroupDescription="data"),
        "TasksToData": resource(
            "AWS::EC2::SecurityGroupEgress",
            GroupId=att("Tasks", "GroupId"),
            DestinationSecurityGroupId=att("Data", "GroupId"),
            IpProtocol="tcp",
            FromPort=5432,
            ToPort=5432,
        ),
        "DataFromTasks": resource(
            "AWS::EC2::SecurityGroupIngress",
            GroupId=att("Data", "GroupId"),
            SourceSecurityGroupId=att("Tasks", "GroupId"),
            IpProtocol="tcp",
            FromPort=5432,
            ToPort=5432,
        ),
        "FlowLog": resource(
            "AWS::EC2::FlowLog",
            ResourceId=ref("Vpc"),
            ResourceType="VPC",
            TrafficType="ALL",
            LogGroupName="/millrace/flow",
            DeliverLogsPermissionArn="arn:aws:iam::111122223333:role/flow",
        ),
    },
    "Outputs": rendered(Cidr=att("Vpc", "CidrBlock"), Ip=ref("Address"), Group=att("Data", "GroupId")),
}


def test_the_network(aws: Any) -> None:
    ec2 = aws.client("ec2")
    stack = aws.deploy("types-network", NETWORK)
    ids, said = aws.resources("types-network"), told(stack)

    assert said["Cidr"] == "10.1.0.0/16"
    address = ec2.describe_addresses(PublicIps=[said["Ip"]])["Addresses"][0]
    assert {"Key": "Name", "Value": "nat"} in address["Tags"]
    assert (
        ec2.describe_nat_gateways(NatGatewayIds=[ids["Nat"]])["NatGateways"][0]["SubnetId"] == ids["Subnet"]
    )
    assert ec2.describe_nat_gateways(NatGatewayIds=[ids["Regional"]])["NatGateways"][0]["VpcId"] == ids["Vpc"]
    groups = ec2.describe_security_groups(GroupIds=[ids["Tasks"], ids["Data"]])["SecurityGroups"]
    tasks, data = sorted(groups, key=lambda group: group["Description"], reverse=True)
    assert [rule["FromPort"] for rule in data["IpPermissions"]] == [5432]
    assert data["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == ids["Tasks"]
    assert sorted(rule.get("FromPort", 0) for rule in tasks["IpPermissionsEgress"]) == [0, 5432]
    flow_logs = ec2.describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [ids["Vpc"]]}])["FlowLogs"]
    assert [log["FlowLogId"] for log in flow_logs] == [ids["FlowLog"]]

    without = json.loads(json.dumps(NETWORK))
    del without["Resources"]["DataFromTasks"]
    stack = aws.deploy("types-network", without, "UPDATE")

    assert ec2.describe_security_groups(GroupIds=[ids["Data"]])["SecurityGroups"][0]["IpPermissions"] == []
    assert told(stack) == said
    removed = [
        event["ResourceStatus"]
        for event in aws.events("types-network")
        if event["LogicalResourceId"] in ("DataFromTasks", "types-network")
    ]
    assert removed[-5:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        "DELETE_COMPLETE",
        "UPDATE_COMPLETE",
    ]
    assert aws.delete("types-network") == "DELETE_COMPLETE"
    assert not ec2.describe_flow_logs(FlowLogIds=[ids["FlowLog"]])["FlowLogs"]
    assert said["Ip"] not in [a["PublicIp"] for a in ec2.describe_addresses()["Addresses"]]


def test_a_property_that_replaces_says_so(aws: Any) -> None:
    aws.deploy("types-replace", NETWORK)
    moved = json.loads(json.dumps(NETWORK))
    moved["Resources"]["TasksToData"]["Properties"]["ToPort"] = 5433
    moved["Resources"]["Tasks"]["Properties"]["GroupDescription"] = "other tasks"

    root = aws.plan("types-replace", moved, "UPDATE")

    found = {
        change["ResourceChange"]["LogicalResourceId"]: (
            change["ResourceChange"]["Replacement"],
            change["ResourceChange"].get("PolicyAction"),
        )
        for change in root["Changes"]
    }
    assert found["Tasks"] == found["TasksToData"] == ("True", "ReplaceAndDelete")
    before = aws.resources("types-replace")
    assert aws.execute(root) == "UPDATE_COMPLETE"
    after = aws.resources("types-replace")
    assert {name for name in before if before[name] != after[name]} >= {"Tasks", "TasksToData"}
    assert before["Vpc"] == after["Vpc"]


DATABASE = {
    "Resources": {
        "Db": resource(
            "AWS::RDS::DBInstance",
            Engine="postgres",
            EngineVersion="18.4",
            DBInstanceClass="db.t4g.micro",
            DBName="millrace",
            AllocatedStorage="20",
            MasterUsername="millrace_master",
            ManageMasterUserPassword=True,
        )
        | {"DeletionPolicy": "Delete"},
        "Secret": resource(
            "AWS::SecretsManager::Secret",
            GenerateSecretString={
                "SecretStringTemplate": json.dumps({"username": "millrace_app"}),
                "GenerateStringKey": "password",
                "PasswordLength": 30,
                "ExcludeCharacters": "aeiou",
                "ExcludePunctuation": True,
                "ExcludeUppercase": True,
            },
        ),
        "Attachment": resource(
            "AWS::SecretsManager::SecretTargetAttachment",
            SecretId=ref("Secret"),
            TargetId=ref("Db"),
            TargetType="AWS::RDS::DBInstance",
        ),
        "Policy": resource(
            "AWS::SecretsManager::ResourcePolicy",
            SecretId=ref("Secret"),
            ResourcePolicy={"Version": "2012-10-17", "Statement": []},
        ),
        "Subscription": resource(
            "AWS::RDS::EventSubscription", SnsTopicArn="arn:aws:sns:eu-west-2:111122223333:t"
        ),
    },
    "Outputs": rendered(
        Host=att("Db", "Endpoint.Address"),
        Port=att("Db", "Endpoint.Port"),
        Master=att("Db", "MasterUserSecret.SecretArn"),
        Secret=ref("Secret"),
        Attached=ref("Attachment"),
    ),
}


def test_the_database_is_where_it_really_listens(aws: Any) -> None:
    secrets = aws.client("secretsmanager")
    said = told(aws.deploy("types-database", DATABASE))

    assert (said["Host"], said["Port"]) == ("localhost", "15432")
    master = json.loads(secrets.get_secret_value(SecretId=said["Master"])["SecretString"])
    assert master == {"username": "millrace_master", "password": "the master's password"}
    instances = aws.client("rds").describe_db_instances()["DBInstances"]
    instance = next(i for i in instances if i["MasterUserSecret"]["SecretArn"] == said["Master"])
    assert instance["Endpoint"]["Port"] == 15432
    application = json.loads(secrets.get_secret_value(SecretId=said["Secret"])["SecretString"])
    password = application.pop("password")
    assert application == {
        "username": "millrace_app",
        "engine": "postgres",
        "host": "localhost",
        "port": 15432,
        "dbname": "millrace",
        "dbInstanceIdentifier": instance["DBInstanceIdentifier"],
    }
    assert len(password) == 30
    assert not set(password) & set("aeiouABCXYZ!-_")
    assert said["Secret"].startswith("arn:aws:secretsmanager:eu-west-2:111122223333:secret:")
    assert said["Attached"] == said["Secret"]
    assert (
        json.loads(secrets.get_resource_policy(SecretId=said["Secret"])["ResourcePolicy"])["Statement"] == []
    )

    bigger = json.loads(json.dumps(DATABASE))
    bigger["Resources"]["Db"]["Properties"]["AllocatedStorage"] = "40"
    assert told(aws.deploy("types-database", bigger, "UPDATE")) == said
    assert aws.delete("types-database") == "DELETE_COMPLETE"
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.describe_secret(SecretId=said["Master"])


CACHE = {
    "Resources": {
        "User": resource(
            "AWS::ElastiCache::User",
            UserId="processor",
            UserName="processor",
            Engine="valkey",
            AccessString="on ~* +@all",
            AuthenticationMode={"Type": "iam"},
        ),
        "Users": resource(
            "AWS::ElastiCache::UserGroup", UserGroupId="processors", Engine="valkey", UserIds=[ref("User")]
        ),
        "Group": resource(
            "AWS::ElastiCache::ReplicationGroup",
            ReplicationGroupDescription="latest values",
            Engine="valkey",
            EngineVersion="8.2",
            CacheNodeType="cache.t4g.micro",
            NumCacheClusters=2,
            AutomaticFailoverEnabled=True,
            TransitEncryptionEnabled=True,
            TransitEncryptionMode="required",
            ClusterMode="disabled",
            UserGroupIds=[ref("Users")],
        ),
    },
    "Outputs": rendered(
        Host=att("Group", "PrimaryEndPoint.Address"),
        Port=att("Group", "PrimaryEndPoint.Port"),
        Reader=att("Group", "ReaderEndPoint.Address"),
        UserArn=att("User", "Arn"),
        Id=ref("Group"),
    ),
}


def test_the_cache_is_where_it_really_listens(aws: Any) -> None:
    said = told(aws.deploy("types-cache", CACHE))

    assert (said["Host"], said["Port"], said["Reader"]) == ("localhost", "16379", "localhost")
    cache = aws.client("elasticache")
    (group,) = cache.describe_replication_groups(ReplicationGroupId=said["Id"])["ReplicationGroups"]
    assert group["NodeGroups"][0]["PrimaryEndpoint"] == {"Address": "localhost", "Port": 16379}
    assert aws.delete("types-cache") == "DELETE_COMPLETE"


SERVICE = {
    "Resources": {
        "Cluster": resource("AWS::ECS::Cluster"),
        "Providers": resource(
            "AWS::ECS::ClusterCapacityProviderAssociations",
            Cluster=ref("Cluster"),
            CapacityProviders=["FARGATE", "FARGATE_SPOT"],
            DefaultCapacityProviderStrategy=[{"CapacityProvider": "FARGATE", "Weight": 1, "Base": 1}],
        ),
        "Task": resource(
            "AWS::ECS::TaskDefinition",
            RequiresCompatibilities=["FARGATE"],
            Cpu="512",
            Memory="1024",
            NetworkMode="awsvpc",
            RuntimePlatform={"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"},
            ContainerDefinitions=[
                {
                    "Name": "processor",
                    "Image": "none@sha256:0",
                    "Environment": [{"Name": "A", "Value": "b"}],
                    "Secrets": [{"Name": "LOGIN", "ValueFrom": "arn:of-a-secret"}],
                    "DependsOn": [{"ContainerName": "first", "Condition": "SUCCESS"}],
                }
            ],
        ),
        "Service": resource("AWS::ECS::Service", Cluster=ref("Cluster"), TaskDefinition=ref("Task"))
        | {"DependsOn": "Providers"},
        "Target": resource(
            "AWS::ApplicationAutoScaling::ScalableTarget",
            ServiceNamespace="ecs",
            ScalableDimension="ecs:service:DesiredCount",
            ResourceId={"Fn::Sub": "service/${Cluster}/${Service.Name}"},
            MinCapacity=1,
            MaxCapacity=4,
            ScheduledActions=[
                {
                    "ScheduledActionName": "WorkBegins",
                    "Schedule": "cron(0 6 ? * MON-FRI *)",
                    "Timezone": "Europe/London",
                    "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 4},
                }
            ],
        ),
        "Policy": resource(
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            PolicyName="lag",
            PolicyType="StepScaling",
            ScalingTargetId=ref("Target"),
            StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity"},
        ),
    },
    "Outputs": rendered(Cluster=ref("Cluster"), Service=att("Service", "Name"), Policy=ref("Policy")),
}


def test_a_service_counts_tasks_that_nobody_starts(aws: Any) -> None:
    said = told(aws.deploy("types-service", SERVICE))
    ecs = aws.client("ecs")

    service = ecs.describe_services(cluster=said["Cluster"], services=[said["Service"]])["services"][0]
    assert (service["runningCount"], service["desiredCount"]) == (1, 1)
    assert ecs.describe_clusters(clusters=[said["Cluster"]])["clusters"][0]["capacityProviders"] == [
        "FARGATE",
        "FARGATE_SPOT",
    ]
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    container = task["containerDefinitions"][0]
    assert container["environment"] == [{"name": "A", "value": "b"}]
    assert container["secrets"] == [{"name": "LOGIN", "valueFrom": "arn:of-a-secret"}]
    assert container["dependsOn"] == [{"containerName": "first", "condition": "SUCCESS"}]
    scaling = aws.client("application-autoscaling")
    target = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"][0]
    assert (target["ResourceId"], target["MaxCapacity"]) == (
        f"service/{said['Cluster']}/{said['Service']}",
        4,
    )
    planned = scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"][0]
    assert (planned["ScheduledActionName"], planned["Timezone"], planned["ResourceId"]) == (
        "WorkBegins",
        "Europe/London",
        target["ResourceId"],
    )
    assert planned["ScalableTargetAction"] == {"MinCapacity": 2, "MaxCapacity": 4}
    policy = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"][0]
    assert (policy["PolicyARN"], policy["ResourceId"]) == (said["Policy"], target["ResourceId"])
    assert aws.delete("types-service") == "DELETE_COMPLETE"
    assert not scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]


WATCH = {
    "Resources": {
        "Missing": resource(
            "AWS::CloudWatch::Alarm",
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=5,
            Threshold=0,
            TreatMissingData="breaching",
            Metrics=[
                {"Id": "missing", "Expression": "desired - running", "ReturnData": True},
                *(
                    {
                        "Id": name,
                        "ReturnData": "false",
                        "MetricStat": {
                            "Metric": {"Namespace": "ECS/ContainerInsights", "MetricName": name},
                            "Period": "60",
                            "Stat": "Minimum",
                        },
                    }
                    for name in ("desired", "running")
                ),
            ],
        ),
        "Any": resource(
            "AWS::CloudWatch::CompositeAlarm",
            AlarmRule={"Fn::Sub": 'ALARM("${Missing}")'},
            AlarmDescription="something is wrong",
        ),
        "Budget": resource(
            "AWS::Budgets::Budget",
            Budget={
                "BudgetType": "COST",
                "TimeUnit": "MONTHLY",
                "BudgetLimit": {"Amount": 100, "Unit": "USD"},
            },
        ),
        "Provider": resource(
            "AWS::IAM::OIDCProvider",
            Url="https://token.actions.githubusercontent.com",
            ClientIdList=["sts.amazonaws.com"],
        ),
        "Role": resource(
            "AWS::IAM::Role", AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": []}
        ),
        "RolePolicy": resource(
            "AWS::IAM::RolePolicy",
            RoleName=ref("Role"),
            PolicyName="publish",
            PolicyDocument={
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}],
            },
        ),
    },
    "Outputs": rendered(
        Any=att("Any", "Arn"), Budget=ref("Budget"), Provider=ref("Provider"), Role=ref("Role")
    ),
}


def test_what_watches_the_rest(aws: Any) -> None:
    said = told(aws.deploy("types-watch", WATCH))

    alarms = aws.client("cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    composite = next(alarm for alarm in alarms["CompositeAlarms"] if alarm["AlarmArn"] == said["Any"])
    metric = next(alarm for alarm in alarms["MetricAlarms"] if alarm["AlarmName"] in composite["AlarmRule"])
    assert [m["Id"] for m in metric["Metrics"]] == ["missing", "desired", "running"]
    assert metric["Metrics"][1]["ReturnData"] is False
    budget = aws.client("budgets").describe_budget(AccountId="111122223333", BudgetName=said["Budget"])
    assert budget["Budget"]["BudgetLimit"] == {"Amount": "100", "Unit": "USD"}
    iam = aws.client("iam")
    provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=said["Provider"])
    assert provider["ClientIDList"] == ["sts.amazonaws.com"]
    assert iam.list_role_policies(RoleName=said["Role"])["PolicyNames"] == ["publish"]
    assert aws.delete("types-watch") == "DELETE_COMPLETE"
    assert not iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]


def test_conditions_see_pseudo_parameters_and_mappings(aws: Any) -> None:
    template = {
        "Mappings": {"Zones": {"eu-west-2": {"count": "3"}}},
        "Conditions": {
            "Here": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-2"]},
            "Three": {"Fn::Equals": [{"Fn::FindInMap": ["Zones", {"Ref": "AWS::Region"}, "count"]}, "3"]},
        },
        "Resources": {name: {"Type": "AWS::SQS::Queue", "Condition": name} for name in ("Here", "Three")},
    }
    aws.deploy("types-conditions", template)

    assert sorted(aws.resources("types-conditions")) == ["Here", "Three"]
