"""Deployed functions run here, not in /var/task, and see this machine's certificate authority.

Upstream starts a Python function as a process of its own, in the unpacked zip, with the function's
Environment, the embedded endpoint and credentials of the function's role (so its policies count).
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from ministack.core import lambda_runtime

from local.aws.stacks import Json

TASK_ROOT = "/var/task/"
CA_VARIABLE = "DATABASE_CA_FILE"


def install(ca_file: Path) -> None:
    original: Callable[..., None] = lambda_runtime.Worker.__init__

    def init(self: object, func_name: str, config: Json, code_zip: bytes) -> None:
        environment = dict(config.get("Environment") or {})
        environment["Variables"] = local_variables(environment.get("Variables") or {}, ca_file)
        original(self, func_name, {**config, "Environment": environment}, code_zip)

    lambda_runtime.Worker.__init__ = init


def local_variables(variables: Mapping[str, str], ca_file: Path) -> dict[str, str]:
    """What the template gives a function, with the two things that differ on one machine.

    DATABASE_CA_FILE is `ca_file`: the local server's certificate is not Amazon's. A path in /var/task
    is relative, since the process starts in the unpacked zip.
    """
    mapped = {
        name: value.removeprefix(TASK_ROOT) if value.startswith(TASK_ROOT) else value
        for name, value in variables.items()
    }
    if CA_VARIABLE in mapped:
        mapped[CA_VARIABLE] = str(ca_file)
    return mapped
