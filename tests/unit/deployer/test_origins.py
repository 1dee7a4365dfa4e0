import hashlib
import json
from pathlib import Path

import pytest

from deployer.origins import Origins, Place


@pytest.fixture
def emitted(templates: Path, tmp_path: Path) -> Path:
    """The fixture's templates as an environment of their own, with what build.py would leave beside it."""
    directory = tmp_path / "out" / "dev"
    directory.mkdir(parents=True)
    for file in templates.glob("*.yaml"):
        file.rename(directory / file.name)
    inner = (directory / "inner.yaml").read_bytes()
    made = {"digest": hashlib.sha256(inner).hexdigest(), "lines": {"Worker": "stacks/inner.py:9"}}
    (tmp_path / "out" / "origins").mkdir()
    (tmp_path / "out" / "origins" / "dev.json").write_text(json.dumps({"inner.yaml": made}))
    return directory


def test_a_resource_is_found_by_its_path_with_both_lines(emitted: Path) -> None:
    place = Origins(emitted).place(("Outer", "Inner"), "Worker")

    assert place == Place((emitted / "inner.yaml").as_posix(), 2, "stacks/inner.py:9")
    assert str(place) == f"{emitted}/inner.yaml:2, made by stacks/inner.py:9"


def test_a_validation_path_leads_to_the_deepest_line_that_is_there(emitted: Path) -> None:
    origins = Origins(emitted)

    lines = [
        place.line
        for pointer in ("/Resources/Worker/Properties/RoleName", "/Properties/Nmae", "")
        if (place := origins.place(("Outer", "Inner"), "Worker", pointer))
    ]

    assert lines == [5, 4, 2]


def test_lists_are_counted_into(emitted: Path) -> None:
    text = "Resources:\n  A:\n    Type: T\n    Properties:\n      Tags:\n      - Key: a\n      - Key: b\n"
    (emitted / "inner.yaml").write_text(text)

    place = Origins(emitted).place(("Outer", "Inner"), "A", "/Resources/A/Properties/Tags/1/Key")

    assert place is not None
    assert (place.line, place.python) == (7, None)


def test_a_template_that_was_changed_since_is_sent_to_no_line_of_python(emitted: Path) -> None:
    with (emitted / "inner.yaml").open("a") as file:
        file.write("# by hand\n")

    place = Origins(emitted).place(("Outer", "Inner"), "Worker")

    assert str(place) == f"{emitted}/inner.yaml:2, run `make build` to see the Python line"


@pytest.mark.parametrize("written", [None, "{", '{"inner.yaml": 1}'])
def test_without_what_the_build_writes_the_template_alone_is_told(emitted: Path, written: str | None) -> None:
    file = emitted.parent / "origins" / "dev.json"
    file.unlink() if written is None else file.write_text(written)

    place = Origins(emitted).place(("Outer", "Inner"), "Worker")

    assert place is not None
    assert (place.line, place.python) == (2, None)


@pytest.mark.parametrize("name", ["millrace-dev-Outer-1ABC-Inner-2DEF", "anything-Inner-X"])
def test_a_nested_stack_is_known_by_the_name_that_cloudformation_gave_it(emitted: Path, name: str) -> None:
    place = Origins(emitted).by_stack_name(name, "Worker")

    assert place is not None
    assert place.template.endswith("inner.yaml")


def test_other_names_are_the_roots(emitted: Path) -> None:
    origins = Origins(emitted)

    root, bootstrap = (
        origins.by_stack_name(name, title)
        for name, title in (("millrace-dev", "Outer"), ("millrace-dev-bootstrap", "Artefacts"))
    )

    assert root is not None
    assert bootstrap is not None
    assert (Path(root.template).name, Path(bootstrap.template).name) == ("platform.yaml", "bootstrap.yaml")


@pytest.mark.parametrize("stack", [("Outer", "Inner"), ("Nowhere",)])
def test_what_is_in_no_template_here_has_no_place(emitted: Path, stack: tuple[str, ...]) -> None:
    assert Origins(emitted).place(stack, "Gone") is None


def test_templates_that_are_missing_or_broken_are_no_error(emitted: Path, tmp_path: Path) -> None:
    (emitted / "inner.yaml").write_text("Resources: [")

    assert Origins(emitted).place(("Outer", "Inner"), "Worker") is None
    assert Origins(tmp_path / "none").place((), "Outer") is None
