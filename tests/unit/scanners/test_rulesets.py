import json
from pathlib import Path

import pytest

from scanners import rulesets
from scanners.finding import ScannerError
from scanners.rulesets import RULE, Rule, RuleBook, from_registry, named

OURS = (rulesets.HERE / "config.guard").read_text()


def registry(directory: Path, *, without: str = "", moved: str = "") -> Path:
    """A clone with the rules of sets.yaml, a file each, as the registry has them."""
    listed: dict[str, list[dict[str, str]]] = {name: [] for name in rulesets.MAPPINGS}
    for rule in named().values():
        file = f"rules/{rule.name.lower()}.guard"
        if rule.name == without:
            continue
        (directory / "rules").mkdir(parents=True, exist_ok=True)
        (directory / file).write_text(f"let all = Resources.*\nrule {rule.name} when %all !empty {{\n}}\n")
        for name in ("nist",) if rule.name == moved else rule.sets:
            listed[name].append({"guardFilePath": file})
    listed["nist"].append({"guardFilePath": "rules/not_written_yet.guard"})
    (directory / "mappings").mkdir()
    for name, mapping in rulesets.MAPPINGS.items():
        (directory / "mappings" / mapping).write_text(json.dumps({"mappings": listed[name]}))
    return directory


def test_each_set_has_rules_and_each_rule_a_type() -> None:
    rules = named()

    assert {name for rule in rules.values() for name in rule.sets} == set(rulesets.MAPPINGS)
    assert all(rule.reports_on for rule in rules.values())
    assert len(rules) == 78


def test_our_text_holds_rules_of_the_sets_only() -> None:
    written = RULE.findall(OURS)

    assert set(written) <= set(named())
    assert len(written) == len(set(written)) == 13


def test_a_rule_of_no_set_is_not_held() -> None:
    book = RuleBook(rules={"A": Rule("A", ("nist",), ())}, texts=("rule A {\n}\nrule B when %x {\n}\n",))

    assert book.held == {"A"}


def test_a_clone_gives_every_rule_of_the_sets(tmp_path: Path) -> None:
    book = from_registry(registry(tmp_path))

    assert book.held == set(named())


@pytest.mark.parametrize("change", [{"without": "LAMBDA_DLQ_CHECK"}, {"moved": "LAMBDA_DLQ_CHECK"}])
def test_sets_that_differ_from_the_registry_s_are_refused(tmp_path: Path, change: dict[str, str]) -> None:
    with pytest.raises(ScannerError, match=r"differ in LAMBDA_DLQ_CHECK; mend sets.yaml"):
        from_registry(registry(tmp_path, **change))


def test_what_is_no_clone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScannerError, match="is no clone of aws-guard-rules-registry"):
        from_registry(tmp_path)
