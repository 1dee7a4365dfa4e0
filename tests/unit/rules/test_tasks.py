"""Task definitions: images, privileges, sizes, volumes, health, life, logs."""

import pytest

from tests.unit.rules.conftest import Say

API = """\
Parameters:
  Digest: {Type: String, AllowedPattern: "^sha256:[0-9a-f]{64}$"}
Resources:
  Journal: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /shop/api}}
  Shop:
    Type: AWS::ECS::Cluster
    Properties:
      CapacityProviders: [FARGATE, FARGATE_SPOT]
      ClusterSettings: [{Name: containerInsights, Value: enabled}]
  Starter:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: {Effect: Allow, Principal: {Service: ecs-tasks.amazonaws.com}, Action: sts:AssumeRole}
      Policies:
      - PolicyName: start
        PolicyDocument:
          Statement:
          - {Effect: Allow, Action: "ecr:*", Resource: "*"}
          - Effect: Allow
            Action: ["logs:CreateLogStream", "logs:PutLogEvents"]
            Resource: !GetAtt Journal.Arn
          - Effect: Allow
            Action: secretsmanager:GetSecretValue
            Resource: !Sub "arn:aws:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:shop-*"
  Api:
    Type: AWS::ECS::TaskDefinition
    Properties:
      RequiresCompatibilities: [FARGATE]
      NetworkMode: awsvpc
      Cpu: 512
      Memory: 2048
      RuntimePlatform: {CpuArchitecture: ARM64}
      ExecutionRoleArn: !GetAtt Starter.Arn
      Volumes:
      - Name: scratch
      ContainerDefinitions:
      - Name: web
        Image: !Sub "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/shop/web@${Digest}"
        User: "1000:1000"
        ReadonlyRootFilesystem: true
        LinuxParameters: {InitProcessEnabled: true, Capabilities: {Drop: [ALL]}}
        Memory: 1024
        MemoryReservation: 512
        StopTimeout: 120
        MountPoints: [{SourceVolume: scratch, ContainerPath: /tmp}]
        PortMappings: [{ContainerPort: 8080}]
        Environment: [{Name: LOG_LEVEL, Value: info}]
        DependsOn: [{ContainerName: proxy, Condition: HEALTHY}]
        HealthCheck:
          Command: [CMD-SHELL, "curl -f http://localhost:8080/health || exit 1"]
          Interval: 20
          Timeout: 5
          Retries: 3
          StartPeriod: 60
        LogConfiguration:
          LogDriver: awslogs
          Options:
            awslogs-group: !Ref Journal
            awslogs-region: !Ref AWS::Region
            awslogs-stream-prefix: web
            mode: non-blocking
            max-buffer-size: 8m
      - Name: proxy
        Image: !Sub "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/shop/proxy@${Digest}"
        User: "1001"
        ReadonlyRootFilesystem: "true"
        LinuxParameters: {InitProcessEnabled: true, Capabilities: {Drop: [ALL]}}
        StopTimeout: 120
        HealthCheck: {Command: [CMD, /probe], StartPeriod: 10}
        LogConfiguration:
          LogDriver: awslogs
          Options: {awslogs-group: /shop/api, awslogs-region: eu-west-2, awslogs-stream-prefix: proxy}
  Front:
    Type: AWS::ECS::Service
    Properties:
      Cluster: !Ref Shop
      TaskDefinition: !Ref Api
      DesiredCount: 2
      CapacityProviderStrategy:
      - {CapacityProvider: FARGATE, Base: 1, Weight: 1}
      - {CapacityProvider: FARGATE_SPOT, Weight: 1}
      DeploymentConfiguration: {DeploymentCircuitBreaker: {Enable: true, Rollback: true}}
      NetworkConfiguration:
        AwsvpcConfiguration: {Subnets: [subnet-1, subnet-2], SecurityGroups: [sg-1]}
"""
DIGEST = "shop/web@${Digest}"
IMAGE = '!Sub "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/shop/web@${Digest}"'
CHECK = '[CMD-SHELL, "curl -f http://localhost:8080/health || exit 1"]'
WEB_LINUX = """User: "1000:1000"
        ReadonlyRootFilesystem: true
        LinuxParameters: {InitProcessEnabled: true, Capabilities: {Drop: [ALL]}}"""
FAULTS = """      EnableFaultInjection: true
      Tags: [{Key: env, Value: prod}]
      Volumes:"""
PROXY_CHECK = "        HealthCheck: {Command: [CMD, /probe], StartPeriod: 10}\n"

BREAKS = [
    ("E9501", "ReadonlyRootFilesystem: true", "ReadonlyRootFilesystem: false"),
    ("E9502", "        StopTimeout: 120\n        Mount", "        Privileged: true\n        Mount"),
    ("E9503", '"1000:1000"', '"0:0"'),
    ("E9503", '"1000:1000"', "root"),
    ("E9503", '"1000:1000"', '"1000:0"'),
    ("W9504", '        User: "1001"\n', ""),
    ("E9505", "Drop: [ALL]}}\n        Memory", "Drop: [ALL], Add: [SYS_ADMIN]}}\n        Memory"),
    ("W9506", "Drop: [ALL]}}\n        Memory", "Drop: [NET_RAW]}}\n        Memory"),
    ("W9507", "InitProcessEnabled: true", "InitProcessEnabled: false"),
    ("W9507", "InitProcessEnabled: true, ", ""),
    ("E9508", "NetworkMode: awsvpc", "NetworkMode: awsvpc\n      PidMode: host"),
    ("W9509", "NetworkMode: awsvpc", "NetworkMode: host"),
    ("E9510", "InitProcessEnabled: true,", "InitProcessEnabled: true, SharedMemorySize: 64,"),
    ("W9511", "shop/web@${Digest}", "shop/web:${Digest}"),
    ("W9511", IMAGE, "nginx:1.27"),
    ("W9511", IMAGE, "quay.io/shop/web"),
    ("W9512", '"^sha256:[0-9a-f]{64}$"', '".+"'),
    ("E9513", IMAGE, "shop/web@sha256:abc"),
    ("W9515", IMAGE, IMAGE.replace("${AWS::AccountId}", "111122223333")),
    ("W9516", "        Memory: 1024\n", "        VersionConsistency: disabled\n"),
    ("E9523", "Memory: 2048", "Memory: 1500"),
    ("E9523", "Cpu: 512", "Cpu: '500'"),
    ("E9524", "      Cpu: 512\n", ""),
    ("E9525", "Memory: 1024", "Memory: 4096"),
    ("E9526", "MemoryReservation: 512", "MemoryReservation: 1025"),
    ("E9527", "NetworkMode: awsvpc", "NetworkMode: bridge"),
    ("E9528", "RequiresCompatibilities: [FARGATE]", "RequiresCompatibilities: [EC2]"),
    ("E9529", "Cpu: 512", "Cpu: 512\n      EphemeralStorage: {SizeInGiB: 500}"),
    ("E9531", "{CpuArchitecture: ARM64}", "{OperatingSystemFamily: WINDOWS_SERVER_2022_CORE}"),
    ("E9532", "- Name: scratch", "- Name: scratch\n        Host: {SourcePath: /var/run/docker.sock}"),
    ("E9533", "- Name: scratch", "- Name: scratch\n        Host: {SourcePath: /data}"),
    ("E9534", "{SourceVolume: scratch,", "{SourceVolume: cache,"),
    ("W9535", "- Name: scratch", "- Name: scratch\n      - Name: unused"),
    ("E9536", "- Name: scratch", "- Name: scratch\n        EFSVolumeConfiguration: {FilesystemId: fs-1}"),
    ("E9538", "[CMD, /probe]", '[CMD, "/probe --fast"]'),
    ("E9538", "[CMD, /probe]", "[/probe, --fast]"),
    ("E9538", "[CMD, /probe]", "[CMD-SHELL, /probe, --fast]"),
    ("E9538", "[CMD, /probe]", "[]"),
    ("E9539", CHECK, '[CMD-SHELL, "curl -f http://localhost:8080/health || true"]'),
    ("E9539", CHECK, '[CMD-SHELL, "exit 0"]'),
    ("E9540", "Interval: 20", "Interval: 301"),
    ("E9540", "Retries: 3", "Retries: 0"),
    ("W9541", "Timeout: 5", "Timeout: 20"),
    ("W9542", "Interval: 20", "Interval: 120"),
    ("W9543", "Retries: 3", "Retries: 1"),
    ("W9544", "          StartPeriod: 60\n", ""),
    ("W9545", "localhost:8080", "localhost:8081"),
    ("E9546", "StopTimeout: 120", "StopTimeout: 300"),
    ("W9547", "StopTimeout: 120", "StopTimeout: 20"),
    ("W9547", "        StopTimeout: 120\n        Health", "        Health"),
    ("E9549", "{ContainerName: proxy,", "{ContainerName: cache,"),
    ("E9549", PROXY_CHECK, ""),
    ("E9549", PROXY_CHECK, PROXY_CHECK + "        DependsOn: [{ContainerName: web, Condition: START}]\n"),
    ("E9550", "- Name: proxy", "- Name: web"),
    ("W9546", "        StopTimeout: 120\n", "        Command: [sleep, infinity]\n"),
    ("W9546", "        StopTimeout: 120\n", '        Command: [sh, -c, "tail -f /dev/null"]\n'),
    ("W9548", "      Volumes:", FAULTS),
    ("E9551", "LogDriver: awslogs", "LogDriver: json-file"),
    ("E9552", "            awslogs-stream-prefix: web\n", ""),
    ("E9553", "mode: non-blocking", "mode: unblocking"),
    ("E9553", "awslogs-group: !Ref Journal", "awslogs-group: !GetAtt Journal.Arn"),
    ("E9553", "max-buffer-size: 8m", "max-buffer-sise: 8m"),
    ("W9554", "awslogs-region: !Ref AWS::Region", "awslogs-region: eu-west-1"),
    ("W9555", "mode: non-blocking", "mode: blocking"),
    ("W9556", "max-buffer-size: 8m", "max-buffer-size: 1g"),
    ("E9558", "LogDriver: awslogs", "LogDriver: awsfirelens"),
    ("E9568", "Value: info}", "Value: info}, {Name: LOG_LEVEL, Value: debug}"),
]  # fmt: skip


def test_what_is_well_made_is_left_alone(say: Say) -> None:
    assert say("E95", API) + say("W95", API) == []


@pytest.mark.parametrize(("rule", "old", "new"), BREAKS)
def test_one_edit_is_named(say: Say, rule: str, old: str, new: str) -> None:
    assert old in API
    assert say(rule, API.replace(old, new, 1)) != []


def test_the_finding_names_place_and_remedy(say: Say) -> None:
    (finding,) = say("E9540", API.replace("Interval: 20", "Interval: 301"))
    assert finding == (
        "root.yaml:52: E9540 the health check of container web has Interval: 301; ECS takes 5 to 300; "
        "choose a number within"
    )


def test_none_is_essential(say: Say) -> None:
    assert (
        say("E9548", API.replace("        StopTimeout", "        Essential: false\n        StopTimeout", 1))
        == []
    )
    all_of_them = API.replace("        StopTimeout", "        Essential: false\n        StopTimeout")
    assert len(say("E9548", all_of_them)) == 1


def test_nobody_checks_a_service_without_a_balancer(say: Say) -> None:
    unchecked = API.replace(PROXY_CHECK, "").replace("        HealthCheck:\n", "        Unused:\n")
    assert len(say("W9531", unchecked)) == 1
    balanced = unchecked.replace("      DesiredCount: 2", "      LoadBalancers: [{ContainerName: web}]")
    assert say("W9531", balanced) == []


def test_a_public_registry_where_something_runs(say: Say) -> None:
    public = API.replace(IMAGE, f"nginx@sha256:{'0' * 64}")
    assert say("W9514", public) == []
    tagged = public.replace("      NetworkMode", "      Tags: [{Key: env, Value: dev}]\n      NetworkMode")
    assert len(say("W9514", tagged)) == 1


FUNCTION = """\
  Helper:
    Type: AWS::Lambda::Function
    Properties: {Code: {S3Bucket: b, S3Key: helper-1.zip}, Architectures: [arm64]}
"""


def test_one_workload_on_another_processor(say: Say) -> None:
    assert say("W9530", API + FUNCTION) == []
    assert len(say("W9530", (API + FUNCTION).replace("{CpuArchitecture: ARM64}", "{}"))) == 1


def test_where_only_a_deployment_knows_nothing_is_said(say: Say) -> None:
    given = """\
Parameters: {Image: {Type: String}, Cpu: {Type: Number}, Group: {Type: String}, Role: {Type: String}}
Resources:
  Job:
    Type: AWS::ECS::TaskDefinition
    Properties:
      RequiresCompatibilities: [FARGATE]
      NetworkMode: !ImportValue mode
      Cpu: !Ref Cpu
      Memory: !Ref Cpu
      ExecutionRoleArn: !Ref Role
      TaskRoleArn: !Ref Role
      ContainerDefinitions:
      - Name: job
        Image: !Ref Image
        User: !Ref Image
        ReadonlyRootFilesystem: !Ref Image
        LinuxParameters: !Ref Image
        HealthCheck: !Ref Image
        StopTimeout: !Ref Cpu
        LogConfiguration: {LogDriver: !Ref Group, Options: !Ref Group}
"""
    assert say("E95", given) + say("W95", given) == []


REPOSITORY = """\
Resources:
  Key: {Type: AWS::KMS::Key}
  Images:
    Type: AWS::ECR::Repository
    Properties:
      ImageTagMutability: IMMUTABLE
      EncryptionConfiguration: {EncryptionType: KMS, KmsKey: !Ref Key}
      ImageScanningConfiguration: {ScanOnPush: true}
      Tags: [{Key: env, Value: prod}]
      LifecyclePolicy:
        LifecyclePolicyText: '{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType":
          "imageCountMoreThan", "countNumber": 30}, "action": {"type": "expire"}}]}'
"""


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("W9517", "IMMUTABLE", "MUTABLE"),
        ("W9518", "{ScanOnPush: true}", "{}"),
        ("W9532", ", KmsKey: !Ref Key}", "}"),
        ("W9519", "LifecyclePolicyText:", "RegistryId:"),
        ("E9520", '"rules"', '"rule"'),
        ("E9520", '"any"', '"tagged"'),
        ("W9521", "30}", "1}"),
        ("W9521", "imageCountMoreThan", "sinceImagePushed"),
    ],
)
def test_a_repository_of_images(say: Say, rule: str, old: str, new: str) -> None:
    assert say("E95", REPOSITORY) + say("W95", REPOSITORY) == []
    assert len(say(rule, REPOSITORY.replace(old, new))) == 1


FILTERS = "ImageTagMutabilityExclusionFilters"


def _without(tags: list[str], kind: str = "IMMUTABLE_WITH_EXCLUSION", beside: str = "") -> str:
    listed = ", ".join(f"{{{FILTERS[:-1]}Type: WILDCARD, {FILTERS[:-1]}Value: '{tag}'}}" for tag in tags)
    return REPOSITORY.replace("IMMUTABLE", f"{kind}\n      {FILTERS}: [{listed}]") + beside


RUN = """\
  Web:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions: [{Name: web, Image: !Sub '${Images.RepositoryUri}:stable'}]
"""


@pytest.mark.parametrize(
    ("root", "many"),
    [
        (_without(["*"]), 1),
        (_without(["a*", "**"]), 1),
        (_without(["latest"]), 0),
        (_without(["dev-*", "test-*"]), 0),
        (_without(["stab*"], beside=RUN), 1),
        (_without(["dev-*"], beside=RUN), 0),
        (_without(["*"], "MUTABLE_WITH_EXCLUSION"), 0),
        (_without(["release-*"], "MUTABLE_WITH_EXCLUSION"), 1),
    ],
)
def test_tags_that_a_filter_lets_move(say: Say, root: str, many: int) -> None:
    assert len(say("W9517", root)) == many
