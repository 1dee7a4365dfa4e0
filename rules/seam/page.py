"""docs/rules.md, made of the rules themselves."""

from collections.abc import Iterable, Iterator

from rules.seam.rule import Rule
from topology.page import Section, markdown

PAGE = "docs/rules.md"
HEAD = """\
# Rules

Made by `python -m rules` from the rules in `rules/families/`; change the words there.

Each judges resources against each other, over a whole tree of nested templates. Any team's cfn-lint loads
them from a checkout, which need not be installed; give the root and what it nests:

```
cfn-lint -a /path/to/millrace/rules -t root.yaml children/*.yaml
```

A child's root is looked for beside it and one directory up. Given the root alone, what is found in a child is
told at the nested stack, with the child's file and line. What cannot be followed is never a finding;
`-x W9000:unresolved=true` lists it. With conditions, each consistent way to decide them is judged, and a
finding that does not always hold says when it does.

An environment demands durability where the root's `Metadata` says `Durable: true`, where a tag
`Environment`, `Env` or `Stage` says `prod`, `production`, `prd` or `live`, or where the root's directory is
so named. Whoever calls cfn-lint from Python tells each rule, by its configuration `linted`, which files are
part of the run.

A rule marked ° asks for what a plant in operation should have, and not for what must be so to work or to
be safe. It says nothing where nothing tells the environment, as in a sample or a library's module. A root's
parameter that has a default counts as its default.

In the words below, *italics* stand for what the finding names.
"""
COLUMNS = ("rule", "what is wrong", "what to do", "said by")


def page(rules: Iterable[Rule]) -> str:
    families: dict[str, list[Rule]] = {}
    for rule in rules:
        families.setdefault(rule.family, []).append(rule)
    tables = (line for name, declared in families.items() for line in _family(name, declared))
    return "\n".join((HEAD.rstrip(), *tables, ""))


def _family(name: str, rules: list[Rule]) -> Iterator[str]:
    rows = tuple(
        (
            f"`{rule.id}`{'°' if rule.demanding else ''}",
            _words(rule.cause),
            _words(rule.remedy),
            ", ".join(f"[{number}]({source})" for number, source in enumerate(rule.sources, start=1)),
        )
        for rule in rules
    )
    yield from markdown(Section(name.capitalize(), COLUMNS, rows))


class _Italics(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"*{name.replace('_', ' ')}*"


def _words(text: str) -> str:
    return text.format_map(_Italics())
