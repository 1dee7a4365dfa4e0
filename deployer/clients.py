"""One client per service, made when it is first used."""

from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:  # stubs of the development extra; a deployment does not need them
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_ecr import ECRClient
    from types_boto3_ecs import ECSClient
    from types_boto3_elasticache import ElastiCacheClient
    from types_boto3_iam import IAMClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_rds import RDSClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_service_quotas import ServiceQuotasClient
    from types_boto3_ssm import SSMClient
    from types_boto3_sts import STSClient

# `standard` backs off with jitter on throttling; ten tries outlast CloudFormation's own bursts of it.
# https://docs.aws.amazon.com/boto3/latest/guide/retries.html
PATIENT = Config(retries={"mode": "standard", "max_attempts": 10})


class Clients:
    """The services that a deployment speaks to, in its own region, whatever the session's default is."""

    def __init__(self, session: boto3.Session, region: str) -> None:
        self._session = session
        self._region = region

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        return self._session.client("cloudformation", region_name=self._region, config=PATIENT)

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        return self._session.client("cloudwatch", region_name=self._region, config=PATIENT)

    @cached_property
    def ecr(self) -> "ECRClient":
        return self._session.client("ecr", region_name=self._region, config=PATIENT)

    @cached_property
    def ecs(self) -> "ECSClient":
        return self._session.client("ecs", region_name=self._region, config=PATIENT)

    @cached_property
    def elasticache(self) -> "ElastiCacheClient":
        return self._session.client("elasticache", region_name=self._region, config=PATIENT)

    @cached_property
    def functions(self) -> "LambdaClient":
        return self._session.client("lambda", region_name=self._region, config=PATIENT)

    @cached_property
    def iam(self) -> "IAMClient":
        return self._session.client("iam", region_name=self._region, config=PATIENT)

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return self._session.client("logs", region_name=self._region, config=PATIENT)

    @cached_property
    def quotas(self) -> "ServiceQuotasClient":
        return self._session.client("service-quotas", region_name=self._region, config=PATIENT)

    @cached_property
    def rds(self) -> "RDSClient":
        return self._session.client("rds", region_name=self._region, config=PATIENT)

    @cached_property
    def s3(self) -> "S3Client":
        return self._session.client("s3", region_name=self._region, config=PATIENT)

    @cached_property
    def secrets(self) -> "SecretsManagerClient":
        return self._session.client("secretsmanager", region_name=self._region, config=PATIENT)

    @cached_property
    def ssm(self) -> "SSMClient":
        return self._session.client("ssm", region_name=self._region, config=PATIENT)

    @cached_property
    def sts(self) -> "STSClient":
        return self._session.client("sts", region_name=self._region, config=PATIENT)
