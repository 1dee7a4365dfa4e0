"""Keys themselves: who may administer them, whether they turn, and what is kept apart by them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from rules.families.grants.grant_book import Line, book
from rules.families.grants.grant_conditions import Holds, holds
from rules.families.grants.grant_texts import ACCOUNT, ANY, shown
from rules.families.grants.key_holders import ENCRYPTED, KEY, key_of
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import known as is_known

DEFAULT = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"
ROTATION = "https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html"
PRIVILEGE = "https://docs.aws.amazon.com/kms/latest/developerguide/least-privilege.html"
ADMINISTERING = "kms:putkeypolicy"
NARROWING = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceowner",
        "aws:sourceorgid",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceip",
        "kms:calleraccount",
        "lambda:functionurlauthtype",
        "s3:dataaccesspointaccount",
        "sns:endpoint",
    }
)
# Type → where else a key is named, and the domain of what it encrypts.
DOMAINS: Mapping[str, tuple[tuple[tuple[str | int, ...], str], ...]] = {
    **{kind: ((path, "data"),) for kind, (path, _) in ENCRYPTED.items()},
    "AWS::SNS::Topic": ((("KmsMasterKeyId",), "notifications"),),
    "AWS::SQS::Queue": ((("KmsMasterKeyId",), ""),),
    "AWS::SecretsManager::Secret": ((("KmsKeyId",), "secrets"),),
    "AWS::Logs::LogGroup": ((("KmsKeyId",), "logs"),),
    "AWS::ElastiCache::ReplicationGroup": ((("KmsKeyId",), "data"),),
    "AWS::EFS::FileSystem": ((("KmsKeyId",), "data"),),
    "AWS::RDS::DBCluster": ((("KmsKeyId",), "data"), (("MasterUserSecret", "KmsKeyId"), "secrets")),
    "AWS::RDS::DBInstance": (
        (("KmsKeyId",), "data"),
        (("PerformanceInsightsKMSKeyId",), "data"),
        (("MasterUserSecret", "KmsKeyId"), "secrets"),
    ),
    "AWS::Lambda::Function": ((("KmsKeyArn",), ""),),
    "AWS::ECR::Repository": ((("EncryptionConfiguration", "KmsKey"), ""),),
}


def uses_of_keys(site: Site) -> Iterator[tuple[Resource, tuple[str | int, ...], str, Resource]]:
    """(resource, path, domain, key) of all that is encrypted with a key of this tree."""
    for kind, places in DOMAINS.items():
        for resource in site.all(kind):
            for path, domain in places:
                key = key_of(site, site.get(resource, *path))
                if key is not None:
                    yield resource, path, domain, key


def narrowed(line: Line) -> bool:
    """Whether a condition says from where or by whom."""
    return any(
        key.lower() in NARROWING and "ifexists" not in operator.lower()
        for operator, key, _ in line.conditions
    )


def _administers(line: Line, on: str) -> bool:
    people = any(kind in ("AWS", "*") for kind, _ in line.principals)
    return people and line.allows and line.covers(ADMINISTERING) and line.reaches(on)


@rule(
    "E9250",
    cause="nobody may administer {key}: {why}",
    remedy="let the account in, by kms:* for its root, so that IAM policies decide",
    sources=(DEFAULT,),
)
def a_key_that_nobody_may_administer(site: Site) -> Iterator[Finding]:
    known = book(site)
    for key in site.all(KEY):
        if site.get(key, "KeyPolicy") is None or key.address in site.unread_policies:
            continue
        on, lines = known.wording.arn(key), known.guards(key)
        if not any(_administers(line, on) for line in lines):
            yield found(key, "KeyPolicy", key=key, why="no statement of its policy allows kms:PutKeyPolicy")
        for line in lines:
            people = any(name in ("*", ANY) or name.endswith(":root") for _, name in line.principals)
            denies = people and not line.allows and line.surely_covers(ADMINISTERING)
            if denies and holds(line.conditions, {"aws:principalaccount": ACCOUNT}) is Holds.YES:
                yield found(key, *line.path, key=key, why=f"{line.statement.name} denies it")


@rule(
    "E9251",
    cause="{statement} of {key} lets anybody {what}, in any account",
    remedy="name who may, or bind it by kms:CallerAccount",
    sources=(PRIVILEGE,),
)
def a_key_for_everybody(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY):
        for line in book(site).guards(key):
            open_ = any(kind == "*" and name == "*" for kind, name in line.principals)
            # Who may read an object that is for everybody must be able to decrypt it.
            public = "kms:viaservice" in {key.lower() for _, key, _ in line.conditions}
            if (
                line.allows
                and open_
                and not narrowed(line)
                and not (public and not site.says_its_environment)
            ):
                what = ", ".join(line.statement.actions)
                yield found(key, *line.path, statement=line.statement.name, key=key, what=what)


@rule(
    "W9252",
    cause="{statement} of {key} lets {who} do {what}, which only those that administer it need",
    remedy="list what it needs: kms:GenerateDataKey*, kms:Decrypt",
    sources=(PRIVILEGE,),
    demanding=True,
)
def a_user_of_a_key_that_administers_it(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY):
        for line in book(site).guards(key):
            for kind, name in line.principals:
                wide = [one for one in line.actions if one in ("*", "kms:*", ADMINISTERING, "kms:put*")]
                if line.allows and kind == "Service" and wide:
                    yield found(
                        key, *line.path, statement=line.statement.name, key=key, who=shown(name), what=wide[0]
                    )


@rule(
    "E9253",
    cause="{key} is disabled, and {used} is encrypted with it",
    remedy="enable it, or nothing of that can be read or written",
    sources=("https://docs.aws.amazon.com/kms/latest/developerguide/enabling-keys.html",),
)
def a_disabled_key_that_is_used(site: Site) -> Iterator[Finding]:
    users = {key: resource for resource, _, _, key in uses_of_keys(site)}
    for key in site.all(KEY):
        if str(site.get(key, "Enabled")).lower() == "false":
            yield found(key, "Enabled", key=key, used=users.get(key, "whatever will be"))


@rule(
    "E9254",
    cause="{key} is {made}, and {used} is encrypted with it: services take symmetric keys that encrypt",
    remedy="leave KeySpec and KeyUsage out, or set SYMMETRIC_DEFAULT and ENCRYPT_DECRYPT",
    sources=("https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html",),
)
def a_key_of_another_kind(site: Site) -> Iterator[Finding]:
    users = {key: resource for resource, _, _, key in uses_of_keys(site)}
    for key, used in users.items():
        for name, right in (("KeySpec", "SYMMETRIC_DEFAULT"), ("KeyUsage", "ENCRYPT_DECRYPT")):
            value = site.get(key, name)
            if value is not None and is_known(value) and value != right:
                yield found(key, name, key=key, made=value, used=used)


@rule(
    "W9255",
    cause="{key} does not turn: its material stays the same for good",
    remedy="set EnableKeyRotation: true",
    sources=(ROTATION,),
    demanding=True,
)
def a_key_that_does_not_turn(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY):
        turns = site.get(key, "EnableKeyRotation")
        symmetric = site.get(key, "KeySpec") in (None, "SYMMETRIC_DEFAULT")
        ours = site.get(key, "Origin") in (None, "AWS_KMS")
        if symmetric and ours and is_known(turns) and str(turns).lower() != "true":
            yield found(key, "EnableKeyRotation", key=key)


@rule(
    "W9256",
    cause="{key} turns every {days} days",
    remedy="let it turn once a year or more often",
    sources=(ROTATION,),
    demanding=True,
)
def a_key_that_seldom_turns(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY):
        days = site.get(key, "RotationPeriodInDays")
        if str(days).isdigit() and int(str(days)) > 366:
            yield found(key, "RotationPeriodInDays", key=key, days=days)


@rule(
    "W9257",
    cause="{key} is gone {days} days after somebody deletes it, and all that it encrypts with it",
    remedy="leave 30 days to notice, where data must last",
    sources=("https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",),
    demanding=True,
)
def a_key_that_is_soon_gone(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY):
        days = site.get(key, "PendingWindowInDays")
        if str(days).isdigit() and int(str(days)) < 30 and site.durable(key):
            yield found(key, "PendingWindowInDays", key=key, days=days)


def _domains(site: Site) -> Mapping[Resource, dict[str, list[tuple[Resource, tuple[str | int, ...]]]]]:
    made: dict[Resource, dict[str, list[tuple[Resource, tuple[str | int, ...]]]]]
    made = defaultdict(lambda: defaultdict(list))
    for resource, path, domain, key in uses_of_keys(site):
        if domain:
            made[key][domain].append((resource, path))
    return made


@rule(
    "W9258",
    cause="{used} is under {key}, which is for {domain}, while {other} is for {own} alone",
    remedy="put it under the key of its own domain: who may use one must not read the other",
    sources=(PRIVILEGE,),
    demanding=True,
)
def a_key_of_another_domain(site: Site) -> Iterator[Finding]:
    domains = _domains(site)
    alone = {next(iter(of)): key for key, of in domains.items() if len(of) == 1}
    for key, of in domains.items():
        if len(of) < 2:
            continue
        for own, used in of.items():
            rest = sorted(of.keys() - {own})
            if own in alone:
                resource, path = used[0]
                yield found(
                    resource, *path, used=resource, key=key, domain=", ".join(rest), other=alone[own], own=own
                )


@rule(
    "W9259",
    cause="{key} encrypts nothing here",
    remedy="use it, or take it out: it costs money, and hides that what it was for is under another",
    sources=(PRIVILEGE,),
    demanding=True,
)
def a_key_without_use(site: Site) -> Iterator[Finding]:
    watching = {"AWS::Events::Rule", "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}
    used = {key for _, _, _, key in uses_of_keys(site)}
    others = [key for key in site.all(KEY) if key in used]
    for key in site.all(KEY):
        users = {use.user.kind for use in site.uses(key) if use.user != key}
        if others and key not in used and users <= watching and not _given_out(site, key):
            yield found(key, key=key)


def _given_out(site: Site, key: Resource) -> bool:
    root = site.tree.root
    texts = [str(site.resolver.value(value, root.address)) for value in root.outputs.values()]
    return any(f"${{{key.address}" in text for text in texts)
