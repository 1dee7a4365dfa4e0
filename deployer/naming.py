"""Resources as a person names them in an option: by path, or by a logical id that is one's only."""

from collections.abc import Iterable, Sequence

from deployer.errors import UsageError


class NoSuchName(UsageError):
    """{option} {name}: that is none of {known}; nothing was changed"""


class Ambiguous(UsageError):
    """{option} {name} could be any of {several}: name one in full; nothing was changed"""


def meant(option: str, names: Iterable[str], paths: Sequence[str]) -> frozenset[str]:
    """The paths (`Stream/Readings`) that the names stand for. Raises NoSuchName, Ambiguous."""
    found = set()
    for name in names:
        several = [path for path in paths if path == name]
        several = several or [path for path in paths if path.rpartition("/")[2] == name]
        if not several:
            raise NoSuchName(option=option, name=name, known=", ".join(paths) or "what it is for")
        if len(several) > 1:
            raise Ambiguous(option=option, name=name, several=", ".join(several))
        found.add(several[0])
    return frozenset(found)
