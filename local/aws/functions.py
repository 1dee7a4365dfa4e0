"""Deployed functions run here, not in /var/task, and see this machine's certificate authority.

Upstream starts a Python function as a process of its own, in the unpacked zip, with the function's
Environment, the embedded endpoint and credentials of the function's role (so its policies count).

What a function logs comes out as Lambda's runtime has it; upstream has no handler, so only warnings come, and
says nothing of an exception's type: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html

It writes a function's log whatever its role allows, and so makes a log group again that a stack has just
deleted, when an invocation outlasts it. Lambda needs logs:CreateLogGroup on the function's role for that:
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator, lambda_runtime, responses
from ministack.services import cloudwatch_logs, lambda_svc

from local.aws.patching import replace
from local.aws.stacks import Json

TASK_ROOT = "/var/task/"
CA_VARIABLE = "DATABASE_CA_FILE"
# In upstream's program that runs a function: where it begins, and where the function has failed.
BEGINS = "    sys.stdout = sys.stderr\n"
FAILED = "        except Exception as e:\n            _real_stdout.write("
HANDLER = """
    import logging
    root_handler = logging.StreamHandler(sys.stderr)
    root_handler.setFormatter(logging.Formatter("[%(levelname)s]\\t%(asctime)s\\t%(message)s"))
    logging.getLogger().addHandler(root_handler)
"""
TYPE = "print(f'[ERROR] {type(e).__name__}: {e}', flush=True)"


def install(ca_file: Path) -> None:
    original: Callable[..., None] = lambda_runtime.Worker.__init__

    def init(self: object, func_name: str, config: Json, code_zip: bytes) -> None:
        environment = dict(config.get("Environment") or {})
        environment["Variables"] = local_variables(environment.get("Variables") or {}, ca_file)
        original(self, func_name, {**config, "Environment": environment}, code_zip)

    lambda_runtime.Worker.__init__ = init
    lambda_runtime._PYTHON_WORKER_SCRIPT = _logging(lambda_runtime._PYTHON_WORKER_SCRIPT)
    replace(lambda_svc._emit_lambda_logs, _where_it_may(lambda_svc._emit_lambda_logs))


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


def _logging(program: str) -> str:
    """Raises LookupError: upstream has changed, and this with it."""
    if program.count(BEGINS) != 1 or program.count(FAILED) != 1:
        raise LookupError("ministack runs Python functions by another program now")
    program = program.replace(BEGINS, BEGINS + HANDLER)
    head, line = FAILED.rsplit("            ", 1)
    return program.replace(FAILED, f"{head}            {TYPE}\n            {line}")


def _where_it_may(original: Callable[..., None]) -> Callable[..., None]:
    def emit(function: Json, *rest: Any, **named: Any) -> None:
        config = function.get("config") or function
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
        if group in cloudwatch_logs._log_groups or _may_make(group, config["Role"]):
            original(function, *rest, **named)

    return emit


def _may_make(group: str, role: str) -> bool:
    """Whether a role allows logs:CreateLogGroup; one that is gone allows nothing."""
    account, region = role.split(":")[4], responses.get_region()
    asked = iam_evaluator.EvalContext(
        principal_arn=role,
        principal_type="AssumedRole",
        principal_account=account,
        action="logs:CreateLogGroup",
        resource_arn=f"arn:aws:logs:{region}:{account}:log-group:{group}",
        region=region,
    )
    policies = iam_evaluator._gather_role_policies(role.rpartition("/")[2], account)
    return bool(iam_evaluator.evaluate(asked, policies).decision == "Allow")
