"""The code of functions: a runtime that is mended, a handler, a package that shows its change."""

import re
from collections.abc import Iterator

from rules.families.containers.workloads import FUNCTION
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site

RUNTIMES = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"
CODE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html"
HANDLER = "https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html"
# Those that AWS no longer mends, of its table.
ENDED = frozenset(
    [
        "dotnet6",
        "dotnetcore1.0",
        "dotnetcore2.0",
        "dotnetcore2.1",
        "dotnetcore3.1",
        "go1.x",
        "java8",
        "nodejs",
        "nodejs4.3",
        "nodejs4.3-edge",
        "nodejs6.10",
        "nodejs8.10",
        "nodejs10.x",
        "nodejs12.x",
        "nodejs14.x",
        "nodejs16.x",
        "nodejs18.x",
        "nodejs20.x",
        "provided",
        "python2.7",
        "python3.6",
        "python3.7",
        "python3.8",
        "python3.9",
        "ruby2.5",
        "ruby2.7",
        "ruby3.2",
    ]
)
FAMILIES = re.compile(r"dotnet\d+|java\d+(\.al2)?|nodejs\d+\.x|provided\.al\d+|python3\.\d+|ruby\d\.\d")
NEWEST_MINOR = {"python3": 30}  # no such minor is near
PARTS = {"python": r"[\w.\-/]+\.\w+", "nodejs": r"[\w.\-/]+\.\w+", "ruby": r"[\w.\-/:]+\.\w+"}


@rule(
    "E9573",
    cause="function {function} runs on {runtime}, which AWS no longer mends and will refuse",
    remedy="take a runtime of AWS's table that is not deprecated",
    sources=(RUNTIMES, "https://docs.aws.amazon.com/securityhub/latest/userguide/lambda-controls.html"),
)
def a_runtime_that_has_ended(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        runtime = site.get(function, "Runtime")
        if isinstance(runtime, str) and runtime in ENDED:
            yield found(function, "Runtime", function=function, runtime=runtime)


@rule(
    "E9574",
    cause="function {function} runs on {runtime}, which there is not",
    remedy="take an identifier of AWS's table",
    sources=(RUNTIMES,),
)
def a_runtime_that_is_none(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        runtime = site.get(function, "Runtime")
        if isinstance(runtime, str) and runtime not in ENDED:
            family, _, minor = runtime.partition(".")
            far = minor.isdigit() and int(minor) >= NEWEST_MINOR.get(family, int(minor) + 1)
            if far or not FAMILIES.fullmatch(runtime):
                yield found(function, "Runtime", function=function, runtime=runtime)


@rule(
    "E9575",
    cause="function {function} has the handler {handler}, {why}",
    remedy="write file.function, without the file's ending; inline code is in index",
    sources=(HANDLER, CODE),
)
def a_handler_that_is_not_found(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        runtime, handler = site.get(function, "Runtime"), site.get(function, "Handler")
        if not isinstance(runtime, str) or not isinstance(handler, str):
            continue
        form = next((form for name, form in PARTS.items() if runtime.startswith(name)), ".*")
        why = "" if re.fullmatch(form, handler) else f"which is no file.function of {runtime}"
        if handler.endswith((".py", ".js", ".mjs", ".rb", ".ts")):
            why = "which is a file, not a function in it"
        inline = site.get(function, "Code", "ZipFile") is not None and form != ".*"
        if not why and inline and not handler.startswith("index."):
            why = "and its inline code is in index"
        if why:
            yield found(function, "Handler", function=function, handler=handler, why=why)


@rule(
    "W9528",
    cause="function {function} takes its code from {key}, whose name says no version: an update is not seen",
    remedy="put the digest of the package into S3Key, or set S3ObjectVersion",
    sources=(CODE,),
    demanding=True,
)
def a_package_without_a_version(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        key = site.get(function, "Code", "S3Key")
        versioned = site.get(function, "Code", "S3ObjectVersion") is not None
        if isinstance(key, str) and not versioned and not re.search(r"\d", key.rpartition("/")[2]):
            yield found(function, "Code", "S3Key", function=function, key=key)


@rule(
    "W9534",
    cause="function {function} stays on one version of its runtime, and gets none of AWS's mending",
    remedy="set UpdateRuntimeOn: Auto, or FunctionUpdate",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html",),
    demanding=True,
)
def a_runtime_that_is_held(site: Site) -> Iterator[Finding]:
    for function in site.all(FUNCTION):
        if site.get(function, "RuntimeManagementConfig", "UpdateRuntimeOn") == "Manual":
            yield found(function, "RuntimeManagementConfig", "UpdateRuntimeOn", function=function)
