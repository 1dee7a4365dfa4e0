"""Whom policies of resources let in from outside of the account, and whether such a one can read at all."""

import re
from collections.abc import Iterator

from rules.families.grants.grant_book import Book, Line, book
from rules.families.grants.grant_texts import ACCOUNT, ANY, shown
from rules.families.grants.key_holders import ASKS, encrypted
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

ORGANIZATION = frozenset({"aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid"})
OWN = frozenset({"aws:principalaccount", "aws:sourceaccount", "kms:calleraccount"})
ONE = frozenset({"aws:principalarn", "aws:sourcearn", "aws:principaltag"})
SHARED = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html"
LEAST = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
KEYS = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html"
# What lets whoever may do it read data, or use the key that guards it.
READING = (
    "secretsmanager:getsecretvalue",
    "kms:decrypt",
    "kms:creategrant",
    "kinesis:getrecords",
    "dynamodb:getitem",
    "dynamodb:scan",
    "sqs:receivemessage",
)
WRITTEN = re.compile(r"arn:[^:]*:iam::(\d{12}):|^(\d{12})$")
SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type


def _everybody(line: Line) -> bool:
    return any(name == "*" for _, name in line.principals)


def _keys(line: Line) -> set[str]:
    return {key.lower().partition("/")[0] for _, key, _ in line.conditions}


@rule(
    "W9294",
    cause="{statement} of {policy} lets every principal of an organization {action} of {guarded}",
    remedy="name the accounts or roles that need it: each account of an organization has its own people",
    sources=(LEAST, SHARED),
    demanding=True,
)
def a_whole_organization_that_reads(site: Site) -> Iterator[Finding]:
    for line in book(site).lines:
        if line.policy.kind != "resource" or not line.allows or not _everybody(line):
            continue
        keys = _keys(line)
        action = next((one for one in READING if line.surely_covers(one)), None)
        if action and keys & ORGANIZATION and not keys & (OWN | ONE):
            guarded = ", ".join(map(str, line.policy.about)) or "what it guards"
            parts = {"policy": line.policy.resource, "action": action, "guarded": guarded}
            yield found(line.policy.resource, *line.path, statement=line.statement.name, **parts)


@rule(
    "W9295",
    cause="{statement} of {policy} lets {outside} {action} of {guarded}, and {key} does not let it {asked}",
    remedy="let the key's own policy allow it to them too: another account is let to a key by nothing else, "
    "and never to a key of AWS's",
    sources=(SHARED, KEYS),
    demanding=True,
)
def a_reader_from_outside_without_the_key(site: Site) -> Iterator[Finding]:
    known = book(site)
    under = {one: (service, key) for one, _, service, key in encrypted(site)}
    for guarded, (service, key) in under.items():
        for line in known.guards(guarded):
            outside = _outside(line) if line.allows else ""
            lacking = _lacking(known, line, service, key, outside) if outside else None
            if lacking:
                yield _told(line, guarded, outside, lacking, str(key))
    for secret in site.all(SECRET):
        by_aws = site.get(secret, "KmsKeyId") is None
        for line in known.guards(secret) if by_aws else ():
            outside = _outside(line) if line.allows else ""
            if outside and line.surely_covers("secretsmanager:getsecretvalue"):
                lacking = ("secretsmanager:GetSecretValue", "kms:Decrypt")
                yield _told(line, secret, outside, lacking, "the key aws/secretsmanager")


def _outside(line: Line) -> str:
    """Another account or organization that a statement is for; nothing where it may be for this one alone."""
    if _everybody(line):
        keys = _keys(line)
        return "other accounts of an organization" if keys & ORGANIZATION and not keys & (OWN | ONE) else ""
    for kind, name in line.principals:
        written = WRITTEN.search(name) if kind == "AWS" and ANY not in name else None
        if written:
            return f"account {written[1] or written[2]}"
    return ""


def _lacking(known: Book, line: Line, service: str, key: Resource, outside: str) -> tuple[str, str] | None:
    """(what it may do, what it may not ask the key for)."""
    for action, asks in ASKS.items():
        if action.startswith(f"{service}:") and line.surely_covers(action.lower()):
            for asked in asks:
                guards = known.guards(key)
                if guards and not any(_lets(one, asked, outside) for one in guards):
                    return action, asked
    return None


def _lets(guard: Line, asked: str, outside: str) -> bool:
    if not guard.allows or not guard.covers(asked.lower()):
        return False
    account = outside.removeprefix("account ")
    for kind, name in guard.principals:
        everybody = name == "*" and not any(
            ACCOUNT in values for _, key, values in guard.conditions if key.lower() in OWN
        )
        if everybody or ANY in name or (kind == "AWS" and account in name):
            return True
    return False


def _told(line: Line, guarded: Resource, outside: str, lacking: tuple[str, str], key: str) -> Finding:
    action, asked = lacking
    parts = {"outside": outside, "action": action, "guarded": guarded, "key": shown(key), "asked": asked}
    policy = line.policy.resource
    return found(policy, *line.path, statement=line.statement.name, policy=policy, **parts)
