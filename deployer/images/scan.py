"""What ECR's scan of an image found: waited for, counted by severity, and judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer.clock import Clock
from deployer.errors import DeployerError

if TYPE_CHECKING:
    from types_boto3_ecr import ECRClient
    from types_boto3_ecr.type_defs import DescribeImageScanFindingsResponseTypeDef

LONGEST_MINUTES = 10.0  # basic scanning takes seconds, enhanced a few minutes
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED")
# ACTIVE is enhanced scanning's COMPLETE: it goes on, and has findings.
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanStatus.html
DONE = frozenset({"COMPLETE", "ACTIVE"})
UNDER_WAY = frozenset({"IN_PROGRESS", "PENDING"})
NOT_BEGUN = "NOT_BEGUN"
SHOWN = 20


class FindingsRefused(DeployerError):
    """{digest} {why}: build it on a base image with the fixes, or go on knowingly with --accept-findings; it
    is in the repository, and no stack uses it"""


@dataclass(frozen=True)
class Scan:
    """`counts` by severity; `critical` names each critical finding, and the package it is in."""

    status: str
    why: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    critical: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """`2 critical, 5 medium`; `no findings`; or what became of a scan that found nothing out."""
        if self.status not in DONE:
            return f"not scanned ({self.status}{': ' if self.why else ''}{self.why})"
        told = [f"{self.counts[name]} {name.lower()}" for name in SEVERITIES if self.counts.get(name)]
        return ", ".join(told) or "no findings"

    def judge(self, digest: str) -> None:
        """Raises FindingsRefused for an image with critical findings, or with none since nobody looked."""
        if self.status not in DONE:
            raise FindingsRefused(digest=digest, why=f"was {self.summary}")
        if self.counts.get("CRITICAL"):
            names = ", ".join(self.critical[:SHOWN])
            more = len(self.critical) - SHOWN
            raise FindingsRefused(
                digest=digest,
                why=f"has {self.summary}: {names}{f' and {more} more' if more > 0 else ''}",
            )


def wait(ecr: "ECRClient", clock: Clock, poll: float, repository: str, digest: str) -> Scan:
    """The scan's result, once there is one; after LONGEST_MINUTES what it is by then."""
    deadline = clock.now() + LONGEST_MINUTES * 60
    while True:
        told = _asked(ecr, repository, digest)
        status = told["imageScanStatus"]["status"] if told else NOT_BEGUN
        if told is not None and status in DONE:
            return _read(ecr, repository, digest, told)
        if (status != NOT_BEGUN and status not in UNDER_WAY) or clock.now() >= deadline:
            why = (
                told["imageScanStatus"].get("description", "")
                if told
                else "is the repository scanned on push?"
            )
            return Scan(status, why)
        clock.sleep(poll)


def _asked(
    ecr: "ECRClient", repository: str, digest: str, token: str | None = None
) -> "DescribeImageScanFindingsResponseTypeDef | None":
    """None while the scan has not begun."""
    try:
        if token is not None:
            return ecr.describe_image_scan_findings(
                repositoryName=repository, imageId={"imageDigest": digest}, nextToken=token
            )
        return ecr.describe_image_scan_findings(repositoryName=repository, imageId={"imageDigest": digest})
    except ClientError as error:
        if error.response["Error"]["Code"] == "ScanNotFoundException":
            return None
        raise


def _read(
    ecr: "ECRClient", repository: str, digest: str, told: "DescribeImageScanFindingsResponseTypeDef"
) -> Scan:
    status = told["imageScanStatus"]["status"]
    counts = {
        str(name): number
        for name, number in told["imageScanFindings"].get("findingSeverityCounts", {}).items()
    }
    critical = []
    page: DescribeImageScanFindingsResponseTypeDef | None = told
    while page is not None:
        findings = page["imageScanFindings"]
        for basic in findings.get("findings", []):
            if basic.get("severity") == "CRITICAL":
                package = {each["key"]: each.get("value", "") for each in basic.get("attributes", [])}
                critical.append(" ".join(filter(None, (basic.get("name"), package.get("package_name")))))
        for enhanced in findings.get("enhancedFindings", []):
            if enhanced.get("severity") == "CRITICAL":
                critical.append(enhanced.get("title", enhanced.get("findingArn", "")))
        token = page.get("nextToken")
        page = _asked(ecr, repository, digest, token) if token and counts.get("CRITICAL") else None
    return Scan(status, counts=counts, critical=tuple(critical))
