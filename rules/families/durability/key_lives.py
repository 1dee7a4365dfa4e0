"""Keys: with material, in periods that KMS takes, and with a policy that locks nobody out."""

from collections.abc import Iterator

from rules.families.durability.upkeep import KEY, encrypted_by, flag, number, off, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site

KMS = "https://docs.aws.amazon.com/kms/latest/developerguide/"
REFERENCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html"
SHORTEST, LONGEST = 7, 30  # days in which a deletion can be cancelled
OFTEN, SELDOM = 90, 2560  # days from one rotation to the next


@rule(
    "E9408",
    cause="key {key} has RotationPeriodInDays {days}{why}",
    remedy="set EnableKeyRotation: true with 90 to 2560 days",
    sources=(f"{KMS}rotate-keys.html", REFERENCE),
)
def a_rotation_period_that_cannot_be(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY):
        days = number(site.get(key, "RotationPeriodInDays"))
        if days is None:
            continue
        if not OFTEN <= days <= SELDOM:
            yield found(key, "RotationPeriodInDays", key=key, days=days, why=", which KMS refuses")
        elif off(site, key, "EnableKeyRotation"):
            yield found(key, "RotationPeriodInDays", key=key, days=days, why=", and no rotation")


@rule(
    "E9409",
    cause="key {key} waits {days} days before it is deleted, and KMS takes 7 to 30",
    remedy="set PendingWindowInDays from 7 to 30",
    sources=(f"{KMS}deleting-keys.html",),
)
def a_waiting_period_that_cannot_be(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY, "AWS::KMS::ReplicaKey"):
        days = number(site.get(key, "PendingWindowInDays"))
        if days is not None and not SHORTEST <= days <= LONGEST:
            yield found(key, "PendingWindowInDays", key=key, days=days)


@rule(
    "W9406",
    cause="key {key} may be given a policy that locks its own account out",
    remedy="leave out BypassPolicyLockoutSafetyCheck",
    sources=(REFERENCE,),
)
def a_key_that_may_lock_its_account_out(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY):
        if flag(site, key, "BypassPolicyLockoutSafetyCheck"):
            yield found(key, "BypassPolicyLockoutSafetyCheck", key=key)


@rule(
    "W9407",
    cause="key {key} is made without material ({origin}), so {users} wait for somebody to import it",
    remedy="leave out Origin, or make the key apart and give its ARN",
    sources=(f"{KMS}importing-keys.html",),
)
def a_key_without_material(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY):
        origin = word(site, key, "Origin")
        users = list(dict.fromkeys(encrypted_by(site, key))) if origin == "EXTERNAL" else []
        if users:
            yield found(key, "Origin", key=key, origin=origin, users=", ".join(map(str, users)))
