"""The sections of docs/access.md that policies fill: roles, services, devices and gateways, logins."""

from collections.abc import Iterable, Iterator

from topology.describing import BREAK, Describer
from topology.page import Row, Section
from topology.policies import Kind, Policy, managed_by_aws
from topology.rendering import Renderer
from topology.tree import Resource, Tree

BOUNDARY = "Bootstrap/Boundary"
APART = {BOUNDARY, "Bootstrap/Deployer"}  # each has a section of its own
# What no need is written for, since it is made from the templates.
DERIVED = "[CloudFormation](decisions/deployment-roles.md), to make what the templates name"
MAY = ("may", "on", "if", "needed by")
AWS_POLICIES = "https://docs.aws.amazon.com/aws-managed-policy/latest/reference"


def sections(tree: Tree, renderer: Renderer, listed: list[Policy], describer: Describer) -> Iterator[Section]:
    yield Section("Roles", (), (), "What each role may do. All else is refused.")
    managed = list(managed_by_aws(tree, renderer))
    for role in tree.resources("AWS::IAM::Role"):
        yield _role(role, listed, describer, [name for who, name in managed if who == role])
    yield Section(
        "The boundary",
        ("at most", "on"),
        tuple(_boundaries(listed, describer)),
        f"What no role of the platform goes beyond, whatever its policies say: each carries `{BOUNDARY}`.",
    )
    yield Section(
        "Services",
        ("service", "may", "on", "if", "needed by"),
        tuple(_services(listed, describer)),
        "What services of AWS may do without a role, by the policy of the resource itself.",
    )
    yield Section(
        "Devices and gateways",
        ("who", "may", "on", "if"),
        tuple(_devices(tree, listed, describer)),
        "A device speaks with its certificate, to which an IoT policy is attached; a gateway with AWS"
        " credentials of its own, to which a managed policy is.",
    )
    yield Section(
        "People",
        ("who", "may", "on", "if"),
        tuple(_people(listed, describer)),
        "Nobody is named here: people come with roles of the account, and its IAM policies say what those may"
        " do. These policies of resources let them, or refuse whatever they bring.",
    )
    yield Section(
        "Logins",
        ("login", "to", "how", "may"),
        tuple(_logins(tree, renderer, listed)),
        "Who may log in to database and cache, behind the network's doors.",
    )


def _role(role: Resource, listed: list[Policy], describer: Describer, managed: Iterable[str]) -> Section:
    trusted = []
    for policy in listed:
        if policy.kind is Kind.TRUST and policy.resource == role:
            for statement in policy.statements:
                who = ", ".join(name for _, name in statement.principals)
                condition = describer.conditions(statement).replace(BREAK, ", ")
                trusted.append(f"{who}{f', if {condition}' if condition else ''}")
    users = [f"`{user}`" for user in describer.users(role)]
    own = [f"[{name.rpartition('/')[2]}]({AWS_POLICIES}/{name.rpartition('/')[2]}.html)" for name in managed]
    text = (
        f"{describer.module(role)}, for {', '.join(users) or 'nothing here'}. Taken by {'; '.join(trusted)}."
        + (f" It also has AWS's own policy {', '.join(own)}." if own else "")
    )
    rows = []
    for policy in listed:
        if policy.kind is Kind.IDENTITY and role in policy.about:
            for statement in policy.statements:
                never = "" if statement.allows else "**never** "
                rows.append(
                    (
                        never + describer.actions(statement),
                        describer.resources(policy, statement),
                        describer.conditions(statement),
                        describer.needs(statement) or DERIVED,
                    )
                )
    return Section(f"`{role}`", MAY, tuple(rows), text, level=3)


def _services(listed: list[Policy], describer: Describer) -> Iterator[Row]:
    for policy in listed:
        if policy.kind is Kind.RESOURCE:
            for statement in policy.statements:
                for kind, name in statement.principals:
                    if kind == "Service":
                        yield (
                            name,
                            describer.actions(statement),
                            describer.resources(policy, statement),
                            describer.conditions(statement),
                            describer.needs(statement),
                        )


def _boundaries(listed: list[Policy], describer: Describer) -> Iterator[Row]:
    for policy in listed:
        if policy.resource.address == BOUNDARY:
            for statement in policy.statements:
                yield (describer.actions(statement), describer.resources(policy, statement))


def _devices(tree: Tree, listed: list[Policy], describer: Describer) -> Iterator[Row]:
    for policy in listed:
        managed = policy.resource.kind == "AWS::IAM::ManagedPolicy" and not policy.about
        if policy.resource.address in APART:
            continue
        if policy.kind is Kind.DEVICE or managed:
            for statement in policy.statements:
                yield (
                    f"who has `{policy.resource}`",
                    ("" if statement.allows else "**never** ") + describer.actions(statement),
                    describer.resources(policy, statement),
                    describer.conditions(statement),
                )


def _people(listed: list[Policy], describer: Describer) -> Iterator[Row]:
    for policy in listed:
        if policy.kind is Kind.RESOURCE:
            for statement in policy.statements:
                for kind, name in statement.principals:
                    if kind != "Service":
                        account = name.endswith(":root")
                        yield (
                            "whom IAM in this account lets"
                            if account
                            else "everybody"
                            if name == "*"
                            else name,
                            ("" if statement.allows else "**never** ") + describer.actions(statement),
                            describer.resources(policy, statement),
                            describer.conditions(statement),
                        )


def _person(name: str) -> str:
    if name.endswith(
        ":root"
    ):  # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
        return "whomever IAM policies of the account let"
    return "everybody" if name == "*" else name


def _logins(tree: Tree, renderer: Renderer, listed: list[Policy]) -> Iterator[Row]:
    for user in tree.resources("AWS::ElastiCache::User"):
        made = renderer.document(renderer.resolver.properties(user))
        how = made.get("AuthenticationMode", {}).get("Type", "password")
        token = "a token of a role that may elasticache:Connect" if how == "iam" else how
        yield (f"`{user}`", "the cache", token, f"`{made['AccessString']}`")
    granted = [
        statement
        for policy in listed
        for statement in policy.statements
        if statement.allows and "rds-db:connect" in statement.actions
    ]
    for database in tree.resources("AWS::RDS::DBInstance"):
        made = renderer.document(renderer.resolver.properties(database))
        if made.get("ManageMasterUserPassword"):
            how = "a secret that RDS keeps and rotates"
            yield (f"{made['MasterUsername']}", f"`{database}`", how, "all that RDS lets a master do")
        if made.get("EnableIAMDatabaseAuthentication"):
            by = "a token of whoever may rds-db:connect"
            who = "no policy here allows it" if not granted else f"{len(granted)} statements here allow it"
            yield ("users with rds_iam", f"`{database}`", by, f"what the database grants them; {who}")
    for secret in tree.resources("AWS::SecretsManager::Secret"):
        made = renderer.document(renderer.resolver.properties(secret))
        rotated = any(
            renderer.document(renderer.resolver.property(schedule, "SecretId")) == renderer.arn(secret)
            for schedule in tree.resources("AWS::SecretsManager::RotationSchedule")
        )
        how = f"`{secret}`" + (", rotated" if rotated else "")
        yield (
            str(made.get("Description", secret)),
            "what the secret names",
            how,
            "what the database grants it",
        )
