"""Functions as they run: how long, with what, how many at once, and what becomes of failures."""

from collections.abc import Iterator

from rules.families.containers.role_rights import ROLE
from rules.families.containers.scaled import whole
from rules.families.containers.workloads import FUNCTION, number, shown
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, known

CREATE = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"
LIMITS = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
TIMEOUT = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html"
MEMORY = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"
CONCURRENCY = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"
ASYNC = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
ROTATION = (
    "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets_turn-on-for-other.html"
)
RANGES = (
    (("Timeout",), 1, 900),
    (("MemorySize",), 128, 10240),
    (("EphemeralStorage", "Size"), 512, 10240),
)
LEAST_OF_A_ROTATION = 30  # seconds, as AWS's own rotation functions have
LONG = 60  # seconds: whoever allows so much expects work
CALLERS = ("AWS::Events::Rule", "AWS::SNS::Subscription", "AWS::S3::Bucket", "AWS::IoT::TopicRule")
QUEUE, TOPIC = "AWS::SQS::Queue", "AWS::SNS::Topic"


def rotates(site: Site, function: Resource) -> list[Resource]:
    """The rotation schedules that call a function."""
    return [use.user for use in site.uses(function, "AWS::SecretsManager::RotationSchedule")]


@rule(
    "E9555",
    cause="function {function} has {property}: {value}, and Lambda takes {least} to {most}",
    remedy="choose a number within",
    sources=(LIMITS, CREATE),
)
def a_function_out_of_range(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        for path, least, most in RANGES:
            value = number(site.get(function, *path))
            if value is not None and not least <= value <= most:
                parts = {"property": path[-1], "value": shown(value), "least": least, "most": most}
                yield found(function, *path, function=function, **parts)


@rule(
    "W9520",
    cause="function {function} is stopped after {seconds} s{why}",
    remedy="set Timeout to what the work takes at worst, the first connections included",
    sources=(TIMEOUT, ROTATION),
    demanding=True,
)
def a_function_without_time(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        said = site.get(function, "Timeout")
        seconds = 3 if said is None else number(said)
        if seconds is None:
            continue
        networked = bool(site.items(function, "VpcConfig", "SubnetIds"))
        if rotates(site, function) and seconds < LEAST_OF_A_ROTATION:
            why = ", in the middle of a rotation"
            yield found(function, "Timeout", function=function, seconds=shown(seconds), why=why)
        elif networked and seconds <= 3:
            why = ", and its first connection in the VPC may take as long"
            yield found(function, "Timeout", function=function, seconds=shown(seconds), why=why)


@rule(
    "E9561",
    cause="function {function} may never run: it reserves 0 of the account's concurrency",
    remedy="set ReservedConcurrentExecutions to 1 at least, or leave it out",
    sources=(CONCURRENCY,),
)
def a_function_that_never_runs(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION, "AWS::Serverless::Function"):
        if whole(site.get(function, "ReservedConcurrentExecutions")) == 0:
            yield found(function, "ReservedConcurrentExecutions", function=function)


@rule(
    "W9523",
    cause="function {function} rotates a secret and is called by {other}, and nothing keeps the calls apart",
    remedy="set ReservedConcurrentExecutions to {secrets}: one for each secret that it rotates",
    sources=(CONCURRENCY, ROTATION),
    demanding=True,
)
def a_rotation_beside_itself(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        others = [use.user for use in site.uses(function, *CALLERS)]
        reserved = site.get(function, "ReservedConcurrentExecutions")
        # Secrets Manager asks for a secret's steps one after another.
        secrets = len(rotates(site, function))
        apart = reserved is not None and (not known(reserved) or whole(reserved) in range(secrets + 1))
        if others and secrets and not apart:
            path = (function, "ReservedConcurrentExecutions")
            yield found(*path, function=function, other=others[0], secrets=secrets)


@rule(
    "W9524",
    cause="function {function} may work for {seconds} s with 128 MB, the least memory and processor",
    remedy="set MemorySize to more: processor time comes with memory, and may cost no more",
    sources=(MEMORY,),
    demanding=True,
)
def a_long_function_of_the_least_size(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        memory, seconds = site.get(function, "MemorySize"), number(site.get(function, "Timeout"))
        least = memory is None or number(memory) == 128
        in_network = bool(site.items(function, "VpcConfig", "SubnetIds"))
        if least and in_network and seconds is not None and seconds >= LONG:
            yield found(function, "MemorySize", function=function, seconds=shown(seconds))


@rule(
    "E9569",
    cause="function {function} is to send what it cannot do to {target}, {why}",
    remedy="name a standard queue or topic by its ARN, and not one that it reads itself",
    sources=(ASYNC, CREATE),
)
def a_dead_letter_that_goes_nowhere(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        target = site.get(function, "DeadLetterConfig", "TargetArn")
        if not isinstance(target, Reference):
            continue
        kind, attribute = target.resource.kind, target.attribute
        read = [
            site.get(use.user, "EventSourceArn")
            for use in site.uses(function)
            if "EventSource" in use.user.kind
        ]
        whys = {
            "which is neither a queue nor a topic": kind not in (QUEUE, TOPIC),
            "which is its URL or name, not its ARN": kind == QUEUE and attribute != "Arn",
            "which keeps an order that Lambda cannot": str(site.get(target.resource, "FifoQueue")).lower()
            == "true",
            "which it reads itself": target in read,
        }
        why = next((why for why, so in whys.items() if so), "")
        if why:
            yield found(
                function, "DeadLetterConfig", "TargetArn", function=function, target=target.resource, why=why
            )


@rule(
    "W9527",
    cause="the environment of function {function} is under none of the keys here, such as {key}",
    remedy="set KmsKeyArn to a key that its role may use",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html",),
    demanding=True,
)
def an_environment_under_no_key(site: Site) -> Iterator[Finding]:
    keys = list(site.all("AWS::KMS::Key"))
    for function in site.all(FUNCTION):
        variables = site.get(function, "Environment", "Variables")
        if keys and isinstance(variables, dict) and variables and site.get(function, "KmsKeyArn") is None:
            yield found(function, "KmsKeyArn", function=function, key=keys[0])


@rule(
    "W9533",
    cause="anybody on the internet may call function {function} by {url}",
    remedy="set AuthType: AWS_IAM",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html",),
    demanding=True,
)
def a_function_that_anybody_calls(site: Site) -> Iterator[Finding]:
    for url in site.all("AWS::Lambda::Url"):
        if site.get(url, "AuthType") == "NONE":
            function = site.target(site.get(url, "TargetFunctionArn")) or "(elsewhere)"
            yield found(url, "AuthType", url=url, function=function)


@rule(
    "W9537",
    cause="function {function} may call itself in a circle for ever: RecursiveLoop is Allow",
    remedy="leave RecursiveLoop out, so that Lambda stops a circle after 16 turns",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html",),
    demanding=True,
)
def a_function_in_a_circle(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        if site.get(function, "RecursiveLoop") == "Allow":
            yield found(function, "RecursiveLoop", function=function)


@rule(
    "E9564",
    cause="function {function} names its role by {role}, and Lambda wants an ARN",
    remedy="write Fn::GetAtt of the role's Arn",
    sources=("https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",),
)
def a_function_whose_role_is_no_arn(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        role = site.get(function, "Role")
        if isinstance(role, Reference) and role.resource.kind == ROLE and role.attribute != "Arn":
            yield found(function, "Role", function=function, role=role.attribute)
