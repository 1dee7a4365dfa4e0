"""What a break is, and how one is declared."""

from collections.abc import Callable
from dataclasses import dataclass

from mutation.draft import Draft

PACKAGE = "mutation.breaks."
ENVIRONMENTS = ("dev", "prod")

Edit = Callable[[Draft], None]


class BadBreak(ValueError):
    """{name}: {what is wrong with its declaration}"""


@dataclass(frozen=True)
class Break:
    """One edit that breaks something, and what."""

    family: str
    name: str
    why: str  # one line: what goes wrong in AWS
    edit: Edit
    source: str = ""
    environments: tuple[str, ...] = ENVIRONMENTS
    survives: str = ""  # why no rule of ours sees it, where none does

    @property
    def title(self) -> str:
        return f"{self.family}: {self.name}"


def broken(
    *, why: str, source: str = "", only: tuple[str, ...] = ENVIRONMENTS, survives: str = ""
) -> Callable[[Edit], Break]:
    """Declare what it decorates as a break. Raises BadBreak."""

    def declare(edit: Edit) -> Break:
        name = edit.__name__.replace("_", " ")
        for text in (why, survives):
            if text != text.strip() or "\n" in text or text.endswith(".") or "|" in text:
                raise BadBreak(f"{name}: {text!r} is not one line without a full stop and without |")
        if not why:
            raise BadBreak(f"{name}: says not what it breaks")
        if source and not source.startswith("https://"):
            raise BadBreak(f"{name}: its source is no page: {source}")
        if not only or set(only) - set(ENVIRONMENTS):
            raise BadBreak(f"{name}: is for {only}; there are {', '.join(ENVIRONMENTS)}")
        family = edit.__module__.removeprefix(PACKAGE).partition(".")[0]
        return Break(family, name, why, edit, source, only, survives)

    return declare
