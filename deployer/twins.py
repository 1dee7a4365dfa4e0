"""Two lists of statements or rules, compared whole by whole, whatever their order."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import Field, asdict, dataclass
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from deployer.changes import UNKNOWN, fits


class Whole(Protocol):
    """A frozen dataclass that sorts and can be counted."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __lt__(self, other: Any, /) -> bool: ...
    def __hash__(self) -> int: ...


T = TypeVar("T", bound=Whole)


@dataclass(frozen=True)
class Compared(Generic[T]):
    """What goes, what comes, and what stays if an unknown value turns out to be the one that is there."""

    gone: tuple[T, ...]
    new: tuple[T, ...]
    unresolved: tuple[T, ...]

    @classmethod
    def of(cls, before: Iterable[T], after: Iterable[T]) -> Self:
        earlier, later = Counter(before), Counter(after)
        gone, unresolved, new = sorted((earlier - later).elements()), [], []
        for each in sorted((later - earlier).elements()):
            twin = next((old for old in gone if _may_be(old, each)), None)
            if twin is None:
                new.append(each)
            else:
                gone.remove(twin)
                unresolved.append(twin)
        return cls(tuple(gone), tuple(new), tuple(unresolved))


def _may_be(old: Whole, new: Whole) -> bool:
    """The new one has an unknown in it, and is the old one if that is what it turns out to be."""
    return bool(UNKNOWN.search(repr(new))) and fits(asdict(old), asdict(new))
