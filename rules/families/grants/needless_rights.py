"""Rights that belong to another: over a secret that a service keeps, and to read what one only writes."""

from collections.abc import Iterator

from rules.families.grants.grant_book import MANAGED, ROLE, Line, book
from rules.families.grants.grant_needs import OF_A_ROLE
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.policies import Kind
from topology.tree import Resource
from topology.values import references

KEPT = "MasterUserSecret.SecretArn"
OF_RDS = ":secret:rds!"  # as RDS names the secrets that it keeps
CHANGING = (
    "secretsmanager:putsecretvalue",
    "secretsmanager:updatesecret",
    "secretsmanager:updatesecretversionstage",
    "secretsmanager:deletesecret",
    "secretsmanager:rotatesecret",
    "secretsmanager:cancelrotatesecret",
    "secretsmanager:putresourcepolicy",
    "secretsmanager:restoresecret",
)
LEAST = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
STREAM = "AWS::Kinesis::Stream"
READS = ("kinesis:getrecords", "kinesis:subscribetoshard")
WRITES = ("kinesis:putrecord", "kinesis:putrecords")


@rule(
    "W9296",
    cause="{statement} of {policy} allows {action} on {secret}, which its service keeps and rotates",
    remedy="allow GetSecretValue and DescribeSecret alone: the service changes the secret with the password",
    sources=(
        "https://docs.aws.amazon.com/secretsmanager/latest/userguide/service-linked-secrets.html",
        "https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_update-secret.html",
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html",
    ),
    demanding=True,
)
def a_right_to_change_what_a_service_keeps(site: Site) -> Iterator[Finding]:
    for line in book(site).of(Kind.IDENTITY):
        secret = _kept(line) if line.allows else None
        action = next((one for one in CHANGING if line.surely_covers(one)), None)
        if secret and action:
            policy = line.policy.resource
            parts = {"policy": policy, "action": action, "secret": secret}
            yield found(policy, *line.path, statement=line.statement.name, **parts)


def _kept(line: Line) -> object:
    for reference in references(line.statement.resolved.get("Resource")):
        if reference.attribute == KEPT:
            return reference
    return next((one for one in line.resources if OF_RDS in one), None)


@rule(
    "W9297",
    cause="{holder} both writes to {stream} and reads it, and {reader} is there to read it",
    remedy="take the reading out of what writes: it sees what all others sent",
    sources=(LEAST, "https://docs.aws.amazon.com/streams/latest/dev/controlling-access.html"),
    demanding=True,
)
def a_writer_that_reads_all_that_others_write(site: Site) -> Iterator[Finding]:
    known = book(site)
    holders = [*site.all(ROLE), *(one for one in site.all(MANAGED) if known.held(one))]
    for stream in site.all(STREAM):
        readers = {one: line for one in holders if (line := _may(site, one, stream, READS))}
        writers = [one for one in holders if _may(site, one, stream, WRITES)]
        alone = [one for one in readers if one not in writers]
        for holder in writers if alone else ():
            line = readers.get(holder)
            if line is not None:
                parts = {"holder": holder, "stream": stream, "reader": alone[0]}
                yield found(line.policy.resource, *line.path, **parts)


def _may(site: Site, holder: Resource, stream: Resource, actions: tuple[str, ...]) -> Line | None:
    """The statement by which it surely may, and that names the stream or its like."""
    known = book(site)
    on = known.wording.arn(stream)
    for action in actions:
        for line in known.allowing(known.held(holder), action, on, OF_A_ROLE):
            if line.surely_covers(action) and line.surely_reaches(on) and "*" not in line.resources:
                return line
    return None
