"""Which quota was reached, and where it is raised."""

import re
from collections.abc import Iterator

from deployer.evidence.question import Evidence, Question

# The handlers' own code, and what services say where there is none.
# https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
REACHED = re.compile(r"ServiceLimitExceeded|LimitExceeded|[Qq]uota|[Ll]imit (?:was |has been )?exceeded")
# A service's code is mostly its name; what belongs to a network has one of its own:
# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
NETWORK = frozenset(
    {"FlowLog", "InternetGateway", "NatGateway", "NetworkAcl", "RouteTable", "SecurityGroup", "Subnet", "VPC"}
)
SHOWN = 5


def gather(question: Question) -> Iterator[Evidence]:
    if not REACHED.search(question.event.reason) or question.event.type.count("::") != 2:
        return
    _, service, resource = question.event.type.split("::")
    code = "vpc" if resource in NETWORK else service.lower()
    where = f"raise it: https://{question.region}.console.aws.amazon.com/servicequotas/home/services/{code}/quotas"
    yield Evidence("the quota that was reached", (where,))
    words = re.findall(r"[A-Z]+(?=[A-Z][a-z]|$)|[A-Z][a-z]+", resource)
    listed = question.clients.quotas.list_service_quotas(ServiceCode=code, MaxResults=100)["Quotas"]
    fitting = [
        f"{quota['QuotaName']}: {quota.get('Value', 0):g} ({quota.get('QuotaCode', '')})"
        for quota in listed
        if all(word.lower() in quota.get("QuotaName", "").lower() for word in words)
    ]
    if fitting:
        yield Evidence(f"quotas of {service} that name it", tuple(fitting[:SHOWN]))
