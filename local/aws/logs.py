"""Filters of logs that ask for any of several terms (`?ERROR ?Error`): upstream takes them for all of them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import re
from collections.abc import Callable

from ministack.services import cloudwatch_logs

from local.aws.patching import replace

Matcher = Callable[[str], bool]
OPTIONAL = re.compile(r'\?("[^"]*"|\S+)')


def install() -> None:
    replace(cloudwatch_logs._compile_filter_pattern, _with_any(cloudwatch_logs._compile_filter_pattern))


def _with_any(original: Callable[[str], Matcher]) -> Callable[[str], Matcher]:
    def compile_pattern(raw: str) -> Matcher:
        terms = [term.strip('"') for term in OPTIONAL.findall(raw or "")]
        if not terms or OPTIONAL.sub("", raw).strip():
            return original(raw)
        return lambda message: any(term in message for term in terms)  # terms are case-sensitive

    return compile_pattern
