"""Two lists compared whole by whole."""

from dataclasses import dataclass

from deployer.twins import Compared

LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"


@dataclass(frozen=True, order=True)
class Pair:
    name: str
    values: tuple[str, ...] = ()


def test_what_is_on_both_sides_is_no_change_whatever_the_order_and_how_often() -> None:
    found = Compared.of([Pair("a"), Pair("b"), Pair("b")], [Pair("b"), Pair("a")])

    assert found == Compared((Pair("b"),), (), ())


def test_one_with_an_unknown_may_be_the_one_that_goes_and_each_only_once() -> None:
    old, other = Pair("a", ("x",)), Pair("c", ("y",))

    found = Compared.of([old, other], [Pair("a", (LATER,)), Pair("a", (LATER, "z")), Pair("c", ("w",))])

    assert found.unresolved == (old,)
    assert found.gone == (other,)
    assert found.new == (Pair("a", (LATER, "z")), Pair("c", ("w",)))
