"""The seam is typed: what does not fit is seen before anything is built."""

import re
from pathlib import Path

import pytest
from mypy import api

REPOSITORY = Path(__file__).parents[3]
PREAMBLE = """
from parameters.settings import load
from stacks import keys, stream
from stacks.wiring import Root, StackTemplate

environment = load("dev")
root = Root(StackTemplate("platform", __name__, environment), environment)
key = root.nest(keys.build, keys.Inputs(), environment.keys)
"""
GOOD = "root.nest(stream.build, stream.Inputs(data_key_arn=key.data_key_arn), environment.stream)"
BROKEN = {
    "misspelt_output": (
        "root.nest(stream.build, stream.Inputs(data_key_arn=key.data_key), environment.stream)",
        r'"Outputs" has no attribute "data_key"',
    ),
    "wrong_kind": (
        """flow = root.nest(stream.build, stream.Inputs(data_key_arn=key.data_key_arn), environment.stream)
stream.Inputs(data_key_arn=flow.stream_arn)""",
        r'incompatible type "StreamArn"; expected "KeyArn"',
    ),
    "forgotten_input": (
        "root.nest(stream.build, stream.Inputs(), environment.stream)",
        r'Missing positional argument "data_key_arn"',
    ),
    "wrong_settings": (
        "root.nest(stream.build, stream.Inputs(data_key_arn=key.data_key_arn), environment.keys)",
        r"expected|Argument",
    ),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Snippet → mypy's errors in it; all snippets in one run, which costs far more than they do."""
    directory = tmp_path_factory.mktemp("snippets")
    snippets = {"good": GOOD, **{name: text for name, (text, _) in BROKEN.items()}}
    for name, text in snippets.items():
        (directory / f"{name}.py").write_text(PREAMBLE + text + "\n", encoding="utf-8")
    files = [str(directory / f"{name}.py") for name in snippets]
    config = str(REPOSITORY / "setup.cfg")
    cache = str(REPOSITORY / ".mypy_cache")
    printed, failed, _ = api.run(["--config-file", config, "--cache-dir", cache, *files])
    assert not failed, failed
    errors: dict[str, list[str]] = {name: [] for name in snippets}
    for line in printed.splitlines():
        if match := re.search(r"(\w+)\.py:\d+: error: (.*)", line):
            errors.setdefault(match[1], []).append(match[2])
    return errors


def test_what_fits_passes(found: dict[str, list[str]]) -> None:
    assert found["good"] == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_does_not_fit_is_an_error(found: dict[str, list[str]], name: str) -> None:
    (error,) = found[name]
    assert re.search(BROKEN[name][1], error)
