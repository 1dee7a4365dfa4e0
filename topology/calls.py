"""Which calls of AWS a package of Python makes, read from its source.

Clients have one way into being, `client("<service>")`, and methods named after the operations that botocore's
models list. So every attribute named after an operation of a service whose client the package makes is taken
for a call, wherever it stands: one too many shows, and none is missed but by a name that only a run knows.
Such names are refused in every module that has to do with clients; tests/conftest.py watches the runs.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import botocore.session
from botocore import xform_name
from botocore.exceptions import UnknownServiceError

INDIRECT = {"get_paginator", "get_waiter"}
BY_NAME = {"getattr", "methodcaller", "attrgetter"}  # what would call a method whose name no source shows
# A client's own ways to an operation by its name: botocore/client.py, BaseClient.
WITHIN_CLIENTS = {"_make_api_call", "_make_request"}


class HiddenCall(ValueError):
    """{file}:{line}: {why no reader of the source can tell what is called, and what to write instead}"""


@dataclass(frozen=True, order=True)
class Call:
    """One operation, where the source names it."""

    service: str  # as boto3.client takes it
    operation: str  # GetRecords
    file: str
    line: int


def calls(package: Path, root: Path) -> list[Call]:
    """Every call in the .py files under `package`, with paths relative to `root`. Raises HiddenCall."""
    trees = {
        str(file.relative_to(root)): ast.parse(file.read_text(encoding="utf-8"))
        for file in sorted(package.rglob("*.py"))
    }
    services = sorted({name for file, tree in trees.items() for name in _clients(file, tree)})
    return sorted(call for file, tree in trees.items() for call in _in_module(file, tree, services))


def _clients(file: str, tree: ast.AST) -> Iterator[str]:
    """The services whose clients a module makes, or only means by a type."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in {"client", "resource"}:
                service = _literal(node, file, "the service")
                if node.func.attr == "resource":
                    raise HiddenCall(f"{file}:{node.lineno}: a resource hides its calls; make a client")
                yield service
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("types_boto3_"):
            yield (node.module or "").split(".")[0].removeprefix("types_boto3_").replace("_", "-")


def _in_module(file: str, tree: ast.AST, services: list[str]) -> Iterator[Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in WITHIN_CLIENTS:
            raise HiddenCall(f"{file}:{node.lineno}: {node.attr} hides what is called; call the method")
    found = list(_named(file, tree, services))
    if found or any(_clients(file, tree)):
        for node in ast.walk(tree):
            if isinstance(node, ast.Name | ast.Attribute) and (name := _name(node)) in BY_NAME:
                why = f"{name} hides what is called; name the method"
                raise HiddenCall(f"{file}:{node.lineno}: {why}")
    yield from found


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _named(file: str, tree: ast.AST, services: list[str]) -> Iterator[Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _name(node.func)
            if name in INDIRECT:
                yield from _indirect(node, name, file, services)
        elif isinstance(node, ast.Attribute):
            for service in services:
                if operation := operations(service).get(node.attr):
                    yield Call(service, operation, file, node.lineno)


def _indirect(node: ast.Call, name: str, file: str, services: list[str]) -> Iterator[Call]:
    """A paginator repeats one operation; so does a waiter."""
    wanted = _literal(node, file, "what it repeats")
    for service in services:
        table = operations(service) if name == "get_paginator" else _waiters(service)
        if wanted in table:
            yield Call(service, table[wanted], file, node.lineno)


def _literal(node: ast.Call, file: str, what: str) -> str:
    first = node.args[0] if node.args else None
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        raise HiddenCall(f"{file}:{node.lineno}: {ast.unparse(node)} must name {what} by a literal, first")
    return first.value


@cache
def operations(service: str) -> Mapping[str, str]:
    """Method of the client → operation. Raises HiddenCall for a service that botocore does not know."""
    try:
        model = botocore.session.get_session().get_service_model(service)
    except UnknownServiceError as error:
        raise HiddenCall(f"botocore knows no service {service}") from error
    return {xform_name(operation): operation for operation in model.operation_names}


@cache
def _waiters(service: str) -> Mapping[str, str]:
    loader = botocore.session.get_session().get_component("data_loader")
    model = loader.load_service_model(service, "waiters-2")
    return {xform_name(name): waiter["operation"] for name, waiter in model["waiters"].items()}
