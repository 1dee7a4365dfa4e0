"""Metric math: whether an expression can be read, what it names, and what it amounts to for given values.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

FUNCTIONS = frozenset(
    [
        "ABS",
        "ANOMALY_DETECTION_BAND",
        "AVG",
        "CEIL",
        "DATAPOINT_COUNT",
        "DATE",
        "DAY",
        "DB_PERF_INSIGHTS",
        "DIFF",
        "DIFF_TIME",
        "EPOCH",
        "FILL",
        "FIRST",
        "FLOOR",
        "HOUR",
        "IF",
        "INSIGHT_RULE_METRIC",
        "LAMBDA",
        "LAST",
        "LOG",
        "LOG10",
        "MAX",
        "METRIC_COUNT",
        "METRICS",
        "MIN",
        "MINUTE",
        "MONTH",
        "PERIOD",
        "RATE",
        "REMOVE_EMPTY",
        "RUNNING_SUM",
        "SEARCH",
        "SERVICE_QUOTA",
        "SLICE",
        "SORT",
        "STDDEV",
        "SUM",
        "TIME_SERIES",
        "YEAR",
    ]
)
TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*|\.\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<text>'[^']*'|\"[^\"]*\")"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/^<>()\[\],!]))"
)
WORDS = {"AND": "&&", "OR": "||"}
BINDING = {
    "||": 1,
    "&&": 2,
    "==": 3,
    "!=": 3,
    "<": 4,
    ">": 4,
    "<=": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "^": 8,
}
TIGHT = 7


class BadExpression(ValueError):
    """{what cannot be read in an expression}"""


class Unjudged(ValueError):
    """{a function whose outcome hangs on more than one point}"""


@dataclass(frozen=True)
class Node:
    """`kind` is number, name, text, call, list, or an operator."""

    kind: str
    text: str = ""
    parts: tuple["Node", ...] = ()


def parsed(expression: str) -> Node:
    """Raises BadExpression."""
    reader = _Reader(expression)
    node = reader.expression(0)
    if reader.ahead is not None:
        raise BadExpression(f"does not expect {reader.ahead[1]!r}")
    return node


def names(node: Node) -> Iterator[str]:
    """Every id of another query."""
    if node.kind == "name":
        yield node.text
    for part in node.parts:
        yield from names(part)


def calls(node: Node) -> Iterator[Node]:
    if node.kind == "call":
        yield node
    for part in node.parts:
        yield from calls(part)


class _Reader:
    """Reads by precedence."""

    def __init__(self, expression: str) -> None:
        self._tokens = list(_tokens(expression))
        self._at = 0

    @property
    def ahead(self) -> tuple[str, str] | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> tuple[str, str]:
        if self.ahead is None:
            raise BadExpression("ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def expression(self, least: int) -> Node:
        left = self._operand()
        while self.ahead is not None and self.ahead[0] == "sign" and BINDING.get(self.ahead[1], -1) > least:
            sign = self._next()[1]
            left = Node(sign, parts=(left, self.expression(BINDING[sign])))
        return left

    def _operand(self) -> Node:
        kind, text = self._next()
        if kind in ("number", "text"):
            return Node(kind, text)
        if kind == "name":
            if self.ahead == ("sign", "("):
                self._next()
                return Node("call", text, self._until(")"))
            return Node("name", text)
        if text in ("-", "!", "+"):
            return Node(
                "minus" if text == "-" else "not" if text == "!" else "plus", parts=(self.expression(TIGHT),)
            )
        if text == "(":
            inside = self.expression(0)
            self._expect(")")
            return inside
        if text == "[":
            return Node("list", parts=self._until("]"))
        raise BadExpression(f"does not expect {text!r}")

    def _until(self, end: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while self.ahead != ("sign", end):
            if found:
                self._expect(",")
            found.append(self.expression(0))
        self._next()
        return tuple(found)

    def _expect(self, sign: str) -> None:
        if self._next() != ("sign", sign):
            raise BadExpression(f"wants {sign!r} before {self._tokens[self._at - 1][1]!r}")


def _tokens(expression: str) -> Iterator[tuple[str, str]]:
    at = 0
    while expression[at:].strip():
        found = TOKEN.match(expression, at)
        if found is None or found.lastgroup is None:
            raise BadExpression(f"does not expect {expression[at:].strip()[0]!r}")
        text = found[found.lastgroup]
        yield ("sign", WORDS[text]) if text in WORDS else (found.lastgroup, text)
        at = found.end()


def value(node: Node, given: Mapping[str, float]) -> float:
    """What an expression amounts to at one point. Raises Unjudged, ZeroDivisionError, KeyError."""
    if node.kind == "number":
        return float(node.text)
    if node.kind == "name":
        return given[node.text]
    if node.kind == "call":
        return _called(node, given)
    operator = OPERATORS.get(node.kind)
    if operator is None:
        raise Unjudged(node.kind)
    return float(operator(*(value(part, given) for part in node.parts)))


OPERATORS: Mapping[str, Callable[..., float]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "^": lambda left, right: left**right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "&&": lambda left, right: bool(left) and bool(right),
    "||": lambda left, right: bool(left) or bool(right),
    "minus": lambda only: -only,
    "plus": lambda only: only,
    "not": lambda only: not only,
}
OVER: Mapping[str, Callable[[list[float]], float]] = {
    "AVG": lambda values: sum(values) / len(values),
    "MAX": max,
    "MIN": min,
    "SUM": sum,
}


def _called(node: Node, given: Mapping[str, float]) -> float:
    if node.text == "IF" and len(node.parts) in (2, 3):
        test, *ways = node.parts
        if value(test, given):
            return value(ways[0], given)
        return value(ways[1], given) if len(ways) > 1 else 0.0
    if node.text in ("FILL", "CEIL", "FLOOR", "TIME_SERIES") and node.parts:
        return value(node.parts[0], given)
    if node.text == "ABS" and len(node.parts) == 1:
        return abs(value(node.parts[0], given))
    if node.text in OVER and node.parts:
        inside = node.parts[0].parts if node.parts[0].kind == "list" and len(node.parts) == 1 else node.parts
        if len(inside) > 1:  # of one series alone it is over the time
            return OVER[node.text]([value(part, given) for part in inside])
        if inside[0].kind == "call" and inside[0].text == "METRICS" and not inside[0].parts:
            return OVER[node.text](list(given.values()))
    raise Unjudged(node.text)
