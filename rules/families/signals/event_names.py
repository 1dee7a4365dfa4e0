"""Which events AWS sends, and what is in them: what a pattern may wait for.

Sources, detail types and the keys of their details stand in events.json: those of the directory in npm's
@aws-cdk/aws-service-spec 0.1.216 (Apache-2.0), and of the services' pages where it has none. Under "" stand
the types that CloudTrail sends for every service.
"""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path

# Sources of which every detail type is listed.
WHOLE = frozenset({"aws.ecr", "aws.ecs", "aws.kms", "aws.rds", "aws.secretsmanager"})
OUTER = frozenset(
    {
        "account",
        "detail",
        "detail-type",
        "id",
        "region",
        "resources",
        "source",
        "time",
        "version",
        "replay-name",
        "$or",
    }
)
# Sources of which no event is listed, and that send some.
UNLISTED = frozenset(
    [
        "aws.amplify",
        "aws.apigateway",
        "aws.appconfig",
        "aws.appflow",
        "aws.backup",
        "aws.bedrock",
        "aws.cloudfront",
        "aws.cloudtrail",
        "aws.cognito-idp",
        "aws.config",
        "aws.controltower",
        "aws.cost-explorer",
        "aws.ce",
        "aws.detective",
        "aws.devicefarm",
        "aws.dms",
        "aws.dynamodb",
        "aws.eks",
        "aws.es",
        "aws.firehose",
        "aws.iam",
        "aws.inspector",
        "aws.inspector2",
        "aws.iot",
        "aws.kafka",
        "aws.kinesis",
        "aws.lambda",
        "aws.macie2",
        "aws.mediaconvert",
        "aws.memorydb",
        "aws.mq",
        "aws.neptune",
        "aws.outposts",
        "aws.pipes",
        "aws.proton",
        "aws.ram",
        "aws.redshift",
        "aws.redshift-serverless",
        "aws.resiliencehub",
        "aws.route53",
        "aws.savingsplans",
        "aws.scheduler",
        "aws.secretsmanager",
        "aws.servicecatalog",
        "aws.servicediscovery",
        "aws.shield",
        "aws.sns",
        "aws.sqs",
        "aws.sso",
        "aws.ssm-incidents",
        "aws.support",
        "aws.vpc-lattice",
        "aws.waf",
        "aws.wafv2",
        "aws.workmail",
    ]
)
SLIP = 0.92  # so alike are a name and its misspelling; two names of one service are less
TRAIL = "AWS API Call via CloudTrail"
SERVICE = "AWS Service Event via CloudTrail"


@cache
def sent() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """Source -> detail type -> the keys of its detail, none where they are not listed."""
    written = json.loads((Path(__file__).parent / "events.json").read_text())
    return {
        source: {kind: frozenset(keys) for kind, keys in kinds.items()} for source, kinds in written.items()
    }


def keys_of(source: str, kind: str) -> frozenset[str]:
    return sent().get(source, {}).get(kind, sent()[""].get(kind, frozenset()))


def is_sent(source: str, kind: str) -> bool | None:
    """Whether a source sends events of a type; None where the list does not say."""
    if (source.startswith("aws.") and kind in sent()[""]) or kind in sent().get(source, {}):
        return True
    if not source.startswith("aws."):
        return False if kind in sent()[""] or any(kind in kinds for kinds in sent().values()) else None
    others = any(kind in kinds for kinds in sent().values())
    slip = nearest(kind, sent().get(source, {}), SLIP)
    return False if others or source in WHOLE or slip else None


def nearest(name: str, among: Mapping[str, object] | frozenset[str], least: float = 0.8) -> str:
    alike = {one.lower(): one for one in sorted(among)}
    close = get_close_matches(name.lower(), alike, 1, least)
    return alike[close[0]] if close else ""
