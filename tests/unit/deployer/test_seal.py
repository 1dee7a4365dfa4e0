from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer import seal
from deployer.seal import LIMIT, Seal, Unsealed

AGAIN = "python deploy.py plan dev"
KEY = "functions/rotation-" + "a" * 64
FACTS: seal.Facts = {
    "template": {"platform.yaml": "1" * 64, "Stream": "2" * 64},
    "parameter": {"NotificationAddress": "a@example.com", "RotationCodeKey": KEY},
    "stack": {"id": "1", "status": "UPDATE_COMPLETE", "operation": "millrace-deploy-0"},
    "ssm": {},
}


def sealed(facts: seal.Facts = FACTS) -> Seal:
    text = Seal.of(facts, "millrace-deploy-1", "millrace-dev").text()
    return seal.read(text, "millrace-deploy-1", "millrace-dev", AGAIN)


def altered(part: str, values: Mapping[str, str]) -> seal.Facts:
    return {**FACTS, part: values}


def test_nothing_moved() -> None:
    assert sealed().moved(FACTS) == ()


@pytest.mark.parametrize(
    ("now", "clauses"),
    [
        (
            altered("parameter", {"NotificationAddress": "b@example.com", "RotationCodeKey": KEY}),
            ["parameter NotificationAddress was a@example.com, is b@example.com"],
        ),
        (
            altered("template", {"platform.yaml": "1" * 64}),
            ["template Stream was #d16cf3eaa638, and is gone"],
        ),
        (
            altered("ssm", {"/a": "version 2"}),
            ["ssm /a is new, version 2"],
        ),
        (
            altered("stack", {"id": "1", "status": "UPDATE_ROLLBACK_COMPLETE", "operation": "console"}),
            [
                "stack operation was millrace-deploy-0, is console",
                "stack status was UPDATE_COMPLETE, is UPDATE_ROLLBACK_COMPLETE",
            ],
        ),
    ],
)
def test_what_moved_is_named_from_what_to_what(now: seal.Facts, clauses: list[str]) -> None:
    assert list(sealed().moved(now)) == clauses


def test_a_long_value_is_told_by_its_digest() -> None:
    now = altered("parameter", {"NotificationAddress": "a@example.com", "RotationCodeKey": KEY + "b"})

    (clause,) = sealed().moved(now)

    assert clause.startswith("parameter RotationCodeKey was #")
    assert clause.count("#") == 2


def test_a_seal_that_would_not_fit_tells_its_longest_part_as_one() -> None:
    many = {f"/plant/line/{number}": f"version {number}" for number in range(100)}
    facts = altered("ssm", many)
    long = Seal.of(facts, "millrace-deploy-1", "millrace-dev")

    assert len(long.text()) <= LIMIT
    assert long.parts["stack"] == FACTS["stack"]
    assert sealed(facts).moved(facts) == ()
    assert sealed(facts).moved(altered("ssm", many | {"/plant/line/7": "version 8"})) == (
        "not every ssm is as it was",
    )


def test_what_is_read_again_from_a_seal_is_never_told_as_one() -> None:
    def long(values: int) -> dict[str, str]:
        return {f"name {number}": "x" * 30 for number in range(values)}

    made = Seal.of({"stack": long(15), "ssm": long(10), "template": long(3)}, "n", "s")

    assert len(made.text()) <= LIMIT
    assert made.parts["stack"] == long(15)


def test_a_change_set_of_ours_without_a_seal_is_refused() -> None:
    with pytest.raises(Unsealed) as refusal:
        seal.read("", "millrace-deploy-1", "millrace-dev", AGAIN)

    assert str(refusal.value) == (
        "millrace-deploy-1 cannot be applied: it has no seal, so what it was made of is not known. Plan "
        "again with `python deploy.py plan dev`; nothing was changed"
    )
    assert refusal.value.exit_code == 1


def test_a_seal_of_another_version_is_refused() -> None:
    text = Seal.of(FACTS, "millrace-deploy-1", "millrace-dev").text().replace("seal/1", "seal/2")

    with pytest.raises(Unsealed, match="its seal is of version 2, and this deployer reads version 1"):
        seal.read(text, "millrace-deploy-1", "millrace-dev", AGAIN)


@pytest.mark.parametrize(
    ("change_set", "stack", "old", "new"),
    [
        ("millrace-deploy-1", "millrace-dev", "a@example.com", "b@example.com"),
        ("millrace-deploy-2", "millrace-dev", "", ""),
        ("millrace-deploy-1", "millrace-prod", "", ""),
    ],
)
def test_an_altered_seal_or_one_of_another_change_set_is_refused(
    change_set: str, stack: str, old: str, new: str
) -> None:
    text = Seal.of(FACTS, "millrace-deploy-1", "millrace-dev").text().replace(old, new)

    with pytest.raises(Unsealed, match="its seal was altered, or is another change set's"):
        seal.read(text, change_set, stack, AGAIN)


@pytest.mark.parametrize("body", ["{}", "{]}", '{"stack":{}}', '{"stack":"a","whole":""}'])
def test_what_only_looks_like_a_seal_is_refused(body: str) -> None:
    with pytest.raises(Unsealed, match="its seal cannot be read"):
        seal.read(f"millrace-seal/1 {body} {'0' * 16}", "millrace-deploy-1", "millrace-dev", AGAIN)


def test_the_stack_is_told_by_any_seal_of_this_version() -> None:
    text = Seal.of(FACTS, "millrace-deploy-1", "millrace-dev").text()

    assert seal.stack_of(text) == FACTS["stack"]
    assert seal.stack_of(text.replace("seal/1", "seal/2")) is None
    assert seal.stack_of("made by hand") is None
    assert seal.stack_of(f"millrace-seal/1 {{]}} {'0' * 16}") is None


values = st.dictionaries(st.text(max_size=30), st.text(max_size=80), max_size=12)
facts = st.dictionaries(st.sampled_from([*FACTS, "tag", "role"]), values)


@given(facts, facts)
def test_whatever_differs_is_seen_however_little_of_it_the_seal_can_tell(
    then: seal.Facts, now: seal.Facts
) -> None:
    text = Seal.of(then, "millrace-deploy-1", "millrace-dev").text()
    read = seal.read(text, "millrace-deploy-1", "millrace-dev", AGAIN)

    assert read.moved(then) == ()
    assert bool(read.moved(now)) == (then != now)
