"""IoT SQL, parsed: what a rule listens to and which levels of the topic it asks for.

SELECT, FROM, WHERE, SET, nested queries, CASE, JSON literals. What the reference does not rule out passes.
https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-reference.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rules.families.ingest.sql_functions import MANY, TAKES

TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*'|"[^"]*")
      | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<name>[@$]?[A-Za-z_$][\w$]*)
      | (?P<sign><>|!=|<=|>=|[-+*/%=<>(),.\[\]{}:])
    )""",
    re.VERBOSE,
)
COMPARING = {"=", "<>", "!=", "<", "<=", ">", ">="}
WORDS = {"select", "from", "where", "as", "and", "or", "case", "when", "then", "else", "end", "set"}
END = ""


class BadSql(ValueError):
    """{what is wrong with the statement}"""


@dataclass
class Call:
    """One call of a function; the values of arguments that are literals."""

    name: str
    arguments: list[str | None]


@dataclass
class Query:
    """What a statement comes to."""

    source: str | None = None  # the topic filter
    calls: list[Call] = field(default_factory=list)
    condition: list[str] = field(default_factory=list)  # the tokens of WHERE

    @property
    def levels(self) -> Iterator[int]:
        """Which levels of the topic are asked for, counted from one."""
        for call in self.calls:
            if call.name == "topic" and call.arguments and (call.arguments[0] or "").isdigit():
                yield int(call.arguments[0] or 0)


def parse(sql: str) -> Query:
    """Raises BadSql."""
    reader = _Reader(_tokens(sql))
    reader.statement()
    return reader.query


def expression(text: str) -> Query:
    """An expression alone, as it stands in `${…}`. Raises BadSql."""
    reader = _Reader(_tokens(text))
    reader.either()
    reader.done()
    return reader.query


def _tokens(sql: str) -> list[str]:
    found, at = [], 0
    while at < len(sql.rstrip()):
        match = TOKEN.match(sql, at)
        if match is None:
            rest = sql[at:].strip()
            what = (
                "a quote that is not closed" if rest[0] in "'\"" else f"{rest[0]!r}, which is no part of it"
            )
            raise BadSql(f"has {what}")
        found.append(match[0].strip())
        at = match.end()
    return found


class _Reader:
    """Recursive descent, one method a level."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.query = Query()

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else END

    def word(self, *words: str) -> bool:
        """Whether the next is one of these; then it is taken."""
        if self.next.lower() in words and self.next != END:
            self.at += 1
            return True
        return False

    def need(self, word: str) -> None:
        if not self.word(word):
            raise BadSql(f"has {self.next or 'its end'} where {word.upper()} belongs")

    def done(self) -> None:
        if self.next != END:
            raise BadSql(f"has {self.next} after its end")

    def statement(self) -> None:
        while self.word("set"):
            self.assignment()
        self.selection()
        if self.next == END:
            return  # as for a rule that only Basic Ingest reaches
        self.need("from")
        if self.next[:1] not in ("'", '"'):
            raise BadSql(f"has {self.next or 'nothing'} after FROM, and a filter in quotes belongs there")
        self.query.source = self.next[1:-1]
        self.at += 1
        if self.word("where"):
            begin = self.at
            self.either()
            self.query.condition = self.tokens[begin : self.at]
        self.done()

    def assignment(self) -> None:
        if not self.next.startswith("@"):
            raise BadSql(f"has {self.next or 'nothing'} after SET, where @name = … belongs")
        self.at += 1
        self.need("=")
        self.either()
        self.word(",")

    def selection(self) -> None:
        self.need("select")
        self.word("value")
        while True:
            self.item()
            if not self.word(","):
                return

    def item(self) -> None:
        if self.word("*"):
            return
        if self.next.lower() in WORDS - {"case"} or self.next == END:
            raise BadSql(f"selects nothing before {self.next.upper() or 'its end'}")
        self.either()
        if self.word("as") or (re.match(r"[A-Za-z_\"']", self.next) and self.next.lower() not in WORDS):
            if not re.match(r"[\w\"'@]", self.next) or self.next.lower() in WORDS:
                raise BadSql(f"has {self.next or 'its end'} after AS, where a name belongs")
            self.at += 1
            while self.word("."):  # AS a.b.c makes objects
                self.at += 1

    def either(self) -> None:
        self.both()
        while self.word("or"):
            self.both()

    def both(self) -> None:
        self.negation()
        while self.word("and"):
            self.negation()

    def negation(self) -> None:
        while self.word("not"):
            pass
        self.comparison()

    def comparison(self) -> None:
        self.sum()
        while True:
            if self.next in COMPARING:
                self.at += 1
                self.sum()
            elif self.word("in", "like"):
                self.sum()
            elif self.word("is"):
                self.word("not")
                self.sum()
            else:
                return

    def sum(self) -> None:
        self.factor()
        while self.word("+", "-", "*", "/", "%"):
            self.factor()

    def factor(self) -> None:
        while self.word("-", "+"):
            pass
        self.primary()
        while True:
            if self.word("."):
                if not self.word("*"):
                    self.at += 1
                if self.tokens[self.at - 1] in COMPARING or self.at > len(self.tokens):
                    raise BadSql("has a dot without a name behind it")
            elif self.word("["):
                self.either()
                self.need("]")
            else:
                return

    def primary(self) -> None:
        here = self.next
        if here == END:
            raise BadSql("ends where a value belongs")
        if here == "(":
            self.at += 1
            self.nested() if self.next.lower() == "select" else self.either()
            self.need(")")
        elif here.lower() == "case":
            self.case()
        elif here in ("{", "["):
            self.literal("}" if here == "{" else "]")
        elif here == "*":  # encode(*, 'base64')
            self.at += 1
        elif here[0].isalnum() or here[0] in "'\"_@$":
            if here.lower() in WORDS:
                raise BadSql(f"has {here.upper()} where a value belongs")
            self.at += 1
            if self.next == "(" and here[0] not in "'\"":
                self.call(here)
        else:
            raise BadSql(f"has {here} where a value belongs")

    def nested(self) -> None:
        self.selection()
        self.need("from")
        self.factor()
        if self.word("where"):
            self.either()

    def case(self) -> None:
        self.need("case")
        if self.next.lower() != "when":
            self.either()
        while self.word("when"):
            self.either()
            self.need("then")
            self.either()
        if self.word("else"):
            self.either()
        self.need("end")

    def literal(self, end: str) -> None:
        self.at += 1
        while self.next != end:
            self.either()
            if self.word(":"):
                self.either()
            if not self.word(",") and self.next != end:
                raise BadSql(f"has {self.next or 'its end'} where {end} belongs")
        self.at += 1

    def call(self, name: str) -> None:
        self.need("(")
        call = Call(name.lower(), [])
        while self.next != ")":
            begin = self.at
            self.either()
            if self.word("as"):  # cast(… as Int)
                self.at += 1
            tokens = self.tokens[begin : self.at]
            call.arguments.append(tokens[0] if len(tokens) == 1 else None)
            if not self.word(",") and self.next != ")":
                raise BadSql(f"has {self.next or 'its end'} where ) belongs")
        self.at += 1
        self.query.calls.append(call)
        _check(name, len(call.arguments))


def _check(name: str, count: int) -> None:
    if name.lower() not in TAKES:
        raise BadSql(f"calls {name}, which is no function of IoT SQL")
    least, most = TAKES[name.lower()]
    if not least <= count <= most:
        wanted = f"{least}" if least == most else f"{least} or more" if most == MANY else f"{least} to {most}"
        raise BadSql(f"gives {name} {count} arguments, and it takes {wanted}")
