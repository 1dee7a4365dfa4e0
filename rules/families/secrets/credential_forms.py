"""What a credential looks like: by its own form, by the name that it stands under, in a command line."""

import base64
import binascii
import json
import re
from collections.abc import Iterator

# What it is, what of it is looked for first since that is quick, and its form.
FORMS = (
    ("an AWS access key", ("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("a private key", ("-----BEGIN",), r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    (
        "a token of GitHub",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{22,}",
    ),
    ("a token of GitLab", ("glpat-",), r"\bglpat-[\w-]{20,}"),
    ("a token of Slack", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a hook of Slack", ("hooks.slack.com",), r"hooks\.slack\.com/services/T\w+/B\w+/\w+"),
    ("a key of Stripe", ("k_live_",), r"\b[sr]k_live_[A-Za-z0-9]{16,}"),
    ("a key of Google", ("AIza",), r"\bAIza[\w-]{35}\b"),
    ("a JSON web token", ("eyJ",), r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"),
    ("a password in a URL", ("://",), r"://[^\s/:@'\"]*:(?!\*+@)[^\s/@'\"$<>{}]+@"),
)
_FORMS = tuple((what, hints, re.compile(pattern)) for what, hints, pattern in FORMS)

NO_NAME = re.compile(
    r"^p?(?:Allow|Require|Enable|Disable|Manage|Use|Has|Is|No)[A-Z]"
)  # a choice about passwords
_WORD = r"password|passwd|passphrase|(?:^|[_.-])pass|(?<=[a-z])Pass|(?<=[a-z_.-])pwd"
_OTHER = (
    r"secret|token|api[_-]?key|(?:secret|shared)[_-]?(?:access[_-]?)?key|private[_-]?key|credentials?"
    r"|(?:^|[_.-]|cli_)auth"
)
NAMED = re.compile(rf"(?:{_WORD}|{_OTHER})(?:[_-]?\d+)?$", re.IGNORECASE)
PASSWORD = re.compile(rf"(?:{_WORD})(?:[_-]?\d+)?$", re.IGNORECASE)
# Properties of CloudFormation are words run together, of which only these are credentials.
PROPERTY = re.compile(
    r"(?:Password|Passwords|AuthToken|OA?uthToken|AccessToken|ClientSecret|SharedSecret|PreSharedKey"
    r"|SecretAccessKey|PrivateKey|ApiKey)$"
)
NO_CREDENTIAL = re.compile(
    r"true|false|yes|no|none|null|on|off|enabled|disabled|required|optional|iam|basic|bearer|oidc|jwt|x509"
    r"|auto|default|\d{1,4}|arn:.*|/.*|https?://[^@]*|(?-i:[a-z][a-z0-9._-]*(?:/[a-z0-9._-]+)+)",
    re.IGNORECASE | re.DOTALL,
)
PLACEHOLDERS = frozenset({"true", "false", "none", "required", "empty", "null", "placeholder", "tbd", "todo"})
_VALUE = r"[\"']?(?![-$%<>{(`*])([^\s'\"$<>{}`();&|\\]{4,})"
ASSIGNED = re.compile(
    rf"(?:^|[\s;,&?'\"(])(?:-{{1,2}})?([\w.-]*(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key"
    rf"|cli_auth|requirepass))\s*=\s*{_VALUE}",
    re.IGNORECASE,
)
FLAGGED = re.compile(
    rf"\s(--[\w-]*(?:password|passwd|passphrase|token|secret|api-key|requirepass))\s+{_VALUE}"
    rf"|\b(?:redis-cli|valkey-cli)\b[^|;&]*\s(-a)\s+{_VALUE}"
    rf"|\b(?:mysql\w*|mariadb\w*|sshpass)\b[^|;&]*\s(-p)\s?{_VALUE}"
    r"|\bcurl\b[^|;&]*\s(-u)\s+[\"']?[\w.-]+:[^\s$\"']{4,}",
    re.IGNORECASE,
)
SAID = re.compile(
    r"\b(password|passwd|token|secret)\b\s*(?:is|:|=)\s*(?=\S*\d)[\w!#%+@^*-]{6,}", re.IGNORECASE
)


def form(text: str) -> str:
    """What a text is, or has in it, by its form; empty where it has nothing of the kind."""
    for what, hints, pattern in _FORMS:
        if any(hint in text for hint in hints) and pattern.search(text):
            return what
    return ""


def literal(value: object, name: str) -> bool:
    """Whether a value that stands under the name of a credential is one, there for all to read."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return False
    text = str(value).strip()
    if "{{resolve:" in text or "${" in text:
        return False
    if PASSWORD.search(name):
        return not text.startswith(("arn:", "/")) and text.lower() not in PLACEHOLDERS
    return not NO_CREDENTIAL.fullmatch(text)


def in_json(text: str) -> str:
    """The key of a JSON text that holds a credential; empty where none does."""
    if not text.lstrip().startswith(("{", "[")):
        return ""
    try:
        return next(_keys(json.loads(text)), "")
    except ValueError:
        return ""


def _keys(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if NAMED.search(key) and literal(value, key):
                yield key
            yield from _keys(value)
    elif isinstance(node, list):
        for item in node:
            yield from _keys(item)


def in_command(text: str) -> str:
    """The option or variable of a command line, script or connection string that is given a credential."""
    for match in ASSIGNED.finditer(text):
        made = text[match.end() : match.end() + 1] == "$"  # the text goes on with a variable
        if literal(match[2], match[1]) and not made:
            return match[1].lstrip("-")
    for match in FLAGGED.finditer(f" {text}"):
        return next(one for one in match.groups() if one).lstrip("-")
    return ""


def decoded(text: str) -> str:
    """The text that a base64 text is; the text itself where it is none."""
    if len(text) < 8 or not re.fullmatch(r"[A-Za-z0-9+/=\s]+", text):
        return text
    try:
        return base64.b64decode(text, validate=False).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return text
