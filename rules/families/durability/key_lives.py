"""Keys: rotated, enabled, of a kind that encrypts, and recoverable for long enough."""

from collections.abc import Iterator

from rules.families.durability.upkeep import KEY, encrypted_by, flag, number, off, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

KMS = "https://docs.aws.amazon.com/kms/latest/developerguide/"
REFERENCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html"
SHORTEST, LONGEST = 7, 30  # days in which a deletion can be cancelled
OFTEN, SELDOM = 90, 2560  # days from one rotation to the next
YEAR = 365


def _symmetric(site: Site, key: Resource) -> bool:
    spec = site.get(key, "KeySpec")
    return spec in (None, "SYMMETRIC_DEFAULT") and word(site, key, "KeyUsage") in (None, "ENCRYPT_DECRYPT")


@rule(
    "W9403",
    cause="key {key} is never rotated",
    remedy="set EnableKeyRotation: true",
    sources=(
        f"{KMS}rotate-keys.html",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html",
    ),
    demanding=True,
)
def a_key_that_is_never_rotated(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY):
        if (
            _symmetric(site, key)
            and word(site, key, "Origin") in (None, "AWS_KMS")
            and off(site, key, "EnableKeyRotation")
        ):
            yield found(key, "EnableKeyRotation", key=key)


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
    "W9404",
    cause="key {key} is rotated every {days} days only",
    remedy="rotate it once a year or oftener: RotationPeriodInDays of 90 to 365",
    sources=(f"{KMS}rotate-keys.html",),
    demanding=True,
)
def a_key_that_is_rotated_seldom(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY):
        days = number(site.get(key, "RotationPeriodInDays"))
        if days is not None and YEAR + 1 < days <= SELDOM:
            yield found(key, "RotationPeriodInDays", key=key, days=days)


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
    "W9405",
    cause="key {key} of a lasting environment is gone {days} days after its deletion, and its data with it",
    remedy="set PendingWindowInDays: 30, the longest there is",
    sources=(f"{KMS}deleting-keys.html",),
)
def a_key_that_is_soon_gone(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY, "AWS::KMS::ReplicaKey"):
        days = number(site.get(key, "PendingWindowInDays"))
        if days is not None and SHORTEST <= days < LONGEST and site.durable(key):
            yield found(key, "PendingWindowInDays", key=key, days=days)


@rule(
    "E9410",
    cause="key {key} is disabled, and {users} cannot be read or written",
    remedy="set Enabled: true",
    sources=(f"{KMS}enabling-keys.html",),
)
def a_disabled_key_in_use(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY):
        users = list(dict.fromkeys(encrypted_by(site, key)))
        if users and off(site, key, "Enabled", default=True):
            yield found(key, "Enabled", key=key, users=", ".join(map(str, users)))


@rule(
    "E9411",
    cause="key {key} is asymmetric or of another use than encryption, and {users} need a symmetric one",
    remedy="leave out KeySpec and KeyUsage, or set SYMMETRIC_DEFAULT and ENCRYPT_DECRYPT",
    sources=(f"{KMS}symm-asymm-choose-key-spec.html",),
)
def a_key_of_a_kind_that_encrypts_no_storage(site: Site) -> Iterator[Finding]:
    for key in site.all(KEY):
        spec, usage = word(site, key, "KeySpec"), word(site, key, "KeyUsage")
        strange = spec not in (None, "SYMMETRIC_DEFAULT") or usage not in (None, "ENCRYPT_DECRYPT")
        users = list(dict.fromkeys(encrypted_by(site, key))) if strange else []
        if users:
            place = "KeySpec" if spec not in (None, "SYMMETRIC_DEFAULT") else "KeyUsage"
            yield found(key, place, key=key, users=", ".join(map(str, users)))


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
