"""CloudFormation Guard over all templates, by the rules of a rule book.

Guard's short report is cut off when it is long (guardpycfn 0.1.0), so its whole evaluation is asked for: a
tree of checks, each with a status, whose leaves name what they looked at.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from scanners.finding import Finding, ScannerError
from scanners.rulesets import RuleBook
from scanners.templates import Template

RESOURCE = re.compile(r"^/Resources/(\w+)")
# What a rule asks before it applies: a resource that does not match is not at fault.
CONDITIONS = ("Filter", "RuleCondition", "TypeCondition", "WhenCondition", "BlockCondition")

Node = dict[str, Any]


def run(templates: Sequence[Template], book: RuleBook) -> list[Finding]:
    """What fails, sorted.

    Raises ScannerError when the engine refuses a text or leaves out a rule, and when a template has a type
    that a rule of the sets reports on and the rule's text is nowhere: silence would then look like a pass.
    """
    without_text(templates, book)
    found: set[Finding] = set()
    for template in templates:
        evaluated: set[str] = set()
        for text in book.texts:
            for name, rule in rules(evaluate(template, text)):
                evaluated.add(name)
                if name in book.rules and status(rule) == "FAIL":
                    found.update(failures(template, name, rule))
        if missing := book.held - evaluated:
            raise ScannerError(f"Guard says nothing of {', '.join(sorted(missing))} in {template.name}")
    return sorted(found)


def without_text(templates: Sequence[Template], book: RuleBook) -> None:
    present = {kind for template in templates for kind in template.types.values()}
    unheld = {
        f"{name} ({', '.join(sorted(present & set(rule.reports_on)))})"
        for name, rule in book.rules.items()
        if name not in book.held and present & set(rule.reports_on)
    }
    if unheld:
        raise ScannerError(f"no text for {', '.join(sorted(unheld))}; write it into scanners/config.guard")


def evaluate(template: Template, text: str) -> Node:
    import guardpycfn  # noqa: PLC0415 - it stands in .venv-scan only, and what judges its answer does not need it

    try:
        answer = guardpycfn.validate_with_guard(template.text, text, verbose=True)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the engine, in Rust, is no Exception
        raise ScannerError(f"Guard cannot read {template.name} or its rules: {error}") from error
    tree = answer.get("result")
    if not answer.get("success") or not isinstance(tree, dict):
        raise ScannerError(f"Guard cannot read {template.name} or its rules: {str(answer)[:500]}")
    return tree


def rules(tree: Node) -> Iterator[tuple[str, Node]]:
    for node in tree["children"]:
        checked = node["container"].get("RuleCheck") if isinstance(node["container"], dict) else None
        if checked:
            yield checked["name"], node


def status(node: Node) -> str:
    """PASS, FAIL or SKIP, whatever kind of check the node is."""
    ((kind, outcome),) = node["container"].items()
    if kind == "ClauseValueCheck":
        return "PASS" if outcome == "Success" else "FAIL"
    return str(outcome["status"]) if isinstance(outcome, dict) else str(outcome)


def failures(template: Template, name: str, rule: Node) -> set[Finding]:
    """One for each resource at fault; a rule that misses a whole resource names none."""
    leaves = list(failed_leaves(rule))
    told = " ".join(sorted({text for leaf in leaves if (text := message(leaf))}))
    titles = {looked_at(leaf) for leaf in leaves}
    return {Finding(name, template.where(title), told) for title in titles - {None} or titles | {None}}


def failed_leaves(node: Node) -> Iterator[Node]:
    kind = next(iter(node["container"]))
    if kind in CONDITIONS or status(node) != "FAIL":
        return
    if kind == "ClauseValueCheck":
        yield node
    for child in node["children"]:
        yield from failed_leaves(child)


def looked_at(leaf: Node) -> str | None:
    """The resource whose value a leaf compared: the side called `from`, or the only one.

    None for a leaf that compared its name: it chose among resources, and found no fault with any.
    """
    ((_, check),) = leaf["container"]["ClauseValueCheck"].items()
    compared = check.get("from", check.get("value"))
    path = next(_texts(compared, "path"), "")
    resource = RESOURCE.match(path)
    if resource is None or (path == resource[0] and resource[1] in _texts(compared, "value")):
        return None
    return resource[1]


def message(leaf: Node) -> str:
    """The rule's own words on what is wrong, in one line."""
    for text in _texts(leaf["container"], "custom_message"):
        told = " ".join(text.split())
        return told.partition("Violation: ")[2].partition(" Fix:")[0] or told
    return ""


def _texts(node: object, key: str) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key and isinstance(value, str):
                yield value
            yield from _texts(value, key)
    elif isinstance(node, list):
        for part in node:
            yield from _texts(part, key)
