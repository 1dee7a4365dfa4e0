"""Generated passwords: one that is made, that nobody guesses, and that URLs and engines take."""

import string
from collections.abc import Iterator, Mapping

from rules.families.secrets.logins import (
    SECRET,
    attachments,
    generated,
    schedules,
    written,
)
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.values import Given, Unknown, Value, known

GENERATE = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
    "aws-properties-secretsmanager-secret-generatesecretstring.html"
)
STRUCTURE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html"
LIMITS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html"
KEY, TEMPLATE = "GenerateStringKey", "SecretStringTemplate"
SHORTEST = 16
DEFAULT = 32
BREAKING = '/@"'  # RDS takes none of them in a master's password, and each ends a part of a URL
GROUPS = ("ExcludeLowercase", "ExcludeUppercase", "ExcludeNumbers")


@rule(
    "E9350",
    cause="{secret} cannot be generated: {wrong}",
    remedy="write both, SecretStringTemplate as a JSON object without the key of GenerateStringKey",
    sources=(GENERATE,),
)
def a_secret_that_cannot_be_made(site: Site) -> Iterator[Finding]:
    for secret in site.all(SECRET):
        given = generated(site, secret)
        wrong = _unmakeable(given) if given is not None else ""
        if wrong:
            yield found(secret, "GenerateSecretString", TEMPLATE, secret=secret, wrong=wrong)


def _unmakeable(given: Mapping[str, Value]) -> str:
    key, template = given.get(KEY), given.get(TEMPLATE)
    if (key is None) != (template is None):
        return f"it has {TEMPLATE if key is None else KEY} alone"
    if template is None or isinstance(template, Given | Unknown) or not known(template):
        return ""
    body = written(template)
    if body is None:
        return f"{TEMPLATE} is no JSON object"
    if known(key) and str(key) in body:
        return f"{TEMPLATE} has a value for {key} already"
    return ""


@rule(
    "E9351",
    cause="{secret} is a database's login, and has no {field}",
    remedy='let SecretStringTemplate hold {{"username": …}} and GenerateStringKey be password',
    sources=(STRUCTURE,),
)
def a_login_without_a_field(site: Site) -> Iterator[Finding]:
    for secret in site.all(SECRET):
        given = generated(site, secret)
        if given is None or not attachments(site, secret):
            continue
        key, body = given.get(KEY), written(given.get(TEMPLATE))
        if body is not None and "username" not in body:
            yield found(secret, "GenerateSecretString", TEMPLATE, secret=secret, field="username")
        if key is not None and known(key) and key != "password" and "password" not in (body or {}):
            yield found(secret, "GenerateSecretString", KEY, secret=secret, field="password")
        if key is None and given.get(TEMPLATE) is None:
            yield found(secret, "GenerateSecretString", secret=secret, field="username")


@rule(
    "E9352",
    cause="{secret} is a database's login, and begins with no value at all",
    remedy="give it GenerateSecretString",
    sources=(GENERATE, STRUCTURE),
)
def a_login_without_a_value(site: Site) -> Iterator[Finding]:
    for secret in site.all(SECRET):
        values = (site.get(secret, "GenerateSecretString"), site.get(secret, "SecretString"))
        if all(value is None for value in values) and (attachments(site, secret) or schedules(site, secret)):
            yield found(secret, "GenerateSecretString", secret=secret)


@rule(
    "W9353",
    cause="{secret} is generated with {length} characters",
    remedy=f"set PasswordLength to {SHORTEST} or more, or leave it out for {DEFAULT}",
    sources=(GENERATE, "https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html"),
    demanding=True,
)
def a_password_that_is_short(site: Site) -> Iterator[Finding]:
    for secret in site.all(SECRET):
        length = site.get(secret, "GenerateSecretString", "PasswordLength")
        if str(length).isdigit() and int(str(length)) < SHORTEST:
            yield found(secret, "GenerateSecretString", "PasswordLength", secret=secret, length=length)


@rule(
    "W9354",
    cause="the password of {secret} may have {characters} in it, which a database or a URL does not take",
    remedy="set ExcludePunctuation: true, or name them in ExcludeCharacters",
    sources=(GENERATE, LIMITS),
)
def a_password_with_breaking_characters(site: Site) -> Iterator[Finding]:
    for secret in site.all(SECRET):
        given = generated(site, secret)
        if given is None or not attachments(site, secret):
            continue
        without, characters = given.get("ExcludePunctuation"), given.get("ExcludeCharacters")
        if not known([without, characters]):
            continue
        left = [] if str(without).lower() == "true" else [*BREAKING]
        left = [one for one in left if one not in str(characters or "")]
        if str(given.get("IncludeSpace")).lower() == "true":
            left.append("a space")
        if left:
            yield found(
                secret,
                *("GenerateSecretString", "ExcludeCharacters"),
                secret=secret,
                characters=" ".join(left),
            )


@rule(
    "W9355",
    cause="the password of {secret} is made of {count} different characters",
    remedy="exclude less: of lowercase, uppercase and numbers leave at least two",
    sources=(GENERATE,),
)
def a_password_of_few_characters(site: Site) -> Iterator[Finding]:
    for secret in site.all(SECRET):
        given = generated(site, secret)
        if given is None or not known(list(given.values())):
            continue
        count = len(_characters(given))
        if count < 36:
            yield found(secret, "GenerateSecretString", secret=secret, count=count)


def _characters(given: Mapping[str, Value]) -> set[str]:
    """All that a password may have in it."""

    def excluded(name: str) -> bool:
        return str(given.get(name)).lower() == "true"

    sets = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    left = {one for name, group in zip(GROUPS, sets, strict=True) if not excluded(name) for one in group}
    left |= set() if excluded("ExcludePunctuation") else set(string.punctuation)
    return left - set(str(given.get("ExcludeCharacters") or ""))


@rule(
    "W9356",
    cause="the name of {secret} ends like the suffix that Secrets Manager adds, so a partial ARN may miss it",
    remedy="end the name otherwise than in a hyphen and six characters",
    sources=("https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html",),
)
def a_name_that_ends_like_a_suffix(site: Site) -> Iterator[Finding]:
    for secret in site.all(SECRET):
        name = site.get(secret, "Name")
        tail = name.rpartition("-")[2] if isinstance(name, str) and "-" in name else ""
        # A word of six letters is a name; a mixture looks like what the service appends.
        if len(tail) == 6 and tail.isalnum() and not tail.isalpha():
            yield found(secret, "Name", secret=secret)
