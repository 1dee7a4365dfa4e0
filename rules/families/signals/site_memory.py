"""What several rules ask of one site, worked out once and forgotten with the site."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from rules.seam.site import Site

Answer = TypeVar("Answer")


def once(work: Callable[[Site], Answer]) -> Callable[[Site], Answer]:
    """Decorates what reads a whole site."""
    known: WeakKeyDictionary[Site, Answer] = WeakKeyDictionary()

    @wraps(work)
    def asked(site: Site) -> Answer:
        if site not in known:
            known[site] = work(site)
        return known[site]

    return asked
