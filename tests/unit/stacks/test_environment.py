from dataclasses import dataclass

import msgspec
import pytest
from troposphere import Ref

from stacks.environment import UnwiredError, variables


class Struct(msgspec.Struct):
    host: str
    port: int = 5432


@dataclass
class Dataclass:
    host: str
    port: int = 5432


both = pytest.mark.parametrize("settings", [Struct, Dataclass])


@both
def test_names_are_the_fields_in_upper_case_in_their_order(settings: type) -> None:
    host = Ref("Host")

    assert list(variables(settings, {"port": "1", "host": host}).items()) == [("HOST", host), ("PORT", "1")]


@both
def test_a_default_may_be_left_to_the_artefact(settings: type) -> None:
    assert variables(settings, {"host": "db"}) == {"HOST": "db"}


@both
@pytest.mark.parametrize(
    ("wired", "what"),
    [
        ({"port": "1"}, "nothing wires host"),
        ({"host": "db", "hots": "x"}, "no field hots"),
        ({"host": ""}, "empty"),
    ],
)
def test_what_does_not_fit_stops_the_build_and_is_named(
    settings: type, wired: dict[str, str], what: str
) -> None:
    with pytest.raises(UnwiredError, match=what) as refused:
        variables(settings, wired)

    assert settings.__name__ in str(refused.value)
