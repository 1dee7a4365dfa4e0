"""No secret is ever a parameter: parameters are shown, logged and kept in plans.

NoEcho hides a value in the answers of a few calls only, and a reference that is resolved into a parameter
is a secret in a parameter all the same.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

import json
import re
from pathlib import Path

from deployer import masking, templates
from deployer.errors import DeployerError
from deployer.templates import Tree

RESOLVED = re.compile(r"\{\{resolve:(secretsmanager|ssm-secure):")
# A parameter of such a type names an SSM parameter, and never holds a value of its own.
POINTER = "AWS::SSM::Parameter::"


class SecretParameter(DeployerError):
    """{where}: the parameter {name} {why}, and a parameter is no place for a secret: keep the value in
    Secrets Manager (AWS::SecretsManager::Secret, or the database's ManageMasterUserPassword), hand its ARN
    over, let the program read it when it runs, then `python build.py` and `python deploy.py plan` again;
    nothing was uploaded"""


def refuse(tree: Tree, file: Path | str) -> None:
    """Look at what a template asks for and at what it hands to the stacks that it nests.

    Raises SecretParameter.
    """
    for name, declared in tree.get("Parameters", {}).items():
        if str(declared.get("NoEcho", False)).lower() == "true":
            raise SecretParameter(where=file, name=name, why="is declared with NoEcho")
        if masking.NAMES.search(name) and not str(declared.get("Type", "")).startswith(POINTER):
            raise SecretParameter(where=file, name=name, why="has the name of a secret")
        refuse_value(name, declared.get("Default"), file)
    for title, resource in templates.resources(tree).items():
        if resource["Type"] == templates.NESTED:
            for name, value in resource.get("Properties", {}).get("Parameters", {}).items():
                refuse_value(f"{title}.{name}", value, file)


def refuse_value(name: str, value: object, where: Path | str) -> None:
    """Look at one value, with whatever functions make it. Raises SecretParameter."""
    text = value if isinstance(value, str) else json.dumps(value)
    if RESOLVED.search(text):
        raise SecretParameter(where=where, name=name, why="resolves a secret")
    if masking.SHAPES.search(text):
        raise SecretParameter(where=where, name=name, why="has the shape of a secret")
